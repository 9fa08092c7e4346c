"""Bars, areas and ribbons as ink: how full, how it went, how a breaker stood.

What is drawn comes as shares, heights and states; which they are is the model's subject.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style

from sinkgraph_tui.layout import ASCII, UNICODE
from sinkgraph_tui.looks import Ink, Styles
from sinkgraph_tui.model.text import Tone, said

__all__ = ["LEVELS", "area_rows", "bar", "ribbon_ink"]

LEVELS = 8
"""How many heights one row of an area has."""

_BLOCKS, _ASCII_BLOCKS = " ▁▂▃▄▅▆▇█", " ...::::#"
_STATES: dict[str | None, tuple[str, Tone]] = {
    None: ("·", "dim"), "closed": ("●", "dim"), "half_open": ("◐", "probing"),
    "open": ("○", "bad"), "isolated": ("⊘", "manual"), "disabled": ("⊘", "manual"),
}  # fmt: skip
_ASCII_STATES = {"closed": "*", "half_open": "H", "open": "O", "isolated": "/", "disabled": "/"}


def bar(
    inks: Styles, wide: int, fill: float | None, ahead: float | None = None, tone: str = "normal"
) -> Ink:
    """Return how full something is, how full it will be in a minute, and the room that is left."""
    glyphs = ASCII if inks.ascii_only else UNICODE
    share = min(max(fill or 0.0, 0.0), 1.0)
    eighths = max(round(share * wide * 8), 1 if share else 0)
    full, part = divmod(eighths, 8)
    coming = max(round(min(ahead or 0.0, 1.0) * wide), full)
    tip = glyphs.bar[part] if part and coming == full and glyphs.bar[part] != " " else ""
    parts = (
        (glyphs.bar[8] * full, inks.cell(f"bar {tone}")),
        (tip, inks.cell(f"tip {tone}")),
        (glyphs.ghost * (coming - full), inks.cell(f"ghost {tone}")),
        (glyphs.track * (wide - coming - len(tip)), inks.cell("track normal")),
    )
    return tuple((text, style) for text, style in parts if text)


def area_rows(
    inks: Styles, heights: Sequence[int | None], rows: int, tone: str = "normal"
) -> list[Ink]:
    """Return an area of `rows` rows, the topmost first; `heights` go up to `rows * LEVELS`."""
    blocks = _ASCII_BLOCKS if inks.ascii_only else _BLOCKS
    style = inks.cell(f"curve {tone}")
    return [
        (
            (
                "".join(
                    blocks[max(0, min(LEVELS, (one or 0) - row * LEVELS))] for one in heights
                ),
                style,
            ),
        )
        for row in reversed(range(rows))
    ]  # fmt: skip


def ribbon_ink(inks: Styles, states: Sequence[str | None]) -> Ink:
    """Return a breaker's states, a glyph for each span of time."""
    found: list[tuple[str, Style]] = []
    for state in states:
        glyph, tone = _STATES.get(state, _STATES[None])
        if inks.ascii_only:
            glyph = _ASCII_STATES.get(state or "", "-")
        found += inks.ink(said((glyph, tone)))
    return tuple(found)
