"""A member of a card in one line, and a whole lane in one row: what each kind says of itself.

It takes lanes as they were drawn: which nodes are one lane, the layout decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sinkgraph.api.models import BreakerView, NodeView
from sinkgraph_tui.model.figures import count, latency, of, per_s, share, short
from sinkgraph_tui.model.reading import View
from sinkgraph_tui.model.rows import Row, State
from sinkgraph_tui.model.text import Line, said

__all__ = ["LaneRow", "breaker_line", "lane_row", "lanes_told", "member_line"]

_RANK = ("FAILED", "OPEN", "FULL", "PROBE", "degraded", "TRIPPED", "paused", "disabled", "leaving")


@dataclass(frozen=True, slots=True)
class LaneRow:
    """Is a lane in one row: the worst state of its members, its fullest queue, its ends."""

    members: tuple[str, ...]
    state: State
    level: int | None
    queue: Row | None
    breaker: BreakerView | None
    in_per_s: float
    out_per_s: float
    p99_s: float | None

    @property
    def healthy(self) -> bool:
        """Whether it may be folded: no member has a sign, or a state worth a word."""
        return self.level is None and self.state.word in ("ok", "closed")


def lane_row(members: Sequence[str], view: View) -> LaneRow | None:
    """Return a lane of nodes, upstream first; None when none of them is there."""
    rows = [row for name in members if (row := view.row(name)) is not None]
    if not rows or view.snapshot is None:
        return None
    nodes = [view.snapshot.nodes[row.name] for row in rows]
    held = [row for row in rows if row.kind == "queue"]
    breakers = [node.breaker for node in nodes if node.breaker is not None]
    return LaneRow(
        members=tuple(row.name for row in rows),
        state=min((row.state for row in rows), key=_rank),
        level=min((row.level for row in rows if row.level is not None), default=None),
        queue=max(held, key=lambda one: (one.fill or 0.0, one.depth), default=None),
        breaker=breakers[0] if breakers else None,
        in_per_s=rows[0].in_per_s,
        out_per_s=rows[-1].out_per_s,
        p99_s=rows[-1].p99_s,
    )


def _rank(state: State) -> int:
    return _RANK.index(state.word) if state.word in _RANK else len(_RANK)


def member_line(name: str, view: View) -> Line:
    """Return what a card says of a node beside its kind: `62% 31.0k/50.0k`, `OPEN probe in 5s`."""
    row = view.row(name)
    if row is None or view.snapshot is None:
        return said()
    node = view.snapshot.nodes[name]
    if row.state.word in ("paused", "FAILED", "degraded") and node.breaker is None:
        why = f" {row.error}" if row.error else ""
        return said((row.state.word, row.state.tone), why)
    match node.kind:
        case "queue" | "dead_letter":
            filled = share(row.fill) if row.fill is not None else ""
            return said((filled, row.state.tone), f" {of(node.depth, node.capacity)}")
        case "retry" | "breaker":
            return _retry_line(node, row, view)
        case "filter":
            came, gone = node.ledger.entered, sum(node.ledger.filtered.values())
            passed = f" {share(max(0, came - gone), came)}" if came else ""
            return said(per_s(row.out_per_s), passed)
        case "broadcast" | "route" | "balance" | "fallback" | "subscribers":
            return said(f"{per_s(row.in_per_s)} ×{len(view.shape.edges_down(name))}")
    if node.role == "source" and node.waiting:
        return said(per_s(row.out_per_s), (" waits", "warn"))
    if node.latency is not None:
        return said(f"{per_s(row.out_per_s)} p99 {latency(row.p99_s)}")
    return said(per_s(row.out_per_s))


def _retry_line(node: NodeView, row: Row, view: View) -> Line:
    """Return a breaker's state, or that attempts are made again, or the rate."""
    if node.breaker is not None and (node.breaker.state != "closed" or node.breaker.failures):
        return breaker_line(node.breaker, view.now - (view.snapshot.at if view.snapshot else 0.0))
    again = node.facts.get("retrying") or 0
    if isinstance(again, int) and again:
        return said((f"retries {count(again)}", "warn"))
    return said(("closed" if node.breaker is not None else "idle", "dim"))


def breaker_line(breaker: BreakerView, passed_s: float = 0.0) -> Line:
    """Return a breaker's chip: `OPEN probe in 5s`, `▮▮▮▯▯ 3/5` on its way to open.

    `passed_s` is how long ago it stood so.
    """
    match breaker.state:
        case "open":
            left = breaker.retry_in_s
            probe = f" probe in {short(max(0.0, left - passed_s))}" if left is not None else ""
            return said(("OPEN", "bad"), (probe, "bad"))
        case "half_open":
            return said(("PROBE", "probing"))
        case "isolated":
            left = breaker.reverts_in_s
            ends = f" resets in {short(max(0.0, left - passed_s))}" if left is not None else ""
            return said(("TRIPPED", "manual"), ends)
        case "disabled":
            return said(("disabled", "manual"))
    if not breaker.failures:
        return said(("closed", "dim"))
    most, failed = breaker.failure_threshold, breaker.failures
    marks = "▮" * min(failed, most) + "▯" * max(0, most - failed) if most <= 10 else ""
    return said((marks, "warn"), f" {failed}/{most}" if marks else f"{failed}/{most} failures")


def lanes_told(rows: Sequence[LaneRow]) -> Line:
    """Return a fold of healthy lanes: `+ 8 healthy lanes 2.49k/s worst p99 210ms`."""
    worst = max((row.p99_s for row in rows if row.p99_s is not None), default=None)
    rate = sum(row.out_per_s for row in rows)
    noun = "healthy lane" if len(rows) == 1 else "healthy lanes"
    p99 = f"  worst p99 {latency(worst)}" if worst is not None else ""
    return said((f"+ {len(rows)} {noun}  {per_s(rate)}{p99}", "dim"))
