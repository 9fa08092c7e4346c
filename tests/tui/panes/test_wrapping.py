"""A line is broken between words, and nothing of it is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sinkgraph_tui.model.text import said
from sinkgraph_tui.panes.wrapping import wrapped

WORDS = st.lists(st.text("abc 日本", max_size=30), max_size=12)


def test_words_keep_their_tone_on_the_next_line() -> None:
    lines = wrapped(said("nothing drains: ", ("the breaker is open", "bad")), 20)
    assert [line.plain.rstrip() for line in lines] == ["nothing drains: the", "breaker is open"]
    assert {span.tone for span in lines[1].spans} == {"bad"}


def test_later_lines_are_indented() -> None:
    lines = wrapped(said("in 3s the breaker probes again"), 16, indent=2)
    assert [line.plain.rstrip() for line in lines] == ["in 3s the", "  breaker probes", "  again"]


def test_what_is_left_over_ends_with_an_ellipsis() -> None:
    lines = wrapped(said("one two three four five six seven"), 9, most=2)
    assert [line.plain.rstrip() for line in lines] == ["one two", "three fo…"]


@given(words=WORDS, width=st.integers(3, 40), indent=st.integers(0, 2))
def test_no_line_is_too_wide_and_no_letter_is_lost(
    words: list[str], width: int, indent: int
) -> None:
    line = said(*words)
    lines = wrapped(line, width, indent=indent)
    assert all(one.columns <= width for one in lines)
    assert "".join("".join(one.plain for one in lines).split()) == "".join(line.plain.split())
