"""One way to build and run the same graph of either library: sinkgraph's parts, and go-events'.

A check is written once over `Parts` and an `Endpoint`, and is run by both.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol, TypeVar

import sinkgraph
from sinkgraph import Event, Live, SinkClosed
from sinkgraph.sinks import (
    Breaker,
    Broadcast,
    Channel,
    Filter,
    GoEventsBackoff,
    Queue,
    Retry,
)
from sinkgraph.testing import VirtualClock
from tests.goevents import old

__all__ = ["Down", "Endpoint", "OldParts", "OurParts", "Panicked", "Parts", "until", "within"]

_Result = TypeVar("_Result")
Step = None | float | BaseException | Callable[[Any], "Step | Awaitable[None]"]
"""What an endpoint does with an event: accept, take seconds, raise, or what a function says."""


class Down(Exception):
    """Is an ordinary failure."""


class Panicked(BaseException):
    """Is what no ordinary `except` catches."""


class Endpoint:
    """Is where events arrive: it does the steps of its script, then `then` for ever."""

    def __init__(self, *script: Step, then: Step = None) -> None:
        self.script = list(script)
        self.then = then
        self.got: list[Any] = []
        self.attempts: list[tuple[float, Any]] = []
        self.inside = 0
        self.peak = 0
        self.closes = 0
        self._open = asyncio.Event()

    @classmethod
    def stalled(cls) -> Endpoint:
        """Return one that holds every event until `release`."""
        endpoint = cls()
        endpoint.then = endpoint._held
        return endpoint

    async def _held(self, _value: Any) -> None:
        await self._open.wait()

    def release(self) -> None:
        """Let go of what is held."""
        self._open.set()

    async def take(self, value: Any) -> None:
        """Do the next step; unless that raises, the event has arrived."""
        self.attempts.append((asyncio.get_running_loop().time(), value))
        self.inside += 1
        self.peak = max(self.peak, self.inside)
        try:
            step = self.script.pop(0) if self.script else self.then
            while callable(step):
                found = step(value)
                if inspect.isawaitable(found):
                    await found
                    found = None
                step = found
            if isinstance(step, BaseException):
                raise step
            if step is not None:
                await asyncio.sleep(step)
            self.got.append(value)
        finally:
            self.inside -= 1


async def within(seconds: float, work: Coroutine[Any, Any, _Result], what: str) -> _Result:
    """Return what `work` returns; it may take so many virtual seconds."""
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait([task], timeout=seconds)
        assert done, f"{what} has not ended after {seconds:g} s"
        return await task
    finally:
        task.cancel()


async def until(true: Callable[[], bool], what: str, seconds: float = 120.0) -> None:
    """Wait for something to become true; it may take so many virtual seconds."""
    for _ in range(round(seconds / 0.05)):
        if true():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{what} has not happened after {seconds:g} s")


class Running(Protocol):
    """Is a graph that runs."""

    async def write(self, value: Any, *, timeout: float | None = None) -> None: ...

    async def close(self) -> None: ...

    async def add(self, fan: Any, sink: Any) -> None: ...

    async def remove(self, fan: Any, sink: Any) -> None: ...

    def delivered(self, part: Any) -> int | None:
        """Return how many events a part says it delivered; None when it does not say."""

    def set_aside(self) -> list[Any]:
        """Return the events it gave up on and kept."""


class Parts(Protocol):
    """Makes the parts of one library and runs them."""

    clock: VirtualClock
    refused: type[Exception]  # how a write says that there was no room in time

    def closed(self) -> Exception:
        """Return what a sink raises that takes nothing more."""

    def wrapped_closed(self) -> Exception:
        """Return the same with a reason added, as a sink of a third party may raise it."""

    def is_closed(self, error: BaseException) -> bool:
        """Whether an error says that a sink takes nothing more."""

    def sink(self, endpoint: Endpoint) -> Any:
        """Return a sink before an endpoint."""

    def incomparable(self, endpoint: Endpoint) -> Any:
        """Return a sink that fails when it is compared with another."""

    def broadcast(self, targets: list[Any]) -> Any: ...

    def queue(self, to: Any, capacity: int = 10_000) -> Any: ...

    def broken(self, to: Any, failures: int, open_s: float) -> Any:
        """Return a retry that waits `open_s` seconds after so many failures in a row."""

    def backed_off(self, to: Any, base_s: float, factor_s: float, longest_s: float) -> Any:
        """Return a retry with go-events' backoff, whose chance always draws the longest."""

    def one_at_a_time(self, to: Any) -> Any:
        """Return the part that promises one write in flight, whoever writes."""

    def impatient(self, to: Any, attempts: int, seconds: float) -> Any:
        """Return a retry that gives up after so many attempts and seconds, where it can."""

    def filter(self, to: Any, matches: Callable[[Any], bool]) -> Any: ...

    def channel(self, capacity: int) -> Any: ...

    def run(self, root: Any) -> AbstractAsyncContextManager[Running]: ...


# sinkgraph


@dataclass
class _OurSink:
    """Is a sink of a third party: one event a write, so that an attempt is one event's."""

    endpoint: Endpoint
    token: str = "secret-of-the-sink"
    max_batch: int = 1

    async def write(self, events: Sequence[Event]) -> None:
        for event in events:
            await self.endpoint.take(event.data)

    async def close(self) -> None:
        self.endpoint.closes += 1


class _OurIncomparable(_OurSink):
    def __eq__(self, other: object) -> bool:
        raise TypeError("this sink cannot be compared")

    __hash__ = None  # type: ignore[assignment]


class _Gone(SinkClosed):
    """Is a closed sink's error with a reason, of a type of its own."""


class _Highest(Random):
    """Always draws the highest number there is."""

    def random(self) -> float:
        return 1.0 - 2**-53


class OurParts:
    """Makes sinkgraph's parts."""

    refused: type[Exception] = sinkgraph.Overloaded

    def __init__(self) -> None:
        self.clock = VirtualClock()

    def closed(self) -> Exception:
        return SinkClosed("closed")

    def wrapped_closed(self) -> Exception:
        return _Gone("the registry went away")

    def is_closed(self, error: BaseException) -> bool:
        return isinstance(error, SinkClosed)

    def sink(self, endpoint: Endpoint) -> Any:
        return _OurSink(endpoint)

    def incomparable(self, endpoint: Endpoint) -> Any:
        return _OurIncomparable(endpoint)

    def broadcast(self, targets: list[Any]) -> Any:
        return Broadcast(targets)

    def queue(self, to: Any, capacity: int = 10_000) -> Any:
        return Queue(to, capacity)

    def broken(self, to: Any, failures: int, open_s: float) -> Any:
        policy = Breaker(failure_threshold=failures, open_for=open_s, jitter=0, reopen_factor=1)
        return Retry(to, breaker=policy)

    def backed_off(self, to: Any, base_s: float, factor_s: float, longest_s: float) -> Any:
        return Retry(to, GoEventsBackoff(base_s, factor_s, longest_s, jitter="full"))

    def one_at_a_time(self, to: Any) -> Any:
        return Queue(to, concurrency=1)

    def impatient(self, to: Any, attempts: int, seconds: float) -> Any:
        return Retry(to, max_attempts=attempts, give_up_after=seconds)

    def filter(self, to: Any, matches: Callable[[Any], bool]) -> Any:
        return Filter(to, lambda event: matches(event.data))

    def channel(self, capacity: int) -> Any:
        return Channel(capacity)

    @asynccontextmanager
    async def run(self, root: Any) -> AsyncIterator[Running]:
        async with sinkgraph.run(root, clock=self.clock, random=_Highest(1)) as live:
            yield _OurRun(live)
        report = live.report
        assert report is not None
        assert report.residue == 0, "every event is accounted for at the end"


class _OurRun:
    def __init__(self, live: Live) -> None:
        self._live = live

    async def write(self, value: Any, *, timeout: float | None = None) -> None:
        await self._live.write(value, timeout=timeout)

    async def close(self) -> None:
        await self._live.close()

    async def add(self, fan: Any, sink: Any) -> None:
        await self._live.add(fan, sink)

    async def remove(self, fan: Any, sink: Any) -> None:
        await self._live.remove(sink, broadcast=fan)

    def delivered(self, part: Any) -> int | None:
        return self._live.snapshot()[part.name].ledger.delivered

    def set_aside(self) -> list[Any]:
        dead: Any = self._live.nodes["dead-letters"]
        return [event.data for event in dead.events]


# go-events, as it was


@dataclass
class _OldSink:
    endpoint: Endpoint
    token: str = "secret-of-the-sink"

    async def write(self, event: Any) -> None:
        await self.endpoint.take(event)

    async def close(self) -> None:
        self.endpoint.closes += 1


class _OldIncomparable(_OldSink):
    def __eq__(self, other: object) -> bool:
        raise TypeError("this sink cannot be compared")

    __hash__ = None  # type: ignore[assignment]


class OldParts:
    """Makes the parts of the model of go-events."""

    refused: type[Exception] = TimeoutError

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self._process = old.Process()

    def closed(self) -> Exception:
        return old.ERR_SINK_CLOSED

    def wrapped_closed(self) -> Exception:
        return old.SinkClosedError("the registry went away: sink closed")

    def is_closed(self, error: BaseException) -> bool:
        return isinstance(error, old.SinkClosedError)

    def sink(self, endpoint: Endpoint) -> Any:
        return _OldSink(endpoint)

    def incomparable(self, endpoint: Endpoint) -> Any:
        return _OldIncomparable(endpoint)

    def broadcast(self, targets: list[Any]) -> Any:
        return old.Broadcaster(self._process, targets)

    def queue(self, to: Any, capacity: int = 10_000) -> Any:
        return old.Queue(self._process, to)

    def broken(self, to: Any, failures: int, open_s: float) -> Any:
        return old.RetryingSink(to, old.Breaker(failures, open_s, self.clock.wall))

    def backed_off(self, to: Any, base_s: float, factor_s: float, longest_s: float) -> Any:
        backoff = old.ExponentialBackoff(base_s, factor_s, longest_s, lambda n: n - 1)
        return old.RetryingSink(to, backoff)

    def one_at_a_time(self, to: Any) -> Any:
        return self.broken(to, 5, 1.0)

    def impatient(self, to: Any, attempts: int, seconds: float) -> Any:
        return self.backed_off(to, 1.0, 1.0, 20.0)

    def filter(self, to: Any, matches: Callable[[Any], bool]) -> Any:
        return old.Filter(to, matches)

    def channel(self, capacity: int) -> Any:
        return old.Channel(capacity, Random(2))

    @asynccontextmanager
    async def run(self, root: Any) -> AsyncIterator[Running]:
        try:
            yield _OldRun(self._process, root)
        finally:
            self._process.kill()


class _OldRun:
    def __init__(self, process: old.Process, root: Any) -> None:
        self._process = process
        self._root = root

    async def write(self, value: Any, *, timeout: float | None = None) -> None:
        # there is no way to say for how long
        await self._process.call(self._root.write(value))

    async def close(self) -> None:
        await self._process.call(self._root.close())

    async def add(self, fan: Any, sink: Any) -> None:
        await self._process.call(fan.add(sink))

    async def remove(self, fan: Any, sink: Any) -> None:
        await self._process.call(fan.remove(sink))

    def delivered(self, part: Any) -> int | None:
        return None

    def set_aside(self) -> list[Any]:
        return []
