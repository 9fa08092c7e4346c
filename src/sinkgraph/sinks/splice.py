"""A splice stands on an edge and shows what passes to whoever watches; it changes nothing else.

It keeps no account: to its neighbours it is as if it were not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sinkgraph.event import Batch, Event, as_batch
from sinkgraph.log.admission import Plan
from sinkgraph.sinks.base import Link, Node
from sinkgraph.sinks.instant import Instant
from sinkgraph.telemetry.stats import Ledger

__all__ = ["Splice", "Watcher", "beyond"]


class Watcher(Protocol):
    """Is shown every batch that passes; it cannot refuse one."""

    def watch(self, batch: Batch) -> None:
        """Look at a batch; synchronous, cannot fail."""
        ...


class Splice(Instant):
    """Hands everything on to `to`, and shows it to `watchers` when it is taken."""

    kind = "splice"

    def __init__(self, to: Node) -> None:
        super().__init__()
        self.to = Link(to)
        self.watchers: list[Watcher] = []

    def links(self) -> Sequence[Link]:
        """Return `to`."""
        return (self.to,)

    def _show(self, batch: Batch) -> None:
        for watcher in list(self.watchers):
            watcher.watch(batch)

    def admit(self, batch: Batch, plan: Plan, trail: tuple[Ledger, ...], link: Link) -> None:
        """Plan what the target would do, and the showing."""
        self.to.admit(batch, plan, trail)
        plan.then(lambda: self._show(batch), once=True)

    async def write(self, events: Sequence[Event]) -> None:
        """Hand on; to a target that may wait, exactly as it came."""
        if isinstance(self.to.target, Instant):
            await super().write(events)
            return
        self.refuse_if_closed()
        batch = as_batch(events)
        if len(batch):
            self._show(batch)
            await self.to.send(batch)


def beyond(node: Node) -> Node:
    """Return what stands behind a splice, or the node itself."""
    while isinstance(node, Splice):
        node = node.to.target
    return node
