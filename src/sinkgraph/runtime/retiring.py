"""What becomes of nodes that leave a running graph, and of the events their queues still hold.

It does not decide who leaves, or when.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from sinkgraph.errors import SinkgraphError
from sinkgraph.event import Batch
from sinkgraph.runtime.keeping import each_stored
from sinkgraph.runtime.leaving import close_nodes, drain_nodes
from sinkgraph.runtime.resting import REST_S
from sinkgraph.sinks.base import Link, Node
from sinkgraph.sinks.burial import DeadLetters, bury_batch
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.retry import Retry
from sinkgraph.sinks.wiring import downstream

__all__ = ["FATES", "Fate", "Used", "read_fate", "retire"]

FATES = ("drain", "dead_letter", "discard", "move_to:NAME")
"""What may become of the events of a queue that is removed while its graph runs."""

_Journal = Callable[..., None]


class Fate:
    """Is one of FATES, or `keep`: what a queue on disk holds stays there.

    `into` is the queue that takes the events of `move_to`.
    """

    def __init__(self, said: str, into: Queue | None = None) -> None:
        self.said = said
        self.into = Link(into) if into is not None else None

    @property
    def drains(self) -> bool:
        """Whether what is pending is delivered first, as far as time allows."""
        return self.said == "drain"


def read_fate(said: str, nodes: Mapping[str, Node]) -> Fate:
    """Return a fate as it was said; ValueError when there is none such."""
    if said in FATES and ":" not in said:
        return Fate(said)
    word, _, name = said.partition(":")
    if word != "move_to":
        raise ValueError(f"fate is one of {', '.join(FATES)}, not {said!r}")
    into = nodes.get(name.strip())
    if not isinstance(into, Queue):
        raise ValueError(f"fate {said}: {name.strip() or 'nothing'} is no queue of this graph")
    return Fate(word, into)


class Used:
    """Is the set of nodes that are reached, looked up once for each wiring."""

    def __init__(self, wirings: Callable[[], int], reached: Callable[[], Sequence[Node]]) -> None:
        self._wirings = wirings
        self._reached = reached
        self._seen = -1
        self._ids: set[int] = set()

    def __contains__(self, node: Node) -> bool:
        if self._seen != self._wirings():
            self._seen = self._wirings()
            self._ids = set(map(id, self._reached()))
        return id(node) in self._ids


async def retire(
    nodes: Sequence[Node],
    fates: Mapping[Queue, Fate],
    deadline_s: float,
    journal: _Journal,
    used: Used,
) -> list[Node]:
    """Drain and close nodes nothing writes to any more; return those that have left.

    Whatever is in use again by then stays. What a disk queue could not deliver in time stays on
    disk under its name, for the queue that comes back with it.
    """
    doomed: list[Node] = [queue for queue, fate in fates.items() if not fate.drains]
    going = [node for node in doomed if node not in used]
    await _rest(going)
    await close_nodes(going, journal)
    if not fates or any(fate.drains for fate in fates.values()):
        try:
            async with asyncio.timeout(deadline_s):
                await drain_nodes([node for node in nodes if node not in doomed], journal)
        except TimeoutError:
            pass
    gone: list[Node] = []
    for node in nodes:
        if node in used:
            continue
        gone.append(node)
        await _rest([node])
        await close_nodes([node], journal)
        if isinstance(node, Queue):
            await node.arrived()  # a write begun before it left brings what shares its fate
        if isinstance(node, Queue) and node.depth():
            fate = fates[node]
            stays = node.durable and (fate.drains or fate.said == "keep")
            said = "keep" if stays else fate.said
            journal("node_left_with_events", node=node.name, left=node.depth(), fate=said)
            if not stays:
                await _settle(node, fate)
        if isinstance(node, Queue) and node.shelf is not None:
            node.shelf.put_away()
        if isinstance(node, DeadLetters):
            node.hand_over()
    return gone


async def _rest(nodes: Sequence[Node]) -> None:
    """Let attempts that queues have begun end: one cut short may have been taken all the same."""
    queues = [node for node in nodes if isinstance(node, Queue) and not node.closed]
    for queue in queues:
        queue.shut()
        queue.lanes.rest()
        for node in downstream([queue.to.target]):
            if isinstance(node, Retry):
                node.let_go(queue.lanes.tasks)
    await asyncio.gather(*(queue.lanes.rested(REST_S) for queue in queues))


async def _settle(queue: Queue, fate: Fate) -> None:
    """Let what a closed queue still held follow its fate, accounted for all the way."""
    ledger, n, shelf = queue.ledger, queue.depth(), queue.shelf
    in_memory = [one for one in queue.leftovers() if shelf is None or not shelf.has(one.places)]
    if fate.said == "discard":
        ledger.drop("discarded", n)
        if shelf is not None:
            shelf.clear()
        return
    ledger.held += n
    settling = _Settling(queue, fate, n)
    if shelf is not None:
        shelf.put_away()
        await each_stored(shelf.depot, shelf, settling.act)
    for batch in in_memory:
        await settling.act(batch)
    settling.end()


class _Settling:
    """Buries or moves what a queue held; an event that two branches owed comes twice."""

    def __init__(self, queue: Queue, fate: Fate, n: int) -> None:
        self._queue = queue
        self._fate = fate
        self._left = n

    async def act(self, batch: Batch) -> None:
        """Move a batch where it is to go, or bury it where that is closed."""
        queue, into = self._queue, self._fate.into
        if into is not None and await self._moved(into, batch):
            self._count(len(batch), moved=True)
            return
        await bury_batch(queue, None, batch, "node_removed", ["the node was removed"])
        self._count(len(batch), moved=False)

    async def _moved(self, into: Link, batch: Batch) -> bool:
        try:
            await into.send(batch)
        except SinkgraphError as error:
            self._queue.bound.journal("move_failed", node=self._queue.name, error=str(error))
            return False
        return True

    def _count(self, n: int, *, moved: bool) -> None:
        n = min(n, self._left)
        self._left -= n
        ledger = self._queue.ledger
        ledger.held -= n
        if moved:
            ledger.delivered += n
        else:
            ledger.dead_lettered += n

    def end(self) -> None:
        """Count what was on disk and could not be read."""
        ledger = self._queue.ledger
        ledger.held -= self._left
        ledger.drop("damaged", self._left)
        self._left = 0
