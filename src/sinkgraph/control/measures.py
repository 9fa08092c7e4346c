"""What two looks at a running graph tell together: rates, ages, recent latencies.

It looks at nothing itself: it is given frozen snapshots, and copies of histograms.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sinkgraph.telemetry.ages import Age
from sinkgraph.telemetry.histogram import Histogram
from sinkgraph.telemetry.history import BREAKER_CODES
from sinkgraph.telemetry.status import NodeStatus, Snapshot

__all__ = ["Measure", "Measures"]

_FEWEST_S = 0.05  # looks closer together tell no rate


_STILL = (0.0,) * 7
_NONE = (math.nan,)


class Measure:
    """Is what is known of one node from its looks so far; rates are events a second."""

    __slots__ = (
        "_age",
        "_before",
        "_counts",
        "_recent",
        "_writes",
        "oldest_s",
        "rates",
        "recent_p50_s",
        "recent_p99_s",
    )

    def __init__(self) -> None:
        self.rates = _STILL  # in the order of SERIES, from `in_per_s` on
        self.oldest_s: float | None = None
        self.recent_p50_s: float | None = None
        self.recent_p99_s: float | None = None
        self._age = Age()
        self._before: tuple[int, ...] | None = None
        self._counts: Sequence[int] = ()
        self._writes = 0
        self._recent = Histogram()

    @property
    def in_per_s(self) -> float:
        """Events that came, a second."""
        return self.rates[0]

    @property
    def out_per_s(self) -> float:
        """Events that were delivered, a second."""
        return self.rates[1]

    def look(self, node: NodeStatus, latency: Histogram | None, now: float, dt: float) -> None:
        """Take one look into account; `dt` seconds after the one before."""
        ledger, facts = node.ledger, node.facts
        came = ledger.entered + ledger.replayed
        counted = (
            came,
            ledger.delivered,
            sum(ledger.filtered.values()) if ledger.filtered else 0,
            sum(ledger.dropped.values()) if ledger.dropped else 0,
            ledger.dead_lettered,
            facts.get("failures", ledger.returned),
            facts.get("attempts", 0) or 0,
        )
        before = self._before
        if before is None or counted == before:
            self.rates = _STILL
        elif dt >= _FEWEST_S:  # a node that was replaced begins anew
            pairs = zip(counted, before, strict=True)
            self.rates = tuple(round(max(0, n - was) / dt, 3) for n, was in pairs)
        self._before = counted
        self.oldest_s = self._age.look(now, came + ledger.recovered, ledger.pending)
        if latency is not None:
            self._look_at(latency)

    def _look_at(self, latency: Histogram) -> None:
        if latency.total == self._writes:
            self.recent_p50_s = self.recent_p99_s = None
            return
        counts, old = list(latency.counts), self._counts
        recent = self._recent
        if len(old) == len(counts) and all(a >= b for a, b in zip(counts, old, strict=True)):
            recent.counts = [a - b for a, b in zip(counts, old, strict=True)]
        else:
            recent.counts = counts
        recent.total = sum(recent.counts)
        self._counts, self._writes = counts, latency.total
        self.recent_p50_s, self.recent_p99_s = recent.quantile(0.5), recent.quantile(0.99)

    def told(self) -> tuple[float | None, ...]:
        """Return what is shown of it, to be compared."""
        return (*self.rates[:2], self.oldest_s, self.recent_p50_s, self.recent_p99_s)

    def sample(self, node: NodeStatus) -> tuple[float, ...]:
        """Return the values of SERIES."""
        breaker: Any = node.facts.get("breaker")
        state = BREAKER_CODES.get(breaker["state"], math.nan) if breaker is not None else math.nan
        rates = self.rates if "attempts" in node.facts else self.rates[:6] + _NONE
        p99 = self.recent_p99_s
        return (node.depth, *rates, math.nan if p99 is None else p99, state)


class Measures:
    """Holds the measures of every node of a graph, by name."""

    def __init__(self) -> None:
        self._nodes: dict[str, Measure] = {}
        self._at: float | None = None

    def __getitem__(self, name: str) -> Measure:
        return self._nodes.get(name) or Measure()

    def look(
        self, snapshot: Snapshot, latencies: Mapping[str, Histogram], now: float
    ) -> dict[str, tuple[float, ...]]:
        """Take a snapshot into account, and return what history keeps of it."""
        dt = now - self._at if self._at is not None else 0.0
        self._at = now
        for gone in [name for name in self._nodes if name not in snapshot.nodes]:
            del self._nodes[gone]
        kept = {}
        for name, node in snapshot.nodes.items():
            measure = self._nodes.setdefault(name, Measure())
            measure.look(node, latencies.get(name), now, dt)
            kept[name] = measure.sample(node)
        return kept
