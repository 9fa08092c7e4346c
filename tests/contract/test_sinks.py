"""Every sink keeps the contract of all sinks; the table is complete, and the contract has teeth."""

from __future__ import annotations

import asyncio
import inspect
import os
import pkgutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import sinkgraph.sinks
from sinkgraph import Batch, Event, SinkClosed
from sinkgraph.clock import Request, Response
from sinkgraph.sinks import (
    Balance,
    BatchSink,
    Blackhole,
    Breaker,
    BreakerSink,
    Broadcast,
    Call,
    Channel,
    DeadLetters,
    Dedupe,
    Fallback,
    FileSink,
    Filter,
    HttpSink,
    Queue,
    RateLimit,
    Retry,
    Route,
    Sample,
    Sink,
    Stdout,
    Timeout,
    Transform,
)
from sinkgraph.sinks.base import Foreign, Node, Terminal
from sinkgraph.sinks.instant import Instant
from sinkgraph.sinks.seat import Seat
from sinkgraph.sinks.shelved import Shelved
from sinkgraph.sinks.splice import Splice
from sinkgraph.sinks.through import Passing, Through
from sinkgraph.testing import (
    CONTRACT,
    FlakySink,
    RecordingSink,
    SlowSink,
    VirtualClock,
    VirtualDisk,
    run,
)
from sinkgraph.testing.sink_promises import SINK_PROMISES, SinkPromise
from sinkgraph.testing.sink_trial import SinkTrial
from sinkgraph.testing.wrapping_promises import WRAPPING_PROMISES
from tests.contract.example_sink import LineSink

BASES = {Node, Terminal, Instant, Seat, Shelved, Passing, Through, Foreign}
"""What other sinks are made of; `Foreign` is tried by every sink of a third party below."""


@dataclass(frozen=True)
class Case:
    """Is one way to make a sink; `real` ones need threads or sockets, and so a real loop."""

    name: str
    make: Callable[..., Any]
    instant: bool | None = False
    real: bool = False
    wraps: bool = False
    options: Callable[[Path], dict[str, Any]] = field(default=lambda _: {})

    def __repr__(self) -> str:
        return self.name


class Answering:
    """Is a network that answers every request after a moment."""

    async def send(self, request: Request) -> Response:
        await asyncio.sleep(0)
        return Response(202)

    async def close(self) -> None:
        """Hold nothing."""


class Bare:
    """Is the least a sink of a third party may be."""

    def __init__(self) -> None:
        self.closed = False
        self.got: list[Event] = []

    async def write(self, events: Sequence[Event]) -> None:
        if self.closed:
            raise SinkClosed("bare is closed")
        self.got.extend(events)

    async def close(self) -> None:
        self.closed = True


class SlowToClose(Bare):
    """Takes its time to close, once; in a graph it is asked once."""

    def __init__(self) -> None:
        super().__init__()
        self._turn = asyncio.Lock()

    async def close(self) -> None:
        async with self._turn:
            if not self.closed:
                self.closed = True
                await asyncio.sleep(0.2)


class SlowToGo(RecordingSink):
    """Takes its time to end a write that is cancelled."""

    async def deliver(self, batch: Batch) -> None:
        try:
            await asyncio.sleep(0.1)
        except asyncio.CancelledError:
            await asyncio.sleep(0.1)
            raise
        await super().deliver(batch)


class Onward(Bare):
    """Hands on to a sink that somebody else owns."""

    def __init__(self, to: Sink) -> None:
        super().__init__()
        self.to = to

    async def write(self, events: Sequence[Event]) -> None:
        await super().write(events)
        await self.to.write(events)


async def take(event: Event) -> None:
    """Take an event for its own and change it."""
    event.data["seen"] = True
    await asyncio.sleep(0)


def take_at_once(event: Event) -> None:
    """Take an event for its own, in a thread."""
    event.data["seen"] = True


def renamed(event: Event) -> dict[str, Any]:
    """Change the data of an event as if it were one's own."""
    event.data["m"] = event.data.pop("n")
    return dict(event.data)


def even(event: Event) -> bool:
    """Tell whether the number of an event is even."""
    return bool(event.data["n"] % 2 == 0)


@asynccontextmanager
async def read(capacity: int, **options: Any) -> AsyncIterator[Channel]:
    """Give a channel with a reader, who changes what it gets."""
    channel = Channel(capacity, **options)

    async def reading() -> None:
        async for event in channel:
            event.data["seen"] = True

    reader = asyncio.ensure_future(reading())
    try:
        yield channel
    finally:
        reader.cancel()
        await asyncio.wait([reader])


@asynccontextmanager
async def printing(pipe: bool) -> AsyncIterator[Stdout]:
    """Give a stdout over a pipe somebody reads, or over a file."""
    if not pipe:
        fd = os.open(os.devnull, os.O_WRONLY)
        try:
            yield Stdout(fd)
        finally:
            os.close(fd)
        return
    out, fd = os.pipe()
    loop = asyncio.get_running_loop()
    loop.add_reader(out, lambda: os.read(out, 65_536))
    try:
        yield Stdout(fd)
    finally:
        loop.remove_reader(out)
        os.close(fd)
        os.close(out)


@asynccontextmanager
async def lines_to_a_listener() -> AsyncIterator[LineSink]:
    """Give the documented sink, and somebody who listens."""
    listening: list[asyncio.Task[Any]] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        listening.append(task)
        while await reader.read(65_536):
            pass
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with server:
        sink = LineSink("127.0.0.1", server.sockets[0].getsockname()[1])
        try:
            yield sink
        finally:
            await sink.close()
            await asyncio.gather(*listening)


def network(_: Path) -> dict[str, Any]:
    return {"network": Answering()}


def below(path: Path) -> dict[str, Any]:
    return {"output_dir": str(path)}


def every(_: Event) -> bool:
    """Let every event pass."""
    return True


R = RecordingSink
WRAPS: list[tuple[str, Callable[[Sink], Sink]]] = [
    ("balance", lambda to: Balance([to])),
    ("balance-key", lambda to: Balance([to], by="key", key="data.n")),
    ("batch", lambda to: BatchSink(to, max_events=4, max_wait=0.1)),
    ("breaker", lambda to: BreakerSink(to, failure_threshold=1, open_for=0.2)),
    ("broadcast", lambda to: Broadcast([to])),
    ("broadcast-two", lambda to: Broadcast([Blackhole(), to, Queue(Blackhole())])),
    ("broadcast-queue", lambda to: Broadcast([Queue(R()), Queue(to)])),
    ("dedupe", lambda to: Dedupe(to)),
    ("fallback", lambda to: Fallback([to])),
    ("filter", lambda to: Filter(to, every)),
    ("filter-queue", lambda to: Filter(Queue(to), every)),
    ("queue", lambda to: Queue(to)),
    ("queue-small", lambda to: Queue(to, 3)),
    ("queue-bytes", lambda to: Queue(to, max_bytes=60)),
    ("queue-keys", lambda to: Queue(to, concurrency=3, order_by="data.n % 2")),
    ("queue-linger", lambda to: Queue(to, linger=0.5)),
    ("queue-batch", lambda to: Queue(BatchSink(to, max_events=4))),
    ("queue-retry", lambda to: Queue(Retry(to))),
    ("queue-park", lambda to: Queue(Retry(to, hold="event"))),
    ("queue-overflow", lambda to: Queue(to, 2, when_full="overflow", overflow=to)),
    ("rate-limit", lambda to: RateLimit(to, rate=100)),
    ("rate-limit-keys", lambda to: RateLimit(to, rate=100, by="data.n % 3")),
    ("retry", lambda to: Retry(to)),
    ("retry-breaker", lambda to: Retry(to, breaker=Breaker(failure_threshold=1, open_for=0.5))),
    ("retry-broadcast", lambda to: Retry(Broadcast([to, Queue(R())]))),
    ("retry-timeout", lambda to: Retry(Timeout(BreakerSink(to, open_for=0.2), after=5.0))),
    ("route", lambda to: Route([(every, to)])),
    ("sample", lambda to: Sample(to, every=1)),
    ("splice", lambda to: Splice(to)),  # type: ignore[arg-type]
    ("timeout", lambda to: Timeout(to, after=5.0)),
    ("transform", lambda to: Transform(to, python=renamed)),
    ("third-party", lambda to: Onward(to)),
    ("third-party-queued", lambda to: Queue(Onward(to))),
]
"""Sinks that pass every event on to a target."""


def in_a_state_dir(folder: Path) -> dict[str, Any]:
    """Return the options of a graph with a state dir."""
    return {"state_dir": str(folder / "state")}


def on_disk(folder: Path) -> dict[str, Any]:
    """Return the same, with a disk on virtual time."""
    return {**in_a_state_dir(folder), "disk": VirtualDisk()}


CASES = [
    Case("balance", lambda: Balance([R(), R()])),
    Case("balance-key", lambda: Balance([R(), R()], by="key", key="data.n")),
    Case("batch", lambda: BatchSink(R(), max_events=4, max_wait=0.1)),
    Case("batch-bytes", lambda: BatchSink(SlowSink(0.01), max_bytes=20, max_wait=0.1)),
    Case("blackhole", Blackhole, instant=True),
    Case("breaker", lambda: BreakerSink(R())),
    Case("breaker-instant", lambda: BreakerSink(Blackhole()), instant=True),
    Case("broadcast", lambda: Broadcast([R(), (R(), False)])),
    Case("broadcast-none", lambda: Broadcast([]), instant=True),
    Case("broadcast-queues", lambda: Broadcast([Queue(R()), Queue(Blackhole())]), instant=True),
    Case("broadcast-both", lambda: Broadcast([Queue(R()), Filter(R(), even)]), instant=None),
    Case("call", lambda: Call(take)),
    Case("call-thread", lambda: Call(take_at_once), real=True),
    Case("channel", lambda: Channel(1_000), instant=True),
    Case("channel-handover", lambda: read(0)),
    Case("channel-small", lambda: read(2), instant=None),
    Case("channel-each", lambda: read(4, readers="each"), instant=True),
    Case("dead-letters", lambda: DeadLetters(capacity=7), instant=True),
    Case("dead-letters-on-disk", DeadLetters, options=on_disk),
    Case("dead-letters-on-a-thread", DeadLetters, real=True, options=in_a_state_dir),
    Case("dedupe", lambda: Dedupe(R())),
    Case("fallback", lambda: Fallback([FlakySink(then=1), R()])),
    Case("fallback-instant", lambda: Fallback([Blackhole(), R()]), instant=True),
    Case("file", lambda: FileSink("out.ndjson", sync="none"), options=below),
    Case("file-synced", lambda: FileSink("out.ndjson"), real=True, options=below),
    Case("filter", lambda: Filter(R(), even)),
    Case("filter-instant", lambda: Filter(Blackhole(), even, otherwise=Queue(R())), instant=None),
    Case("filter-failing", lambda: Filter(Blackhole(), "data.x == 1"), instant=True),
    Case("http", lambda: HttpSink("http://a.example/"), options=network),
    Case(
        "http-ndjson",
        lambda: HttpSink("http://a.example/", format="ndjson", concurrency=2),
        options=network,
    ),
    Case("queue", lambda: Queue(R()), instant=True),
    Case("queue-instant", lambda: Queue(Blackhole()), instant=True),
    Case("queue-small", lambda: Queue(SlowSink(0.01), 3), instant=True),
    Case("queue-bytes", lambda: Queue(R(), max_bytes=60), instant=True),
    Case("queue-oldest", lambda: Queue(R(), 4, when_full="drop_oldest"), instant=True),
    Case("queue-newest", lambda: Queue(R(), 4, when_full="drop_newest"), instant=True),
    Case(
        "queue-overflow",
        lambda: Queue(SlowSink(0.01), 4, when_full="overflow", overflow=R()),
        instant=True,
    ),
    Case("queue-keys", lambda: Queue(R(), concurrency=3, order_by="data.n % 2"), instant=True),
    Case("queue-linger", lambda: Queue(R(), linger=0.5), instant=True),
    Case("queue-batch", lambda: Queue(BatchSink(R(), max_events=4)), instant=True),
    Case("queue-retry", lambda: Queue(Retry(FlakySink(3), hold="event")), instant=True),
    Case("rate-limit", lambda: RateLimit(R(), rate=100)),
    Case("rate-limit-keys", lambda: RateLimit(R(), rate=100, by="data.n % 3")),
    Case("rate-limit-instant", lambda: RateLimit(Blackhole(), rate=100), instant=True),
    Case("retry", lambda: Retry(FlakySink(3))),
    Case("retry-instant", lambda: Retry(Blackhole()), instant=True),
    Case("route", lambda: Route([(even, R())], default=Queue(R())), instant=False),
    Case("route-instant", lambda: Route([(even, Blackhole())]), instant=True),
    Case("sample", lambda: Sample(Blackhole(), every=2), instant=True),
    Case("sample-ratio", lambda: Sample(Queue(R()), ratio=0.5), instant=True),
    Case("splice", lambda: Splice(R())),
    Case("splice-queue", lambda: Splice(Queue(R())), instant=True),
    Case("stdout", lambda: printing(pipe=False)),
    Case("stdout-pipe", lambda: printing(pipe=True)),
    Case("timeout", lambda: Timeout(SlowSink(0.1), after=5.0)),
    Case("timeout-instant", lambda: Timeout(Blackhole(), after=5.0), instant=True),
    Case("transform", lambda: Transform(Blackhole(), python=renamed), instant=True),
    Case("transform-waiting", lambda: Transform(R(), rename={"data.n": "data.m"})),
    # sinks of the tests, and of third parties
    Case("recording", R),
    Case("recording-instant", lambda: R(instant=True), instant=True),
    Case("third-party", Bare),
    Case("third-party-slow", SlowToClose),
    Case("queue-slow", lambda: Queue(SlowToGo(), concurrency=2), instant=True),
    Case("third-party-queued", lambda: Queue(Bare()), instant=True),
    Case("example", lines_to_a_listener, real=True),
    *[Case(f"{name}-wraps", make, instant=None, wraps=True) for name, make in WRAPS],
]


PAIRS = [
    pytest.param(case, promise, id=f"{case}-{promise.__name__}")
    for case in CASES
    for promise in (WRAPPING_PROMISES if case.wraps else SINK_PROMISES)
]


@pytest.mark.parametrize(("case", "promise"), PAIRS)
def test_every_sink_keeps_every_promise(case: Case, promise: SinkPromise, tmp_path: Path) -> None:
    async def story() -> None:
        options = case.options(tmp_path)
        if not case.real:
            options["clock"] = VirtualClock()
        await promise(SinkTrial(case.make, instant=case.instant, options=options, wraps=case.wraps))

    (asyncio.run if case.real else run)(story())


def test_no_promise_is_left_out() -> None:
    assert set(CONTRACT) == {*SINK_PROMISES, *WRAPPING_PROMISES}


def defined() -> set[type[Node]]:
    """Return every sink that is defined in a module of `sinkgraph.sinks`."""
    found: set[type[Node]] = set()
    for module in pkgutil.iter_modules(sinkgraph.sinks.__path__, "sinkgraph.sinks."):
        for one in vars(import_module(module.name)).values():
            if inspect.isclass(one) and issubclass(one, Node) and one.__module__ == module.name:
                found.add(one)
    return found


def test_no_sink_is_missing_in_the_table() -> None:
    async def tried() -> set[type]:
        kinds: set[type] = set()
        for case in CASES:
            async with SinkTrial(case.make, wraps=case.wraps).made() as sink:
                kinds.add(type(sink))
        return kinds

    assert defined() - BASES - asyncio.run(tried()) == set()
    assert defined() >= BASES
