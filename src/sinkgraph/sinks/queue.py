"""A queue takes responsibility for events at once and delivers them from tasks of its own.

It keeps places, not events: what is pending is a cursor in its gate's log, or batches picked for
it. How batches are delivered is the subject of `lanes`; who waits for room, of the turnstile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from sinkgraph.event import Batch
from sinkgraph.log.admission import Plan
from sinkgraph.log.backlog import size_of, sizes_of
from sinkgraph.log.disk.places import unplaced
from sinkgraph.log.memory import PAGE
from sinkgraph.log.turnstile import Waiter
from sinkgraph.sinks.backoff import check_seconds
from sinkgraph.sinks.base import Link, Sink
from sinkgraph.sinks.lanes import Lanes
from sinkgraph.sinks.shelved import Shelved
from sinkgraph.telemetry.stats import Ledger

__all__ = ["CAPACITY", "MAX_BYTES", "WHEN_FULL", "Queue"]

_MOST_NESTED = 8
_nested = 0  # how many queues are passing a batch on, one inside the other

CAPACITY = {"memory": 10_000, "disk": 1_000_000}
"""Events a queue holds unless it says otherwise, by its store."""

MAX_BYTES: dict[str, int | None] = {"memory": None, "disk": 1024**3}
"""Bytes of payload a queue holds unless it says otherwise, by its store."""

WHEN_FULL = ("block", "reject", "drop_oldest", "drop_newest", "overflow")


class Queue(Shelved):
    """Buffers events for one target, in memory or, with `store="disk"`, in the state dir.

    `capacity` and `max_bytes` (of payload as JSON) bound what is pending, `when_full` says what
    happens then, `max_wait` bounds in seconds how long a writer waits. `concurrency` lanes
    deliver side by side; with `order_by` (a callable or an expression) events of one key keep
    their order. A lane takes at most `max_batch` events and waits up to `linger` seconds to fill.
    A write to a disk queue returns when the disk has it. `on_stop`: whether a memory queue's rest
    is saved (`save`) in the state dir, where there is one, or counted as left (`discard`).
    """

    kind = "queue"
    settings = ("capacity", "when_full", "max_wait", "max_bytes", "_own_batch", "on_stop")
    edges = ("to", "overflow", "dead_letter")

    def __init__(
        self,
        to: Sink,
        capacity: int | None = None,
        when_full: str = "block",
        *,
        store: str = "memory",
        on_stop: str = "save",
        overflow: Sink | None = None,
        max_wait: float | None = None,
        max_bytes: int | None = None,
        concurrency: int = 1,
        order_by: Any = None,
        max_batch: int = 1_000,
        linger: float = 0.0,
        dead_letter: Sink | None = None,
    ) -> None:
        super().__init__(store, on_stop)
        if capacity is None:
            capacity = CAPACITY[store]
        if max_bytes is None:
            max_bytes = MAX_BYTES[store]
        if when_full not in WHEN_FULL:
            raise ValueError(f"when_full is one of {', '.join(WHEN_FULL)}, not {when_full!r}")
        if (overflow is not None) != (when_full == "overflow"):
            raise ValueError("when_full: overflow and an overflow sink belong together")
        bounds = {"capacity": capacity, "concurrency": concurrency, "max_batch": max_batch}
        for field, value in {**bounds, "max_bytes": max_bytes or 1}.items():
            if isinstance(value, bool) or value < 1:
                raise ValueError(f"{field} is at least 1, not {value!r}")
        check_seconds("linger", linger)
        check_seconds("max_wait", 0 if max_wait is None else max_wait)
        self.to = Link(to)
        self.overflow = Link(overflow, "overflow") if overflow is not None else None
        self.dead_letter = Link(dead_letter, "dead_letter") if dead_letter is not None else None
        self.capacity = capacity
        self.max_bytes = max_bytes
        self.when_full = when_full
        self.max_wait = max_wait
        self.max_batch: int = max_batch  # own limit and the smallest below
        self._own_batch = max_batch
        self.waiting: list[Waiter] = []
        self.high_water = 0
        self.overflowed = 0
        self.lanes = Lanes(self, concurrency=concurrency, order_by=order_by, linger=linger)
        self.in_flight = 0  # taken by a lane or parked, not settled
        self.bytes = 0
        self._drained: list[asyncio.Future[None]] = []

    def links(self) -> Sequence[Link]:
        """Return `to`, then `overflow` and `dead_letter` where they exist."""
        return [link for link in (self.to, self.overflow, self.dead_letter) if link is not None]

    @property
    def instant(self) -> bool:
        """A queue in memory takes events at once when it has room."""
        return not self.durable

    def limit_batch(self, below: int | None) -> None:
        """Take at most `below` events at a time, where something below has a limit."""
        self.max_batch = min(self._own_batch, below) if below is not None else self._own_batch

    # what comes in

    def admit(self, batch: Batch, plan: Plan, trail: tuple[Ledger, ...], link: Link) -> None:
        """Plan to store the batch here; what does not fit an `overflow` queue goes on."""
        self.refuse_if_closed()
        ctx = self.bound
        if self.durable:
            if ctx.depot is not None:
                ctx.depot.refuse_if_failed()
            batch.seal()
        if self.overflow is None:
            plan.store(self, batch, trail)
            return
        plan.volatile = True
        sizes = sizes_of(batch) if self.max_bytes is not None else None
        planned = [one.batch for one in plan.stored if one.store is self]
        room = self._room_for(sizes, len(batch), planned)
        if room >= len(batch):
            plan.store(self, batch, trail)
            return
        over = batch[room:]
        if room:
            plan.store(self, batch[:room].slim(), trail)
        n = len(over)
        plan.enter(self.ledger, n)
        plan.then(lambda: self._note_overflow(n))
        self.overflow.admit(over, plan, (*trail, self.ledger))

    def _note_overflow(self, n: int) -> None:
        self.overflowed += n

    def room(self) -> int:
        """Return how many more events fit now."""
        unread = self.reads.unread if self.reads is not None else 0
        return self.capacity - self.depth() - unread - self.reserved

    def proven_room(self) -> int:
        """Return how many events a gate may take before it asks again.

        A queue that sheds takes a page: asked that often, it never keeps more than that too much.
        """
        room = self.room()
        return room if self.bounds else PAGE

    def fits(self, batch: Batch) -> bool:
        """Return whether this batch fits now, in events and in bytes."""
        if len(batch) > self.room():
            return False
        if self.max_bytes is None:
            return True
        return self.bytes + self._reserved_bytes + size_of(batch) <= self.max_bytes

    def could_fit(self, batch: Batch) -> bool:
        """Return whether this batch would fit if the queue were empty."""
        if len(batch) > self.capacity:
            return False
        return self.max_bytes is None or size_of(batch) <= self.max_bytes

    def accept(self, batch: Batch, *, optional: bool = False, stored: bool = False) -> None:
        """Store a batch picked for this queue, on disk or not; what its policy sheds is counted."""
        if self.reads is not None:
            self.step_aside()
        batch, n = batch if stored else unplaced(batch), len(batch)
        self.ledger.entered += n
        rest: Batch | None = None
        if optional or self.when_full == "drop_newest":
            room = self._room_for(sizes_of(batch) if self.max_bytes is not None else None, n)
            self.ledger.drop("optional_full" if optional else "drop_newest", n - room)
            batch, rest = batch[:room], batch[room:]
        elif self.when_full == "drop_oldest":
            room = self._shed_oldest(batch)
            batch, rest = batch[n - room :], batch[: n - room]
        warm = self.shelve(batch, rest) if stored else True
        if not len(batch):
            return
        if warm and self._pass_on(batch):
            self.ledger.delivered += len(batch)
            self.ended(batch.places, size_of(batch) if self.durable else 0)
            return
        if warm:
            self.backlog.pick(batch if rest is None else batch.slim())
        if self.max_bytes is not None:
            self.bytes += size_of(batch)
        self.high_water = max(self.high_water, self.depth())
        self.wake()

    def _pass_on(self, batch: Batch) -> bool:
        """Offer a batch straight to the target when nothing waits before it.

        Queues that are picked for may stand in a long chain: past a few of them lanes go on.
        """
        global _nested
        waiting = len(self.backlog) or self.in_flight or self.behind(self.lanes.concurrency)
        if waiting or not self.can_idle or _nested >= _MOST_NESTED:
            return False
        _nested += 1
        try:
            return self.to.offer(batch)
        except Exception:
            return False  # a lane learns what is wrong
        finally:
            _nested -= 1

    def _room_for(self, sizes: Iterable[int] | None, n: int, before: Sequence[Batch] = ()) -> int:
        """Return how many of n events fit after `before`, taken in the order of their sizes."""
        room = min(n, max(0, self.room() - sum(map(len, before))))
        if sizes is None or self.max_bytes is None:
            return room
        left = self.max_bytes - self.bytes - self._reserved_bytes - sum(map(size_of, before))
        for k, size in enumerate(islice(sizes, room)):
            left -= size
            if left < 0:
                return k
        return room

    def _shed_oldest(self, batch: Batch) -> int:
        """Make room by dropping what waits longest; return how many fit then, the newest.

        What a lane holds is not dropped.
        """
        while not self.fits(batch):
            over = len(batch) - self.room()
            oldest = self.backlog.oldest_picked()
            if oldest:
                self._shed(min(oldest, over) if over > 0 else 1)
            elif not self._shed_cold(over if over > 0 else 1):
                break
        n = len(batch)
        sizes = reversed(sizes_of(batch)) if self.max_bytes is not None else None
        room = self._room_for(sizes, n)
        self.ledger.drop("drop_oldest", n - room)
        return room

    def _shed(self, n: int) -> None:
        self.ledger.drop("drop_oldest", n)
        for dropped in self.backlog.shed(n):
            size = size_of(dropped) if self.max_bytes is not None else 0
            self.bytes -= size
            self.ended(dropped.places, size)

    def _shed_cold(self, n: int) -> bool:
        """Drop events that are only on disk."""
        n = self.skip_cold(n)
        self.ledger.drop("drop_oldest", n)
        return n > 0

    # what goes out, for the lanes

    def wake(self) -> None:
        """Let a lane see that something can be taken."""
        self.lanes.wake()

    def has_more(self) -> int:
        """Return how many events a lane could take now."""
        self._trim()
        return self.backlog.ready

    def take(self, limit: int) -> Batch | None:
        """Hand the oldest events to a lane, at most `limit`; None when there are none."""
        self._trim()
        batch = self.backlog.take(limit)
        if batch is not None:
            self.in_flight += len(batch)
        if self.shelf is not None:
            self.fetch()
        return batch

    def _trim(self) -> None:
        """Let a `drop_oldest` queue that reads a log pass what no longer fits."""
        if self.when_full == "drop_oldest" and self.backlog.follows:
            over = len(self.backlog) + self.in_flight - self.capacity
            if over > 0:
                self._shed(min(over, len(self.backlog)))

    def settle(
        self,
        n: int,
        size: int = 0,
        outcome: str = "delivered",
        places: Sequence[int] | None = None,
    ) -> None:
        """Note that n events of `size` bytes ended here: `delivered` or `dead_lettered`."""
        self.in_flight -= n
        if outcome == "delivered":
            self.ledger.delivered += n
        else:
            self.ledger.dead_lettered += n
        self.bytes -= size
        self.ended(places, size)
        self.made_room()

    def made_room(self) -> None:
        """Tell who waits that there is room, and who drains that there is less."""
        if self.waiting:
            self.bound.turnstile.poke(self)
        if self._drained and not self.depth() and not self.reserved:
            self.tell_drained()

    def tell_drained(self) -> None:
        """Let who drains look again."""
        for future in self._drained:
            if not future.done():
                future.set_result(None)
        self._drained.clear()

    # how it lives

    async def drain(self) -> None:
        """Wait until everything accepted has ended, or it is closed or rests.

        Raises StoreFailed when its disk has failed: what is pending stays there for a restart.
        """
        self.lanes.hurry = True
        try:
            while True:
                for gate in (self.reads, self.fed_by):
                    if gate is not None:
                        gate.flush()
                if self.closed or self.lanes.resting or not (self.depth() or self.reserved):
                    return
                self.refuse_if_stuck()
                self.wake()
                future = asyncio.get_running_loop().create_future()
                self._drained.append(future)
                await future
        finally:
            self.lanes.hurry = False

    async def close(self) -> None:
        """Take nothing more and stop delivering; what is pending stays counted. Idempotent."""
        self.shut()
        await self.lanes.close()
        self.tell_drained()

    def shut(self) -> None:
        """Take nothing more; who waits for room learns of it. Idempotent."""
        if self.closed:
            return
        gate = self.reads if self.reads is not None else self.fed_by
        if gate is not None:
            gate.root.leave_gate()  # so that every write meets this queue, and learns of it
        self.closed = True
        if self.ctx is not None:
            self.ctx.turnstile.reconsider()

    def leftovers(self) -> list[Batch]:
        """Return what is pending after a close, oldest first, and forget it."""
        left, self.in_flight = self.lanes.surrender(), 0
        return left + self.backlog.empty_out()

    def remains(self) -> list[Batch]:
        """Return what is in memory after a close, oldest first; it stays counted."""
        return [*self.lanes.held(), *self.backlog.remains()]

    # what it says of itself

    def depth(self) -> int:
        """Return how many events are stored here and not settled: what `capacity` bounds."""
        self._trim()
        return len(self.backlog) + self.in_flight

    def pending(self) -> int:
        """Return the depth, and what is on its way to `overflow` in a write under way."""
        return self.depth() + self.ledger.held

    def facts(self) -> dict[str, Any]:
        """Return depth, capacity and what else a monitor shows of a queue."""
        depth = self.depth()
        self.high_water = max(self.high_water, depth)
        return {
            "depth": depth,
            "capacity": self.capacity,
            "in_flight": self.in_flight,
            "parked": self.lanes.parked,
            "high_water": self.high_water,
            "bytes": self.bytes if self.max_bytes is not None else None,
            "max_bytes": self.max_bytes,
            "when_full": self.when_full,
            "store": self.store,
            "on_disk": self.backlog.cold,
            "waiting_writers": len(self.waiting),
            "overflowed": self.overflowed,
            "last_error": self.lanes.last_error,
        }
