"""Every patch can be taken back to the same characters, and made again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph_tui.studio.history import History, made, redone, undone
from sinkgraph_tui.studio.patches import Patch, applied, inverse


@st.composite
def patched(draw: st.DrawFn) -> tuple[str, list[Patch]]:
    text = draw(st.text(max_size=30))
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pairs = zip(cuts[::2], cuts[1::2], strict=False)
    patches = [Patch(start, end, draw(st.text(max_size=5))) for start, end in pairs]
    return text, draw(st.permutations(patches))


@given(patched())
def test_an_inverse_brings_back_the_same_text(case: tuple[str, list[Patch]]) -> None:
    text, patches = case
    assert applied(applied(text, patches), inverse(text, patches)) == text


@given(patched())
def test_undo_and_redo_come_back_to_the_same_text(case: tuple[str, list[Patch]]) -> None:
    text, patches = case
    first = History(text)
    second = made(first, "change", patches)
    assert undone(second).text == text
    assert redone(undone(second)) == second


def test_patches_count_in_the_text_before_all_of_them() -> None:
    assert applied("a: b", [Patch(3, 4, "cc"), Patch(0, 1, "xyz")]) == "xyz: cc"


def test_of_two_insertions_at_one_place_the_first_stays_first() -> None:
    assert applied("ad", [Patch(1, 1, "b"), Patch(1, 1, "c")]) == "abcd"


@pytest.mark.parametrize(
    "patches", [[Patch(0, 2, ""), Patch(1, 3, "")], [Patch(2, 9, "")], [Patch(2, 1, "")]]
)
def test_patches_that_overlap_or_lie_outside_are_refused(patches: list[Patch]) -> None:
    with pytest.raises(ValueError, match="overlaps another or is outside"):
        applied("abcd", patches)


def test_a_new_change_forgets_what_could_be_redone() -> None:
    now = made(made(History("a"), "one", [Patch(0, 1, "b")]), "two", [Patch(0, 1, "c")])
    assert (now.undo_name, now.redo_name) == ("two", None)
    back = undone(now)
    assert (back.text, back.undo_name, back.redo_name) == ("b", "one", "two")
    assert made(back, "three", [Patch(0, 0, "x")]).redo_name is None


def test_without_changes_undo_and_redo_do_nothing() -> None:
    first = History("a")
    assert undone(first) == redone(first) == made(first, "none", [Patch(0, 1, "a")]) == first
