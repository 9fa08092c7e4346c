"""A sink that collects the events of several writers and hands them on together.

It takes no responsibility of its own: each writer waits until the batch its events are in was
accepted downstream, and gets the failure of its own events.
"""

from __future__ import annotations

import asyncio
import math
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Any

from sinkgraph.errors import DeliveryFailed, Owed, PartialWrite, Rejected, SinkClosed
from sinkgraph.event import Batch, Event, as_batch, join
from sinkgraph.log.piecewise import write_piecewise
from sinkgraph.sinks.base import Node, Sink
from sinkgraph.sinks.through import Passage, Through, Write

__all__ = ["BatchSink"]


class BatchSink(Through):
    """Hands events on in batches of up to `max_events` and `max_bytes`, after at most `max_wait`.

    One batch is under way at a time; meanwhile writers wait, and their events with them. An
    event larger than `max_bytes` travels alone. A cancelled writer takes back what was not handed
    on yet; of what was, the outcome is unknown, and the write below is cancelled once nobody
    waits for it. What is still owed of a batch is paid without being collected again.

    A queue directly above sets `fused`: it collects by the same limits, and writes pass through.
    """

    kind = "batch"
    settings = ()
    edges = ("to",)

    def __init__(
        self,
        to: Sink,
        max_events: int = 1_000,
        max_bytes: int | None = None,
        max_wait: float = 1.0,
    ) -> None:
        super().__init__(to)
        self.fused = False
        self.batches = 0
        self._line: deque[_Share] = deque()
        self._events = 0  # in line, not handed on yet
        self._bytes = 0
        self._under_way: list[_Piece] = []
        self._delivery: asyncio.Task[None] | None = None
        self._error: Exception | None = None  # how that ends, unless it says otherwise
        self._timer: asyncio.TimerHandle | None = None
        self._hurry = 0
        self._set(max_events, max_bytes, max_wait)

    def _set(self, max_events: int, max_bytes: int | None, max_wait: float) -> None:
        _whole("max_events", max_events)
        if max_bytes is not None:
            _whole("max_bytes", max_bytes)
        if isinstance(max_wait, bool) or not isinstance(max_wait, int | float):
            raise TypeError(f"max_wait must be seconds, not {max_wait!r}")
        if not math.isfinite(max_wait) or max_wait < 0:
            raise ValueError(f"max_wait must be 0 seconds or more, not {max_wait!r}")
        self.max_events, self.max_bytes, self.max_wait = max_events, max_bytes, float(max_wait)

    def retune(self, max_events: int, max_bytes: int | None, max_wait: float) -> None:
        """Follow other limits from now on; what was collected is kept."""
        self._set(max_events, max_bytes, max_wait)
        self._look()

    def become(self, fresh: Node) -> None:
        """Follow other limits; what was collected is kept."""
        super().become(fresh)
        assert isinstance(fresh, BatchSink), "it becomes what is of its own kind"
        self.retune(fresh.max_events, fresh.max_bytes, fresh.max_wait)

    @property
    def instant(self) -> bool:
        """Whether it is fused and the target can take events at once."""
        return self.fused and self.to.target.instant

    def offer(self, batch: Batch) -> bool:
        """Take all of `batch` at once when a queue has collected it already."""
        return self.fused and not self._too_heavy(batch) and self.offer_on(batch)

    def _too_heavy(self, batch: Batch) -> bool:
        return self.max_bytes is not None and len(batch) > 1 and sum(_sizes(batch)) > self.max_bytes

    async def write(self, events: Sequence[Event]) -> None:
        """Return when the batches that `events` travelled in were accepted downstream."""
        if self.fused:
            await super().write(events)
            return
        self.refuse_if_closed()
        batch = as_batch(events)
        if len(batch):
            _ = self.bound  # it needs a task: refuse before anything is counted
            passage = Passage(self.ledger, len(batch), self.write)
            await self.account_for(partial(self._collect, passage.again), batch, passage)

    async def around(self, write: Write, batch: Batch, passage: Passage) -> None:
        """Hand on; what a queue collected, in pieces of at most `max_bytes`, until one fails."""
        if not self.fused or not self._too_heavy(batch):
            await write(batch)
            return

        async def write_one(piece: Batch, _left_s: float | None) -> None:
            await write(piece)

        cuts = _cuts(_sizes(batch), self.max_bytes or 0)
        await write_piecewise(batch, cuts, write_one, passage.again)

    async def _collect(self, again: Write, events: Sequence[Event]) -> None:
        """Stand in line until everything was handed on and settled."""
        batch = as_batch(events)
        sizes = _sizes(batch) if self.max_bytes is not None else None
        due = self.clock.now() + self.max_wait
        share = _Share(batch, sizes, due, again, asyncio.get_running_loop().create_future())
        self._line.append(share)
        self._events += len(batch)
        self._bytes += sum(sizes or ())
        self._look()
        try:
            await share.outcome
        except asyncio.CancelledError:
            self._withdraw(share)
            raise
        mine = sum(len(part.events) for part in share.owed if part.write is again)
        if mine == len(batch):
            raise share.owed[0].error
        if share.owed:
            raise PartialWrite(share.owed)

    # handing on

    def _look(self) -> None:
        """Begin a batch if none is under way and one is full or due; else set the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._delivery is not None or not self._line:
            return
        full = self._events >= self.max_events or (
            self.max_bytes is not None and self._bytes >= self.max_bytes
        )
        wait = self._line[0].due - self.clock.now()
        if full or self._hurry or wait <= 0:
            self._begin()
        else:
            self._timer = asyncio.get_running_loop().call_later(wait, self._begin)

    def _begin(self) -> None:
        """Hand on what stands first in line, up to the limits."""
        pieces: list[_Piece] = []
        room, space = self.max_events, self.max_bytes
        while self._line and room:
            share = self._line[0]
            n, weight = share.fit(room, space, alone=not pieces)
            if not n:
                break
            pieces.append(_Piece(share, share.taken, share.taken + n))
            share.taken += n
            room -= n
            self._events -= n
            self._bytes -= weight
            if space is not None:
                space -= weight
            if share.taken < len(share.batch):
                break
            self._line.popleft()
        self.batches += 1
        self._under_way = pieces
        self._error = DeliveryFailed(f"{self.label}: the write was stopped")
        batch = join([piece.batch for piece in pieces])
        name = f"batch {self.batches} of {self.name or 'batch'}"
        self._delivery = self.bound.spawn(self._deliver(batch), name)
        self._delivery.add_done_callback(partial(self._ended, batch))

    async def _deliver(self, batch: Batch) -> None:
        try:
            await self.to.write(batch)
            self._error = None
        except Exception as error:
            self._error = error

    def _ended(self, batch: Batch, _task: asyncio.Task[None]) -> None:
        """Tell every writer how its part ended, also when the task never began; look further."""
        pieces, error = self._under_way, self._error
        if isinstance(error, PartialWrite):
            _share_out(pieces, batch, error)
        for piece in pieces:
            piece.settle(error)
        self._under_way, self._delivery, self._error = [], None, None
        if self._line and self._line[0].owed:
            self._hold_back(self._line.popleft())
        self._look()

    def _hold_back(self, share: _Share) -> None:
        """Give back what is left of a share of which a part failed: it must not go first."""
        rest = share.batch[share.taken :]
        n = len(rest)
        self._events -= n
        self._bytes -= sum((share.sizes or [])[share.taken :])
        last = share.owed[-1]
        if last.write is share.again:
            rest = join([as_batch(share.owed.pop().events), rest])
        share.owed.append(Owed(share.again, rest, last.error))
        share.taken = len(share.batch)
        share.settle(n)

    def _withdraw(self, share: _Share) -> None:
        """Let go of what a cancelled writer has in line; stop a write nobody waits for."""
        if share in self._line:
            self._line.remove(share)
            self._events -= len(share.batch) - share.taken
            self._bytes -= sum((share.sizes or [])[share.taken :])
        pieces = self._under_way
        if self._delivery is not None and all(piece.share.outcome.done() for piece in pieces):
            self._delivery.cancel()
        self._look()

    # ending

    async def drain(self) -> None:
        """Hand on what was collected at once; wait until nothing is under way."""
        self._hurry += 1
        try:
            self._look()
            await super().drain()
        finally:
            self._hurry -= 1

    async def close(self) -> None:
        """Take nothing more, hand on what was collected, and wait for its outcome."""
        self.closed = True
        try:
            await self.drain()
        finally:
            while self._line:
                share = self._line.popleft()
                if not share.outcome.done():
                    share.outcome.set_exception(SinkClosed(f"{self.label} was closed"))
            self._events = self._bytes = 0

    def facts(self) -> dict[str, Any]:
        """Return how much is collected and how many batches were handed on."""
        return {
            "collected": self._events,
            "writers": len(self._line),
            "batches": self.batches,
            "fused": self.fused,
        }


class _Share:
    """Is what one writer brought, and how far it has come."""

    __slots__ = ("again", "batch", "due", "outcome", "owed", "settled", "sizes", "taken")

    def __init__(
        self,
        batch: Batch,
        sizes: list[int] | None,
        due: float,
        again: Write,
        outcome: asyncio.Future[None],
    ) -> None:
        self.batch = batch
        self.sizes = sizes
        self.due = due
        self.again = again
        self.outcome = outcome
        self.taken = 0
        self.settled = 0
        self.owed: list[Owed] = []

    def settle(self, n: int) -> None:
        """Note that the outcome of n more events is known; wake the writer with the last."""
        self.settled += n
        if self.settled == len(self.batch) and not self.outcome.done():
            self.outcome.set_result(None)

    def fit(self, room: int, space: int | None, *, alone: bool) -> tuple[int, int]:
        """Return how many of its next events fit, and their bytes; at least one when `alone`."""
        n = min(room, len(self.batch) - self.taken)
        if space is None or self.sizes is None:
            return n, 0
        weight = 0
        for k in range(n):
            size = self.sizes[self.taken + k]
            if weight + size > space and not (alone and k == 0):
                return k, weight
            weight += size
        return n, weight


class _Piece:
    """Is a part of one writer's share that travels in one batch."""

    __slots__ = ("batch", "parts", "share")

    def __init__(self, share: _Share, start: int, stop: int) -> None:
        self.share = share
        whole = stop - start == len(share.batch)
        self.batch = share.batch if whole else share.batch[start:stop]
        self.parts: list[Owed] = []

    def settle(self, error: Exception | None) -> None:
        """Note how it ended; wake the writer when this was the last of its share."""
        share = self.share
        if isinstance(error, PartialWrite):
            share.owed += self.parts
        elif error is not None:
            share.owed.append(Owed(share.again, self.batch, error))
        share.settle(len(self.batch))


def _share_out(pieces: Sequence[_Piece], batch: Batch, error: PartialWrite) -> None:
    """Give every writer the part of what is owed that is its own, told by id."""
    if len(pieces) == 1:
        pieces[0].parts = list(error.owed)
        return
    starts = [0]
    for piece in pieces[:-1]:
        starts.append(starts[-1] + len(piece.batch))
    places: dict[str, list[int]] = {}
    for k, own in enumerate(batch.ids):
        places.setdefault(own, []).append(k)
    for part in error.owed:
        owed = as_batch(part.events)
        split: dict[int, list[int]] = {}
        met: dict[str, int] = {}
        for k, own in enumerate(owed.ids):
            at = places.get(own, [0])
            turn = met[own] = met.get(own, -1) + 1
            exact = [place for place in at if len(at) > 1 and batch[place] is owed[k]]
            place = exact[0] if exact else at[turn % len(at)]
            split.setdefault(bisect_right(starts, place) - 1, []).append(k)
        for which, indices in split.items():
            mine = owed if len(indices) == len(owed) else owed.pick(indices)
            pieces[which].parts.append(Owed(part.write, mine, part.error))


def _sizes(batch: Batch) -> list[int]:
    """Return the bytes of each event's payload as JSON; 0 for what JSON cannot hold."""
    try:
        return [len(text) for text in batch.json()]
    except Rejected:
        if len(batch) == 1:
            return [0]
        return [_sizes(batch[k : k + 1])[0] for k in range(len(batch))]


def _cuts(sizes: Sequence[int], space: int) -> list[int]:
    """Return where to cut, the end too, so that no piece but a single event is above `space`."""
    cuts: list[int] = []
    weight = 0
    for k, size in enumerate(sizes):
        if k and weight + size > space:
            cuts.append(k)
            weight = 0
        weight += size
    return [*cuts, len(sizes)]


def _whole(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, not {value!r}")
