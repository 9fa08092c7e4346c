"""One stop of one topology: quiesce, drain to a deadline, close, and say what became of it all.

It decides in which order nodes end and how long each may take; how a node ends is its own affair.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from sinkgraph.runtime import leaving
from sinkgraph.runtime.keeping import Kept, wants_saving
from sinkgraph.runtime.resting import Resting
from sinkgraph.sinks.burial import DeadLetters
from sinkgraph.sinks.queue import Queue
from sinkgraph.telemetry.status import CloseReport

if TYPE_CHECKING:
    from sinkgraph.runtime.topology import Topology

__all__ = ["Stop"]

_log = logging.getLogger("sinkgraph")

SAVE_S = 2.0
"""How much of the time a stop has is kept, at most, for saving what memory queues hold."""

HURRY_S = 1.0
"""How long saving may take when somebody is in a hurry."""

First = Callable[[], Awaitable[None]]


class Stop:
    """Ends a topology within `limit` seconds; `first` is drained before the nodes are.

    What is on disk stays there, unless `drain_disk` says that it is to be delivered too.
    """

    def __init__(
        self, topology: Topology, limit: float, first: First | None, *, drain_disk: bool
    ) -> None:
        self._topology = topology
        self._limit = limit
        self._first = first
        self._drain_disk = drain_disk
        self._resting: Resting | None = None
        self._kept = Kept()
        self._left: dict[str, int] = {}

    async def run(self) -> CloseReport:
        """Stop it, and return the report."""
        topology = self._topology
        began = topology.clock.now()
        topology.status = "draining"
        for source in topology.assembly.sources.values():
            source.stop()
        if not self._drain_disk:
            self.keep_disk()
        grace = await self._drain()
        topology.replays.stop()
        for listener in topology.closing:
            listener()
        await self._end_sources(grace)
        await self._end_nodes(grace)
        await self._end_letters(grace)
        snapshot = topology.snapshot()
        await topology.release(grace.share(0.9))
        topology.status = "stopped"
        took_s = topology.clock.now() - began
        lost = sum(self._left.values())
        if snapshot.residue:
            topology.journal.note("events_unaccounted", nodes=snapshot.residues)
            _log.error("events are unaccounted for, which is a bug: %s", snapshot.residues)
        topology.journal.note("graph_stopped", name=topology.name, left=lost)
        kept = self._kept
        return CloseReport(snapshot, self._left, took_s, self._limit, kept.kept, kept.saved)

    async def _drain(self) -> leaving.Grace:
        """Drain until all is done, the deadline passes or somebody is in a hurry."""
        topology, loop = self._topology, asyncio.get_running_loop()
        until = loop.time() + self._limit
        work = loop.create_task(self._quiet_then_drain(), name="topology drain")
        hurried = loop.create_task(self._wait_hurry(), name="topology hurry")
        reserve_s = min(SAVE_S, self._limit / 4) if topology.state is not None else 0.0
        await _first_of(work, hurried, self._limit - reserve_s)
        if not self._has_to_save():
            await _first_of(work, hurried, until - loop.time())
        hurried.cancel()
        work.cancel()
        if topology.hurry.is_set():
            until = min(until, loop.time() + (HURRY_S if self._has_to_save() else 0.0))
        grace = leaving.Grace(max(loop.time(), until))
        await asyncio.wait([work], timeout=grace.share())
        if not work.done():
            topology.journal.note("drain_abandoned")
        return grace

    def _has_to_save(self) -> bool:
        """Whether memory queues hold events that go to disk, where there is one."""
        return self._topology.state is not None and any(map(wants_saving, self._queues()))

    def _queues(self) -> list[Queue]:
        return [node for node in self._topology.ordered() if isinstance(node, Queue)]

    async def _wait_hurry(self) -> None:
        await self._topology.hurry.wait()

    async def _quiet_then_drain(self) -> None:
        topology = self._topology
        if topology.working:
            await asyncio.wait(topology.working)
        if self._first is not None:
            await self._first()
        await topology.replays.ended()
        note = topology.journal.note
        await leaving.drain_nodes(topology.ordered(), note, lambda: self._resting)
        if self._resting is not None:
            await self._resting.all()

    def keep_disk(self) -> None:
        """Let disk queues and replays rest from now on: what they hold stays on disk."""
        if self._resting is None:
            topology = self._topology
            topology.replays.stop()
            coming = sum(node.pending() for node in topology.beside)
            self._resting = Resting(topology.ordered(), coming)

    async def _end_sources(self, grace: leaving.Grace) -> None:
        """Take nothing more from outside."""
        topology = self._topology
        sources = [source.to for source in topology.assembly.sources.values()]
        leaving.refuse_writers([*topology.assembly.entries.values(), *sources])
        for task in topology.working:
            task.cancel()
        if topology.working:
            await asyncio.wait(topology.working, timeout=grace.share())
        topology.flush()

    async def _end_nodes(self, grace: leaving.Grace) -> None:
        """Close queues, keep what they hold, then close what stands below them and the tasks."""
        topology, state = self._topology, self._topology.state
        if state is not None:
            await state.settled(grace.share())
        ordered, queues = topology.ordered(), self._queues()
        await topology.close_nodes(queues, grace.share())
        if state is not None:
            self._kept = await state.keep(queues, grace.share(0.8, SAVE_S))
        left = {q.name: q.pending() - self._kept.kept.get(q.name, 0) for q in queues}
        self._left = {name: n for name, n in left.items() if n > 0}
        between = [n for n in ordered if not isinstance(n, Queue) and n.links()]
        await topology.close_nodes(between, grace.share())
        last = [n for n in ordered if not n.links() and not isinstance(n, DeadLetters)]
        await topology.close_nodes(last, grace.share())
        for task in list(topology.tasks):
            task.cancel()
        if topology.tasks:
            await asyncio.wait(list(topology.tasks), timeout=grace.share())

    async def _end_letters(self, grace: leaving.Grace) -> None:
        """Close what keeps dead letters, last of all; what the disk did not take is lost."""
        letters = [node for node in self._topology.ordered() if isinstance(node, DeadLetters)]
        await self._topology.close_nodes(letters, grace.share())
        self._left |= {one.name: one.not_stored for one in letters if one.not_stored}


async def _first_of(one: asyncio.Task[None], other: asyncio.Task[None], within_s: float) -> None:
    """Wait until one of two tasks has ended, at most so long."""
    first = asyncio.FIRST_COMPLETED
    await asyncio.wait([one, other], timeout=max(0.0, within_s), return_when=first)
