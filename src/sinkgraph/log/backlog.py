"""What a queue has not handed to a lane yet: read from disk, on disk, picked, then a log's.

It counts events, not who they are for; which of them to shed is the queue's decision.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import accumulate
from operator import attrgetter

from sinkgraph.errors import Rejected
from sinkgraph.event import Batch, Json, join
from sinkgraph.log.memory import Cursor

__all__ = ["Backlog", "size_of", "sizes_of"]

_MOST = 1_000


class Backlog:
    """Holds batches oldest first: loaded from disk, `cold` (on disk), picked, read by the cursor.

    `cold` is a count; while it is not 0, nothing that stands behind it can be taken.
    """

    __slots__ = ("_cursor", "_loaded", "_picked", "_picks", "cold", "loaded")

    def __init__(self) -> None:
        self._picks: deque[Batch] = deque()
        self._picked = 0
        self._cursor: Cursor | None = None
        self._loaded: deque[Batch] = deque()
        self.loaded = 0
        self.cold = 0

    def __len__(self) -> int:
        cursor = self._cursor
        held = self._picked + self.loaded + self.cold
        return held + (cursor.log.front - cursor.pos if cursor is not None else 0)

    @property
    def ready(self) -> int:
        """Events that can be taken now."""
        return self.loaded if self.cold else len(self)

    @property
    def warm(self) -> int:
        """Events held in memory by this backlog itself."""
        return self._picked + self.loaded

    def load(self, batches: Iterable[Batch], left: int) -> None:
        """Add what was read from disk, where `left` events are still only there."""
        if left and not self.cold:  # what is here is older than what is only on disk
            cursor = self._cursor
            self.unfollow()
            self._cursor = cursor  # it goes on with what comes after all that
            self._loaded.extend(self._picks)
            self.loaded += self._picked
            self._picks.clear()
            self._picked = 0
        for batch in batches:
            self._loaded.append(batch)
            self.loaded += len(batch)
        self.cold = left

    @property
    def follows(self) -> bool:
        """Whether it reads on in a log."""
        return self._cursor is not None

    def pick(self, batch: Batch) -> None:
        """Add a batch at the end, behind what the cursor can read by now."""
        cursor = self._cursor
        self.unfollow()
        self._cursor = cursor
        self._picks.append(batch)
        self._picked += len(batch)

    def take_picks(self) -> list[Batch]:
        """Return what was picked and what the log holds, and read the log no further."""
        self.unfollow()
        picks = list(self._picks)
        self._picks.clear()
        self._picked = 0
        return picks

    def put_back(self, batches: Sequence[Batch]) -> None:
        """Hold these in memory again, ahead of everything else."""
        self._loaded.extendleft(reversed(batches))
        self.loaded += sum(map(len, batches))

    def follow(self, cursor: Cursor) -> None:
        """Read on with a cursor after what was picked."""
        self._cursor = cursor

    def unfollow(self) -> None:
        """Keep what the cursor has not read yet, and read no further."""
        cursor, self._cursor = self._cursor, None
        while cursor is not None and (batch := cursor.take(_MOST)) is not None:
            self._picks.append(batch)
            self._picked += len(batch)

    def forget(self) -> None:
        """Leave the log: nothing of it is left to read."""
        self._cursor = None

    def take(self, limit: int) -> Batch | None:
        """Return the oldest events, at most `limit`, as one batch; None when there are none."""
        taken: list[Batch] = []
        left = limit
        while left and self._loaded and (not taken or _goes_with(self._loaded, taken[-1], left)):
            taken.append(self._take_loaded(left))
            left -= len(taken[-1])
        if self._loaded or self.cold:
            return _joined(taken)
        while left and self._picks and (not taken or _goes_with(self._picks, taken[-1], left)):
            taken.append(self.take_picked(left))
            left -= len(taken[-1])
        cursor = self._cursor
        if cursor is not None and not self._picks and not (taken and taken[-1].places is not None):
            while left and (batch := cursor.take(left)) is not None:
                taken.append(batch)
                left -= len(batch)
        return _joined(taken)

    def take_picked(self, n: int) -> Batch:
        """Return at most n events of the oldest picked batch."""
        taken = _cut(self._picks, n)
        self._picked -= len(taken)
        return taken

    def _take_loaded(self, n: int) -> Batch:
        taken = _cut(self._loaded, n)
        self.loaded -= len(taken)
        return taken

    def shed(self, n: int) -> list[Batch]:
        """Drop the n oldest events in memory; return those it held itself, for their size."""
        dropped: list[Batch] = []
        while n > 0 and self._loaded:
            dropped.append(self._take_loaded(n))
            n -= len(dropped[-1])
        if self.cold:
            return dropped
        while n > 0 and self._picks:
            dropped.append(self.take_picked(n))
            n -= len(dropped[-1])
        if n > 0 and self._cursor is not None:
            self._cursor.skip(n)
        return dropped

    def oldest_picked(self) -> int:
        """Return how many events the oldest batch in memory holds; 0 when there is none."""
        if self._loaded:
            return len(self._loaded[0])
        return len(self._picks[0]) if self._picks and not self.cold else 0

    def remains(self) -> list[Batch]:
        """Return what is in memory, and keep it; reads no log any further."""
        self.unfollow()
        return [*self._loaded, *self._picks]

    def empty_out(self) -> list[Batch]:
        """Return everything that is in memory and keep nothing."""
        self.unfollow()
        left = [*self._loaded, *self._picks]
        self._loaded.clear()
        self._picks.clear()
        self._picked = self.loaded = self.cold = 0
        return left


def _goes_with(batches: deque[Batch], taken: Batch, left: int) -> bool:
    """Whether the next batch can be joined: it fits, and both are on disk or none is."""
    first = batches[0]
    return len(first) <= left and (first.places is None) == (taken.places is None)


def _joined(taken: list[Batch]) -> Batch | None:
    if not taken:
        return None
    return taken[0] if len(taken) == 1 else join(taken)


def _cut(batches: deque[Batch], n: int) -> Batch:
    """Take the first batch off, or its first n events."""
    oldest = batches[0]
    if len(oldest) > n:
        batches[0] = oldest[n:]
        return oldest[:n]
    return batches.popleft()


_raw = attrgetter("_raw")


def size_of(batch: Batch) -> int:
    """Return the bytes of a batch's payloads as JSON; raw bytes count as they are.

    Each payload of a page is measured once: the page keeps the sums.
    """
    page = batch.page
    sums = page.sums
    if sums is None or len(sums) <= batch.j:
        if sums is None:
            sums = page.sums = array("q", (0,))
        known = len(sums) - 1
        sizes = sizes_of(Batch(page, known, batch.j))
        total = sums[known]
        sums.extend(total + size for size in accumulate(sizes))
    return sums[batch.j] - sums[batch.i]


def sizes_of(batch: Batch) -> list[int]:
    """Return the bytes of each payload of a batch; 0 for what JSON cannot hold."""
    payloads = batch.payloads
    if set(map(type, payloads)) == {Json}:
        try:
            return list(map(len, map(_raw, payloads)))
        except TypeError:  # not all of it was encoded so far
            pass
        try:
            return [len(payload.raw) for payload in payloads]
        except Rejected:
            pass
    sizes: list[int] = []
    for k, payload in enumerate(payloads):
        if isinstance(payload, bytes):
            sizes.append(len(payload))
            continue
        try:
            sizes.append(len(batch[k : k + 1].json()[0]))
        except Rejected:
            sizes.append(0)  # whoever has to encode it refuses it
    return sizes
