"""Breaks a line into as many as it needs for a width, between words where it can.

Every word keeps its tone; nothing is left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph_tui.layout.text import cells
from sinkgraph_tui.layout.text import width as columns
from sinkgraph_tui.model.text import Line, Span, Tone

__all__ = ["wrapped"]


def wrapped(line: Line, width: int, *, indent: int = 0, most: int | None = None) -> list[Line]:
    """Return a line as lines of at most `width` columns; those after the first are indented.

    With `most`, what is left over is cut off with an ellipsis.
    """
    room = max(width, 1)
    indent = max(0, min(indent, room - 2))
    found: list[list[Span]] = [[]]
    used = 0
    for text, tone in _pieces(line, max(1, room - indent)):
        wide = columns(text)
        first = not found[-1] or (len(found) > 1 and len(found[-1]) == 1 and indent > 0)
        if used + wide > room and not first:
            if not text.strip():
                continue
            found.append([Span(" " * indent)] if indent else [])
            used = indent
        elif first and len(found) > 1 and not text.strip():
            continue
        found[-1].append(Span(text, tone))
        used += wide
    lines = [Line(tuple(spans)) for spans in found]
    if most is not None and len(lines) > most:
        rest = Line(tuple(span for one in lines[most - 1 :] for span in one.spans))
        lines = [*lines[: most - 1], rest.cut(width)]
    return lines


def _pieces(line: Line, most: int) -> Iterator[tuple[str, Tone]]:
    """Yield words and the blanks between them; what is longer than a line comes in parts."""
    for span in line.spans:
        for k, word in enumerate(span.text.split(" ")):
            if k:
                yield " ", span.tone
            part, used = "", 0
            for char in word if columns(word) > most else ():
                wide = len(cells(char))
                if used + wide > most:
                    yield part, span.tone
                    part, used = "", 0
                part, used = part + char, used + wide
            rest = part if columns(word) > most else word
            if rest:
                yield rest, span.tone
