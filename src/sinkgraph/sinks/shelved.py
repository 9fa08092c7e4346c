"""A queue's side of the disk: room for what is being written, events to read back, their ends.

It keeps the books between the backlog in memory and the shelf; which events to take, and what
to do with them, is the queue's decision.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sinkgraph.errors import StartFailed
from sinkgraph.event import Batch
from sinkgraph.log.backlog import size_of
from sinkgraph.log.disk.depot import ACK_AFTER_S, ACK_EVENTS
from sinkgraph.log.disk.loan import Loan
from sinkgraph.sinks.attempts import error_text
from sinkgraph.sinks.onto_disk import store_pending
from sinkgraph.sinks.seat import Seat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sinkgraph.log.disk.shelf import Shelf
    from sinkgraph.sinks.base import Node

__all__ = ["STORES", "Shelved"]

STORES = ("memory", "disk")

_NOT_YET = (
    "it left the disk and still delivers what it held there; it can go back when that is done"
)

_HOT = 4_000  # events of a disk queue kept in memory too, before it reads them back
_HOT_BYTES = 16 * 1024**2
_AHEAD = 1_000  # events read before the lanes have come to them


class Shelved(Seat):
    """Is what a queue does with a disk. Subclasses set what is declared here."""

    max_bytes: int | None
    bytes: int

    def __init__(self, store: str, on_stop: str) -> None:
        super().__init__()
        if store not in STORES:
            raise ValueError(f"store is one of {', '.join(STORES)}, not {store!r}")
        if on_stop not in ("save", "discard"):
            raise ValueError(f"on_stop is save or discard, not {on_stop!r}")
        if store == "disk" and on_stop == "discard":
            raise ValueError("a stop discards nothing that is on disk: store and on_stop clash")
        self.store = store
        self.on_stop = on_stop
        self.shelf: Shelf | None = None
        self._loan: Loan | None = None  # of the shelf, by opening
        self.reserved = 0  # events being written to disk, for which room is kept
        self._reserved_bytes = 0
        self._arriving: list[asyncio.Future[None]] = []  # of who waits until none are
        self._unread = False  # reading what is only on disk has failed, and is tried again
        self._skip = 0  # events on disk to be dropped when they are read
        self._skip_bytes = 0  # what they are thought to hold, which was given back

    @property
    def durable(self) -> bool:
        """Whether what is accepted here is on disk."""
        return self.store == "disk"

    # its life

    async def open(self) -> None:
        """Take up what an earlier run left; a disk queue needs a state dir."""
        depot = self.bound.depot
        if depot is None:
            self._refuse_without_disk(self)
            return
        if self.durable or depot.holds(self.name) or (self.was and depot.holds(self.was)):
            loan = self._loan = Loan(depot, self.name, self.was)
            self.shelf = loan.shelf
            self.shelf.takes = self.durable
            self.shelf.keeper = self

    def give_back(self) -> None:
        """Let the shelf be whose it was."""
        if self._loan is not None:
            self._loan.give_back()
        self.shelf = self._loan = None

    def start(self) -> None:
        """Begin with what is on disk."""
        shelf = self.shelf
        if shelf is not None and shelf.pending:
            self.ledger.recovered += shelf.pending
            self.bytes += shelf.size
            self.backlog.load((), shelf.cold)
            self.fetch()

    # how it changes while it runs

    async def approach(self, fresh: Node) -> None:
        """Refuse to keep on disk what comes from now on, where there is no state dir."""
        if isinstance(fresh, Shelved) and fresh.durable:
            fresh.bind(self.bound)
            self._refuse_without_disk(fresh)
            if not self.durable and (self.backlog.loaded or self.backlog.cold):
                raise StartFailed([f"queue {self.name}: {_NOT_YET}"])

    @staticmethod
    def _refuse_without_disk(queue: Shelved) -> None:
        if queue.durable and queue.bound.depot is None:
            reason = (
                f"queue {queue.name}: `store: disk` needs a state dir to keep its events in:"
                " give one (`--state-dir DIR`, or `state_dir=` from Python)"
            )
            raise StartFailed([reason])

    def become(self, fresh: Node) -> None:
        """Follow other settings; what is pending stays, and comes before what comes from now on."""
        assert isinstance(fresh, Shelved), "it becomes what is of its own kind"
        unmeasured = self.max_bytes is None
        super().become(fresh)
        depot = self.bound.depot
        moves = fresh.store != self.store and depot is not None
        if moves and depot is not None:
            self.store = fresh.store
            if self.durable:
                self.shelf = depot.claim(self.name)
            if self.shelf is not None:
                self.shelf.takes, self.shelf.keeper = self.durable, self
        if depot is not None and self.shelf is not None and self.shelf.name != self.name:
            depot.claim(self.name, self.shelf.name)
        if self.max_bytes is None:
            self.bytes = self._reserved_bytes = 0
        elif unmeasured:
            self.bytes = self._measured()
        self.lanes.become(fresh.lanes)
        if moves and self.durable and self.shelf is not None:
            store_pending(self, self.shelf)

    def _measured(self) -> int:
        """Return the bytes of all that is pending, of which none were counted so far."""
        shelf = self.shelf
        held = [*self.lanes.held(), *self.backlog.remains()]
        in_memory = [one for one in held if shelf is None or not shelf.has(one.places)]
        return sum(map(size_of, in_memory)) + (shelf.size if shelf is not None else 0)

    # a disk that is slow, or broken

    def refuse_if_stuck(self) -> None:
        """Raise StoreFailed when the disk has failed for good."""
        if self.shelf is not None and self.shelf.takes:
            self.shelf.depot.refuse_if_failed()

    def behind(self, lanes: int) -> bool:
        """Whether more was delivered than may be repeated after a crash, and is not noted yet."""
        shelf = self.shelf
        if shelf is None or not shelf.takes:
            return False
        depot = shelf.depot
        return depot.failed is not None or shelf.owed.too_many(
            ACK_EVENTS * lanes, ACK_AFTER_S, depot.loop
        )

    async def caught_up(self) -> None:
        """Wait until the disk has noted something; for ever when it has failed."""
        assert self.shelf is not None, "only what is on disk is noted there"
        await self.shelf.owed.fewer(self.shelf.depot.loop)

    def disk_failed(self, error: BaseException) -> None:
        """Deliver nothing more: what is delivered now is repeated after the restart it needs."""
        if self.durable:
            self.status = "failed"
            self.lanes.last_error = error_text(error)
            self.tell_drained()

    def cannot_read(self, error: BaseException) -> None:
        """Say that what is only on disk has to wait until it can be read."""
        self._unread = True
        self.lanes.last_error = error_text(error)
        self.falter()

    def reads_again(self) -> None:
        """Say that the disk is well again."""
        self._unread = False
        self.steady()

    def falter(self) -> None:
        """Say that something does not go well, and is tried again."""
        if self.status != "failed":
            self.status = "degraded"

    def steady(self) -> None:
        """Say that it goes well again."""
        if self.status == "degraded" and not self._unread:
            self.status = "ok"

    def tell_drained(self) -> None:
        """Let who drains look again."""
        raise NotImplementedError

    # room for what is being written

    def reserve(self, batch: Batch) -> None:
        """Keep room for a batch that is being written to disk."""
        self.reserved += len(batch)
        if self.max_bytes is not None:
            self._reserved_bytes += size_of(batch)

    def release(self, batch: Batch) -> None:
        """Give back the room that was kept for a batch."""
        self.reserved -= len(batch)
        if self.max_bytes is not None:
            self._reserved_bytes = max(0, self._reserved_bytes - size_of(batch))
        self._tell_arrived()
        self.made_room()

    async def arrived(self) -> None:
        """Wait until all that is being written to disk is here, or could not be stored."""
        while self.reserved:
            future = asyncio.get_running_loop().create_future()
            self._arriving.append(future)
            await future

    def _tell_arrived(self) -> None:
        if self.reserved:
            return
        for future in self._arriving:
            if not future.done():
                future.set_result(None)
        self._arriving.clear()

    def made_room(self) -> None:
        """Tell who waits that there is room, and who drains that there is less."""
        raise NotImplementedError

    # what is stored

    def shelve(self, batch: Batch, rest: Batch | None) -> bool:
        """Note what was stored of this queue, `rest` of it dropped; whether it stays in memory."""
        shelf = self.shelf
        assert shelf is not None, "only a disk queue has its events stored"
        backlog = self.backlog
        cold = bool(shelf.cold) or backlog.warm >= _HOT or self.bytes >= self._warmest()
        parts = [part for part in (batch, rest) if part is not None and len(part)]
        for part in sorted(parts, key=lambda one: one.places[0] if one.places else 0):
            shelf.took(part, size_of(part), cold=cold)
        if rest is not None and len(rest):
            shelf.settle(rest.places or (), size_of(rest))
        if cold:
            backlog.load((), shelf.cold - self._skip)
            if not backlog.loaded:
                self.fetch()
        return not cold

    @staticmethod
    def weigh(batch: Batch) -> int:
        """Return the bytes of a batch's payloads."""
        return size_of(batch)

    def _warmest(self) -> int:
        return _HOT_BYTES if self.backlog.warm else 1 << 62

    # what is read back

    def recall(self) -> None:
        """Go on after something was stored, or was not, that is not in memory any more."""
        if self.shelf is not None:
            self.backlog.load((), self.shelf.cold - self._skip)
        self.fetch()
        self.wake()
        self._tell_arrived()
        self.made_room()

    def fetch(self) -> None:
        """Have more of what is on disk read, when little of it is at hand."""
        shelf = self.shelf
        if shelf is not None and shelf.cold and self.backlog.loaded < _AHEAD and not self.closed:
            shelf.prefetch(self._fetched)

    def _fetched(self, batches: list[Batch], lost: int, lost_bytes: int) -> None:
        shelf = self.shelf
        assert shelf is not None, "only what is on disk is read"
        self._drop_skipped(shelf, batches)
        if lost:
            dropped = 0 if shelf.cold else min(self._skip, lost)  # they were, before they were lost
            self.ledger.drop("damaged", lost - dropped)
            self.bytes -= lost_bytes
            self.falter()
            self.bound.journal("events_damaged", node=self.name, events=lost)
        if not shelf.cold:
            self.bytes += self._skip_bytes
            self._skip = self._skip_bytes = 0
        self.backlog.load(batches, shelf.cold - self._skip)
        if shelf.cold and not self.backlog.loaded:
            self.fetch()
        self.wake()
        self.made_room()

    def _drop_skipped(self, shelf: Shelf, batches: list[Batch]) -> None:
        """Take off what was dropped before it was read, and count its bytes as they are."""
        while self._skip and batches:
            first = batches[0]
            gone, batches[0] = first[: self._skip], first[self._skip :]
            thought = self._skip_bytes * len(gone) // self._skip
            self._skip -= len(gone)
            self._skip_bytes -= thought
            size = size_of(gone)
            self.bytes -= size - thought
            shelf.settle(gone.places or (), size)
            if not len(batches[0]):
                del batches[0]

    def skip_cold(self, n: int) -> int:
        """Drop up to n of the oldest events that are only on disk; return how many.

        Their bytes are given back as if they were of the mean size, and put right when they are
        read.
        """
        shelf = self.shelf
        n = min(n, self.backlog.cold)
        if not n or shelf is None:
            return 0
        thought = min(shelf.size * n // max(1, shelf.pending), self.bytes)
        self._skip_bytes += thought
        self.bytes -= thought
        self._skip += n
        self.backlog.cold -= n
        self.fetch()
        return n

    # how it ends

    def ended(self, places: Sequence[int] | None, size: int) -> None:
        """Note that the events at these places, of `size` bytes, are settled."""
        if self.shelf is not None and places is not None:
            self.shelf.settle(places, size)
            if self.durable and not self.shelf.pending:
                self.bytes = 0  # of what a restart found, sizes are known about
        elif not len(self.backlog) and not self.in_flight:
            self.bytes = 0  # what was begun before bytes were bounded ends without a size
