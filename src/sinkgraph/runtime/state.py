"""The state dir of a topology: opened with it, asked what nobody claims, given what is left.

It knows queues and the depot; what a commit is, and how rows look, is the disk's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from sinkgraph.errors import StartFailed, StoreFailed, StoreFull
from sinkgraph.event import Batch
from sinkgraph.log.disk.depot import Depot
from sinkgraph.log.disk.letters import REPLAY
from sinkgraph.log.disk.opened import Opened, open_store
from sinkgraph.log.disk.reserve import RESERVE_BYTES
from sinkgraph.log.disk.shelf import Shelf
from sinkgraph.runtime.keeping import Kept, each_stored, keep, store
from sinkgraph.sinks.base import Context, Node
from sinkgraph.sinks.burial import DeadLetters, dead_batch
from sinkgraph.sinks.queue import Queue

if TYPE_CHECKING:
    from sinkgraph.clock import Disk

__all__ = ["FATES", "REPLAY", "StateDir"]

FATES = ("dead_letter", "discard", "move_to:NAME")
"""What may become, at a start, of events whose queue is not in the graph."""

_ANSWER_S = 30.0  # how long a start waits for one answer of the disk
_DISK_S = 10.0  # how long a start that is given up waits for the disk


class StateDir:
    """Holds one state dir while a topology runs."""

    def __init__(self, directory: str, disk: Disk | None, fates: Mapping[str, str]) -> None:
        self.directory = directory
        self.depot: Depot | None = None
        self._disk = disk
        self._fates = dict(fates)
        self._queues: dict[str, Queue] = {}

    async def open(self, note: Callable[..., None]) -> Depot:
        """Open the store; raises StartFailed with one line that says why it cannot be used."""
        disk = self._disk
        if disk is None:
            from sinkgraph.runtime.disk_thread import DiskThread

            disk = self._disk = DiskThread()
        directory, vfs = self.directory, getattr(disk, "vfs", None)
        opening = disk.submit(lambda: open_store(directory, vfs))
        try:
            await asyncio.wait([opening], timeout=_ANSWER_S)
            if not opening.done():
                raise StartFailed([_silent(directory)])
            opened = opening.result()
        except BaseException:
            opening.add_done_callback(_close_late)
            await _within(disk.close(), _DISK_S)
            raise
        self.depot = Depot(opened, disk, note)
        if opened.short is not None:
            note(
                "disk_short",
                directory=directory,
                free_bytes=opened.short,
                wanted_bytes=RESERVE_BYTES,
            )
        return self.depot

    # what is here, and whose it is

    def unclaimed(self, nodes: Sequence[Node]) -> list[str]:
        """Return why a start has to be refused: stored events that no node claims, wrong fates."""
        depot = self.depot
        assert depot is not None, "an open state dir is asked"
        names = {node.name for node in nodes}
        self._queues = {node.name: node for node in nodes if isinstance(node, Queue)}
        queues = list(self._queues)
        known = [*queues, *(REPLAY + name for name in names)]
        held = depot.unclaimed(known)
        reasons = [self._wrong(name, fate, held, queues) for name, fate in self._fates.items()]
        for name, n in held.items():
            if name not in self._fates:
                reasons.append(_refusal(self.directory, name, n))
        return [reason for reason in reasons if reason]

    def _wrong(self, name: str, fate: str, held: Mapping[str, int], queues: Sequence[str]) -> str:
        if name not in held:
            near = get_close_matches(name, list(held), 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            return f"fate {name}: no stored events wait for a queue of that name{hint}"
        if fate == "drain":
            return (
                f"fate {name}=drain cannot be carried out: nothing in this graph says where its"
                f" {held[name]:,} events go; use move_to:QUEUE, dead_letter or discard"
            )
        if fate.startswith("move_to:"):
            target = fate.partition(":")[2].strip()
            if target in queues:
                return ""
            near = get_close_matches(target, queues, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            return f"fate {name}={fate}: {target} is no queue of this graph{hint}"
        if fate not in ("dead_letter", "discard"):
            return f"fate {name}: {fate!r} is none of {', '.join(FATES)}"
        return ""

    async def settle_fates(self, ctx: Context) -> None:
        """Do what was said of events that no node claims; StartFailed where that cannot be done."""
        try:
            await self._settle_fates(ctx)
        except (StoreFull, StoreFailed) as error:
            reason = f"what --fate says cannot be done in state dir {self.directory}: {error}"
            raise StartFailed(
                [f"{reason}; what was moved by now is there, the rest where it was"]
            ) from None

    async def _settle_fates(self, ctx: Context) -> None:
        depot, letters = self.depot, ctx.dead_letters.target
        for name, fate in self._fates.items():
            shelf = depot.shelves[name] if depot is not None else None
            if depot is None or shelf is None:
                continue
            n = shelf.pending
            if fate == "discard":
                await each_stored(depot, shelf, lambda batch: _nothing(), _ANSWER_S)
            elif fate == "dead_letter":
                grave = Node()
                grave.name = name.removeprefix(REPLAY)
                grave.path = (grave.name,)
                grave.bind(ctx)

                async def bury(batch: Batch, grave: Node = grave, name: str = name) -> None:
                    if isinstance(letters, DeadLetters) and not letters.has_room(batch):
                        raise StartFailed([_no_room(name, letters)])
                    said = ["its queue is not in the graph any more"]
                    await ctx.dead_letters.send(dead_batch(grave, batch, "node_removed", said))

                await each_stored(depot, shelf, bury, _ANSWER_S)
            else:
                queue = self._queues[fate.partition(":")[2].strip()]
                into = depot.claim(queue.name)
                if queue.shelf is None:  # a queue in memory, which had nothing stored so far
                    queue.shelf, into.takes = into, False

                async def move(batch: Batch, into: Shelf = into) -> None:
                    await store(depot, into, batch)

                await each_stored(depot, shelf, move, _ANSWER_S)
            ctx.journal("fate_settled", node=name, fate=fate, events=n)
        if depot is not None and self._fates:
            await depot.flush()
            depot.refuse_if_failed()

    # stopping

    async def settled(self, within_s: float) -> None:
        """Wait until what is being written is on disk, at most so many seconds."""
        if self.depot is not None:
            await _within(self.depot.flush(), within_s)

    async def keep(self, queues: Sequence[Queue], within_s: float) -> Kept:
        """Save what closed memory queues hold where they want it; return what is kept on disk."""
        depot = self.depot
        return await keep(depot, queues, within_s) if depot is not None else Kept()

    async def close(self, within_s: float = _DISK_S) -> None:
        """Write what is left and release everything; wait for it at most so long. Idempotent.

        A disk that does not answer by then is closed when it does.
        """
        depot, self.depot = self.depot, None
        if depot is not None:
            closing = depot.loop.create_task(depot.close(), name="state dir close")
            closing.add_done_callback(_note_nothing)
            await asyncio.wait([closing], timeout=within_s)


async def _within(work: Awaitable[None], within_s: float) -> None:
    try:
        async with asyncio.timeout(within_s):
            await work
    except TimeoutError:
        pass


def _close_late(opening: asyncio.Future[Opened]) -> None:
    """Close a store that came up when nobody waited for it any more."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().store.close()


def _note_nothing(closing: asyncio.Task[None]) -> None:
    if not closing.cancelled():
        closing.exception()


async def _nothing() -> None:
    return None


def _silent(directory: str) -> str:
    return (
        f"state dir {directory}: the disk did not answer within {_ANSWER_S:g} s; what is stored is"
        " as it was"
    )


def _refusal(directory: str, name: str, n: int) -> str:
    events = "1 event" if n == 1 else f"{n:,} events"
    if name.startswith(REPLAY):
        node = name.removeprefix(REPLAY)
        return (
            f"state dir {directory} holds {events} to be replayed into {node}, which is not in this"
            f" graph: say what becomes of them with --fate {name}=dead_letter (or discard,"
            " move_to:QUEUE)"
        )
    return (
        f"state dir {directory} holds {events} of queue {name}, which is not in this graph:"
        f" say what becomes of them with --fate {name}=move_to:QUEUE (or dead_letter, discard),"
        f" or write `was: {name}` on the queue that takes its place"
    )


def _no_room(name: str, letters: DeadLetters) -> str:
    return (
        f"fate {name}=dead_letter: {letters.name} has no room for them ({letters.capacity:,}"
        f" letters or {letters.max_bytes:,} bytes): purge or replay some with `sinkgraph dlq`, or"
        " raise its bounds; what was moved by now is there, the rest where it was"
    )
