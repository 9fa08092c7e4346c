"""The loop's side of the store: gathers writes, acks and records into one commit after another.

A commit begins as soon as the disk is idle; what arrives meanwhile is the next one. No timer
delays a write. It knows plans only by what they store, and no sink.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from sinkgraph.errors import StoreFailed, StoreFull
from sinkgraph.event import Batch
from sinkgraph.log.disk.draft import Draft, Entry, pack
from sinkgraph.log.disk.places import row_key
from sinkgraph.log.disk.shelf import Loaded, Shelf, Stretch, recover

if TYPE_CHECKING:
    from sinkgraph.clock import Disk
    from sinkgraph.log.disk.dead import DeadRow
    from sinkgraph.log.disk.store import Store

__all__ = ["ACK_AFTER_S", "ACK_EVENTS", "Depot", "Opened", "open_store"]

ACK_EVENTS = 64
"""Settled events after which their acks are written, at the latest."""

ACK_AFTER_S = 0.05
"""Seconds after which acks and records are written, at the latest."""

ANSWER_S = 30.0
"""Seconds a commit may take before its writers are told that the disk does not answer."""

_REFRESH_ROWS = 512  # rows a place may lag behind before it is written without an ack
_FORGET_EVENTS = 4_096  # settled events that may stay in a log while others are pending
_AGAIN_S = 1.0


@dataclass(slots=True)
class Opened:
    """Is a store as it was found: made on the disk's thread."""

    store: Store
    heads: dict[int, int]
    firsts: dict[int, int]
    stretches: dict[str, dict[int, Stretch]]


def open_store(directory: str, vfs: str | None = None) -> Opened:
    """Open the store of a state dir and find out where every queue stands; it blocks.

    Raises StartFailed when it cannot be used, saying what to do.
    """
    from sinkgraph.log.disk.store import Store

    store = Store.open(directory, vfs=vfs)
    try:
        known = store.heads()
        heads = {log: head.head for log, head in known.items()}
        stretches: dict[str, dict[int, Stretch]] = {}
        for (kind, name), (number, value) in store.records.items():
            if kind == "cursor":
                stretches[name] = recover(value, number, store)
        for places in stretches.values():  # a log that is empty by now goes on where it was
            for log, one in places.items():
                heads[log] = max(heads.get(log, 0), one.head)
    except BaseException:
        store.close()
        raise
    firsts = {log: known[log].first if log in known else head for log, head in heads.items()}
    return Opened(store, heads, firsts, stretches)


class Depot:
    """Commits to one store, one group after the other.

    `disk` runs the store's calls; `note` journals.
    """

    def __init__(self, opened: Opened, disk: Disk, note: Callable[..., None]) -> None:
        self.store = store = opened.store
        self.loop = asyncio.get_running_loop()
        self.shelves: dict[str, Shelf] = {}
        self.failed: StoreFailed | None = None
        self.full = False
        self.commits = 0
        self._disk = disk
        self._note = note
        self._records = dict(store.records)
        self._numbers = {key: number for key, (number, _) in store.records.items()}
        self._heads = opened.heads
        self._firsts = opened.firsts
        self._logs: dict[str, int] = {}
        self._seq = store.seq
        self._open: list[Entry] = []
        self._dirty: dict[Shelf, None] = {}
        self._changed: dict[tuple[str, str], bytes] = {}
        self._forget_dead: list[int] = []
        self._acks = 0
        self._timer: asyncio.TimerHandle | None = None
        self._scheduled = False
        self._busy: asyncio.Future[None] | None = None
        self._flushes: list[asyncio.Future[None]] = []
        self._closed = False
        for (kind, name), (number, value) in store.records.items():
            if kind == "log":
                self._logs[name] = int(value)
            elif kind == "cursor":
                self.shelves[name] = Shelf(number, name, self)
                self.shelves[name].restore(opened.stretches[name])
        if store.cut:
            note("events_cut_off", directory=store.directory, events=store.cut)

    # who keeps events here

    def claim(self, name: str, was: str | None = None) -> Shelf:
        """Return the shelf of a queue, new where it has none; `was` is its name so far."""
        shelf = self.shelves.get(name)
        if shelf is None and was is not None and was in self.shelves:
            shelf = self.shelves.pop(was)
            self.shelves[name] = shelf
            self._numbers[("cursor", name)] = self._numbers.pop(("cursor", was))
            shelf.name = name
            self.dirty(shelf)
        if shelf is None:
            shelf = self.shelves[name] = Shelf(self._number("cursor", name), name, self)
            self.dirty(shelf)
        return shelf

    def holds(self, name: str) -> bool:
        """Whether events of a queue of this name are here."""
        shelf = self.shelves.get(name)
        return shelf is not None and shelf.pending > 0

    def unclaimed(self, names: Sequence[str]) -> dict[str, int]:
        """Return the queues that hold events here and are none of `names`, with their counts."""
        known = set(names)
        held = {name: s.pending for name, s in self.shelves.items() if name not in known}
        return {name: n for name, n in held.items() if n}

    def _number(self, kind: str, name: str) -> int:
        number = self._numbers.get((kind, name))
        if number is None:
            number = self._numbers[(kind, name)] = self.store.next_record_id()
        return number

    def head(self, log: int) -> int:
        """Return the position behind the last event of a log."""
        return self._heads.get(log, 0)

    # records

    @property
    def durable(self) -> bool:
        """What is put here outlives the process."""
        return True

    def get(self, kind: str, name: str) -> bytes | None:
        """Return what was put under this kind and name last, or None."""
        value = self._changed.get((kind, name))
        if value is not None:
            return value
        found = self._records.get((kind, name))
        return found[1] if found is not None else None

    def put(self, kind: str, name: str, value: bytes) -> None:
        """Keep a value; it is written with the next commit, at most 50 ms from now."""
        self._changed[(kind, name)] = value
        self._soon()

    # acks

    def touch(self, shelf: Shelf, n: int) -> None:
        """Note that n events of a shelf have ended: its record is to be written soon."""
        self._dirty[shelf] = None
        self._acks += n
        if self._acks >= ACK_EVENTS and not self.full:
            self._schedule()
        else:
            self._soon()

    def dirty(self, shelf: Shelf) -> None:
        """Have the record of a shelf written with the next commit."""
        self._dirty[shelf] = None
        self._soon()

    def _soon(self) -> None:
        if self._timer is None and self._busy is None and not self._scheduled:
            after_s = _AGAIN_S if self.full else ACK_AFTER_S
            self._timer = self.loop.call_later(after_s, self._due)

    def _due(self) -> None:
        self._timer = None
        self._schedule()

    # writes

    def add(self, entry: Entry) -> None:
        """Store what an entry says with the next commit; its pledge ends when it is on disk.

        Raises StoreFailed at once when the disk has failed before. The entry's `apply` is called
        in the order of `add`, before any writer learns of it; `revoke` when it was not stored.
        """
        self.refuse_if_failed()
        self._open.append(entry)
        self._schedule()

    def refuse_if_failed(self) -> None:
        """Raise StoreFailed when nothing can be stored any more."""
        if self.failed is not None:
            raise StoreFailed(str(self.failed))
        if self._closed:
            raise StoreFailed("the store is closed")

    def forget_dead(self, numbers: Sequence[int]) -> None:
        """Delete dead letters with the next commit."""
        self._forget_dead += numbers
        self._soon()

    def _schedule(self) -> None:
        if not self._scheduled and self._busy is None and self.failed is None:
            self._scheduled = True
            self.loop.call_soon(self._submit)

    def _submit(self) -> None:
        self._scheduled = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._busy is not None or self.failed is not None:
            return
        entries, self._open = self._open, []
        dirty, self._dirty = self._dirty, {}
        changed, self._changed = self._changed, {}
        forget_dead, self._forget_dead = self._forget_dead, []
        if not entries and not dirty and not changed and not forget_dead:
            self._tell_flushed()
            return
        self._acks = 0
        self._seq += 1
        heads = dict(self._heads)
        for entry in entries:
            for draft in entry.drafts:
                self._place(draft, heads, dirty)
        rows = pack([draft for entry in entries for draft in entry.drafts])
        records = [
            (self._number("cursor", shelf.name), ("cursor", shelf.name, shelf.dump()))
            for shelf in dirty
        ]
        records += [
            (self._number(kind, name), (kind, name, value))
            for (kind, name), value in changed.items()
        ]
        dead = [row for entry in entries for row in entry.dead]
        forget = self._floors(bool(entries))
        work = _Commit(self.store, self._seq, rows, records, dead, forget_dead, forget)
        self._busy = future = self._disk.submit(work)
        late = self.loop.call_later(ANSWER_S, self._does_not_answer, future, entries)

        def back(done: asyncio.Future[None]) -> None:
            late.cancel()
            self._back(done, entries, heads, (dirty, changed, forget_dead, forget))

        future.add_done_callback(back)

    def _place(self, draft: Draft, heads: dict[int, int], dirty: dict[Shelf, None]) -> None:
        """Give a draft its log and its positions."""
        log = self._logs.get(draft.log)
        if log is None:
            log = self._logs[draft.log] = max(self._logs.values(), default=0) + 1
            self.put("log", draft.log, str(log).encode())
        at = heads.get(log, 0)
        heads[log] = at + draft.n
        draft.first = row_key(log, at)
        for shelf in draft.takers:
            if log not in shelf.stretches:
                shelf.stretch(log)
                dirty[shelf] = None
            elif shelf.unwritten > _REFRESH_ROWS:
                shelf.unwritten = 0
                dirty[shelf] = None

    def _floors(self, writing: bool) -> list[tuple[int, int]]:
        """Return up to where each log may be forgotten, where that is worth a deletion."""
        floors: dict[int, int] = dict(self._heads)
        for shelf in self.shelves.values():
            for log, stretch in shelf.stretches.items():
                pins = stretch.pins
                if pins is not None:
                    floors[log] = min(floors.get(log, pins), pins)
        worth: list[tuple[int, int]] = []
        for log, floor in floors.items():
            first = self._firsts.get(log, 0)
            empty = floor == self._heads.get(log, 0)
            if floor - first >= (_FORGET_EVENTS if writing or not empty else 1):
                worth.append((log, floor))
        return worth

    def _back(
        self,
        done: asyncio.Future[None],
        entries: list[Entry],
        heads: dict[int, int],
        rest: tuple[dict[Shelf, None], dict[tuple[str, str], bytes], list[int], Any],
    ) -> None:
        self._busy = None
        dirty, changed, forget_dead, forget = rest
        error = done.exception() if not done.cancelled() else StoreFailed("the disk was closed")
        if error is None:
            self.commits += 1
            self._heads = heads
            for log, floor in forget:
                self._firsts[log] = floor
            for (kind, name), value in changed.items():
                self._records[(kind, name)] = (self._numbers[(kind, name)], value)
            if self.full:
                self.full = False
                self._note("disk_has_room", directory=self.store.directory)
            for entry in entries:
                entry.stored()
        else:
            self._seq -= 1
            self._dirty = {**dirty, **self._dirty}
            self._changed = {**changed, **self._changed}
            self._forget_dead = forget_dead + self._forget_dead
            self._tell_failure(error)
            for entry in entries:
                entry.refused(error)
        if (
            self._open
            or (self._acks >= ACK_EVENTS and not self.full)
            or (self._flushes and not self.full)
        ):
            self._schedule()
        elif self._dirty or self._changed or self._forget_dead:
            self._soon()
        if self.failed is not None or self.full:
            self._tell_flushed()

    def _tell_failure(self, error: BaseException) -> None:
        if isinstance(error, StoreFull):
            if not self.full:
                self.full = True
                self._note("disk_full", directory=self.store.directory, error=str(error))
            return
        failed = error if isinstance(error, StoreFailed) else StoreFailed(repr(error))
        if self.failed is None:
            self.failed = failed
            self._note("disk_failed", directory=self.store.directory, error=str(failed))
        waiting, self._open = self._open, []
        for entry in waiting:
            entry.refused(failed)

    def _does_not_answer(self, future: asyncio.Future[None], entries: list[Entry]) -> None:
        if future.done():
            return
        error = StoreFailed(
            f"the disk did not answer within {ANSWER_S:g} s: what was stored is not known"
        )
        self._tell_failure(error)
        for entry in entries:
            entry.refused(error)
        self._tell_flushed()

    # reading

    def read(
        self, wanted: Sequence[tuple[int, int, int]], most: int
    ) -> asyncio.Future[list[Loaded]]:
        """Read chunks of several logs, `(log, from, until)`, about `most` events of each."""
        store = self.store

        def work() -> list[Loaded]:
            found: list[Loaded] = []
            for log, at, until in wanted:
                for row in store.read(log, at, most=most, until=until):
                    batch = _decoded(row.body, row_key(row.log, row.at), row.n)
                    found.append(
                        Loaded(row.log, row.at, row.seq, row.n, row.size, row.takers, batch)
                    )
            return found

        return self._disk.submit(work)

    def read_failed(
        self, shelf: Shelf, error: BaseException, failures: int, again: Callable[[], None]
    ) -> None:
        """Journal that a queue's events could not be read, and try again later."""
        if failures == 1:
            self._note("read_failed", node=shelf.name, error=str(error))
        if not self._closed:
            self.loop.call_later(min(30.0, _AGAIN_S * 2**failures), again)

    # ending

    async def flush(self) -> None:
        """Wait until everything added, settled and put so far is on disk, or the disk failed."""
        while not self._closed and self.failed is None:
            idle = self._busy is None and not self._scheduled
            if idle and not (self._open or self._dirty or self._changed or self._forget_dead):
                return
            future = self.loop.create_future()
            self._flushes.append(future)
            self._schedule()
            await future
            if self.full:
                return

    def _tell_flushed(self) -> None:
        flushes, self._flushes = self._flushes, []
        for future in flushes:
            if not future.done():
                future.set_result(None)

    async def close(self) -> None:
        """Write what is left, then close the store and release the disk's thread; idempotent."""
        if self._closed:
            return
        await self.flush()
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        closing = self._disk.submit(self.store.close)
        await asyncio.wait([closing], timeout=ANSWER_S)
        if closing.done() and not closing.cancelled():
            closing.exception()
        await self._disk.close()


class _Commit:
    """Is the work of one commit, done on the disk's thread: encode, then store."""

    def __init__(
        self,
        store: Store,
        seq: int,
        rows: list[tuple[int, int, int, bytes | None, list[Batch]]],
        records: list[tuple[int, tuple[str, str, bytes]]],
        dead: list[DeadRow],
        forget_dead: list[int],
        forget: list[tuple[int, int]],
    ) -> None:
        self._work = store, seq, rows, records, dead, forget_dead, forget

    def __call__(self) -> None:
        """Store it; returns when it is on disk."""
        from sinkgraph.log.disk.chunk import encode

        store, seq, rows, records, dead, forget_dead, forget = self._work
        made: list[tuple[int, int, int, int, bytes | None, bytes]] = [
            (number, seq, 0, 0, None, msgspec.msgpack.encode(record)) for number, record in records
        ]
        made += [
            (key, seq, n, size, takers, encode(batches)) for key, n, size, takers, batches in rows
        ]
        store.commit(made, dead=dead, forget_dead=forget_dead, forget=forget)


def _decoded(body: bytes | None, places: int, n: int) -> Batch | None:
    from sinkgraph.log.disk.chunk import decode

    if body is None:
        return None
    try:
        batch = decode(body, places)
    except Exception:  # whatever a damaged body makes of the decoder
        return None
    return batch if len(batch) == n else None
