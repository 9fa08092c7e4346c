"""What a lane delivers in one go, and where it waits while it is parked.

It knows no queue: whoever parks a job is given it back when it is due.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any

from sinkgraph.event import Batch
from sinkgraph.log.owed import Claim, Part
from sinkgraph.log.receipts import among
from sinkgraph.sinks.keys import Keys

__all__ = ["Job", "Parking", "turn_over"]

Weigh = Callable[[Batch], int]
"""Returns the bytes of a batch's payloads."""


@dataclass(slots=True, eq=False)
class Job:
    """Is what a lane delivers in one go; `keys` are released when all of it is settled.

    `claim` says what is settled by each step, once something has failed; `whole` is what it was
    at first, for a queue that keeps its events on disk. `refused` are parts that nobody will try
    again, each with the dead letters to be made of it, since the time `refused_at`.
    """

    parts: deque[Part]
    keys: list[Any] = field(default_factory=list)
    claim: Claim | None = None
    whole: Batch | None = None
    refused: list[tuple[Part, Batch]] = field(default_factory=list)
    refused_at: float = 0.0

    def __len__(self) -> int:
        return sum(len(events) for _, events in self.owed())

    def owed(self) -> list[Part]:
        """Return every part that is not settled, the oldest first."""
        return [*(part for part, _ in self.refused), *self.parts]

    def distinct(self) -> list[Batch]:
        """Return what it holds, each event once."""
        held: list[Batch] = []
        seen: set[str] = set()
        for _, batch in self.owed():
            fresh = [k for k, own in enumerate(batch.ids) if own not in seen]
            seen.update(batch.ids)
            if fresh:
                held.append(batch if len(fresh) == len(batch) else batch.pick(fresh))
        return held

    # what becomes of its parts; `stored`: the queue keeps its events on disk

    def halve(self, weigh: Weigh | None, *, stored: bool) -> None:
        """Cut the first part in two."""
        part = self.parts.popleft()
        write, batch = part
        half = len(batch) // 2
        halves = [(write, batch[:half]), (write, batch[half:])]
        self._claimed(part, weigh, stored).split(part, halves)
        self.parts.extendleft(reversed(halves))

    def refuse(self, dead: Batch, now: float) -> None:
        """Set the first part aside: `dead` is to be made of it."""
        if not self.refused:
            self.refused_at = now
        self.refused.append((self.parts.popleft(), dead))

    def buried(self, owed: set[str]) -> list[Part]:
        """Take off the refused parts of which no event is among `owed`, by ids, and return them."""
        done = [part for part, dead in self.refused if owed.isdisjoint(dead.ids)]
        self.refused = [one for one in self.refused if not owed.isdisjoint(one[1].ids)]
        return done

    def settle(
        self, parts: Sequence[Part], owed: Sequence[Part], weigh: Weigh | None, *, stored: bool
    ) -> tuple[int, int, Sequence[int] | None]:
        """Note that of parts taken off it only `owed` is left.

        Returns the events and bytes that are settled by that, and where they stand.
        """
        first = parts[0]
        if self.claim is None and not owed:
            return len(first[1]), weigh(first[1]) if weigh is not None else 0, first[1].places
        claim = self._claimed(first, weigh, stored)
        if len(parts) == 1:
            n, size = claim.replace(first, owed, weigh)
        else:
            n, size = claim.end(parts, weigh)
        if self.whole is None:
            return n, size, None
        places = claim.settled_of(self.whole)
        ended = set(places)
        stand = enumerate(self.whole.places or ())
        self.whole = self.whole.pick([k for k, place in stand if place not in ended])
        return n, size, places

    def _claimed(self, part: Part, weigh: Weigh | None, stored: bool) -> Claim:
        if self.claim is None:
            self.claim = Claim(part, weigh(part[1]) if weigh is not None else 0)
            self.whole = part[1] if stored else None
        return self.claim

    def listener(self, settle: Callable[[Sequence[Part]], None]) -> Callable[..., None]:
        """Return who is told what is owed of the first part while it is written, and settles it."""
        written = self.parts[0][0]

        def told(owed: Sequence[Batch]) -> None:
            if not self.parts or self.parts[0][0] is not written:
                return
            left = self.still(owed)
            if left is not None and len(left[1]):
                settle([left])
                self.parts.appendleft(left)

        return told

    def still(self, owed: Sequence[Batch]) -> Part | None:
        """Return what of the first part is among `owed`; None when that is all of it."""
        write, batch = self.parts[0]
        left = among(batch, owed)
        return (write, left) if left is not batch else None

    def behind(self, ahead: Sequence[Part], keys: Keys) -> list[Part]:
        """Take off what may not overtake the parts ahead: whatever has a key of theirs."""
        held = {key for _, events in ahead for key in keys.of(events)}
        behind: list[Part] = []
        others: list[Part] = []
        for part in self.parts:
            own = keys.of(part[1])
            if held.isdisjoint(own):
                others.append(part)
            else:
                held.update(own)
                behind.append(part)
        self.parts = deque(others)
        return behind


def turn_over(before: Keys | None, keys: Keys | None, jobs: Sequence[Job]) -> list[Batch]:
    """Let `jobs` hold their keys by other rules; return what is to be delivered before all else.

    What waits by the old rules waits by the new ones, in the order in which it came.
    """
    for job in jobs:
        if keys is None:
            job.keys = []
        elif keys is not before or not job.keys:
            job.keys = keys.hold(batch for _, batch in job.owed())
    waiting = before.in_order() if before is not None and keys is not before else []
    if keys is None:
        return waiting
    for batch in waiting:
        keys.add(batch)
    return []


class Parking:
    """Keeps jobs until they are due, then gives them `back` in that order; `events` counts."""

    def __init__(self, back: Callable[[Job], None]) -> None:
        self.events = 0
        self._back = back
        self._lot: list[tuple[float, int, Job]] = []  # by due time
        self._count = 0
        self._alarm: asyncio.TimerHandle | None = None  # for the first of them
        self._shut = False

    def add(self, job: Job, due_s: float) -> None:
        """Keep a job for so many seconds."""
        self._count += 1
        self.events += len(job)
        due = asyncio.get_running_loop().time() + due_s
        heappush(self._lot, (due, self._count, job))
        if self._lot[0][1] == self._count:
            self._set_alarm()

    @property
    def jobs(self) -> list[Job]:
        """What is parked, in the order in which it is due."""
        return [job for _, _, job in sorted(self._lot)]

    def shut(self) -> None:
        """Give nothing back any more; what is parked is kept."""
        self._shut = True
        self._set_alarm()

    def give_back(self) -> None:
        """Give back all that is parked now, as if it were due."""
        if self._shut:
            return
        jobs, self._lot, self.events = self.jobs, [], 0
        self._set_alarm()
        for job in jobs:
            self._back(job)

    def clear(self) -> None:
        """Forget what is parked."""
        self._lot = []
        self.events = 0

    def _set_alarm(self, earliest: float = 0.0) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._lot and not self._shut:
            due = max(earliest, self._lot[0][0])
            self._alarm = asyncio.get_running_loop().call_at(due, self._look)

    def _look(self) -> None:
        """Give back what is due; look again for the rest: uvloop's timers may fire early."""
        now = asyncio.get_running_loop().time()
        while self._lot and self._lot[0][0] <= now + 1e-9 and not self._shut:
            _, _, job = heappop(self._lot)
            self.events -= len(job)
            self._back(job)
        self._set_alarm(now + 0.001)
