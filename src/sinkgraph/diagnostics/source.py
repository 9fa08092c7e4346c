"""A document's text and places in it, counted in characters from 0 and shown from 1.

Nothing here knows a syntax; a place is only where something was read.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right

import msgspec

__all__ = ["SourceText", "Span"]

_BREAK = re.compile(r"\r\n|\r|\n")


class SourceText:
    """Is the text of one document under the name it is shown by; equal only to itself."""

    __slots__ = ("_hidden", "_starts", "name", "text")

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self._starts: array[int] | None = None
        self._hidden: dict[int, list[tuple[int, int]]] = {}  # by line

    def __repr__(self) -> str:
        return f"<{self.name}>"

    @property
    def starts(self) -> array[int]:
        """The offset at which each line starts, found once."""
        if self._starts is None:
            self._starts = array("L", (0,))
            self._starts.extend(found.end() for found in _BREAK.finditer(self.text))
        return self._starts

    @property
    def line_count(self) -> int:
        """The number of lines; text that ends in a line break has an empty last line."""
        return len(self.starts)

    def line_col(self, offset: int) -> tuple[int, int]:
        """Return line and column of an offset, both from 1; offsets outside are brought in."""
        offset = min(max(offset, 0), len(self.text))
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def line(self, number: int) -> str:
        """Return line `number` (from 1) without its line break; "" when there is none."""
        starts = self.starts
        if not 1 <= number <= len(starts):
            return ""
        end = starts[number] if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : end].rstrip("\r\n")

    def hide(self, start: int, end: int) -> None:
        """Let no excerpt show the characters [start, end)."""
        if start < end:
            for number in range(self.line_col(start)[0], self.line_col(end - 1)[0] + 1):
                self._hidden.setdefault(number, []).append((start, end))

    def shown_line(self, number: int) -> str:
        """Return line `number` as an excerpt may show it: `*` for each hidden character."""
        text = self.line(number)
        for start, end in self._hidden.get(number, ()):
            base = self.starts[number - 1]
            first, last = max(start - base, 0), min(end - base, len(text))
            text = text[:first] + "*" * (last - first) + text[last:]
        return text

    def offset(self, line: int, col: int) -> int:
        """Return the offset of line and column (both from 1); the inverse of `line_col`."""
        line = min(max(line, 1), len(self.starts))
        return min(self.starts[line - 1] + max(col, 1) - 1, len(self.text))


class Span(msgspec.Struct, frozen=True, gc=False):
    """Is the piece [start, end) of a source, in characters."""

    source: SourceText
    start: int
    end: int

    @property
    def line(self) -> int:
        """The line it starts on, from 1."""
        return self.source.line_col(self.start)[0]

    @property
    def col(self) -> int:
        """The column it starts in, from 1."""
        return self.source.line_col(self.start)[1]

    @property
    def end_line(self) -> int:
        """The line just after its last character, from 1."""
        return self.source.line_col(self.end)[0]

    @property
    def end_col(self) -> int:
        """The column just after its last character, from 1."""
        return self.source.line_col(self.end)[1]

    @property
    def text(self) -> str:
        """The piece itself, as written."""
        return self.source.text[self.start : self.end]

    def __str__(self) -> str:
        line, col = self.source.line_col(self.start)
        return f"{self.source.name}:{line}:{col}"
