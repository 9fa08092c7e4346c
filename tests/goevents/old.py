"""A model of how docker/go-events behaves, for the tests of the parts it got wrong.

It is written anew from what go-events does, and only as far as each of its defects shows: a
goroutine is a task, a returned error an `Exception`, and a panic a `BaseException` that ends the
process. It is no library, and nothing but the tests beside it uses it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, Protocol, TypeVar

__all__ = [
    "ERR_SINK_CLOSED",
    "Breaker",
    "Broadcaster",
    "Channel",
    "ExponentialBackoff",
    "Filter",
    "Panic",
    "Process",
    "Queue",
    "RetryingSink",
    "SinkClosedError",
]

_log = logging.getLogger("old-go-events")
_Result = TypeVar("_Result")
_NANO = 1_000_000_000


class Sink(Protocol):
    """Takes one event at a time."""

    async def write(self, event: Any) -> None: ...

    async def close(self) -> None: ...


class Strategy(Protocol):
    """Says how long to wait before an attempt."""

    def proceed(self) -> float: ...

    def failure(self) -> None: ...

    def success(self) -> None: ...


class SinkClosedError(Exception):
    """Says that a sink takes nothing more."""


ERR_SINK_CLOSED = SinkClosedError("sink closed")
"""The one value every part compares with, by identity: a wrapped one is another error."""


class Panic(BaseException):
    """Is what a goroutine cannot return as an error."""


class Process:
    """Is where the goroutines of one program live: what one of them does not catch ends all."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._died: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def go(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Start a goroutine."""
        _ = self._start(work, name)

    def _start(self, work: Coroutine[Any, Any, _Result], name: str) -> asyncio.Task[_Result]:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is None or self._died.done():
            return
        self._died.set_exception(Panic(f"the process died of {error!r} in {task.get_name()}"))
        self._died.exception()  # it need not be asked for
        self.kill()

    async def call(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Run a call of the program itself; an error comes back, a panic anywhere ends it."""

        async def guarded() -> tuple[_Result | None, Exception | None]:
            try:
                return await work, None
            except Exception as error:
                return None, error

        task = self._start(guarded(), "main")
        try:
            both: list[asyncio.Future[Any]] = [task, self._died]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            task.cancel()
        if self._died.done():
            self._died.result()
        result, error = task.result()
        if error is not None:
            raise error
        return result  # type: ignore[return-value]

    def kill(self) -> None:
        """End every goroutine where it stands."""
        for task in list(self._tasks):
            task.cancel()


class Broadcaster:
    """Writes to its sinks one after the other, from one goroutine."""

    def __init__(self, process: Process, sinks: list[Sink]) -> None:
        self._sinks = sinks  # the caller's own array
        self._n = len(sinks)
        self._asked: deque[tuple[str, Any, asyncio.Future[None]]] = deque()
        self._news = asyncio.Event()
        self._shutdown = False
        self._closed = asyncio.Event()
        process.go(self._run(), "broadcaster")

    async def write(self, event: Any) -> None:
        await self._ask("event", event)

    async def add(self, sink: Sink) -> None:
        await self._ask("add", sink)

    async def remove(self, sink: Sink) -> None:
        await self._ask("remove", sink)

    async def close(self) -> None:
        self._shutdown = True
        self._news.set()
        await self._closed.wait()

    async def _ask(self, what: str, value: Any) -> None:
        """Hand something to the goroutine, which takes it when it is not busy."""
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asked.append((what, value, taken))
        self._news.set()
        await _either(taken, self._closed)
        if not taken.done():
            raise ERR_SINK_CLOSED

    async def _run(self) -> None:
        try:
            while True:
                while not self._asked and not self._shutdown:
                    self._news.clear()
                    await self._news.wait()
                if self._shutdown:
                    for k in range(self._n):
                        await self._sinks[k].close()
                    return
                what, value, taken = self._asked.popleft()
                if what == "event":
                    taken.set_result(None)
                    await self._send(value)
                else:
                    self._configure(what, value)
                    taken.set_result(None)
        finally:
            self._closed.set()

    async def _send(self, event: Any) -> None:
        sinks = self._sinks
        for k in range(self._n):  # counted once; a removal below moves what is still to come
            sink = sinks[k]
            try:
                await sink.write(event)
            except Exception as error:
                if error is ERR_SINK_CLOSED:
                    self._configure("remove", sink)
                else:
                    _log.error("broadcaster: dropped %r at %r: %s", event, sink, error)

    def _configure(self, what: str, sink: Sink) -> None:
        held = [k for k in range(self._n) if self._sinks[k] == sink]
        if what == "add" and not held:
            self._sinks = [*self._sinks[: self._n], sink]
            self._n += 1
        if what == "remove" and held:
            for k in range(held[0], self._n - 1):
                self._sinks[k] = self._sinks[k + 1]
            self._n -= 1


class Queue:
    """Keeps whatever it is given and writes it to its sink from one goroutine."""

    def __init__(self, process: Process, to: Sink) -> None:
        self._to = to
        self._events: deque[Any] = deque()
        self._turn = asyncio.Condition()
        self._closed = False
        process.go(self._run(), "queue")

    async def write(self, event: Any) -> None:
        async with self._turn:
            if self._closed:
                raise ERR_SINK_CLOSED
            self._events.append(event)
            self._turn.notify()

    async def close(self) -> None:
        async with self._turn:
            if self._closed:
                return
            self._closed = True
            self._turn.notify()
            await self._turn.wait()
            await self._to.close()

    async def _run(self) -> None:
        while True:
            async with self._turn:
                while not self._events:
                    if self._closed:
                        self._turn.notify_all()
                        return
                    await self._turn.wait()
                event = self._events.popleft()
                if event is None:
                    raise Panic("interface is nil")
            try:
                await self._to.write(event)
            except Exception as error:
                _log.debug("queue: dropped %r at %r: %s", event, self._to, error)


class RetryingSink:
    """Writes again until it succeeds, waiting as its strategy says."""

    def __init__(self, to: Sink, strategy: Strategy) -> None:
        self._to = to
        self._strategy = strategy
        self._closed = asyncio.Event()

    async def write(self, event: Any) -> None:
        while not self._closed.is_set():
            wait_s = self._strategy.proceed()
            if wait_s > 0:
                await _either(asyncio.ensure_future(asyncio.sleep(wait_s)), self._closed)
                if self._closed.is_set():
                    break
            try:
                await self._to.write(event)
            except Exception as error:
                if error is ERR_SINK_CLOSED:
                    raise
                self._strategy.failure()
                _log.error("retry: cannot write %r, trying again: %s", event, error)
            else:
                self._strategy.success()
                return
        raise ERR_SINK_CLOSED

    async def close(self) -> None:
        self._closed.set()


class Breaker:
    """Waits, by the wall clock, after `threshold` failures in a row."""

    def __init__(self, threshold: int, backoff_s: float, wall: Callable[[], float]) -> None:
        self._threshold = threshold
        self._backoff_s = backoff_s
        self._wall = wall
        self._recent = 0
        self._last = 0.0

    def proceed(self) -> float:
        if self._recent < self._threshold:
            return 0.0
        return self._last + self._backoff_s - self._wall()

    def failure(self) -> None:
        self._recent += 1
        self._last = self._wall()

    def success(self) -> None:
        self._recent = 0


class ExponentialBackoff:
    """Doubles a bound in 64-bit nanoseconds; `draw(n)` chooses a number in [0, n)."""

    def __init__(
        self, base_s: float, factor_s: float, longest_s: float, draw: Callable[[int], int]
    ) -> None:
        self._base = round(base_s * _NANO)
        self._factor = round(factor_s * _NANO)
        self._longest = round(longest_s * _NANO)
        self._draw = draw
        self._failures = 0

    def proceed(self) -> float:
        if not self._failures:
            return 0.0
        bound = _int64(self._base + _int64(self._factor * _int64(1 << (self._failures - 1))))
        if bound > self._longest or bound < 0:
            bound = self._longest
        if bound == 0:
            raise Panic("nothing can be drawn from [0, 0)")
        return self._draw(bound) / _NANO

    def failure(self) -> None:
        self._failures += 1

    def success(self) -> None:
        self._failures = 0


class Filter:
    """Passes on what matches."""

    def __init__(self, to: Sink, matches: Callable[[Any], bool]) -> None:
        self._to = to
        self._matches = matches
        self._closed = False

    async def write(self, event: Any) -> None:
        if self._closed:
            raise ERR_SINK_CLOSED
        if self._matches(event):
            await self._to.write(event)

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            await self._to.close()


class Channel:
    """Is written to and read from; of several things it may do, chance chooses one."""

    def __init__(self, buffer: int, chance: Random) -> None:
        self._buffer = buffer
        self._chance = chance
        self._kept: deque[Any] = deque()
        self._readers = 0
        self._closed = False
        self._news = asyncio.Event()

    async def write(self, event: Any) -> None:
        while True:
            may = []
            if len(self._kept) < self._buffer + self._readers:
                may.append("send")
            if self._closed:
                may.append("refuse")
            if may:
                break
            await self._changed()
        if self._chance.choice(may) == "refuse":
            raise ERR_SINK_CLOSED
        self._kept.append(event)
        self._changes()

    async def read(self) -> Any:
        self._readers += 1
        self._changes()
        try:
            while not self._kept:
                await self._changed()
            return self._kept.popleft()
        finally:
            self._readers -= 1
            self._changes()

    async def close(self) -> None:
        self._closed = True
        self._changes()

    def _changes(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def _changed(self) -> None:
        await self._news.wait()


async def _either(one: asyncio.Future[Any], other: asyncio.Event) -> None:
    """Wait for the first of two things."""
    waiting = asyncio.ensure_future(other.wait())
    try:
        await asyncio.wait([one, waiting], return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()


def _int64(n: int) -> int:
    """Return what is left of a number in 64 bits with a sign."""
    return (n + (1 << 63)) % (1 << 64) - (1 << 63)
