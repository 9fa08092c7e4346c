"""All nodes as rows below the map: depth, rates, ETA and latency, the worst on top.

It chooses no order of its own but severity; the whole table is a screen.
"""

from __future__ import annotations

from collections.abc import Sequence

from sinkgraph_tui.layout import ASCII, UNICODE
from sinkgraph_tui.layout.text import clip
from sinkgraph_tui.layout.text import width as columns
from sinkgraph_tui.looks import Ink, Styles
from sinkgraph_tui.model.charts import spark
from sinkgraph_tui.model.figures import latency, of, per_s
from sinkgraph_tui.model.headlines import level_tone
from sinkgraph_tui.model.reading import View
from sinkgraph_tui.model.rows import Row
from sinkgraph_tui.model.text import Line, Tone, said
from sinkgraph_tui.panes.marks import LEVELS, area_rows, bar

__all__ = ["first_shown", "node_head", "node_rows"]

_NAME, _BAR, _DEPTH, _RATE, _ETA, _P99, _SPARK = 18, 9, 12, 8, 23, 7, 12


def node_head(width: int) -> Line:
    """Return what stands above the columns."""
    head = (
        f"    {'NODE'.ljust(_NAME)} {'DEPTH'.ljust(_BAR + _DEPTH)}{'IN'.rjust(_RATE)}"
        f"{'OUT'.rjust(_RATE)}  {'TREND'.ljust(_ETA)}{'P99'.rjust(_P99)}  5 MIN"
    )
    return said((head, "dim")).cut(width)


def first_shown(rows: Sequence[Row], chosen: str | None, height: int) -> int:
    """Return the first row that is shown, so that the chosen one is among them."""
    at = next((k for k, row in enumerate(rows) if row.name == chosen), 0)
    return max(0, min(at - height + 2 if at >= height - 1 else 0, len(rows) - height))


def node_rows(
    view: View, rows: Sequence[Row], inks: Styles, width: int, *, chosen: str | None
) -> list[Ink]:
    """Return a row of ink for each of these nodes."""
    shown = inks.dimmed if view.freshness.frozen else inks
    return [_row(view, row, shown, width, chosen=row.name == chosen) for row in rows]


def _row(view: View, row: Row, inks: Styles, width: int, *, chosen: bool) -> Ink:
    on = "raised" if chosen else "ground"
    glyphs = ASCII if inks.ascii_only else UNICODE
    role = view.snapshot.nodes[row.name].role if view.snapshot is not None else ""
    tone: Tone = level_tone(row.level) if row.level is not None else "text"
    name = clip(row.name, _NAME)
    head = said(
        ("▌" if chosen else " ", "accent"),
        (f" {glyphs.kind(row.kind, role)} ", tone),
        (name + " " * (_NAME + 1 - columns(name)), tone),
    )
    if row.capacity:
        loud = "normal" if row.level is None else "bad" if row.level <= 3 else "warn"
        depth = of(row.depth, row.capacity).rjust(_DEPTH)
        middle: Ink = (
            *bar(inks, _BAR, row.fill, row.fill_ahead, loud), *inks.ink(said(depth), on)
        )  # fmt: skip
    else:
        quiet = row.state.word in ("ok", "closed")
        word = row.kind.replace("_", " ") if quiet else row.state.word
        shade: Tone = "dim" if quiet else row.state.tone
        middle = inks.ink(said((clip(word, _BAR + _DEPTH).ljust(_BAR + _DEPTH), shade)), on)
    eta = row.eta.cut(_ETA) if row.capacity and not row.trend.steady else said(("·", "dim"))
    p99 = latency(row.p99_s) if row.p99_s is not None else "·"
    tail = said(
        per_s(row.in_per_s).rjust(_RATE), per_s(row.out_per_s).rjust(_RATE), "  ", eta,
        " " * (_ETA - eta.columns), p99.rjust(_P99), "  ",
    )  # fmt: skip
    found: Ink = (*inks.ink(head, on), *middle, *inks.ink(tail, on))
    used = sum(columns(text) for text, _ in found)
    if row.capacity and width - used >= _SPARK and view.snapshot is not None:
        heights = spark(
            view.timeline, row.name, _SPARK, capacity=row.capacity, levels=LEVELS,
            until=view.snapshot.at,
        )  # fmt: skip
        found += area_rows(inks, heights, 1)[0]
        used += _SPARK
    return (*found, (" " * max(0, width - used), inks.blank(on)))
