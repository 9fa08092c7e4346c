"""Texts take the cells a terminal gives them, and are cut between characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph_tui.layout.grid import Grid
from sinkgraph_tui.layout.text import cells, clip, width


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("queue", 5),
        ("", 0),
        ("注文", 4),
        ("cafe\u0301", 4),
        ("注\u0301文", 4),
        ("a\x1b[31m", 6),
        ("a\u202eb", 3),
    ],
)
def test_a_text_is_as_wide_as_its_cells(text: str, expected: int) -> None:
    assert width(text) == expected


def test_what_has_no_cell_is_shown_and_not_sent() -> None:
    assert "\x1b" not in "".join(cells("a\x1b[31m"))
    assert cells("a\x1bb") == ("a", "�", "b")


def test_a_mark_stays_with_its_character_even_a_wide_one() -> None:
    assert cells("注\u0301x") == ("注\u0301", "", "x")
    assert cells("\u0301x") == ("x",)


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ("billing", 7, "billing"),
        ("billing", 6, "billi…"),
        ("billing", 1, "…"),
        ("billing", 0, ""),
        ("注文の受付", 5, "注文…"),
        ("注文の受付", 4, "注…"),
    ],
)
def test_a_text_is_cut_with_a_sign_that_it_was(text: str, most: int, expected: str) -> None:
    assert clip(text, most) == expected


@given(st.text(), st.integers(0, 12))
def test_a_cut_text_fits(text: str, most: int) -> None:
    assert width(clip(text, most)) <= most


@given(st.text(max_size=12), st.integers(-8, 8), st.integers(-2, 3))
def test_a_grid_keeps_its_size_whatever_is_written(text: str, x: int, y: int) -> None:
    grid = Grid(0, 0, 6, 2)
    grid.put(x, y, text, "name normal")
    for row in range(2):
        shown = "".join(part for part, _ in grid.line(row))
        assert len(grid.chars[row]) == 6
        assert width(shown) == 6


def test_half_a_wide_character_at_an_edge_is_a_blank() -> None:
    grid = Grid(0, 0, 3, 1)
    grid.put(-1, 0, "注文", "name normal")
    assert grid.chars[0] == [" ", "文", ""]
    grid = Grid(0, 0, 3, 1)
    grid.put(0, 0, "注文", "name normal")
    assert grid.chars[0] == ["注", "", " "]


def test_writing_over_half_a_wide_character_leaves_no_other_half() -> None:
    grid = Grid(0, 0, 4, 1)
    grid.put(0, 0, "注文", "name normal")
    grid.put(1, 0, "ab", "name normal")
    assert grid.chars[0] == [" ", "a", "b", " "]


def test_a_line_is_cut_where_the_style_changes() -> None:
    grid = Grid(0, 0, 5, 1)
    grid.put(1, 0, "ab", "name bad")
    grid.put(3, 0, "c", "rate bad")
    assert grid.line(0) == ((" ", ""), ("ab", "name bad"), ("c", "rate bad"), (" ", ""))
