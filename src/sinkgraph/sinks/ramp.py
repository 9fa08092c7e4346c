"""How many requests may be in flight: all that is allowed, or after a failure, slowly more.

The limit is pure arithmetic; `Slots` adds the waiting, in fair order.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

__all__ = ["Ramp", "Slots"]


class Ramp:
    """Is a limit between 1 and `most`: a failure sets it to 1, each full round of successes adds 1.

    Additive increase as in congestion avoidance (RFC 5681 §3.1), with a decrease to one, because
    what failed here is a whole endpoint.
    """

    __slots__ = ("failures", "level", "most")

    def __init__(self, most: int) -> None:
        if most < 1:
            raise ValueError(f"concurrency must be at least 1, not {most}")
        self.most = most
        self.level = float(most)
        self.failures = 0  # in a row

    @property
    def limit(self) -> int:
        """How many may be in flight now."""
        return int(self.level)

    def retune(self, most: int, *, anew: bool = False) -> None:
        """Allow another most; what was learned stays, unless it is of another endpoint."""
        free = anew or self.level >= self.most
        self.most = most
        self.level = float(most) if free else min(self.level, float(most))
        if anew:
            self.failures = 0

    def succeeded(self) -> None:
        """Count one success."""
        self.failures = 0
        if self.level < self.most:
            self.level = min(float(self.most), self.level + 1.0 / self.limit)

    def failed(self) -> None:
        """Count one failure of the endpoint."""
        self.level = 1.0
        self.failures += 1


class Slots:
    """Hands out slots within a ramp's limit to whoever waited longest."""

    __slots__ = ("_waiting", "in_flight", "ramp")

    def __init__(self, ramp: Ramp) -> None:
        self.ramp = ramp
        self.in_flight = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """How many wait for a slot."""
        return len(self._waiting)

    async def take(self) -> None:
        """Wait for a slot; the taker gives it back. Cancelled, it holds none."""
        if self.in_flight < self.ramp.limit and not self._waiting:
            self.in_flight += 1
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            await future
        except BaseException:
            if future.done() and not future.cancelled():
                if future.exception() is None:
                    self.give_back()
            elif future in self._waiting:
                self._waiting.remove(future)
            raise

    def refuse(self, error: Callable[[], Exception]) -> None:
        """Send away everybody who waits; each is told by an error of its own."""
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_exception(error())

    def retune(self, most: int, *, anew: bool = False) -> None:
        """Follow another limit from now on, and let in who may go."""
        self.ramp.retune(most, anew=anew)
        self._let_in()

    def give_back(self) -> None:
        """Return a slot and let the next ones in."""
        self.in_flight -= 1
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self.in_flight < self.ramp.limit:
            future = self._waiting.popleft()
            if not future.done():
                self.in_flight += 1
                future.set_result(None)
