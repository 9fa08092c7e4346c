"""A route sends each event to the first target whose condition it meets, else to `default`.

Events that nothing claims, with no `default`, are counted as filtered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sinkgraph.event import Batch
from sinkgraph.log.admission import Plan
from sinkgraph.sinks.base import Link, Node, Sink
from sinkgraph.sinks.edges import kept
from sinkgraph.sinks.filter import as_predicate, fail_events
from sinkgraph.sinks.instant import Instant
from sinkgraph.telemetry.stats import Ledger

__all__ = ["Route"]


class Route(Instant):
    """Sends an event to the first of `routes`, pairs of (condition, sink), that claims it."""

    kind = "route"
    settings = ("on_error",)
    edges = ("default", "dead_letter")

    def __init__(
        self,
        routes: Sequence[tuple[Any, Sink]],
        *,
        default: Sink | None = None,
        on_error: str = "dead_letter",
        dead_letter: Sink | None = None,
    ) -> None:
        super().__init__()
        if not routes:
            raise ValueError("a route needs at least one condition")
        self.routes = [
            (as_predicate(when), Link(to, f"routes.{k}")) for k, (when, to) in enumerate(routes)
        ]
        self.default = Link(default, "default") if default is not None else None
        self.dead_letter = Link(dead_letter, "dead_letter") if dead_letter is not None else None
        self.on_error = on_error
        self.last_error: str | None = None
        self._logged_at: float | None = None

    def become(self, fresh: Node) -> None:
        """Have the routes of `fresh`; an edge to the same target stays the same edge."""
        super().become(fresh)
        assert isinstance(fresh, Route), "it becomes what is of its own kind"
        before, after = ([link for _, link in one.routes] for one in (self, fresh))
        edges, _ = kept(before, after, lambda link: link)
        whens = [when for when, _ in fresh.routes]
        self.routes = list(zip(whens, edges, strict=True))

    def links(self) -> Sequence[Link]:
        """Return the routes' edges, then `default` and `dead_letter` where they exist."""
        rest = [link for link in (self.default, self.dead_letter) if link is not None]
        return [*(link for _, link in self.routes), *rest]

    @property
    def instant(self) -> bool:
        """Whether every outcome can be taken at once."""
        return all(link.target.instant for link in self.links() if link is not self.dead_letter)

    def admit(self, batch: Batch, plan: Plan, trail: tuple[Ledger, ...], link: Link) -> None:
        """Plan to hand every event to the first route that claims it."""
        ledger = self.ledger
        plan.enter(ledger, len(batch))
        below = (*trail, ledger)
        left = batch
        for when, out in self.routes:
            matched, failed = when.predicate(left)
            if failed:
                matched = fail_events(self, left, plan, matched, failed, trail)
            if len(matched) == len(left):
                out.admit(left, plan, below)
                return
            if matched:
                out.admit(left.pick(matched), plan, below)
            taken = {*matched, *(k for k, _ in failed)}
            if taken:
                left = left.pick(k for k in range(len(left)) if k not in taken)
                if not len(left):
                    return
        if self.default is not None:
            self.default.admit(left, plan, below)
        else:
            plan.filter(ledger, "no_route", len(left), trail)

    def facts(self) -> dict[str, Any]:
        """Return the last evaluation error."""
        return {"last_error": self.last_error}
