"""What one queue keeps on disk: its place in every log it reads, and what is not in memory.

It knows positions, not sinks: the queue above it decides what to read and when, the depot below
it when its place is written. All of it runs on the loop; only `read` happens on the disk's thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from sinkgraph.event import Batch
from sinkgraph.log.disk.intervals import Intervals, Range, runs
from sinkgraph.log.disk.lag import Owed
from sinkgraph.log.disk.places import log_of, position_of, row_key

if TYPE_CHECKING:
    from sinkgraph.log.disk.depot import Depot
    from sinkgraph.log.disk.format import Row
    from sinkgraph.log.disk.store import Store

__all__ = ["Keeper", "Loaded", "Owed", "Shelf", "Stretch", "recover", "taken_of"]

_MOST = 1_000  # events read at once

Taken = list[list[int]] | None


class Stretch:
    """Is one queue's place in one log.

    `seen`: all positions below it are settled or in memory. `head`: behind the last event of
    this queue. `n` events are not settled, `cold` of them are on disk only.
    """

    __slots__ = ("cold", "done", "head", "log", "n", "seen", "size")

    def __init__(self, log: int, at: int, beyond: Sequence[Sequence[int]] = ()) -> None:
        self.log = log
        self.done = Intervals(at, beyond)
        self.seen = at
        self.head = at
        self.n = 0
        self.size = 0
        self.cold = 0

    def saw(self, start: int, end: int) -> None:
        """Note that [start, end) is in memory now; what was skipped before it is not ours."""
        if start > self.seen:
            self.done.add(self.seen, start)
        self.seen = max(self.seen, end)

    @property
    def pins(self) -> int | None:
        """The first position that must stay on disk for this queue; None when none must."""
        return self.done.low if self.n else None

    def wants(self) -> list[Range]:
        """Return the positions among which is all that must stay on disk for this queue."""
        return self.done.missing(self.done.low, self.head)

    def dump(self) -> list[Any]:
        """Return what its record says."""
        return [self.done.low, self.done.beyond if self.n else [], self.head, self.n, self.size]


class Keeper(Protocol):
    """Is what a shelf tells of a disk that does not do what it should."""

    def disk_failed(self, error: BaseException) -> None:
        """Take note that nothing can be stored or noted any more."""
        ...

    def cannot_read(self, error: BaseException) -> None:
        """Take note that what is only on disk cannot be read now."""
        ...

    def reads_again(self) -> None:
        """Take note that it can."""
        ...


class Loaded(msgspec.Struct, gc=False):
    """Is one chunk as read: where it stands, whose it is, and its events unless it is damaged."""

    log: int
    at: int
    seq: int
    n: int
    size: int
    takers: dict[int, Taken]
    batch: Batch | None


class Shelf:
    """Keeps the place of one queue; `number` is its cursor's, `name` the queue's.

    `takes` says whether new events of the queue are stored: a memory queue has a shelf only for
    what an earlier run left.
    """

    def __init__(self, number: int, name: str, depot: Depot) -> None:
        self.number = number
        self.name = name
        self.takes = False
        self.recovered = 0
        self.damaged = 0
        self.stretches: dict[int, Stretch] = {}
        self.unwritten = 0  # events of this queue in commits since its record was last written
        self.depot = depot
        self.owed = Owed()
        self.keeper: Keeper | None = None
        self.told_at: float | None = None  # when it was journalled last that reading fails
        self._reading = False
        self._failures = 0
        self._owners = 0  # how often it was put away: what is read for an earlier one is dropped

    # what is here

    @property
    def cold(self) -> int:
        """Events that are on disk and not in memory."""
        return sum(one.cold for one in self.stretches.values())

    @property
    def pending(self) -> int:
        """Events on disk that are not settled."""
        return sum(one.n for one in self.stretches.values())

    @property
    def size(self) -> int:
        """Bytes of payload that are not settled, about."""
        return sum(one.size for one in self.stretches.values())

    def has(self, places: Sequence[int] | None) -> bool:
        """Whether the events at these places are this queue's, and on disk."""
        if not places:
            return False
        for place in (places[0], places[-1]):
            one = self.stretches.get(log_of(place)) if place >= 0 else None
            if one is None or position_of(place) >= one.head:
                return False
        return True

    def stretch(self, log: int) -> Stretch:
        """Return the place in a log, at its head where it is new."""
        found = self.stretches.get(log)
        if found is None:
            found = self.stretches[log] = Stretch(log, self.depot.head(log))
        return found

    # what comes in, after it was committed

    def took(self, batch: Batch, size: int, *, cold: bool) -> None:
        """Note events of this queue that are on disk now; `cold`: they are not kept in memory."""
        for start, end in runs(batch.places or ()):
            one = self.stretch(log_of(start))
            at, until = position_of(start), position_of(start) + end - start
            one.n += until - at
            one.head = max(one.head, until)
            if cold:
                one.cold += until - at
            else:
                one.saw(at, until)
            one.size += size
            size = 0
        self.unwritten += len(batch)

    # what goes out

    def settle(self, places: Sequence[int], size: int) -> None:
        """Note that the events at these places have ended; it is written with the next commit."""
        settled = 0
        for start, end in runs(places):
            one = self.stretches.get(log_of(start))
            if one is None:
                continue
            at = position_of(start)
            fresh = one.done.add(at, min(at + end - start, one.head))
            one.n -= fresh
            if at >= one.seen:
                one.cold -= fresh
            one.size = max(0, one.size - size) if one.n else 0
            settled += fresh
        if settled:
            self.owed.add(settled, self.depot.loop)
            self.depot.touch(self, settled)

    def dump(self) -> bytes:
        """Return what its record says; it is going to be written now."""
        self.owed.leave()
        logs = {log: one.dump() for log, one in self.stretches.items() if one.n}
        heads = {log: one.head for log, one in self.stretches.items() if not one.n}
        return msgspec.msgpack.encode([1, logs, heads])

    def restore(self, stretches: dict[int, Stretch]) -> None:
        """Take up the places an earlier run left."""
        self.stretches = stretches
        self.recovered = self.pending

    # leaving

    def put_away(self) -> None:
        """Forget its queue: all that is not settled is on disk only, for whoever claims it next."""
        self._owners += 1
        self._reading = False
        self.keeper = None
        for one in self.stretches.values():
            one.seen, one.cold = one.done.low, one.n

    def clear(self) -> None:
        """Settle everything."""
        settled = self.pending
        for one in self.stretches.values():
            one.done.add(one.done.low, one.head)
            one.seen = max(one.seen, one.head)
            one.n = one.cold = one.size = 0
        if settled:
            self.depot.touch(self, settled)

    # reading

    def prefetch(self, done: Callable[[list[Batch], int, int], None]) -> None:
        """Read more of what is on disk only; `done(batches, damaged, bytes)` is called with it."""
        if self._reading or not self.cold:
            return
        self._reading = True
        wanted = [(o.log, o.seen, o.head) for o in self.stretches.values() if o.cold]
        reading = self.depot.read(wanted, _MOST)

        owner = self._owners

        def arrived(future: asyncio.Future[list[Loaded]]) -> None:
            if owner != self._owners:
                return
            self._reading = False
            if future.cancelled():
                return
            if (error := future.exception()) is not None:
                self._failures += 1
                if self.keeper is not None:
                    self.keeper.cannot_read(error)
                self.depot.read_failed(self, error, self._failures, lambda: self.prefetch(done))
                return
            if self._failures:
                self._failures, self.told_at = 0, None
                if self.keeper is not None:
                    self.keeper.reads_again()
            done(*self._load(future.result(), wanted))

        reading.add_done_callback(arrived)

    def _load(
        self, rows: list[Loaded], wanted: list[tuple[int, int, int]]
    ) -> tuple[list[Batch], int, int]:
        """Choose this queue's events from rows, as far as their order over all logs is known."""
        ends: dict[int, int] = {}
        last: dict[int, int] = {}
        for row in rows:
            ends[row.log] = max(ends.get(row.log, 0), row.at + row.n)
            last[row.log] = max(last.get(row.log, 0), row.seq)
        more = [last[log] for log, _, head in wanted if log in last and ends[log] < head]
        limit = min(more, default=None)
        batches: list[Batch] = []
        lost = lost_size = 0
        for row in sorted(rows, key=lambda one: (one.seq, one.log, one.at)):
            if limit is not None and row.seq > limit:
                break
            one = self.stretches[row.log]
            mine = self._unsettled(one, row)
            count = sum(b - a for a, b in mine)
            fresh = max(row.at, one.seen)  # below it, what is not settled is in memory
            one.saw(row.at, row.at + row.n)
            for a, b in _between(mine, fresh, max(fresh, row.at + row.n)):
                one.done.add(a, b)
            one.cold -= min(one.cold, count)
            if row.batch is None:
                size = row.size * count // max(1, row.n)
                lost, lost_size = lost + count, lost_size + size
                self.settle([row_key(row.log, p) for a, b in mine for p in range(a, b)], size)
            elif count == row.n:
                batches.append(row.batch)
            elif count:
                batches.append(row.batch.pick([p - row.at for a, b in mine for p in range(a, b)]))
        for log, _, _ in wanted:
            if log not in ends or self.stretches[log].seen >= self.stretches[log].head:
                gone, size = self._vanished(self.stretches[log])
                lost, lost_size = lost + gone, lost_size + size
        self.damaged += lost
        return batches, lost, lost_size

    def _unsettled(self, one: Stretch, row: Loaded) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        for a, b in taken_of(row, self.number):
            found += one.done.missing(max(a, one.seen), b)
        return found

    def _vanished(self, one: Stretch) -> tuple[int, int]:
        """Settle what should stand on disk and does not; return its events and bytes, about."""
        gone = one.cold
        size = one.size * gone // max(1, one.n)
        one.saw(one.head, one.head)
        one.cold = 0
        one.n -= gone
        one.size -= size
        if gone:
            self.depot.touch(self, gone)
        return gone, size


def recover(value: bytes, number: int, store: Store) -> dict[int, Stretch]:
    """Return the places a cursor's record tells, and what was stored after it was written."""
    _, logs, ends = msgspec.msgpack.decode(value, strict=False)
    found: dict[int, Stretch] = {}
    for log, (low, beyond, head, n, size) in logs.items():
        one = found[log] = Stretch(log, low, beyond)
        one.head, one.n, one.size = head, n, size
    for log, head in ends.items():
        found[log] = Stretch(log, head)
    for log, one in found.items():
        for row in store.headers(log, one.head):
            taken = taken_of(row, number)
            inside = sum(b - max(a, one.head) for a, b in taken if b > one.head)
            if inside > 0:
                one.n += inside
                one.size += row.size * inside // max(1, row.n)
                one.head = max(one.head, taken[-1][1])
        one.cold = one.n
    return found


def taken_of(row: Loaded | Row, number: int) -> list[list[int]]:
    """Return the positions of a row that a cursor takes, as ranges in the log."""
    if number not in row.takers:
        return []
    taken = row.takers[number]
    if taken is None:
        return [[row.at, row.at + row.n]]
    return [[row.at + a, row.at + b] for a, b in taken]


def _between(mine: list[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    """Return what of [start, end) lies outside the ranges of `mine`."""
    gaps: list[tuple[int, int]] = []
    for a, b in mine:
        gaps.append((start, a))
        start = b
    return [*gaps, (start, end)]
