"""What a stop keeps in the state dir: what is there already, and the rest of memory queues.

It stores for queues that deliver nothing any more; what becomes of it is the next start's affair.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from sinkgraph.errors import Rejected, StoreFailed, StoreFull
from sinkgraph.event import Batch
from sinkgraph.log.backlog import size_of
from sinkgraph.log.disk.depot import Depot
from sinkgraph.log.disk.draft import Draft, Entry, Pledge
from sinkgraph.log.disk.shelf import Shelf
from sinkgraph.sinks.queue import Queue

__all__ = ["Kept", "each_stored", "keep", "store", "wants_saving"]

_PART_EVENTS = 1_000


@dataclass(slots=True)
class Kept:
    """Is what is in the state dir for the next start, by queue; `saved` of it was in memory."""

    kept: dict[str, int] = field(default_factory=dict)
    saved: dict[str, int] = field(default_factory=dict)


def wants_saving(queue: Queue) -> bool:
    """Whether a queue holds events in memory that a stop is to save."""
    return not queue.durable and queue.on_stop == "save" and queue.depth() > 0


async def keep(depot: Depot, queues: Sequence[Queue], within_s: float) -> Kept:
    """Save what closed memory queues hold, where they want it; return what is kept of all.

    It takes at most `within_s` seconds; what the disk has not answered for by then counts as not
    saved.
    """
    until = depot.loop.time() + within_s
    saves = [_Save(depot, queue) for queue in queues if wants_saving(queue)]
    for save in saves:
        save.begin()
    await _answered([pledge for save in saves for pledge in save.pledges], until)
    for save in saves:
        await save.in_parts(until)
    found = Kept()
    for save in saves:
        save.tell()
        if save.saved:
            found.saved[save.queue.name] = save.saved
    known = {save.queue.name: save.kept for save in saves}
    for queue in queues:
        n = known.get(queue.name, queue.depth() if queue.durable else 0)
        if not queue.durable and queue.name not in known and queue.shelf is not None:
            n = min(queue.shelf.pending, queue.depth())
        if n:
            found.kept[queue.name] = n
    for name, shelf in depot.shelves.items():  # of queues that have left, and of replays
        if name not in found.kept and shelf.pending and name not in known:
            found.kept[name] = shelf.pending
    return found


class _Save:
    """Stores the rest of one memory queue: all of it at once, or part by part on a full disk."""

    def __init__(self, depot: Depot, queue: Queue) -> None:
        self.queue = queue
        self.pledges: list[Pledge] = []
        self._depot = depot
        self._shelf = depot.claim(queue.name)
        self._there = queue.backlog.cold  # on disk since an earlier run
        self._parts: list[Batch] = []
        for batch in queue.remains():
            if self._shelf.has(batch.places):
                self._there += len(batch)
            else:
                self._parts += self._sealed(batch)

    def _sealed(self, batch: Batch) -> list[Batch]:
        """Return a batch in parts that can be stored; what cannot be encoded is journalled."""
        found: list[Batch] = []
        for at in range(0, len(batch), _PART_EVENTS):
            part = batch[at : at + _PART_EVENTS]
            try:
                part.seal()
                found.append(part)
            except Rejected:
                found += [one for k in range(len(part)) if self._seal(one := part[k : k + 1])]
        return found

    def _seal(self, one: Batch) -> bool:
        try:
            one.seal()
        except Rejected as error:
            self._note("event_not_saved", error=str(error))
            return False
        return True

    def _note(self, kind: str, **facts: object) -> None:
        self.queue.bound.journal(kind, node=self.queue.name, **facts)

    def begin(self) -> None:
        """Have all of it written with the next commit."""
        try:
            self.pledges = [begin_store(self._depot, self._shelf, part) for part in self._parts]
        except StoreFailed:
            pass  # it is told below

    async def in_parts(self, until: float) -> None:
        """Where there was no room for all of it, store as much as fits, oldest first."""
        for k, pledge in enumerate(self.pledges):
            if not isinstance(_error(pledge), StoreFull):
                continue
            try:
                again = begin_store(self._depot, self._shelf, self._parts[k])
            except StoreFailed:
                return
            await _answered([again], until)
            self.pledges[k] = again
            if not _stored(again):
                return

    @property
    def saved(self) -> int:
        """Events that were only in memory and are on disk now."""
        parts = zip(self._parts, self.pledges, strict=False)
        return sum(len(part) for part, pledge in parts if _stored(pledge))

    @property
    def kept(self) -> int:
        """Events that are on disk now."""
        return min(self._there + self.saved, self.queue.depth())

    def tell(self) -> None:
        """Journal how many events could not be saved, and why."""
        missing = sum(map(len, self._parts)) - self.saved
        if missing:
            errors = [str(error) for pledge in self.pledges if (error := _error(pledge))]
            late = "the disk did not answer in time"
            said = errors[0] if errors else str(self._depot.failed or late)
            self._note("events_not_saved", events=missing, error=said)


def begin_store(depot: Depot, shelf: Shelf, batch: Batch) -> Pledge:
    """Have a batch stored for one queue with the next commit; StoreFailed when none comes."""
    size = size_of(batch)
    draft = Draft(f"queue {shelf.name}", batch, len(batch), size, {shelf: None})
    pledge = Pledge(loop=depot.loop)

    def apply() -> None:
        shelf.took(draft.stored(), size, cold=True)

    depot.add(Entry([draft], (), apply, _do_nothing, pledge))
    return pledge


async def store(depot: Depot, shelf: Shelf, batch: Batch) -> None:
    """Store a batch for one queue; returns when it is on disk."""
    await begin_store(depot, shelf, batch)


class _Reader:
    """Keeps why what is only on disk cannot be read, while nobody else answers for it."""

    def __init__(self) -> None:
        self.error: BaseException | None = None

    def cannot_read(self, error: BaseException) -> None:
        """Keep the error."""
        self.error = error

    def reads_again(self) -> None:
        """Forget it."""
        self.error = None

    def disk_failed(self, error: BaseException) -> None:
        """Keep the error."""
        self.error = error


async def each_stored(
    depot: Depot,
    shelf: Shelf,
    act: Callable[[Batch], Awaitable[None]],
    within_s: float | None = None,
) -> None:
    """Hand every event of a shelf that is only on disk to `act`; each is settled after it.

    Raises StoreFailed when the disk gives nothing for `within_s` seconds; without that it is tried
    as long as it takes.
    """
    reader = _Reader()
    if shelf.keeper is None:
        shelf.keeper = reader
    try:
        while shelf.cold:
            arrived: asyncio.Future[list[Batch]] = depot.loop.create_future()

            def done(
                batches: list[Batch],
                _lost: int,
                _size: int,
                arrived: asyncio.Future[list[Batch]] = arrived,
            ) -> None:
                if not arrived.done():
                    arrived.set_result(batches)

            shelf.prefetch(done)
            try:
                async with asyncio.timeout(within_s):
                    batches = await arrived
            except TimeoutError:
                why = f": {reader.error}" if reader.error is not None else ""
                raise StoreFailed(
                    f"events of {shelf.name} could not be read within {within_s:g} s{why}"
                ) from None
            for batch in batches:
                await act(batch)
                shelf.settle(batch.places or (), size_of(batch))
    finally:
        if shelf.keeper is reader:
            shelf.keeper = None


async def _answered(pledges: Sequence[Pledge], until: float) -> None:
    """Wait for pledges, which cannot be cancelled, at most until a time of the loop."""
    if pledges:
        loop = asyncio.get_running_loop()
        await asyncio.wait(pledges, timeout=max(0.0, until - loop.time()))


def _stored(pledge: Pledge) -> bool:
    return pledge.done() and _error(pledge) is None


def _error(pledge: Pledge) -> BaseException | None:
    return pledge.exception() if pledge.done() else None


def _do_nothing() -> None:
    return None
