"""Readers that come and go: a bounded subscription to whatever is written to a node.

A subscription never waits and is never required, so it cannot slow or fail the graph.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sinkgraph.errors import Overloaded
from sinkgraph.event import Batch, Event, as_batch
from sinkgraph.log.admission import Plan
from sinkgraph.sinks.base import Link, Node
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.filter import as_predicate
from sinkgraph.sinks.splice import Splice, beyond
from sinkgraph.sources.base import SourceNode
from sinkgraph.telemetry.stats import Ledger

if TYPE_CHECKING:
    from sinkgraph.runtime.topology import Topology

__all__ = ["Splices", "Subscription"]

_WHEN_FULL = ("close", "drop_oldest", "drop_newest")


class Subscription(Node):
    """Is an async iterator over events, at most `capacity` behind.

    `missed` counts what a slow reader did not get. Ends when its scope ends, or with Overloaded
    when it was too slow and `when_full` is `close`.
    """

    kind = "subscription"
    never_blocks = True

    def __init__(self, capacity: int, when_full: str, where: Any = None) -> None:
        super().__init__()
        if when_full not in _WHEN_FULL:
            raise ValueError(f"when_full is one of {', '.join(_WHEN_FULL)}, not {when_full!r}")
        if capacity < 1:
            raise ValueError(f"capacity is at least 1, not {capacity!r}")
        self.capacity = capacity
        self.when_full = when_full
        self.missed = 0
        self._where = as_predicate(where) if where is not None else None
        self._kept: deque[Event] = deque()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._overrun = False

    @property
    def instant(self) -> bool:
        """It takes everything at once."""
        return True

    def offer(self, batch: Batch) -> bool:
        """Keep a batch, or count it as missed."""
        self.watch(batch)
        return True

    async def write(self, events: Sequence[Event]) -> None:
        """Keep events, or count them as missed."""
        self.watch(as_batch(events))

    def admit(self, batch: Batch, plan: Plan, trail: tuple[Ledger, ...], link: Link) -> None:
        """Plan to keep a batch; it can never block."""

        def take() -> None:
            for ledger in trail:
                ledger.delivered += len(batch)
            self.watch(batch)

        plan.then(take, once=True)

    def watch(self, batch: Batch) -> None:
        """Keep what is chosen of a batch, or count it as missed."""
        n = len(batch)
        self.ledger.entered += n
        if self.closed or self._overrun:
            self.missed += n
            self.ledger.drop("missed", n)
            return
        chosen = batch
        if self._where is not None:
            matched, failed = self._where.predicate(batch)
            self.ledger.filter("no_match", n - len(matched) - len(failed))
            self.ledger.drop("expression_error", len(failed))
            chosen = batch.pick(matched)
        room = self.capacity - len(self._kept)
        over = max(0, len(chosen) - room)
        if over:
            self._overflow(chosen, over)
        else:
            self._kept.extend(chosen)
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
        self._waiting.clear()

    def _overflow(self, chosen: Batch, over: int) -> None:
        self.missed += over
        self.ledger.drop("missed", over)
        if self.when_full == "drop_oldest":
            self._kept.extend(chosen)
            for _ in range(over):
                self._kept.popleft()
            return
        self._kept.extend(chosen[: len(chosen) - over])
        self._overrun = self.when_full == "close"

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Event:
        while not self._kept:
            if self._overrun:
                raise Overloaded(f"the subscriber missed {self.missed} events", missed=self.missed)
            if self.closed:
                raise StopAsyncIteration
            future = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            try:
                await future
            except asyncio.CancelledError:
                if future in self._waiting:
                    self._waiting.remove(future)
                raise
        event = self._kept.popleft()
        self.ledger.delivered += 1
        return event

    def pending(self) -> int:
        """Return how many events the reader has not read."""
        return len(self._kept)

    async def close(self) -> None:
        """End the reader after what it has."""
        self.closed = True
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
        self._waiting.clear()


class Splices:
    """Puts subscriptions in front of nodes of a running topology, and takes them out again."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._splices: dict[int, Splice] = {}  # by the id of the node they stand in front of

    def insert(self, where: str | Node, subscription: Subscription) -> Callable[[], None]:
        """Let a subscription see what is written to a node; return the way to take it out."""
        topology = self._topology
        node = topology.nodes.get(where) if isinstance(where, str) else where
        if node is None:
            raise KeyError(f"no node is named {where!r}")
        subscription.name = f"{node.name}.subscriber"
        subscription.start()
        if isinstance(node, Broadcast):
            node.absorb(node.insert(subscription, required=False))
            return lambda: self._leave(node, subscription)
        target = beyond(node.to.target) if isinstance(node, SourceNode) else node
        splice = self._splices.get(id(target))
        if splice is None:
            splice = self._splices[id(target)] = Splice(target)
            splice.name = target.name
            splice.bind(topology.ctx)
            topology.faces[id(target)] = splice
            self._retarget(target, splice)
        topology.flush()
        splice.watchers.append(subscription)
        return lambda: self._unwatch(splice, subscription)

    def _unwatch(self, splice: Splice, subscription: Subscription) -> None:
        self._topology.flush()
        splice.watchers.remove(subscription)
        if not splice.watchers:
            target = splice.to.target
            del self._splices[id(target)]
            del self._topology.faces[id(target)]
            self._retarget(splice, target)

    def _retarget(self, old: Node, new: Node) -> None:
        """Point every edge that leads to one node to the other; wire what changed."""
        topology = self._topology
        topology.flush()
        edges = [link for node in topology.ordered() if node is not new for link in node.links()]
        for link in (*edges, *topology.assembly.entries.values(), topology.ctx.dead_letters):
            if link.target is old:
                link.retarget(new)
        topology.wire()

    @staticmethod
    def _leave(fan: Broadcast, subscription: Subscription) -> None:
        fan.discard(subscription)
