"""Dead letters without a state dir: the newest are kept until the process ends, the rest counted.

Which events die is decided elsewhere.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sinkgraph.event import Batch, Event
from sinkgraph.log.admission import Plan
from sinkgraph.log.backlog import sizes_of
from sinkgraph.log.disk.dead import DeadFilter, DeadGroup, DeadLetter, WrongCount
from sinkgraph.sinks.dead_row import dead_rows, reason_of

if TYPE_CHECKING:
    from sinkgraph.sinks.burial import DeadLetters

__all__ = ["MemoryLetters"]


@dataclass(frozen=True, slots=True)
class _Kept:
    """Is one letter: `at` is when it came, in Unix seconds."""

    number: int
    at: float
    size: int
    event: Event


class MemoryLetters:
    """Keeps the letters of one sink, `node`, in memory; the oldest make room for the newest."""

    durable = False
    status = "ok"
    behind = 0

    def __init__(self, node: DeadLetters) -> None:
        self._node = node
        self._kept: deque[_Kept] = deque()
        self._reasons: dict[str, int] = {}
        self._number = 0
        self.size = 0

    def look_again(self) -> None:
        """Nobody waits here."""

    async def open(self) -> int:
        """Return 0: nothing was left."""
        return 0

    # how much there is

    @property
    def events(self) -> list[Event]:
        """The dead letters, oldest first."""
        return [one.event for one in self._kept]

    @property
    def depth(self) -> int:
        """Letters kept."""
        return len(self._kept)

    @property
    def since(self) -> float:
        """A Unix time that no letter is older than."""
        return self._kept[0].at if self._kept else math.inf

    def facts(self) -> dict[str, Any]:
        """Return the counts by reason."""
        return {"reasons": dict(self._reasons)}

    def fits(self, *_batches: Batch) -> bool:
        """Return True: the oldest make room."""
        return True

    # what comes in

    async def store(self, batch: Batch) -> None:
        """Keep a batch."""
        self.keep(batch)

    def admit(self, batch: Batch, plan: Plan) -> None:
        """Plan to keep a batch; it can never block."""
        plan.then(lambda: self.keep(batch), once=True)

    def keep(self, batch: Batch) -> None:
        """Keep a batch; what is pushed out for it is counted."""
        node = self._node
        at = node.ctx.clock.wall() if node.ctx is not None else 0.0
        node.ledger.entered += len(batch)
        for event, size in zip(batch, sizes_of(batch), strict=True):
            self._number += 1
            self._kept.append(_Kept(self._number, at, size, event))
            self.size += size
            reason = reason_of(event)
            self._reasons[reason] = self._reasons.get(reason, 0) + 1
        over = 0
        while len(self._kept) > node.capacity or (
            self.size > node.max_bytes and len(self._kept) > 1
        ):
            self._forget(self._kept.popleft())
            over += 1
        node.ledger.drop("dead_letters_full", over)
        node.took(batch)

    # how letters leave

    def _forget(self, one: _Kept) -> None:
        self.size -= one.size
        reason = reason_of(one.event)
        self._reasons[reason] -= 1
        if not self._reasons[reason]:
            del self._reasons[reason]

    async def expire(self, before: float) -> None:
        """Forget what came before a Unix time."""
        n = 0
        while self._kept and self._kept[0].at < before:
            self._forget(self._kept.popleft())
            n += 1
        self._node.ledger.drop("expired", n)
        self._node.weigh()

    async def forget(self, numbers: Sequence[int], expect: int) -> int:
        """Forget letters by number; WrongCount, and nothing is gone, unless they are so many."""
        wanted = set(numbers)
        found = [one for one in self._kept if one.number in wanted]
        if len(found) != expect:
            raise WrongCount(expect, len(found))
        self._kept = deque(one for one in self._kept if one.number not in wanted)
        for one in found:
            self._forget(one)
        self._node.ledger.drop("purged", len(found))
        self._node.weigh()
        return len(found)

    # looking

    async def groups(self, chosen: DeadFilter) -> list[DeadGroup]:
        """Return the letters by node and reason, the most frequent first."""
        found: dict[tuple[str, str, str], DeadGroup] = {}
        for one in self._chosen(chosen, 0):
            key = one.sink, one.node, one.reason
            was = found.get(key, DeadGroup(*key, 0, 0, one.first, one.at))
            first, last = min(was.first, one.first), max(was.last, one.at)
            found[key] = DeadGroup(*key, was.count + 1, was.size + one.size, first, last)
        return sorted(found.values(), key=lambda one: (-one.count, one.node, one.reason))

    async def letters(
        self, chosen: DeadFilter, after: int, limit: int, *, bodies: bool
    ) -> list[DeadLetter]:
        """Return letters in order of number, behind `after`, at most `limit`."""
        found: list[DeadLetter] = []
        for one in self._chosen(chosen, after, bodies=bodies):
            if len(found) >= limit:
                break
            found.append(one)
        return found

    def _chosen(
        self, chosen: DeadFilter, after: int, *, bodies: bool = False
    ) -> Iterator[DeadLetter]:
        node = self._node
        for one in list(self._kept):
            if one.number <= after:
                continue
            (row,) = dead_rows(Batch.of([one.event]), node.name, node.path, one.at)
            body = row.body if bodies else None
            about = (row.reason, row.id, row.type, row.at, row.first, one.size)
            letter = DeadLetter(one.number, row.sink, row.node, *about, body)
            if chosen.takes(letter):
                yield letter

    # ending

    def hand_over(self) -> None:
        """Keep what there is: nobody else can answer for it."""

    async def drain(self) -> None:
        """Return: nothing is on its way."""

    async def close(self) -> None:
        """Hold nothing open."""
