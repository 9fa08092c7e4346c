"""Offsets, lines and columns agree."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.diagnostics.source import SourceText, Span

TEXTS = st.text(alphabet="ab é😀\t\n\r", max_size=60)


@given(TEXTS, st.integers(0, 60))
def test_offset_is_the_inverse_of_line_col(text: str, at: int) -> None:
    source = SourceText("x", text)
    at = min(at, len(text))
    line, col = source.line_col(at)
    assert source.offset(line, col) == at


@given(TEXTS)
def test_lines_are_those_of_the_three_line_breaks(text: str) -> None:
    source = SourceText("x", text)
    expected = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert [source.line(n + 1) for n in range(source.line_count)] == expected


def test_span_tells_file_line_and_column() -> None:
    span = Span(SourceText("g.yaml", "a: 1\nbé: xy\n"), 9, 11)
    assert (str(span), span.text) == ("g.yaml:2:5", "xy")
    assert (span.end_line, span.end_col) == (2, 7)


def test_a_line_that_is_not_there_is_empty() -> None:
    source = SourceText("x", "a")
    assert (source.line(0), source.line(2)) == ("", "")


def test_offsets_outside_are_brought_in() -> None:
    assert SourceText("x", "ab").line_col(99) == (1, 3)
    assert SourceText("x", "ab").line_col(-1) == (1, 1)
