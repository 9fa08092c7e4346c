"""The loop's side of the store: gathers writes, acks and records into one commit after another.

A commit begins as soon as the disk is idle; what arrives meanwhile is the next one. No timer
delays a write. It knows plans only by what they store, and no sink.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from sinkgraph.errors import StoreFailed, StoreFull
from sinkgraph.log.disk.draft import Draft, Entry
from sinkgraph.log.disk.group import Group
from sinkgraph.log.disk.loading import load
from sinkgraph.log.disk.logs import Logs
from sinkgraph.log.disk.notes import Notes
from sinkgraph.log.disk.shelf import Loaded, Shelf
from sinkgraph.log.disk.stragglers import Stragglers
from sinkgraph.log.disk.vault import Vault

if TYPE_CHECKING:
    from sinkgraph.clock import Disk
    from sinkgraph.log.disk.opened import Opened
    from sinkgraph.log.disk.store import Store

__all__ = ["ACK_AFTER_S", "ACK_EVENTS", "Depot"]

ACK_EVENTS = 64
"""Settled events after which their acks are written, at the latest."""

ACK_AFTER_S = 0.05
"""Seconds after which acks and records are written, at the latest."""

ANSWER_S = 30.0
"""Seconds a commit may take before its writers are told that the disk does not answer."""

CLOSE_S = 5.0
"""Seconds a close waits for what the disk is asked last, and again for its thread."""

_RIDE_S = 0.001  # how long acks wait for writes to ride along with
_HURRY_EVENTS = 1_000  # acks that do not wait for writes
_REFRESH_ROWS = 512  # events a place may lag behind before it is written without an ack
_FORGET_EVENTS = 512  # settled events that may stay in a log while others are pending
_AGAIN_S = 1.0
_READ_AGAIN_S = 30.0
_TELL_EVERY_S = 60.0

_Answer = TypeVar("_Answer")


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
        self.notes = Notes(store)
        self.vault = Vault(self)
        self._disk = disk
        self._note = note
        self._logs = Logs(opened)
        self._stragglers = Stragglers(sure=not store.lost_records)
        self._seq = store.seq
        self._open: list[Entry] = []
        self._dirty: dict[Shelf, None] = {}
        self._acks = 0
        self._freed = 0
        self._timer: asyncio.TimerHandle | None = None
        self._riding = False
        self._scheduled = False
        self._busy: asyncio.Future[None] | None = None
        self._group: Group | None = None  # what is being stored
        self._flushes: list[asyncio.Future[None]] = []
        self._closed = False
        for (kind, name), (number, _) in store.records.items():
            if kind == "cursor":
                self.shelves[name] = Shelf(number, name, self)
                self.shelves[name].restore(opened.stretches[name])
        if store.cut:
            note("events_cut_off", directory=store.directory, events=store.cut)

    # who keeps events here

    def claim(self, name: str, was: str | None = None) -> Shelf:
        """Return the shelf of a queue, new where it has none; `was` is its name so far.

        A name may have a shelf already, from a start that was refused: if that is empty, the two
        change their names, both in one commit.
        """
        shelf = self.shelves.get(name)
        if was is not None and was in self.shelves and (shelf is None or not shelf.pending):
            empty, shelf = shelf, self.shelves.pop(was)
            self.shelves[name] = shelf
            self.notes.rename("cursor", was, name)
            shelf.name = name
            self.dirty(shelf)
            if empty is not None:
                self.shelves[was] = empty
                empty.name = was
                self.dirty(empty)
        if shelf is None:
            shelf = self.shelves[name] = Shelf(self.notes.number("cursor", name), name, self)
            self.dirty(shelf)
        return shelf

    def holds(self, name: str) -> bool:
        """Whether events of a queue of this name are here."""
        shelf = self.shelves.get(name)
        return shelf is not None and shelf.pending > 0

    def unclaimed(self, names: Sequence[str]) -> dict[str, int]:
        """Return the queues that hold events here and are none of `names`, with their counts."""
        held = {name: one.pending for name, one in self.shelves.items() if one.pending}
        return {name: n for name, n in held.items() if name not in names}

    def head(self, log: int) -> int:
        """Return the position behind the last event of a log."""
        return self._logs.head(log)

    # records

    @property
    def durable(self) -> bool:
        """What is put here outlives the process."""
        return True

    def get(self, kind: str, name: str) -> bytes | None:
        """Return what was put under this kind and name last, or None."""
        return self.notes.get(kind, name)

    def put(self, kind: str, name: str, value: bytes) -> None:
        """Keep a value; it is written with the next commit, at most 50 ms from now."""
        self.notes.put(kind, name, value)
        self._soon()

    # acks

    def touch(self, shelf: Shelf, n: int) -> None:
        """Note that n events of a shelf have ended: its record is to be written soon."""
        self._dirty[shelf] = None
        self._acks += n
        self._freed += n
        if self._acks >= ACK_EVENTS and not self.full:
            self._ride()
        else:
            self._soon()

    def dirty(self, shelf: Shelf) -> None:
        """Have the record of a shelf written with the next commit."""
        self._dirty[shelf] = None
        self._soon()

    def _soon(self) -> None:
        idle = self._timer is None and self._busy is None and not self._scheduled
        if idle and not self._closed:
            after_s = _AGAIN_S if self.full else ACK_AFTER_S
            self._timer = self.loop.call_later(after_s, self._due)

    def _due(self) -> None:
        self._timer = None
        self._schedule()

    def _ride(self) -> None:
        """Write acks soon, but not before those who learn of a commit have written again."""
        if self._acks >= _HURRY_EVENTS:
            self._schedule()
        elif not self._riding and not self._scheduled and self._busy is None:
            self._riding = True
            self.loop.call_later(_RIDE_S, self._ridden)

    def _ridden(self) -> None:
        self._riding = False
        if self._acks >= ACK_EVENTS and not self.full:
            self._schedule()

    # writes

    def add(self, entry: Entry, *, now: bool = False) -> None:
        """Store what an entry says with the next commit; its pledge ends when it is on disk.

        Raises StoreFailed at once when the disk has failed before. The entry's `apply` is called
        in the order of `add`, before any writer learns of it; `revoke` when it was not stored.
        `now`: nobody else is going to add anything in this turn of the loop.
        """
        self.refuse_if_failed()
        self._open.append(entry)
        if now and not self._scheduled:
            self._submit()
        else:
            self._schedule()

    def refuse_if_failed(self) -> None:
        """Raise StoreFailed when nothing can be stored any more."""
        if self.failed is not None:
            raise StoreFailed(str(self.failed))
        if self._closed:
            raise StoreFailed("the store is closed")

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
        group = self._gathered()
        if not group:
            self._tell_flushed()
            return
        self._seq += 1
        self._busy = future = self._disk.submit(group.work(self.store, self._seq, self.notes))
        self._group = group
        late = self.loop.call_later(ANSWER_S, self._does_not_answer, ANSWER_S)

        def back(done: asyncio.Future[None]) -> None:
            late.cancel()
            self._back(done, group)

        future.add_done_callback(back)

    def _gathered(self) -> Group:
        """Return what the next commit carries, everything in its place."""
        entries, self._open = self._open, []
        dirty, self._dirty = self._dirty, {}
        self._acks = 0
        heads = dict(self._logs.heads)
        for entry in entries:
            for draft in entry.drafts:
                self._place(draft, heads, dirty)
        logs = self._logs
        bite = self._stragglers.next(self.shelves.values(), logs.firsts, logs.heads)
        forget = self._floors(entries)
        return Group(entries, dirty, self.notes.take(), forget, heads, bite)

    def _place(self, draft: Draft, heads: dict[int, int], dirty: dict[Shelf, None]) -> None:
        """Give a draft its log and its positions."""
        log, fresh = self._logs.place(draft, heads)
        if fresh:
            self.notes.put("log", draft.log, str(log).encode())
        for shelf in draft.takers:
            if log not in shelf.stretches:
                shelf.stretch(log)
                dirty[shelf] = None
            elif shelf.unwritten > _REFRESH_ROWS:
                shelf.unwritten = 0
                dirty[shelf] = None

    def _floors(self, entries: Sequence[Entry]) -> list[tuple[int, int]]:
        """Return up to where logs are forgotten with the next commit."""
        if entries and self._freed < _FORGET_EVENTS:
            return []
        self._freed = 0
        return self._logs.floors(self.shelves.values(), _FORGET_EVENTS, wholly=not entries)

    def _back(self, done: asyncio.Future[None], group: Group) -> None:
        self._busy = None
        error = done.exception() if not done.cancelled() else StoreFailed("the disk was closed")
        if error is None:
            self._stored(group)
        else:
            self._seq -= 1
            self._stragglers.spared()
            group.landed(stored=False)
            self._dirty = {**group.dirty, **self._dirty}
            self.notes.give_back(group.changes)
            self._tell_failure(error)
            group.refused(error)
        if self._open or (self._flushes and not self.full):
            self._schedule()
        elif self._acks >= ACK_EVENTS and not self.full:
            self._ride()
        elif self._unwritten() or self._stragglers.busy:
            self._soon()
        if self.failed is not None or self.full:
            self._tell_flushed()

    def _stored(self, group: Group) -> None:
        self.commits += 1
        self._logs.heads = group.heads
        self._logs.forgot(group.forget)
        group.landed(stored=True)
        if group.bite is not None:
            self._stragglers.bitten(group.bite)
        if self.full:
            self.full = False
            self._note("disk_has_room", directory=self.store.directory)
        for entry in group.entries:
            entry.stored()

    def _unwritten(self) -> bool:
        return bool(self._dirty or self.notes.changed)

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
            for shelf in self.shelves.values():
                if shelf.keeper is not None:
                    shelf.keeper.disk_failed(failed)
        waiting, self._open = self._open, []
        for entry in waiting:
            entry.refused(failed)

    def _does_not_answer(self, within_s: float) -> None:
        if self._busy is None or self._busy.done():
            return
        waited = f"within {within_s:g} s: what was stored is not known"
        self._tell_failure(error := StoreFailed(f"the disk did not answer {waited}"))
        if self._group is not None:
            self._group.refused(error)
        self._tell_flushed()

    # reading

    def ask(self, question: Callable[[Store], _Answer]) -> asyncio.Future[_Answer]:
        """Ask the store something on the disk's thread, once what came before is done."""
        store = self.store
        return self._disk.submit(lambda: question(store))

    def read(
        self, wanted: Sequence[tuple[int, int, int]], most: int
    ) -> asyncio.Future[list[Loaded]]:
        """Read chunks of several logs, `(log, from, until)`, about `most` events of each."""
        return self.ask(lambda store: load(store, wanted, most))

    def read_failed(
        self, shelf: Shelf, error: BaseException, failures: int, again: Callable[[], None]
    ) -> None:
        """Journal that a queue's events could not be read, once a minute; try again later."""
        now = self.loop.time()
        if shelf.told_at is None or now - shelf.told_at >= _TELL_EVERY_S:
            shelf.told_at = now
            self._note("read_failed", node=shelf.name, error=str(error))
        if not self._closed:
            self.loop.call_later(min(_READ_AGAIN_S, _AGAIN_S * 2 ** min(failures, 9)), again)

    # ending

    async def flush(self) -> None:
        """Wait until everything added, settled and put so far is on disk, or the disk failed."""
        while not self._closed and self.failed is None:
            idle = self._busy is None and not self._scheduled
            if idle and not self._open and not self._unwritten():
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
        """Write what is left, then close the store and release the disk's thread; idempotent.

        A disk that does not answer is waited for at most three times CLOSE_S; who waits for what
        it was given is told then.
        """
        if self._closed:
            return
        late = self.loop.call_later(CLOSE_S, self._does_not_answer, CLOSE_S)
        await self.flush()
        late.cancel()
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        closing = self._disk.submit(self.store.close)
        await asyncio.wait([closing], timeout=CLOSE_S)
        if closing.done() and not closing.cancelled():
            closing.exception()
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._disk.close()
        except TimeoutError:
            self._note("disk_does_not_answer", directory=self.store.directory)
