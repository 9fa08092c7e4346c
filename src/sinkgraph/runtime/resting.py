"""Which disk queues of a stop rest, and when: what they hold stays on disk for the next start.

What was begun may end; nothing is drained here, and nothing closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sinkgraph.sinks.base import Node
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.retry import Retry

__all__ = ["REST_S", "Resting"]

REST_S = 2.0
"""How long what a disk queue has begun to deliver may take to end once the queue rests."""


class Resting:
    """Lets the disk queues among `nodes` (upstream before downstream) rest.

    One that is too full for what may still come, `coming` events, goes on until its turn, so that
    what stands before it finds room.
    """

    def __init__(self, nodes: Sequence[Node], coming: int) -> None:
        self._nodes = nodes
        self._until: dict[Queue, float] = {}
        own = [node for node in nodes if isinstance(node, Queue)]
        coming += sum(queue.pending() for queue in own if not queue.durable)
        disk = [queue for queue in own if queue.durable]
        self._begin([one for one in disk if not one.waiting and one.room() >= coming])

    def _begin(self, queues: Sequence[Queue]) -> None:
        now = asyncio.get_running_loop().time()
        for queue in queues:
            queue.lanes.rest()
            self._until[queue] = now + REST_S
        for node in self._below():
            if isinstance(node, Retry):
                node.rest()

    async def all(self) -> None:
        """Return when all of them rest."""
        for node in self._nodes:
            if isinstance(node, Queue) and node.durable:
                await self.rest(node)

    async def rest(self, queue: Queue) -> None:
        """Return when a queue rests and what it had begun has ended, or was given up."""
        if queue not in self._until:
            self._begin([queue])
        left_s = self._until[queue] - asyncio.get_running_loop().time()
        await queue.lanes.rested(max(0.0, left_s))

    def _below(self) -> list[Node]:
        """Return what nothing writes to but queues that rest, through other such nodes or not."""
        fed: dict[int, bool] = {}  # by target: whether anything else writes to it
        for node in self._nodes:
            feeds = node not in self._until if isinstance(node, Queue) else fed.get(id(node), True)
            for link in node.links():
                fed[id(link.target)] = fed.get(id(link.target), False) or feeds
        return [node for node in self._nodes if not fed.get(id(node), True)]
