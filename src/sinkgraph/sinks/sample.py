"""A sample passes a part of the events, chosen by chance or by counting; the rest is filtered."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from sinkgraph.event import Batch
from sinkgraph.log.admission import Plan
from sinkgraph.sinks.base import Link, Sink
from sinkgraph.sinks.instant import Instant
from sinkgraph.telemetry.stats import Ledger

__all__ = ["Sample"]


class Sample(Instant):
    """Passes each event with probability `ratio` in (0, 1], or one of `every` events."""

    kind = "sample"
    settings = ("ratio", "every")
    edges = ("to",)

    def __init__(self, to: Sink, *, ratio: float | None = None, every: int | None = None) -> None:
        super().__init__()
        if (ratio is None) == (every is None):
            raise ValueError("a sample needs either ratio or every")
        if ratio is not None and not (isfinite(ratio) and 0 < ratio <= 1):
            raise ValueError(f"ratio is in (0, 1], not {ratio!r}")
        if every is not None and every < 1:
            raise ValueError(f"every is at least 1, not {every!r}")
        self.to = Link(to)
        self.ratio = ratio
        self.every = every
        self._seen = 0

    def links(self) -> Sequence[Link]:
        """Return `to`."""
        return (self.to,)

    def admit(self, batch: Batch, plan: Plan, trail: tuple[Ledger, ...], link: Link) -> None:
        """Plan to pass the chosen events; the first of every `every` is chosen."""
        n = len(batch)
        plan.enter(self.ledger, n)
        if self.every is not None:
            plan.volatile = True  # which ones is settled when they are taken
            start, every = self._seen, self.every
            chosen = [k for k in range(n) if (start + k) % every == 0]
        else:
            draw, ratio = self.bound.random.random, self.ratio or 0.0
            chosen = [k for k in range(n) if draw() < ratio]
        plan.decide(lambda: self._advance(n))
        plan.filter(self.ledger, "sampled_out", n - len(chosen), trail)
        if chosen:
            picked = batch if len(chosen) == n else batch.pick(chosen)
            self.to.admit(picked, plan, (*trail, self.ledger))

    def _advance(self, n: int) -> None:
        self._seen += n
