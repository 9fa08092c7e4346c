"""Shown text is visible, inert and measured as a terminal draws it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.diagnostics.safe import clip, safe_text, width


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("naïve 日本 😀", "naïve 日本 😀"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\u202eevil", "\\u202eevil"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\ud83d", "\\ud83d"),
        ("\x9b31m", "\\x9b31m"),
        ("\u2028", "\\u2028"),
        ("\U000e0001", "\\U000e0001"),
        ("e\u0301", "e\u0301"),
    ],
)
def test_what_is_not_visible_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert safe_text(text) == shown


@given(st.text(alphabet=st.characters(), max_size=40))
def test_nothing_shown_can_steer_a_terminal(text: str) -> None:
    for char in safe_text(text):
        assert unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_long_text_is_cut() -> None:
    assert safe_text("abcdef", 4) == "abc…"


@pytest.mark.parametrize(("text", "columns"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("", 0)])
def test_width_counts_terminal_columns(text: str, columns: int) -> None:
    assert width(text) == columns


@given(st.text(max_size=30), st.integers(1, 20))
def test_clipped_text_fits(text: str, columns: int) -> None:
    assert width(clip(text, columns)) <= columns
