"""The lines of a document a finding is about, with what was found marked under them.

It draws one excerpt of one source; which findings are shown, and where, is `report`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sinkgraph.diagnostics.safe import clip, safe_text, width
from sinkgraph.diagnostics.source import SourceText, Span

__all__ = ["MIN_GUTTER", "Mark", "draw", "gutter_of"]

MIN_GUTTER = 2
_TAB = "→   "
_MAX_COLUMNS = 120
_BEFORE = 40
_MAX_SHOWN = 4 * _MAX_COLUMNS

Paint = Callable[[str, str], str]


@dataclass(frozen=True, slots=True)
class Mark:
    """Is one place to mark: `^^^^` when primary, else `----`, and the text beside it."""

    span: Span
    text: str
    primary: bool


def gutter_of(spans: Iterable[Span]) -> int:
    """Return how many columns the line numbers of these places need."""
    return max([MIN_GUTTER, *(len(str(span.line)) for span in spans)])


def draw(source: SourceText, marks: Iterable[Mark], gutter: int, paint: Paint) -> list[str]:
    """Return the lines of an excerpt: each marked line, its marks, and single lines between.

    `paint(text, role)` colours a piece; roles are `gutter`, `primary` and `secondary`.
    """
    by_line: dict[int, list[Mark]] = {}
    for mark in marks:
        by_line.setdefault(mark.span.line, []).append(mark)
    out: list[str] = []
    before = 0
    for number in sorted(by_line):
        if before and number == before + 2:
            between = _Line(source.shown_line(before + 1), 0)
            out.append(_numbered(before + 1, between.text, gutter, paint))
        here = sorted(by_line[number], key=lambda mark: mark.span.start)
        first = min(mark.span.col for mark in here) - 1
        line = _Line(source.shown_line(number), first)
        out.append(_numbered(number, line.text, gutter, paint))
        empty = paint(" " * gutter + " |", "gutter")
        for mark in here:
            at, length = line.place(mark.span.col - 1, _length(mark.span, source, number))
            role = "primary" if mark.primary else "secondary"
            under = ("^" if mark.primary else "-") * length
            said = f" {safe_text(mark.text)}" if mark.text else ""
            out.append(f"{empty} {' ' * at}{paint(under + said, role)}")
        before = number
    return out


def _numbered(number: int, text: str, gutter: int, paint: Paint) -> str:
    head = paint(f"{number:>{gutter}} |", "gutter")
    return f"{head} {text}".rstrip()


def _length(span: Span, source: SourceText, number: int) -> int:
    """Return how many characters of its first line a place covers."""
    end = span.end_col if span.end_line == number else len(source.line(number)) + 1
    return max(end - span.col, 0)


class _Line:
    """Is one line as shown: made visible, and cut to a window when it is long."""

    def __init__(self, raw: str, first: int) -> None:
        self.start = 0
        lead = ""
        if len(raw) > _MAX_SHOWN or width(_visible(raw)) > _MAX_COLUMNS:
            self.start = max(first - _BEFORE, 0)
            lead = "…" if self.start else ""
        self.raw = raw[self.start : self.start + _MAX_SHOWN]
        self.lead = len(lead)
        self.text = clip(lead + _visible(self.raw), _MAX_COLUMNS + len(lead))

    def place(self, col: int, length: int) -> tuple[int, int]:
        """Return where `length` characters from `col` stand in the shown line, and how wide."""
        col = max(col - self.start, 0)
        at = self.lead + width(_visible(self.raw[:col]))
        wide = width(_visible(self.raw[col : col + length]))
        room = max(width(self.text) - at, 1)
        return at, min(max(wide, 1), room)


def _visible(raw: str) -> str:
    return _TAB.join(safe_text(piece) for piece in raw.split("\t"))
