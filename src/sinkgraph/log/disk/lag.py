"""How far the disk lags behind a queue: what was delivered, and would be again after a crash.

It counts and lets wait; when a record is written is the depot's decision.
"""

from __future__ import annotations

import asyncio

__all__ = ["Owed"]


class Owed:
    """Counts what has ended and is not noted on disk: it would be repeated after a crash.

    `n` events since the last record was sent off, `flying` in one that is being written.
    """

    __slots__ = ("_began", "_left", "_waiting", "flying", "n")

    def __init__(self) -> None:
        self.n = self.flying = 0
        self._began = 0.0  # when the first of the n ended, by the loop's time
        self._left = 0.0  # the same of those flying
        self._waiting: list[asyncio.Future[None]] = []

    def add(self, n: int, loop: asyncio.AbstractEventLoop) -> None:
        """Note that n events have ended."""
        if not self.n:
            self._began = loop.time()
        self.n += n

    def leave(self) -> None:
        """Note that a record is being written."""
        self.flying, self._left = self.n, self._began
        self.n = 0

    def landed(self, *, stored: bool) -> None:
        """Note that it is on disk, or is not; let those who wait look again."""
        if not stored and self.flying:
            self.n, self._began = self.n + self.flying, self._left
        self.flying = 0
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def too_many(self, most: int, after_s: float, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether it is more than `most` events, the oldest of them for so many seconds."""
        if self.n + self.flying <= most:
            return False
        return loop.time() - (self._left if self.flying else self._began) > after_s

    async def fewer(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wait until a record was written, or could not be."""
        future: asyncio.Future[None] = loop.create_future()
        self._waiting.append(future)
        await future
