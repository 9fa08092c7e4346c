"""The journal as rows: when, of which node, what; the newest at the bottom.

What a fact is called, and what is folded into one line, `model.chronicle` decides.
"""

from __future__ import annotations

from collections.abc import Sequence

from sinkgraph_tui.layout.text import clip
from sinkgraph_tui.layout.text import width as columns
from sinkgraph_tui.looks import Ink, Styles
from sinkgraph_tui.model.chronicle import Told
from sinkgraph_tui.model.figures import clock
from sinkgraph_tui.model.text import said

__all__ = ["event_row", "event_rows"]

_NAME = 16


def event_rows(
    told: Sequence[Told], inks: Styles, width: int, height: int, *, chosen: int | None = None
) -> list[Ink]:
    """Return the newest of these that fit, or those around the `chosen` one."""
    if not told:
        return [inks.ink(said((" nothing has happened yet", "dim")).cut(width))]
    last = len(told)
    if chosen is not None:
        last = min(last, max(chosen + 1, height, last if chosen >= last - height else 0))
    first = max(0, last - max(0, height))
    wide = min(_NAME, max((columns(one.node or "") for one in told[first:last]), default=0))
    return [
        event_row(one, inks, width, name=wide, chosen=first + k == chosen)
        for k, one in enumerate(told[first:last])
    ]


def event_row(
    told: Told, inks: Styles, width: int, *, name: int = _NAME, chosen: bool = False
) -> Ink:
    """Return one fact as a row."""
    on = "raised" if chosen else "ground"
    node = clip(told.node or "", name)
    line = said(
        ("▌" if chosen else " ", "accent"), (clock(told.at), "dim"), " ", (told.glyph, told.tone),
        f" {node}{' ' * (name - columns(node))}", "  " if name else "", told.line,
    ).cut(width)  # fmt: skip
    return (*inks.ink(line, on), (" " * max(0, width - line.columns), inks.blank(on)))
