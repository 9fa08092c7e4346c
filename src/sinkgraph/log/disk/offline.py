"""What waits in a store, read without an engine: queues, their pending events in order, and drains.

It takes open stores and opens none. Reading changes nothing; only `Drain` writes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from sinkgraph.event import Batch
from sinkgraph.log.backlog import size_of
from sinkgraph.log.disk.chunk import decode
from sinkgraph.log.disk.format import Row, key_of, pack_record, place_of
from sinkgraph.log.disk.intervals import runs
from sinkgraph.log.disk.rebuild import LOST, covering
from sinkgraph.log.disk.shelf import Stretch, recover, taken_of

if TYPE_CHECKING:
    from sinkgraph.log.disk.store import Store

__all__ = ["Drain", "Found", "Held", "Walk", "held", "hold", "log_names", "oldest"]

MOST_EVENTS = 1_000
_MOST_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Held:
    """Is what waits for one queue: its place in every log it reads; `number` is its cursor's.

    `misread` says why its place cannot be read; then what waits for it is not known.
    """

    name: str
    number: int
    stretches: dict[int, Stretch]
    misread: str = ""

    @property
    def pending(self) -> int:
        """Events that are not settled."""
        return sum(one.n for one in self.stretches.values())

    @property
    def size(self) -> int:
        """Bytes of their payloads, about."""
        return sum(one.size for one in self.stretches.values() if one.n)

    @property
    def logs(self) -> list[int]:
        """The logs in which something waits."""
        return sorted(log for log, one in self.stretches.items() if one.n)


@dataclass(frozen=True, slots=True)
class Found:
    """Is what one chunk holds for a queue: `n` events, `batch` unless the chunk is damaged.

    With n = 0 it is positions [at, end) of a log of which nobody knows whose they were.
    """

    log: int
    at: int
    end: int
    seq: int
    n: int
    batch: Batch | None


def held(store: Store) -> dict[str, Held]:
    """Return every queue that has a place in a store, by name, with what waits for it."""
    found = (hold(store, name) for kind, name in sorted(store.records) if kind == "cursor")
    return {one.name: one for one in found if one is not None}


def hold(store: Store, name: str) -> Held | None:
    """Return what waits for one queue; None where it has no place in this store."""
    number, value = store.records.get(("cursor", name), (0, None))
    if value is None:
        return None
    try:
        return Held(name, number, recover(value, number, store))
    except (msgspec.MsgspecError, TypeError, ValueError, AttributeError) as error:
        return Held(name, number, {}, str(error) or type(error).__name__)


def log_names(store: Store) -> dict[int, str]:
    """Return the names of the logs by number, as far as they are known."""
    return {int(value): name for (kind, name), (_, value) in store.records.items() if kind == "log"}


def oldest(store: Store, one: Held) -> float | None:
    """Return the time of the event that a queue would deliver first; None where there is none."""
    walk = Walk(one.name)
    while found := walk.read(store, one, most=1):
        for chunk in found:
            if chunk.batch is not None:
                return chunk.batch[0].time
    return None


class Walk:
    """Goes through what waits for a queue in the order in which a start would deliver it.

    The store may be opened anew between two reads, so that nobody who writes to it is held up:
    what was settled meanwhile is left out, and what came after the first read too.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._at: dict[int, int] = {}  # how far each log was read
        self._ahead: dict[int, deque[Row]] = {}  # what was read of it and not yet given
        self._until: int | None = None

    def read(self, store: Store, one: Held, *, most: int = MOST_EVENTS) -> list[Found]:
        """Return the next chunks, about `most` events; [] at the end. `one` is of this store."""
        if self._until is None:
            self._until = store.seq
        found: list[Found] = []
        size = 0
        while most > 0 and size < _MOST_BYTES:
            row = self._next(store, one, most)
            if row is None:
                break
            chunk = _found(one, row)
            if chunk is not None:
                found.append(chunk)
                most -= chunk.n
                size += row.size
        return found

    def _next(self, store: Store, one: Held, most: int) -> Row | None:
        """Return the row that comes next over all logs; None at the end."""
        ready: list[tuple[int, int]] = []
        for log, stretch in one.stretches.items():
            ahead = self._ahead.setdefault(log, deque())
            at = max(self._at.get(log, 0), stretch.done.low)
            if not ahead and stretch.n and at < stretch.head:
                ahead += store.read(log, at, most=most, until=stretch.head)
                if ahead:
                    self._at[log] = ahead[-1].at + ahead[-1].n
            if ahead and ahead[0].seq <= (self._until or 0):
                ready.append((ahead[0].seq, log))
        return self._ahead[min(ready)[1]].popleft() if ready else None


def _found(one: Held, row: Row) -> Found | None:
    """Return what a row holds for a queue that is not settled, or None."""
    end = row.at + row.n
    done = one.stretches[row.log].done
    if row.body is None and not row.takers:
        lost = done.missing(row.at, end)
        return Found(row.log, row.at, end, row.seq, 0, None) if lost else None
    mine = [part for a, b in taken_of(row, one.number) for part in done.missing(a, b)]
    n = sum(b - a for a, b in mine)
    if not n:
        return None
    batch = _decoded(row)
    if batch is not None and n < row.n:
        batch = batch.pick([at - row.at for a, b in mine for at in range(a, b)])
    return Found(row.log, row.at, end, row.seq, n, batch)


def _decoded(row: Row) -> Batch | None:
    if row.body is None:
        return None
    try:
        batch = decode(row.body, key_of(row.log, row.at))
    except Exception:  # whatever a damaged body makes of the decoder
        return None
    return batch if len(batch) == row.n else None


class Drain:
    """Settles what waits for a queue after it was taken elsewhere; the store is open to write.

    A kill between taking and settling gives the same events again, in the same order.
    """

    def __init__(self, store: Store, name: str) -> None:
        every = held(store)
        self.store = store
        self.one = every[name]
        self.lost = self.stays = 0
        self._walk = Walk(name)
        self._unread: list[Found] = []
        self._pins: dict[int, int] | None = None
        if not store.lost_records and not any(other.misread for other in every.values()):
            self._pins = _pins(other for other in every.values() if other.name != name)

    @property
    def pending(self) -> int:
        """Events that are not settled."""
        return self.one.pending

    def read(self, most: int = MOST_EVENTS) -> list[Batch]:
        """Return the next events, about `most`; [] at the end. Damaged ones are left out."""
        while found := self._walk.read(self.store, self.one, most=most):
            self._unread += [chunk for chunk in found if chunk.batch is None]
            batches = [chunk.batch for chunk in found if chunk.batch is not None]
            if batches:
                return batches
        return []

    def settle(self, batches: Sequence[Batch]) -> None:
        """Note durably, in one transaction, that these events are kept elsewhere."""
        for batch in batches:
            size = size_of(batch)
            for start, end in runs(batch.places or ()):
                log, at = place_of(start)
                stretch = self.one.stretches[log]
                stretch.n -= stretch.done.add(at, at + end - start)
                stretch.size = max(0, stretch.size - size) if stretch.n else 0
                size = 0
        self._commit()

    def finish(self) -> None:
        """Settle what a repair could not save (`lost`); what one may save `stays`."""
        rest = self.one.pending
        if not rest:
            return
        sql = "SELECT log, at, n FROM quarantine WHERE why = ?"
        gone = covering((log, at, n) for log, at, n in self.store.select(sql, (LOST,)))
        if all(
            one.log in gone and not gone[one.log].missing(one.at, one.end) for one in self._unread
        ):
            for one in self.one.stretches.values():
                one.done.add(one.done.low, one.head)
                one.n = one.size = 0
            self.lost = rest
            self._commit()
        else:
            self.stays = rest

    def _commit(self) -> None:
        store = self.store
        record = pack_record("cursor", self.one.name, _value(self.one.stretches))
        rows = [(self.one.number, store.seq + 1, 0, 0, None, record)]
        store.commit(rows, forget=self._floors())

    def _floors(self) -> list[tuple[int, int]]:
        """Return up to where the logs are needed by nobody, where that is further than before."""
        if self._pins is None or self._unread:
            return []  # whose events are stored here is not known for all of them
        heads = self.store.heads()
        floors: list[tuple[int, int]] = []
        for log, one in self.one.stretches.items():
            if log in heads:
                mine = one.done.low if one.n else heads[log].head
                floor = min(mine, self._pins.get(log, heads[log].head))
                if floor > heads[log].first:
                    floors.append((log, floor))
        return floors


def _value(stretches: dict[int, Stretch]) -> bytes:
    """Return what `recover` reads."""
    logs = {log: one.dump() for log, one in stretches.items() if one.n}
    heads = {log: one.head for log, one in stretches.items() if not one.n}
    return msgspec.msgpack.encode([1, logs, heads])


def _pins(every: Iterable[Held]) -> dict[int, int]:
    """Return the first position of each log that somebody still waits for."""
    pins: dict[int, int] = {}
    for one in every:
        for log, stretch in one.stretches.items():
            at = stretch.pins
            if at is not None:
                pins[log] = min(at, pins.get(log, at))
    return pins
