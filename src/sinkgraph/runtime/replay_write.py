"""One write of a replay: into a node or behind a source, until all is taken or something fails.

It waits where there is no room, and buries what is at fault by the node's own port. It neither
paces nor reads what is stored.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from sinkgraph.errors import Overloaded, PartialWrite, Rejected, SinkClosed
from sinkgraph.event import Batch, as_batch
from sinkgraph.log.owed import Part, Write
from sinkgraph.sinks.base import Node, Parked, from_outside
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.burial import bury_batch
from sinkgraph.sinks.queue import Queue
from sinkgraph.sources.base import SourceNode
from sinkgraph.telemetry.stats import Ledger

__all__ = ["Stopped", "Writing", "most_at_once"]

_AGAIN_S = 1.0


class Stopped(Exception):
    """Say why a replay goes no further; what was not taken is to be written again."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def most_at_once(node: Node, most: int) -> int:
    """Return how many events one write into a node may carry: the least that is said below it."""
    seen: set[int] = set()
    todo = [node]
    while todo:
        one = todo.pop()
        if id(one) in seen or (isinstance(one, Queue) and one is not node):
            continue
        seen.add(id(one))
        if isinstance(one, Queue):
            most = min(most, one.capacity)
            continue
        if one.max_batch is not None:
            most = min(most, one.max_batch)
        todo += [link.target for link in one.links() if link.port != "dead_letter"]
    return max(1, most)


class Writing:
    """Writes one batch into `node`; `run` raises Stopped when part of it could not be written.

    What enters the node this way counts as replayed there. Once `stop` is set it waits for nothing
    more.
    """

    def __init__(self, node: Node, batch: Batch, stop: asyncio.Event) -> None:
        self.buried = 0
        self._node = node
        self._stop = stop
        # events of their own: their places are the replay's, and mean nothing below
        self._batch = Batch.of(batch)
        write: Write = node.to.send if isinstance(node, SourceNode) else node.write
        self._parts: deque[Part] = deque([(write, self._batch)])

    def ended(self) -> list[int]:
        """Return which events of the batch ended, taken or buried, by their index in it."""
        owed = {own for _, batch in self._parts for own in batch.ids}
        return [k for k, own in enumerate(self._batch.ids) if own not in owed]

    async def run(self) -> None:
        """Write, and write again what there was no room for."""
        try:
            while self._parts:
                await self._pay()
        finally:
            self._count()

    async def _pay(self) -> None:
        """Write the first part once."""
        write, batch = self._parts[0]
        try:
            await write(batch)
            self._parts.popleft()
        except PartialWrite as error:
            await self._keep_owed(error)
        except Rejected as error:
            await self._reject(write, batch, error)
        except Overloaded as error:
            await self._pause(error.retry_after_s or _AGAIN_S)
        except BaseException as error:
            if from_outside(error):
                raise
            raise Stopped(_said(error)) from error

    async def _keep_owed(self, error: PartialWrite) -> None:
        """Go on with what is owed; wait where that helps, stop where an attempt has failed."""
        owed = [one for one in error.owed if len(one.events)]
        self._parts.popleft()
        self._parts.extendleft((one.write, as_batch(one.events)) for one in reversed(owed))
        if isinstance(error, Parked):
            await self._pause(error.due_s)
            return
        waits = [_wait(one.error) for one in owed]
        if owed and None in waits:
            failed = owed[waits.index(None)].error
            raise Stopped(_said(failed)) from error
        await self._pause(max((wait or 0.0 for wait in waits), default=0.0))

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            return
        raise Stopped("the graph stops")

    async def _reject(self, write: Write, batch: Batch, error: Rejected) -> None:
        """Bury the event that is at fault; a batch is halved to find it."""
        self._parts.popleft()
        if len(batch) > 1:
            half = len(batch) // 2
            self._parts.extendleft([(write, batch[half:]), (write, batch[:half])])
            return
        self._parts.appendleft((write, batch))  # until the dead letters have it
        port = getattr(self._node, "dead_letter", None)
        await bury_batch(self._node, port, batch, "rejected", [_said(error)], attempts=1)
        self._parts.popleft()
        self.buried += batch[0].id not in {own for _, one in self._parts for own in one.ids}

    def _count(self) -> None:
        """Count what the node has taken as replayed, not as entered."""
        n = len(self.ended()) - self.buried
        if isinstance(self._node, SourceNode):
            self._node.ledger.replayed += n
            self._node.ledger.delivered += n
            return
        for ledger in _ledgers(self._node):
            ledger.entered -= n
            ledger.replayed += n


def _ledgers(node: Node) -> Sequence[Ledger]:
    if isinstance(node, Broadcast):
        return [target.ledger for target in node.targets]
    return [node.ledger]


def _wait(error: BaseException) -> float | None:
    """Return how long to wait before what is owed is written again; None where it is a failure."""
    if isinstance(error, Overloaded):
        return error.retry_after_s or _AGAIN_S
    return 0.0 if isinstance(error, Rejected) else None


def _said(error: BaseException) -> str:
    if isinstance(error, SinkClosed):
        return str(error) or "it takes nothing more"
    return f"{type(error).__name__}: {error}".rstrip(": ")
