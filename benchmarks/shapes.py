"""The trees whose cost per event is measured, and the proof that they lost nothing.

How long anything takes is not their subject.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.figures import EventsLost
from sinkgraph import Event, Live, Sink
from sinkgraph.event import Batch
from sinkgraph.sinks import Breaker, Broadcast, Filter, Queue, Retry, Route
from sinkgraph.sinks.base import Node
from sinkgraph.sinks.blackhole import Blackhole

__all__ = ["SHAPES", "STEP", "End", "Shape", "Tree", "settle", "verify"]

STEP = 4
"""Every shape divides a multiple of this many payloads evenly among its ends."""


class ReadingSink:
    """Looks at every event, as a sink somebody wrote for a service does: two public methods."""

    def __init__(self) -> None:
        self.pushes = 0
        self.seen = 0

    async def write(self, events: Sequence[Event]) -> None:
        """Read each event."""
        for event in events:
            if event.data["action"] == "push":
                self.pushes += 1
        self.seen += len(events)

    async def close(self) -> None:
        """Hold nothing."""


class InstantReader(Blackhole):
    """Looks at every event of a batch that is offered to it, without being awaited."""

    def __init__(self) -> None:
        super().__init__()
        self.pushes = 0

    def offer(self, batch: Batch) -> bool:
        """Read each event, then count."""
        for event in batch:
            if event.data["action"] == "push":
                self.pushes += 1
        return super().offer(batch)


@dataclass(frozen=True, slots=True)
class End:
    """Is where events arrive: `count()` of them so far, one of every `one_in` written."""

    count: Callable[[], int]
    one_in: int = 1


@dataclass(frozen=True, slots=True)
class Tree:
    """Is a fresh tree: where to write, the queues that have to be empty, the ends to count."""

    root: Sink
    queues: tuple[Queue, ...]
    ends: tuple[End, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """Names a tree. `peer` is the shape of the Go program it is measured beside, if any."""

    name: str
    label: str
    build: Callable[[], Tree]
    peer: str | None = None


async def settle(live: Live, tree: Tree) -> None:
    """Return when everything admitted was handed on and every queue has delivered all of it."""
    live.topology.flush()
    for queue in tree.queues:
        await queue.drain()


def verify(live: Live, tree: Tree, written: int) -> None:
    """Raise EventsLost unless all `written` events are where they belong, by every ledger."""
    snapshot = live.snapshot()
    if snapshot.residue or snapshot.pending:
        raise EventsLost(
            f"of {written} events written, residue is {snapshot.residue} and "
            f"{snapshot.pending} are pending"
        )
    for k, end in enumerate(tree.ends):
        want, got = written // end.one_in, end.count()
        if got != want:
            raise EventsLost(f"end {k} got {got} of {want} events")


def _count(sink: Node) -> Callable[[], int]:
    return lambda: sink.account().delivered


def _lane(end: Sink) -> Queue:
    return Queue(Retry(end, breaker=Breaker(failure_threshold=5, open_for=1.0)))


def _queue_retry() -> Tree:
    hole = Blackhole()
    lane = _lane(hole)
    return Tree(lane, (lane,), (End(_count(hole)),))


def _read() -> Tree:
    reader = ReadingSink()
    lane = _lane(reader)
    return Tree(lane, (lane,), (End(lambda: reader.seen), End(lambda: reader.pushes, 2)))


def _read_at_once() -> Tree:
    reader = InstantReader()
    lane = _lane(reader)
    return Tree(lane, (lane,), (End(_count(reader)), End(lambda: reader.pushes, 2)))


def _broadcast(branches: int) -> Callable[[], Tree]:
    def build() -> Tree:
        holes = [Blackhole() for _ in range(branches)]
        lanes = tuple(_lane(hole) for hole in holes)
        return Tree(Broadcast(lanes), lanes, tuple(End(_count(hole)) for hole in holes))

    return build


def _filter() -> Tree:
    hole = Blackhole()
    return Tree(Filter(hole, where='data.action == "push"'), (), (End(_count(hole), 2),))


def _filter_queue() -> Tree:
    hole = Blackhole()
    queue = Queue(hole)
    return Tree(Filter(queue, where='data.action == "push"'), (queue,), (End(_count(hole), 2),))


def _route() -> Tree:
    holes = [Blackhole() for _ in range(4)]
    queues = tuple(Queue(hole) for hole in holes)
    routes = [(f"data.shard == {k}", queue) for k, queue in enumerate(queues)]
    return Tree(Route(routes), queues, tuple(End(_count(hole), 4) for hole in holes))


SHAPES = (
    Shape("queue_retry", "queue → retry → blackhole", _queue_retry, "queue_retry"),
    Shape("queue_retry_read", "queue → retry → sink that reads", _read, "queue_retry"),
    Shape("queue_retry_offer", "queue → retry → reads when offered", _read_at_once, "queue_retry"),
    Shape("broadcast_1", "broadcast × 1 (queue → retry)", _broadcast(1), "broadcast_1"),
    Shape("broadcast_10", "broadcast × 10", _broadcast(10), "broadcast_10"),
    Shape("broadcast_100", "broadcast × 100", _broadcast(100), "broadcast_100"),
    Shape("broadcast_1000", "broadcast × 1,000", _broadcast(1_000), "broadcast_1000"),
    Shape("filter", "filter → blackhole", _filter, "filter"),
    Shape("filter_queue", "filter → queue → blackhole", _filter_queue),
    Shape("route", "route → 4 × (queue → blackhole)", _route),
)
