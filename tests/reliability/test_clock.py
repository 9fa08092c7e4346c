"""P16: clock steps are harmless. A wall clock a year off, or a long sleep: no storm, no stall.

What a graph does is held against what it does by an undisturbed clock: to the same attempts at the
same monotonic times, whatever the wall clock is set to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from itertools import pairwise
from typing import Any, cast

import pytest

from sinkgraph.clock import Request, Response
from sinkgraph.errors import DeliveryFailed
from sinkgraph.event import Event
from sinkgraph.runtime.live import Live
from sinkgraph.runtime.run import run as start_graph
from sinkgraph.simulation.loop import VirtualClock, VirtualLoop, run
from sinkgraph.sinks.backoff import ConstantBackoff
from sinkgraph.sinks.base import Sink
from sinkgraph.sinks.batch import BatchSink
from sinkgraph.sinks.breaker_policy import Breaker
from sinkgraph.sinks.breaker_sink import BreakerSink
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.dedupe import Dedupe
from sinkgraph.sinks.http import HttpSink
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.rate_limit import RateLimit
from sinkgraph.sinks.retry import Retry
from sinkgraph.sinks.timeout import Timeout
from sinkgraph.testing import RecordingSink
from tests.reliability.shaky import Shaky, repeated
from tests.support.scale import seed, seeded

YEAR_S = 365 * 86_400.0
SLEEP_S = 8 * 3_600.0
LAST_S = 120.0
Trace = list[tuple[float, str, Any]]


class Noted(Shaky):
    """Notes when each attempt came."""

    def __init__(self, trace: Trace, what: str, **options: Any) -> None:
        super().__init__(seeded(what), **options)
        self.trace = trace
        self.what = what

    async def deliver(self, batch: Any) -> None:
        now = round(asyncio.get_running_loop().time(), 6)
        self.trace.append((now, self.what, [event.data["n"] for event in batch]))
        await super().deliver(batch)


def tree(trace: Trace) -> Broadcast:
    """Return one queue for everything that knows time."""

    def sink(what: str, share: float = 0.3, slowest: float = 0.2) -> Noted:
        return Noted(trace, what, share=share, slowest=slowest)

    breaker = Breaker(failure_threshold=2, open_for=3.0)
    lanes: list[Sink] = [
        Queue(Retry(sink("retry"))),
        Queue(Retry(sink("hold"), ConstantBackoff(0.7), hold="event", give_up_after=20.0)),
        Queue(Retry(sink("breaker", share=0.5), breaker=breaker)),
        Queue(Retry(BreakerSink(sink("breaker node", share=0.5), breaker), ConstantBackoff(0.4))),
        Queue(sink("linger", share=0.0), linger=1.5, max_batch=9),
        Queue(BatchSink(sink("batch", share=0.0), max_events=7, max_wait=2.0), linger=0.1),
        Queue(RateLimit(sink("rate limit", share=0.0), rate=3.0, burst=5, max_wait=1e6)),
        Queue(Dedupe(sink("dedupe", share=0.0), by=of_ten, window=10.0)),
        Queue(Retry(Timeout(sink("timeout", slowest=2.0), 1.0), ConstantBackoff(0.5))),
    ]
    return Broadcast(lanes)


def of_ten(event: Event) -> int:
    return int(event.data["n"]) % 10


Disturb = Callable[[VirtualClock], Awaitable[None]]


def play(disturb: Disturb) -> Trace:
    """Return every attempt of a busy graph whose clock somebody disturbs."""
    trace: Trace = []

    async def story() -> None:
        loop = cast(VirtualLoop, asyncio.get_running_loop())
        clock = VirtualClock()
        graph = start_graph(tree(trace), clock=clock, random=loop.random, drain=1e6)
        async with graph as live:
            disturbing = asyncio.ensure_future(disturb(clock))
            await write(live)
            assert await live.drain(1e6)
            disturbing.cancel()
            assert live.snapshot().residue == 0

    run(story(), seed=seed())
    return trace


async def write(live: Live) -> None:
    for n in range(400):
        await live.write({"n": n})
        await asyncio.sleep(0.3)


def stepping(*steps: float) -> Disturb:
    async def disturb(clock: VirtualClock) -> None:
        while True:
            for step in steps:
                await asyncio.sleep(7.3)
                clock.step(step)

    return disturb


@pytest.mark.parametrize(
    "steps",
    [(YEAR_S,), (-YEAR_S,), (YEAR_S, -YEAR_S), (-3_600.0, 3_600.0), (SLEEP_S,)],
    ids=["a year on", "a year back", "to and fro", "an hour", "asleep, while time stood still"],
)
def test_what_the_wall_clock_is_set_to_changes_no_attempt(steps: tuple[float, ...]) -> None:
    usual = play(stepping(*[0.0 for _ in steps]))  # its timers are the same to the last digit
    assert len({what for _, what, _ in usual}) == 9
    disturbed = play(stepping(*steps))
    assert by_sink(disturbed) == by_sink(usual)


def by_sink(trace: Trace) -> dict[str, list[tuple[float, Any]]]:
    """Return the attempts of each sink; between sinks, one moment has no order."""
    found: dict[str, list[tuple[float, Any]]] = {}
    for now, what, numbers in trace:
        found.setdefault(what, []).append((now, numbers))
    return found


def most_within(seconds: float, attempts: list[tuple[float, Any]], start: float = 0.0) -> int:
    """Return the most attempts within so many seconds; with `start`, those that begin there."""
    starts = [start] if start else [when for when, _ in attempts]
    return max(sum(at <= when < at + seconds for when, _ in attempts) for at in starts)


def jump(seconds: float) -> None:
    """Let the loop find that much later than it is: the machine slept, or the process did."""
    loop = cast(VirtualLoop, asyncio.get_running_loop())
    loop._selector_of_time.now += seconds


def test_eight_hours_asleep_are_one_long_wait_and_nothing_more() -> None:
    slept: list[float] = []

    async def sleep(clock: VirtualClock) -> None:
        for pause in (10.05, 20.0, 31.0):
            await asyncio.sleep(pause)
            slept.append(asyncio.get_running_loop().time())
            jump(SLEEP_S)

    trace = play(sleep)
    usual = by_sink(play(stepping(0.0)))
    assert len(slept) == 3
    for what, attempts in by_sink(trace).items():
        awake = max(most_within(2.0, attempts, began + SLEEP_S) for began in slept)
        # no storm: never more attempts at a time than a busy moment has, and a limit's burst
        assert awake <= most_within(2.0, usual[what]) + 5, what
        if "batch" not in what and what not in ("dedupe", "linger", "timeout"):
            assert {n for _, numbers in attempts for n in numbers} == set(range(400)), what
        last = max(when for when, _ in attempts)
        assert last <= 400 * 0.3 + 3 * SLEEP_S + 300.0, f"{what} stalled"


def test_a_breaker_probes_once_after_a_long_sleep() -> None:
    async def story() -> None:
        attempts: list[float] = []
        loop = asyncio.get_running_loop()

        async def send(_request: Request) -> Response:
            attempts.append(loop.time())
            await asyncio.sleep(0.01)
            raise DeliveryFailed("down", unsent=True)

        retry = Retry(
            HttpSink("http://hooks.example/", concurrency=50),
            breaker=Breaker(failure_threshold=1, open_for=5.0),
        )
        queue = Queue(retry, concurrency=50)
        graph = start_graph(queue, clock=VirtualClock(), network=_Network(send), drain=0)
        async with graph as live:
            await live.write_many(list(range(500)))
            await asyncio.sleep(2)
            before = len(attempts)
            jump(SLEEP_S)
            await asyncio.sleep(1)
            assert len(attempts) == before + 1
            await asyncio.sleep(60)
            assert len(attempts) <= before + 1 + 12
            assert len(attempts) >= before + 2, "it stalls"

    run(story())


class _Network:
    def __init__(self, send: Callable[[Request], Awaitable[Response]]) -> None:
        self.send: Any = send

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("step", [YEAR_S, -YEAR_S, SLEEP_S, 0.0])
@pytest.mark.parametrize("kind", ["date", "seconds"])
def test_what_an_endpoint_asks_for_is_bounded_whatever_the_wall_clock_says(
    step: float, kind: str
) -> None:
    """Hold the wait to the cap and a tenth, although the clock that reads a date is a year off."""

    async def story() -> None:
        clock = VirtualClock()
        true = VirtualClock()  # the endpoint's, which nobody sets
        attempts: list[float] = []

        async def send(_request: Request) -> Response:
            attempts.append(clock.now())
            if len(attempts) > 6:
                return Response(200)
            if len(attempts) == 2:
                clock.step(step)
            asked = "30" if kind == "seconds" else formatdate(true.wall() + 30, usegmt=True)
            return Response(503, {"retry-after": asked})

        retry = Retry(HttpSink("http://hooks.example/"), ConstantBackoff(2.0), retry_after_cap=60.0)
        graph = start_graph(Queue(retry), clock=clock, network=_Network(send), drain=1e6)
        async with graph as live:
            await live.write({"n": 1})
            assert await live.drain(1e6)
        waits = [b - a for a, b in pairwise(attempts)]
        assert len(waits) == 6
        assert all(2.0 <= wait <= 66.0 for wait in waits)
        if kind == "seconds" or not step:
            assert all(28.0 <= wait <= 33.5 for wait in waits)

    run(story())


@pytest.mark.parametrize("step", [YEAR_S, -YEAR_S])
def test_a_source_with_a_rate_neither_bursts_nor_stops(step: float) -> None:
    document = {
        "sinkgraph": 1,
        "name": "steady",
        "sources": {"tick": {"kind": "generate", "rate": "10/s", "to": "end"}},
        "sinks": {"end": {"kind": "blackhole"}},
    }

    async def story() -> None:
        clock = VirtualClock()
        async with start_graph(document, clock=clock, drain=0) as live:
            counts: list[int] = []
            for second in range(60):
                await asyncio.sleep(1)
                counts.append(live.snapshot()["tick"].ledger.entered)
                if second == 20:
                    clock.step(step)
                if second == 40:
                    jump(SLEEP_S)
            made = [b - a for a, b in pairwise(counts)]
            assert min(made) >= 5
            assert max(made) <= 25

    run(story())


def test_no_event_is_repeated_or_lost_over_a_sleep() -> None:
    async def story() -> None:
        sinks = [Shaky(seeded("sleep", k), share=0.3, slowest=0.2) for k in range(3)]
        quick = RecordingSink()
        root = Broadcast([*(Queue(Retry(one), concurrency=2) for one in sinks), Queue(quick)])
        async with start_graph(root, clock=VirtualClock(), drain=1e6) as live:
            for n in range(200):
                await live.write({"n": n})
                await asyncio.sleep(0.05)
                if n % 60 == 30:
                    jump(SLEEP_S)
            assert await live.drain(1e6)
            assert live.snapshot().residue == 0
        for one in sinks:
            assert not repeated(one.got)
            assert sorted(one.got) == list(range(200))
        assert [event["n"] for event in quick.data] == list(range(200))

    run(story())
