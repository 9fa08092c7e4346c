"""What two looks at a running graph tell together: rates, ages, recent latencies.

It looks at nothing itself: it is given frozen snapshots, and copies of histograms.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sinkgraph.telemetry.ages import Age
from sinkgraph.telemetry.histogram import Histogram
from sinkgraph.telemetry.history import BREAKER_CODES, SERIES
from sinkgraph.telemetry.status import NodeStatus, Snapshot

__all__ = ["Measure", "Measures"]

_FEWEST_S = 0.05  # looks closer together tell no rate


class Measure:
    """Is what is known of one node from its looks so far; rates are events a second."""

    __slots__ = (
        "_age",
        "_before",
        "_counts",
        "_recent",
        "in_per_s",
        "oldest_s",
        "out_per_s",
        "rates",
        "recent_p50_s",
        "recent_p99_s",
    )

    def __init__(self) -> None:
        self.in_per_s = 0.0
        self.out_per_s = 0.0
        self.rates: dict[str, float] = {}
        self.oldest_s: float | None = None
        self.recent_p50_s: float | None = None
        self.recent_p99_s: float | None = None
        self._age = Age()
        self._before: dict[str, int] | None = None
        self._counts: Sequence[int] = ()
        self._recent = Histogram()

    def look(self, node: NodeStatus, latency: Histogram | None, now: float, dt: float) -> None:
        """Take one look into account; `dt` seconds after the one before."""
        ledger = node.ledger
        came = ledger.entered + ledger.replayed
        counted = {
            "in_per_s": came,
            "out_per_s": ledger.delivered,
            "filtered_per_s": sum(ledger.filtered.values()),
            "dropped_per_s": sum(ledger.dropped.values()),
            "dead_per_s": ledger.dead_lettered,
            "failed_per_s": int(node.facts.get("failures", ledger.returned)),
            "attempts_per_s": int(node.facts.get("attempts", 0) or 0),
        }
        before = self._before
        if before is not None and dt >= _FEWEST_S:
            # a node that was replaced begins anew
            self.rates = {key: round(max(0, n - before[key]) / dt, 3) for key, n in counted.items()}
        self._before = counted
        self.in_per_s = self.rates.get("in_per_s", 0.0)
        self.out_per_s = self.rates.get("out_per_s", 0.0)
        self.oldest_s = self._age.look(now, came + ledger.recovered, ledger.pending)
        if latency is not None:
            self._look_at(latency)

    def _look_at(self, latency: Histogram) -> None:
        counts, old = list(latency.counts), self._counts
        recent = self._recent
        if len(old) == len(counts) and all(a >= b for a, b in zip(counts, old, strict=True)):
            recent.counts = [a - b for a, b in zip(counts, old, strict=True)]
        else:
            recent.counts = counts
        recent.total = sum(recent.counts)
        self._counts = counts
        self.recent_p50_s, self.recent_p99_s = recent.quantile(0.5), recent.quantile(0.99)

    def sample(self, node: NodeStatus) -> list[float]:
        """Return the values of SERIES."""
        breaker: Any = node.facts.get("breaker")
        state = breaker["state"] if isinstance(breaker, dict) else None
        known = {
            **self.rates,
            "depth": float(node.depth),
            "latency_p99_s": _or_nan(self.recent_p99_s),
            "breaker": BREAKER_CODES.get(str(state), math.nan),
        }
        if "attempts" not in node.facts:
            known.pop("attempts_per_s", None)
        return [known.get(series, math.nan) for series in SERIES]


class Measures:
    """Holds the measures of every node of a graph, by name."""

    def __init__(self) -> None:
        self._nodes: dict[str, Measure] = {}
        self._at: float | None = None

    def __getitem__(self, name: str) -> Measure:
        return self._nodes.get(name) or Measure()

    def look(
        self, snapshot: Snapshot, latencies: Mapping[str, Histogram], now: float
    ) -> dict[str, list[float]]:
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


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
