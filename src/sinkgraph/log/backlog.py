"""What a queue has not handed to a lane yet: batches picked for it, then a cursor in a log.

It counts events, not who they are for; which of them to shed is the queue's decision.
"""

from __future__ import annotations

from collections import deque

from sinkgraph.errors import Rejected
from sinkgraph.event import Batch, join
from sinkgraph.log.memory import Cursor

__all__ = ["Backlog", "size_of", "sizes_of"]

_MOST = 1_000


class Backlog:
    """Holds batches oldest first; what is picked stands before what the cursor reads."""

    __slots__ = ("_cursor", "_picked", "_picks")

    def __init__(self) -> None:
        self._picks: deque[Batch] = deque()
        self._picked = 0
        self._cursor: Cursor | None = None

    def __len__(self) -> int:
        cursor = self._cursor
        return self._picked + (cursor.log.front - cursor.pos if cursor is not None else 0)

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
        while left and self._picks and (not taken or len(self._picks[0]) <= left):
            taken.append(self.take_picked(left))
            left -= len(taken[-1])
        cursor = self._cursor
        if cursor is not None and not self._picks:
            while left and (batch := cursor.take(left)) is not None:
                taken.append(batch)
                left -= len(batch)
        if not taken:
            return None
        return taken[0] if len(taken) == 1 else join(taken)

    def take_picked(self, n: int) -> Batch:
        """Return at most n events of the oldest picked batch."""
        oldest = self._picks[0]
        if len(oldest) > n:
            taken, self._picks[0] = oldest[:n], oldest[n:]
        else:
            taken = self._picks.popleft()
        self._picked -= len(taken)
        return taken

    def shed(self, n: int) -> list[Batch]:
        """Drop the n oldest events; return those that were picked, for their size."""
        dropped: list[Batch] = []
        while n > 0 and self._picks:
            dropped.append(self.take_picked(n))
            n -= len(dropped[-1])
        if n > 0 and self._cursor is not None:
            self._cursor.skip(n)
        return dropped

    def oldest_picked(self) -> int:
        """Return how many events the oldest picked batch holds; 0 when none was picked."""
        return len(self._picks[0]) if self._picks else 0

    def empty_out(self) -> list[Batch]:
        """Return everything and keep nothing."""
        self.unfollow()
        left = list(self._picks)
        self._picks.clear()
        self._picked = 0
        return left


def size_of(batch: Batch) -> int:
    """Return the bytes of a batch's payloads as JSON; raw bytes count as they are."""
    return sum(sizes_of(batch))


def sizes_of(batch: Batch) -> list[int]:
    """Return the bytes of each payload of a batch; 0 for what JSON cannot hold."""
    sizes: list[int] = []
    for k, payload in enumerate(batch.payloads):
        if isinstance(payload, bytes):
            sizes.append(len(payload))
            continue
        try:
            sizes.append(len(batch[k : k + 1].json()[0]))
        except Rejected:
            sizes.append(0)  # whoever has to encode it refuses it
    return sizes
