"""Draws an arranged map with the looks of a moment into a grid of cells.

Nothing is placed here: what a moment changes is characters and style names. Boxes are drawn by
`boxes`.
"""

from __future__ import annotations

from sinkgraph_tui.layout.arrange import Arrangement
from sinkgraph_tui.layout.boxes import Brush, draw_box
from sinkgraph_tui.layout.glyphs import UNICODE, Glyphs
from sinkgraph_tui.layout.grid import Grid
from sinkgraph_tui.layout.looks import Looks, Tone, worst
from sinkgraph_tui.layout.text import clip, width

__all__ = ["box_tones", "painted"]

_Window = tuple[int, int, int, int]


def painted(
    arrangement: Arrangement,
    looks: Looks | None = None,
    glyphs: Glyphs = UNICODE,
    window: _Window | None = None,
) -> Grid:
    """Draw a map, or the `window` of it: left, top, width and height in cells."""
    looks = looks or Looks()
    grid = Grid(*(window or (0, 0, arrangement.width, arrangement.height)))
    tones = box_tones(arrangement, looks)
    _draw_wires(arrangement, looks, glyphs, grid, tones)
    brush = Brush(grid, looks, glyphs, arrangement)
    for box, tone in zip(arrangement.boxes, tones, strict=True):
        if _meets(grid, box.x, box.y, box.width, box.height):
            draw_box(brush, box, tone)
    return grid


def box_tones(arrangement: Arrangement, looks: Looks) -> list[Tone]:
    """Return the gravest tone in each box."""
    known = looks.nodes
    return [
        worst(known[name].tone for name in box.block.members if name in known)
        for box in arrangement.boxes
    ]


def _meets(grid: Grid, x: int, y: int, wide: int, high: int) -> bool:
    return (
        x < grid.left + grid.width
        and y < grid.top + grid.height
        and x + wide > grid.left
        and y + high > grid.top
    )


def _draw_wires(
    arrangement: Arrangement, looks: Looks, glyphs: Glyphs, grid: Grid, tones: list[Tone]
) -> None:
    homes, edges = arrangement.homes, arrangement.edges
    known: dict[tuple[int, ...], Tone] = {}

    def tone_of(numbers: tuple[int, ...]) -> Tone:
        tone = known.get(numbers)
        if tone is None:
            tone = worst(
                looks.edges.get(number) or tones[homes[edges[number].target]] for number in numbers
            )
            known[numbers] = tone
        return tone

    for run in arrangement.runs:
        if _meets(grid, run.x, run.y, run.width, run.height):
            char = (glyphs.dashes if run.error else glyphs.lines)[run.bits]
            style = f"{'error' if run.error else 'edge'} {tone_of(run.edges)}"
            grid.fill(run.x, run.y, run.width, run.height, char, style)
    for arrow in arrangement.arrows:
        if _meets(grid, arrow.x - arrow.room, arrow.y, arrow.room + 1, 1):
            tone = tone_of(arrow.edges)
            char = glyphs.free_arrow if arrow.free else glyphs.arrow
            grid.put(arrow.x, arrow.y, char, f"{'error' if arrow.error else 'edge'} {tone}")
            rate = looks.of(arrangement.boxes[arrow.target].block.key).entering
            if arrow.room and rate and not arrangement.boxes[arrow.target].block.folded:
                shown = clip(rate, arrow.room - 1, glyphs.more)
                grid.put(arrow.x - 1 - width(shown), arrow.y, shown, f"rate {tone}")
