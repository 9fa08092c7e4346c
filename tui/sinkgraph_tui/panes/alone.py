"""Alarms and counters alone: what is shown where there is no room for a map.

It leaves nothing out but what is below the last row.
"""

from __future__ import annotations

from sinkgraph_tui.looks import Ink, Styles
from sinkgraph_tui.model.figures import count, per_s, short
from sinkgraph_tui.model.reading import View
from sinkgraph_tui.model.text import Line, said
from sinkgraph_tui.panes.wrapping import wrapped

__all__ = ["alone_rows"]


def alone_rows(view: View, inks: Styles, width: int, height: int) -> list[Ink]:
    """Return the counters, a line each, and every alarm, as far as there are rows."""
    shown = inks.dimmed if view.freshness.frozen else inks
    lines: list[Line] = [part for one in view.alarms for part in wrapped(view.headline(one), width)]
    totals = view.totals
    if totals is not None:
        came, gone = per_s(totals.in_per_s), per_s(totals.delivered_per_s)
        lost, oldest = per_s(totals.dropped_per_s), short(totals.oldest_s)
        lines += [
            said(("in ", "dim"), came, ("  out ", "dim"), gone),
            said(("queued ", "dim"), count(totals.queued), ("  dead ", "dim"), count(totals.dead)),
            said(("lost ", "dim"), lost, ("  oldest ", "dim"), oldest),
        ]
    return [shown.ink(line.cut(width)) for line in lines[:height]]
