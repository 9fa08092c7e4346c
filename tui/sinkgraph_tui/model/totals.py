"""The numbers of a whole graph: what comes in, is delivered, waits, died, was lost.

It counts; which of them is an alarm is decided in `signs`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sinkgraph.api.models import NodeView, SnapshotView
from sinkgraph_tui.model.figures import count, latency, per_s, short
from sinkgraph_tui.model.shape import Shape
from sinkgraph_tui.model.text import Line, Tone, said
from sinkgraph_tui.model.timeline import Timeline

__all__ = ["Totals", "rates_of", "totals_of"]

_OVER_S, _LETTERS_S = 10.0, 60.0


@dataclass(frozen=True, slots=True)
class Totals:
    """Is a graph in numbers; rates are averages of ten seconds."""

    name: str
    generation: int
    uptime_s: float
    in_per_s: float
    delivered_per_s: float
    dropped_per_s: float
    queued: int
    oldest_s: float | None
    dead: int
    dead_per_min: float
    lag_s: float

    def line(self, level: int = 6) -> Line:
        """Return the header's numbers; what is abnormal has a tone, as the worst alarm has it."""
        bad: Tone = "bad" if level <= 3 else "warn"
        queued: Tone = bad if self.queued and level <= 4 else "strong"
        dead = f" +{count(self.dead_per_min)}/min" if self.dead_per_min >= 0.5 else ""
        parts: list[str | tuple[str, Tone] | Line] = [
            "in ", (per_s(self.in_per_s), "strong"),
            "  delivered ", (per_s(self.delivered_per_s), "strong"),
            "  queued ", (count(self.queued), queued),
            "  dead ", (count(self.dead), "warn" if self.dead else "strong"), (dead, "warn"),
        ]  # fmt: skip
        if self.dropped_per_s > 0:
            parts += ["  lost ", (per_s(self.dropped_per_s), "bad")]
        if self.oldest_s is not None and self.oldest_s >= 1:
            parts += ["  oldest ", short(self.oldest_s)]
        return said(*parts, "  lag ", latency(self.lag_s))


def totals_of(snapshot: SnapshotView, shape: Shape, timeline: Timeline) -> Totals:
    """Return the totals of a snapshot; the timeline gives rates that do not tremble."""
    at = snapshot.at

    def grown(name: str, counter: Callable[[NodeView], float], over_s: float) -> float:
        growth, seconds = timeline.grown(name, counter, until=at, over_s=over_s)
        return growth / seconds if seconds > 0 else 0.0

    came = delivered = lost = died = 0.0
    queued = dead = 0
    oldest: float | None = None
    for name, node in snapshot.nodes.items():
        if node.role == "source":
            came += grown(name, _entered, _OVER_S) if node.ledger.entered else 0.0
        elif node.kind == "dead_letter":
            dead += node.depth
            died += grown(name, _entered, _LETTERS_S) if node.ledger.entered else 0.0
            continue
        elif node.role == "terminal":
            delivered += grown(name, _delivered, _OVER_S) if node.ledger.delivered else 0.0
        if node.ledger.dropped:
            lost += grown(name, _dropped, _OVER_S)
        queued += node.waiting if node.kind == "queue" else 0
        if node.oldest_s is not None:
            oldest = max(oldest or 0.0, node.oldest_s)
    return Totals(
        snapshot.name, snapshot.generation, snapshot.uptime_s, came, delivered, lost,
        queued, oldest, dead, died * 60.0, snapshot.loop_lag_s,
    )  # fmt: skip


def rates_of(node: NodeView, shape: Shape) -> tuple[float, float]:
    """Return what passes a node, in and out a second, counting an event once.

    A broadcast's ledger counts an event for each of its targets.
    """
    if node.kind == "broadcast":
        targets = max(1, len(shape.edges_down(node.name)))
        return node.in_per_s / targets, node.out_per_s / targets
    return node.in_per_s, node.out_per_s


def _entered(node: NodeView) -> float:
    return float(node.ledger.entered)


def _delivered(node: NodeView) -> float:
    return float(node.ledger.delivered)


def _dropped(node: NodeView) -> float:
    return float(sum(node.ledger.dropped.values()))
