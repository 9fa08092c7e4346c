"""One node, or one lane, in the few values of a row, a card or a chip: state, fill, rates, ETA.

It gives values and their words; how wide a column is, and what is left out, the screen decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sinkgraph.api.models import NodeView, SnapshotView
from sinkgraph_tui.model.figures import short, signed
from sinkgraph_tui.model.headlines import level_tone
from sinkgraph_tui.model.shape import Shape
from sinkgraph_tui.model.signs import is_full, room_of
from sinkgraph_tui.model.slope import STEADY, Trend
from sinkgraph_tui.model.text import Line, Tone, gist, said
from sinkgraph_tui.model.timeline import Timeline
from sinkgraph_tui.model.totals import rates_of

__all__ = ["Row", "State", "eta_line", "row_of", "sorted_rows", "state_of"]

AHEAD_S = 60.0


@dataclass(frozen=True, slots=True)
class State:
    """Is how a node stands: a glyph, a word and a tone, always together."""

    glyph: str
    word: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Row:
    """Is one node in numbers. `fill` and `fill_ahead`, in a minute, are from 0 to 1 or None.

    `level` is that of its worst sign, None when it is as it should be; `eta_s` in how many
    seconds it is full, or empty when that is where it goes.
    """

    name: str
    kind: str
    state: State
    level: int | None
    depth: int
    capacity: int | None
    fill: float | None
    fill_ahead: float | None
    oldest_s: float | None
    in_per_s: float
    out_per_s: float
    trend: Trend
    eta_s: float | None
    p99_s: float | None
    error: str

    @property
    def eta(self) -> Line:
        """Return its ETA in words: `full in 1m11s`."""
        return eta_line(self.trend, self.eta_s, self.fill)


def state_of(node: NodeView) -> State:
    """Return how a node stands, the worst of what is true of it."""
    breaker = node.breaker.state if node.breaker is not None else None
    if node.status == "failed" and breaker != "isolated":
        return State("✕", "FAILED", "bad")
    if node.paused:
        return State("‖", "paused", "manual")
    match breaker:
        case "open":
            return State("○", "OPEN", "bad")
        case "half_open":
            return State("◐", "PROBE", "probing")
        case "isolated":
            return State("⊘", "TRIPPED", "manual")
        case "disabled":
            return State("⊘", "disabled", "manual")
    if node.kind in ("queue", "dead_letter") and is_full(node):
        return State("▲", "FULL", "bad")
    match node.status:
        case "degraded":
            return State("!", "degraded", "warn")
        case "draining":
            return State("▼", "leaving", "dim")
        case "starting":
            return State("·", "starting", "dim")
        case "stopped":
            return State("·", "stopped", "dim")
    return State("●", "closed" if breaker == "closed" else "ok", "text")


def row_of(
    name: str,
    snapshot: SnapshotView,
    shape: Shape,
    timeline: Timeline,
    level: int | None = None,
) -> Row:
    """Return the row of a node that is in the snapshot; `level` is that of its worst sign."""
    node = snapshot.nodes[name]
    holds = node.kind in ("queue", "dead_letter")
    trend = timeline.trend(name, snapshot.at) if holds else STEADY
    fill = room_of(node)
    came, gone = rates_of(node, shape)
    end = node.depth / fill if fill else float(node.capacity or 0)
    goes = 0.0 if trend.shrinks else end
    ahead = trend.after(node.depth, AHEAD_S, end) / end if fill is not None and end else fill
    return Row(
        name=name,
        kind=node.kind,
        state=state_of(node),
        level=level,
        depth=node.depth,
        capacity=node.capacity,
        fill=fill,
        fill_ahead=ahead,
        oldest_s=node.oldest_s,
        in_per_s=came,
        out_per_s=gone,
        trend=trend,
        eta_s=trend.reaches_s(node.depth, goes) if end or trend.shrinks else None,
        p99_s=node.latency.recent_p99_s if node.latency is not None else None,
        error=gist(node.last_error) if level is not None else "",
    )


def eta_line(trend: Trend, eta_s: float | None, fill: float | None) -> Line:
    """Return `▲ +267/s full in 1m11s`, `▼ -2.9/s empty in 7m49s`, or that it is full or steady."""
    if fill is not None and fill >= 1 and not trend.shrinks:
        return said(("full", "bad"))
    if trend.steady:
        return said(("steady", "dim"))
    glyph, end = ("▲", "full") if trend.grows else ("▼", "empty")
    when = f" {end} in {short(eta_s)}" if eta_s is not None else ""
    tone: Tone = level_tone(2 if eta_s is not None and eta_s < 300 else 4)
    return said((f"{glyph} {signed(trend.per_s)}{when}", tone if trend.grows else "dim"))


def sorted_rows(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Return rows by severity, then ETA, then fill, else as they were: the worst on top."""
    never = float("inf")
    return tuple(
        sorted(
            rows,
            key=lambda one: (
                one.level if one.level is not None else 7,
                one.eta_s if one.eta_s is not None and one.trend.grows else never,
                -(one.fill or 0.0),
            ),
        )
    )
