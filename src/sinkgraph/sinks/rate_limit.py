"""A sink that lets events pass at a bounded rate, in the order they came.

The decision is a token bucket, a value told the time; writers wait here, events do not: nothing is
stored.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sinkgraph.clock import Clock
from sinkgraph.errors import Overloaded, Owed, PartialWrite, SinkClosed
from sinkgraph.event import Batch, Event
from sinkgraph.sinks.base import Node, Sink
from sinkgraph.sinks.keys import as_key, same_key
from sinkgraph.sinks.through import Passage, Through, Write

__all__ = ["Bucket", "RateLimit"]

DEFAULT_MAX_WAIT_S = 60.0
_MAX_KEYS = 10_000
_NEARLY_S = 1e-6  # short by less than this is paid: rounding must not make a timer spin


@dataclass(frozen=True, slots=True)
class Bucket:
    """Is a token bucket: `level` tokens at monotonic time `at`, `rate` more a second."""

    rate: float
    burst: float
    level: float
    at: float

    def filled(self, now: float) -> Bucket:
        """Return the bucket as it is at `now`; a clock that goes back adds nothing."""
        gained = max(0.0, now - self.at) * self.rate
        return replace(self, level=min(self.burst, self.level + gained), at=max(now, self.at))

    def wait(self, n: float) -> float:
        """Return how many seconds after `at` there are `n` tokens; 0 when there are."""
        short = (n - self.level) / self.rate
        return short if short > _NEARLY_S else 0.0

    def less(self, n: float) -> Bucket:
        """Return the bucket without `n` tokens (a negative `n` gives some back)."""
        return replace(self, level=min(self.burst, self.level - n))


class RateLimit(Through):
    """Hands on at most `rate` events a second, `burst` at once after a pause.

    A token is taken by an attempt, whether the target then accepts it or not. A batch larger than
    `burst` is handed on in pieces. With `by`, a callable or an expression, each key has a rate of
    its own; events whose key cannot be had share one; the 10,000 keys used last are known. A
    write waits at most `max_wait` seconds (60), then raises Overloaded for what is left; whoever
    is cancelled gives back what it had taken.
    """

    kind = "rate_limit"
    settings = ("by", "_key_of")
    edges = ("to",)

    def __init__(
        self,
        to: Sink,
        rate: float,
        burst: int | None = None,
        by: Callable[[Event], Any] | str | None = None,
        max_wait: float | None = None,
    ) -> None:
        super().__init__(to)
        self.by = by
        self._key_of = as_key(by) if by is not None else None
        self._lines: OrderedDict[Hashable, _Line] = OrderedDict()
        self.waits = 0
        self._set(rate, burst, max_wait)

    def _set(self, rate: float, burst: int | None, max_wait: float | None) -> None:
        _positive("rate", rate)
        if burst is None:
            burst = max(1, math.floor(rate))
        _whole("burst", burst)
        if max_wait is None:
            max_wait = DEFAULT_MAX_WAIT_S
        _positive("max_wait", max_wait)
        self.rate, self.burst, self.max_wait = float(rate), burst, float(max_wait)

    def retune(self, rate: float, burst: int | None = None, max_wait: float | None = None) -> None:
        """Follow other limits from now on; levels and waiting writers are kept."""
        self._set(rate, burst, max_wait)
        for line in self._lines.values():
            line.retune(self.rate, self.burst, self.clock.now())

    def become(self, fresh: Node) -> None:
        """Follow other limits; levels stay while events are counted by the same key."""
        assert isinstance(fresh, RateLimit), "it becomes what is of its own kind"
        if not same_key(self.by, fresh.by):
            self._lines = OrderedDict()  # who waits keeps the line it stands in
        super().become(fresh)
        self.retune(fresh.rate, fresh.burst, fresh.max_wait)

    @property
    def instant(self) -> bool:
        """Whether the target can take events at once."""
        return self.to.target.instant and self._key_of is None

    def offer(self, batch: Batch) -> bool:
        """Take all of `batch` at once when there are tokens for it and the target does."""
        if self._key_of is not None or self.closed:
            return False
        line, n, now = self._line(None), len(batch), self.clock.now()
        if not line.take(n, now):
            return False
        if self.offer_on(batch):
            return True
        line.give_back(n, now)
        return False

    async def around(self, write: Write, batch: Batch, passage: Passage) -> None:
        """Pay for the batch piece by piece and hand each on."""
        clock, patience = self.clock, self.max_wait
        done, n = 0, len(batch)
        keys = None if self._key_of is None else [self._key_of(event) for event in batch]
        owed: list[Owed] = []
        while done < n:
            size, needs = self._piece(keys, done, n)
            piece = batch if size == n else batch[done : done + size]
            try:
                began = clock.now()
                await self._pay(needs, began + patience)
                patience -= clock.now() - began
                await write(piece)
            except PartialWrite as error:
                if size == n:
                    raise
                owed += error.owed
                if error.owed and done + size < n:  # what comes after it must not go first
                    owed.append(Owed(passage.again, batch[done + size :], error.owed[-1].error))
                    break
            except Exception as error:
                if not done:
                    raise
                owed.append(Owed(passage.again, batch[done:], error))
                break
            done += size
        if owed:
            raise PartialWrite(owed)

    def _piece(
        self, keys: Sequence[Hashable] | None, start: int, n: int
    ) -> tuple[int, dict[Hashable, int]]:
        """Return how many events from `start` fit into one burst, and what each key pays."""
        if keys is None:
            size = min(n - start, self.burst)
            return size, {None: size}
        needs: dict[Hashable, int] = {}
        for k in range(start, n):
            key = keys[k]
            if needs.get(key, 0) >= self.burst:
                return k - start, needs
            needs[key] = needs.get(key, 0) + 1
        return n - start, needs

    async def _pay(self, needs: dict[Hashable, int], deadline: float) -> None:
        """Take the tokens of every key, waiting in line; all of them, or none."""
        paid: list[tuple[_Line, int]] = []
        try:
            for key, n in needs.items():
                line = self._line(key)
                if not line.take(n, self.clock.now()):
                    self.waits += 1
                    await self._wait(line, n, deadline)
                paid.append((line, n))
        except BaseException:
            now = self.clock.now()
            for line, n in paid:
                line.give_back(n, now)
            raise

    async def _wait(self, line: _Line, n: int, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        line.stand(n, turn)
        try:
            async with asyncio.timeout(max(0.0, deadline - self.clock.now())):
                await turn
        except TimeoutError:
            line.leave(n, turn)
            retry_after_s = line.bucket.filled(self.clock.now()).wait(n)
            raise Overloaded(
                f"{self.label}: no turn after {self.max_wait:g}s at {self.rate:g}/s",
                retry_after_s=retry_after_s,
            ) from None
        except BaseException:
            line.leave(n, turn)
            raise

    def _line(self, key: Hashable) -> _Line:
        lines = self._lines
        line = lines.get(key)
        if line is None:
            line = lines[key] = _Line(self.rate, self.burst, self.clock)
            if len(lines) > _MAX_KEYS:
                self._forget()
        elif self._key_of is not None:
            lines.move_to_end(key)
        return line

    def _forget(self) -> None:
        """Forget the key used longest ago that nobody waits for; it begins anew, full."""
        for key, line in self._lines.items():
            if not line.waiting:
                del self._lines[key]
                return

    async def close(self) -> None:
        """Refuse who waits."""
        await super().close()
        for line in self._lines.values():
            line.refuse(SinkClosed(f"{self.label} was closed"))

    def facts(self) -> dict[str, Any]:
        """Return the limits, how many writes wait and have waited, and how many keys are known."""
        return {
            "rate": self.rate,
            "burst": self.burst,
            "waiting": sum(len(line.waiting) for line in self._lines.values()),
            "waits": self.waits,
            "keys": len(self._lines) if self._key_of is not None else None,
        }


class _Line:
    """Is one bucket and the writers that wait for it, first come first served."""

    __slots__ = ("_clock", "_timer", "bucket", "waiting")

    def __init__(self, rate: float, burst: int, clock: Clock) -> None:
        self.bucket = Bucket(rate, burst, burst, clock.now())
        self.waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._clock = clock
        self._timer: asyncio.TimerHandle | None = None

    def take(self, n: int, now: float) -> bool:
        """Take n tokens unless somebody stands in line or there are too few."""
        if self.waiting:
            return False
        bucket = self.bucket.filled(now)
        taken = not bucket.wait(n)
        self.bucket = bucket.less(n) if taken else bucket
        return taken

    def give_back(self, n: int, now: float) -> None:
        """Return tokens that were not used."""
        self.bucket = self.bucket.filled(now).less(-n)
        self._turn()

    def stand(self, n: int, turn: asyncio.Future[None]) -> None:
        """Wait for n tokens at the end of the line."""
        self.waiting.append((n, turn))
        self._turn()

    def leave(self, n: int, turn: asyncio.Future[None]) -> None:
        """Leave the line, or give the tokens back when the turn had come already."""
        if (n, turn) in self.waiting:
            self.waiting.remove((n, turn))
            self._turn()
        elif turn.done() and not turn.cancelled() and turn.exception() is None:
            self.give_back(n, self._clock.now())

    def refuse(self, error: Exception) -> None:
        """Send everybody away."""
        while self.waiting:
            _, turn = self.waiting.popleft()
            if not turn.done():
                turn.set_exception(error)
        self._turn()

    def retune(self, rate: float, burst: int, now: float) -> None:
        """Follow another rate and burst."""
        bucket = self.bucket.filled(now)
        self.bucket = Bucket(rate, burst, min(bucket.level, burst), bucket.at)
        self._turn()

    def _turn(self) -> None:
        """Serve the line as far as tokens go; set the timer for the next in it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        bucket = self.bucket.filled(self._clock.now())
        while self.waiting:
            n, turn = self.waiting[0]
            wait = bucket.wait(min(n, bucket.burst))
            if wait and not turn.done():
                self._timer = asyncio.get_running_loop().call_later(wait, self._turn)
                break
            self.waiting.popleft()
            if not turn.done():
                bucket = bucket.less(n)
                turn.set_result(None)
        self.bucket = bucket


def _whole(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, not {value!r}")


def _positive(name: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number, not {value!r}")
    if not math.isfinite(value) or value <= 0:
        raise ValueError(f"{name} must be more than 0, not {value!r}")
