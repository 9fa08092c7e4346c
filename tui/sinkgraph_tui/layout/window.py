"""Which part of a map a window shows, and what lies outside of it.

It draws nothing: `paint` draws the part that is chosen here.
"""

from __future__ import annotations

from collections.abc import Sequence

from sinkgraph_tui.layout.arrange import Arrangement
from sinkgraph_tui.layout.looks import Tone, worst

__all__ = ["Ribbon", "ribbon", "scrolled"]

Ribbon = tuple[tuple[Tone | None, bool], ...]
"""For each cell the gravest tone there, None where no box is, and whether the window shows it."""


def scrolled(
    arrangement: Arrangement, size: tuple[int, int], origin: tuple[int, int], focus: str | None
) -> tuple[int, int]:
    """Return the left column and top row of a window of `size` cells, moved as little as needed.

    The box of the node `focus` is kept out of the outer thirds, as far as the map allows.
    """
    left, top = origin
    home = arrangement.homes.get(focus) if focus is not None else None
    if home is not None:
        box = arrangement.boxes[home]
        left = _moved(left, size[0], box.x, box.width)
        top = _moved(top, size[1], box.y, box.height)
    return (
        max(0, min(left, arrangement.width - size[0])),
        max(0, min(top, arrangement.height - size[1])),
    )


def _moved(origin: int, size: int, start: int, length: int) -> int:
    """Return where a window begins so that its middle third, or all of it, holds a stretch."""
    margin = size // 3
    margin = max(0, min(margin, (size - length) // 2))
    if length >= size:
        return start
    return max(min(origin, start - margin), start + length + margin - size)


def ribbon(
    arrangement: Arrangement, tones: Sequence[Tone], cells: int, top: int, rows: int
) -> Ribbon:
    """Return the whole map's height in `cells` cells; `tones` are of the boxes."""
    height = max(arrangement.height, 1)
    found: list[list[Tone]] = [[] for _ in range(cells)]
    for box, tone in zip(arrangement.boxes, tones, strict=True):
        first = box.y * cells // height
        last = (box.y + box.height - 1) * cells // height
        for cell in range(first, min(last, cells - 1) + 1):
            found[cell].append(tone)
    return tuple(
        (
            worst(seen) if seen else None,
            cell * height < (top + rows) * cells and (cell + 1) * height > top * cells,
        )
        for cell, seen in enumerate(found)
    )
