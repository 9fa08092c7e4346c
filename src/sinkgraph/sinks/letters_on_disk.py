"""Dead letters in a state dir: room for them, the way there, and how they leave.

What is written waits for its commit; what was accepted before is taken at once and follows. Which
events die is decided elsewhere.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sinkgraph.errors import Overloaded, StoreFailed
from sinkgraph.event import Batch
from sinkgraph.log.admission import Plan
from sinkgraph.log.backlog import size_of
from sinkgraph.log.disk import dead
from sinkgraph.log.disk.dead import DeadFilter, DeadGroup, DeadLetter, DeadRow, WrongCount
from sinkgraph.log.disk.draft import Entry, Pledge
from sinkgraph.sinks.dead_row import dead_rows

if TYPE_CHECKING:
    from sinkgraph.log.disk.depot import Depot
    from sinkgraph.sinks.burial import DeadLetters

__all__ = ["DiskLetters"]

_BEHIND = 10_000  # events taken that are not on disk yet
_BEHIND_BYTES = 64 * 1024**2
_AT_ONCE = 500  # letters that expire, or follow, in one commit
_AGAIN_S = 1.0


class DiskLetters:
    """Keeps the letters of one sink, `node`, in the store of a depot.

    A write that does not fit in `capacity` and `max_bytes` waits; one that never could is stored
    whole once nothing else is there. What follows a plan (`keep`) cannot wait: what has no room is
    dropped, and counted.
    """

    durable = True

    def __init__(self, node: DeadLetters, depot: Depot, *, rest: bool) -> None:
        self.depot = depot
        self._node = node
        self._vault = depot.vault
        self._reserved = self._reserved_bytes = 0
        self._behind: deque[Batch] = deque()
        self._behind_n = self._behind_bytes = 0
        self._under_way = 0  # of what is behind: in a commit that has not ended
        self._waiting: deque[tuple[asyncio.Future[None], Batch]] = deque()
        self._idle: list[asyncio.Future[None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._trouble = False
        self._made: dict[int, list[DeadRow]] = {}  # of batches on their way, by identity
        self._vault.claim(node.name, self, rest=rest)

    async def open(self) -> int:
        """Return how many letters earlier runs have left."""
        await self._vault.open()
        return self.depth

    # how much there is

    @property
    def _mine(self) -> tuple[str, ...]:
        return self._vault.sinks_of(self)

    @property
    def depth(self) -> int:
        """Letters kept, on disk or on their way there."""
        return self._vault.totals(self._mine)[0] + self._behind_n

    @property
    def size(self) -> int:
        """Bytes of their payloads."""
        return self._vault.totals(self._mine)[1] + self._behind_bytes

    @property
    def since(self) -> float:
        """A Unix time that no letter on disk is older than."""
        return self._vault.since(self._mine)

    def fits(self, *batches: Batch) -> bool:
        """Return whether there is room for these, all of them, now."""
        return not (self.depth + self._reserved) or self._adds_up(batches)

    def _adds_up(self, batches: Sequence[Batch]) -> bool:
        n = self.depth + self._reserved + sum(map(len, batches))
        size = self.size + self._reserved_bytes + sum(map(size_of, batches))
        return n <= self._node.capacity and size <= self._node.max_bytes

    def _room_for(self, batch: Batch) -> int:
        """Return how many of a batch's events fit now."""
        if self._behind_n >= _BEHIND or self._behind_bytes >= _BEHIND_BYTES:
            return 0
        k = len(batch)
        while k and not self._adds_up([batch[:k]]):
            k -= 1
        return k or (0 if self.depth + self._reserved else 1)

    @property
    def behind(self) -> int:
        """Letters taken that are not on disk yet."""
        return self._behind_n

    def facts(self) -> dict[str, Any]:
        """Return the counts by reason of what is on disk, and how many are not there yet."""
        return {"reasons": self._vault.reasons(self._mine), "not_on_disk": self._behind_n}

    # what is written

    async def store(self, batch: Batch) -> None:
        """Store a batch; returns when it is on disk. Waits while there is no room."""
        n = len(batch)
        ledger = self._node.ledger
        ledger.entered += n
        ledger.held += n
        try:
            await self._room(batch)
            pledge = self._add(batch)
        except BaseException as error:
            ledger.held -= n
            ledger.returned += n
            self._note_trouble(error)
            raise
        await pledge

    def _add(self, batch: Batch) -> Pledge:
        depot, ledger, n = self.depot, self._node.ledger, len(batch)
        depot.refuse_if_failed()
        pledge = Pledge(loop=depot.loop)
        rows = self.rows(batch)

        def apply() -> None:
            ledger.held -= n
            self._stored(batch)

        def revoke() -> None:
            ledger.held -= n
            ledger.returned += n
            self.refused(batch)

        depot.add(Entry([], rows, apply, revoke, pledge))
        return pledge

    async def _room(self, batch: Batch) -> None:
        first = True
        while (not self.fits(batch) or (first and self._waiting)) and not self._node.closed:
            self._node.tell_full()
            future: asyncio.Future[None] = self.depot.loop.create_future()
            if first:
                self._waiting.append((future, batch))
            else:  # somebody else took the room meanwhile
                self._waiting.appendleft((future, batch))
            first = False
            try:
                await future
            finally:
                if (future, batch) in self._waiting:
                    self._waiting.remove((future, batch))
                self.depot.loop.call_soon(self._wake)
        self._node.refuse_if_closed()

    def look_again(self) -> None:
        """Let in who waits, where there is room by now."""
        self._wake()

    def _wake(self) -> None:
        """Let the first in line go on, when there is room for what it brings."""
        while self._waiting and self.fits(self._waiting[0][1]):
            future, _ = self._waiting.popleft()
            if not future.done():
                future.set_result(None)
                return

    # what is planned

    def admit(self, batch: Batch, plan: Plan) -> None:
        """Plan to store a batch. Raises Overloaded, or StoreFailed, where it would have to wait."""
        if not plan.behind:
            self.depot.refuse_if_failed()
            planned = [one for burial, one in plan.to_bury if burial is self]
            if self._waiting or not self.fits(*planned, batch):
                node = self._node
                node.tell_full()
                if plan.optional:
                    plan.enter(node.ledger, len(batch))
                    plan.drop(node.ledger, "optional_full", len(batch))
                    return
                raise Overloaded(f"no room in dead letters {node.name}", retry_after_s=1.0)
            plan.volatile = True
        plan.bury_durably(self, batch)

    def rows(self, batch: Batch) -> list[DeadRow]:
        """Return what is stored of a batch, and keep room for it."""
        self._reserved += len(batch)
        self._reserved_bytes += size_of(batch)
        rows = self._made[id(batch)] = self._rows(batch)
        return rows

    def _rows(self, batch: Batch) -> list[DeadRow]:
        node = self._node
        return dead_rows(batch, node.name, node.path, node.bound.clock.wall())

    def kept(self, batch: Batch) -> None:
        """Take note that a batch of a plan is on disk."""
        self._node.ledger.entered += len(batch)
        self._stored(batch)

    def refused(self, batch: Batch) -> None:
        """Take note that a batch is not on disk: give its room back."""
        self._release(batch)
        self._note_trouble(None)
        self._wake()

    def _stored(self, batch: Batch) -> None:
        self._count(self._release(batch))
        self._trouble = False
        self._node.took(batch)

    def _release(self, batch: Batch) -> list[DeadRow]:
        self._reserved -= len(batch)
        self._reserved_bytes -= size_of(batch)
        made = self._made.pop(id(batch), None)
        return made if made is not None else self._rows(batch)

    def _count(self, rows: Sequence[DeadRow]) -> None:
        tally = self._vault.of(self._node.name)
        for row in rows:
            tally.add(row.reason, row.size, row.at)

    # what follows a plan

    def keep(self, batch: Batch) -> None:
        """Take a batch that was accepted before; what has no room is dropped."""
        node, n = self._node, len(batch)
        node.ledger.entered += n
        room = self._room_for(batch)
        if room < n:
            node.ledger.drop("dead_letters_full", n - room)
            node.tell_full()
            batch, n = batch[:room], room
        if not n:
            return
        self._behind.append(batch.slim())
        self._behind_n += n
        self._behind_bytes += size_of(batch)
        node.took(batch)
        self._write_behind()

    def _write_behind(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._under_way or not self._behind:
            return
        batches: list[Batch] = []
        for batch in self._behind:
            batches.append(batch)
            if sum(map(len, batches)) >= _AT_ONCE:
                break
        rows = [row for batch in batches for row in self._rows(batch)]
        self._under_way = len(batches)

        def apply() -> None:
            self._under_way = 0
            for batch in batches:
                self._behind.popleft()
                self._behind_n -= len(batch)
                self._behind_bytes -= size_of(batch)
            self._count(rows)
            self._trouble = False
            self._node.weigh()
            self._write_behind()
            if not self._behind:
                self._tell_idle()

        def revoke() -> None:
            self._under_way = 0
            self._note_trouble(None)
            if self.depot.failed is None and not self._node.closed:
                self._timer = self.depot.loop.call_later(_AGAIN_S, self._write_behind)
            else:
                self._tell_idle()

        try:
            self.depot.add(Entry([], rows, apply, revoke, Pledge(loop=self.depot.loop)))
        except StoreFailed as error:
            self._under_way = 0
            self._note_trouble(error)
            self._tell_idle()

    def _tell_idle(self) -> None:
        idle, self._idle = self._idle, []
        for future in idle:
            if not future.done():
                future.set_result(None)

    def _note_trouble(self, error: BaseException | None) -> None:
        if error is None or isinstance(error, StoreFailed):
            self._trouble = True
            self._node.weigh()

    @property
    def status(self) -> str:
        """How the disk serves it: `ok`, `degraded` while it refuses, `failed` for good."""
        if self.depot.failed is not None:
            return "failed"
        return "degraded" if self._trouble else "ok"

    # how letters leave

    def left(self, n: int, how: str) -> None:
        """Take note that n letters are gone: `expired`, `purged`, or handed on."""
        if how in ("replayed", "handed_over"):
            self._node.ledger.delivered += n
        else:
            self._node.ledger.drop(how, n)
        self._node.weigh()
        self._wake()

    def took_over(self, n: int) -> None:
        """Take note that it answers for n letters of a sink that has left."""
        self._node.ledger.recovered += n
        self._node.weigh()

    def hand_over(self) -> None:
        """Answer for no letters any more: they stay, in the care of who keeps the rest."""
        self._vault.release(self)

    async def expire(self, before: float) -> None:
        """Delete what failed last before a Unix time. Raises StoreFull and StoreFailed."""
        while await self._vault.expire(self._mine, before, _AT_ONCE):
            pass

    async def forget(self, numbers: Sequence[int], expect: int) -> int:
        """Delete letters by number; WrongCount, and nothing is gone, unless they are so many."""
        async with self._vault.turn:
            mine = frozenset(self._mine)
            found = await self.depot.ask(lambda store: dead.numbered(store, numbers))
            found = [one for one in found if one.sink in mine]
            if len(found) != expect:
                raise WrongCount(expect, len(found))
            await self._vault.remove(found, "purged")
            return len(found)

    # looking

    async def groups(self, chosen: DeadFilter) -> list[DeadGroup]:
        """Return the letters by node and reason, the most frequent first."""
        mine = self._within(chosen)
        return await self.depot.ask(lambda store: dead.groups(store, mine))

    async def letters(
        self, chosen: DeadFilter, after: int, limit: int, *, bodies: bool
    ) -> list[DeadLetter]:
        """Return letters in order of number, behind `after`, at most `limit`."""
        mine = self._within(chosen)

        def look(store: Any) -> list[DeadLetter]:
            return dead.letters(store, mine, after=after, limit=limit, bodies=bodies)

        return await self.depot.ask(look)

    def _within(self, chosen: DeadFilter) -> DeadFilter:
        mine = self._mine
        if chosen.sinks is not None:
            mine = tuple(one for one in mine if one in chosen.sinks)
        return replace(chosen, sinks=mine)

    # ending

    async def drain(self) -> None:
        """Wait until all that was taken is on disk, or the disk has failed."""
        while self._behind and self.depot.failed is None:
            self._write_behind()
            future: asyncio.Future[None] = self.depot.loop.create_future()
            self._idle.append(future)
            await future
            if self._node.closed:
                return

    async def close(self) -> None:
        """Let nobody wait any more, and write what is behind, if the disk takes it."""
        waiting, self._waiting = self._waiting, deque()
        for future, _ in waiting:
            if not future.done():
                future.set_result(None)  # and learns that it is closed
        self._tell_idle()
        await self.drain()
        if self._behind:
            self._node.bound.journal(
                "dead_letters_not_stored", node=self._node.name, letters=self._behind_n
            )
