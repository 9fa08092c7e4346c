"""P14: no herd. Ten thousand wait; when the endpoint is back, it is probed, then asked ever more.

At most `probes` requests reach it between its return and the closing of the breaker; after that the
requests in flight grow by one for each full round of successes, as the ramp promises.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from sinkgraph.clock import Request, Response
from sinkgraph.errors import DeliveryFailed
from sinkgraph.runtime.live import Live
from sinkgraph.sinks.base import Sink
from sinkgraph.sinks.breaker_policy import Breaker
from sinkgraph.sinks.http import HttpSink
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.retry import Retry
from sinkgraph.sinks.route import Route
from sinkgraph.testing import run
from tests.support.scale import rounds, seeded
from tests.support.virtual import start

WAITING = 10_000
OUTAGE_S = 300.0
LANES = 64
URL = "http://hooks.example/in"


@dataclass
class Endpoint:
    """Is a network with one endpoint on it, that is down until `up_at` and then takes a moment."""

    fails: str  # how it is down: refused, busy, hangs
    up_at: float = OUTAGE_S
    in_flight: int = 0
    succeeded: int = 0
    bodies: list[bytes] = field(default_factory=list)
    begun: list[tuple[float, int, int]] = field(default_factory=list)  # when, in flight, successes

    async def send(self, request: Request) -> Response:
        """Answer one request."""
        now = asyncio.get_running_loop().time()
        self.in_flight += 1
        self.begun.append((now, self.in_flight, self.succeeded))
        try:
            if now < self.up_at:
                if self.fails == "refused":
                    raise DeliveryFailed("connection refused", unsent=True)
                if self.fails == "busy":
                    await asyncio.sleep(0.01)
                    return Response(503, {"retry-after": "1"})
                await asyncio.sleep(request.timeout_s)
                raise DeliveryFailed("no answer")
            await asyncio.sleep(0.05)
            self.succeeded += 1
            self.bodies.append(request.body)
            return Response(200)
        finally:
            self.in_flight -= 1

    async def close(self) -> None:
        """Hold nothing."""


def http() -> HttpSink:
    return HttpSink(URL, concurrency=LANES, timeout=2.0)


def patient(breaker: Breaker | None) -> Retry:
    return Retry(http(), breaker=breaker, give_up_after=1e6)


def one_queue(breaker: Breaker | None) -> Sink:
    return Queue(patient(breaker), WAITING * 2, concurrency=LANES)


def ten_queues(breaker: Breaker | None) -> Sink:
    retry = patient(breaker)
    queues = [Queue(retry, WAITING, concurrency=LANES) for _ in range(10)]
    return Route([(by_ten(k), queue) for k, queue in enumerate(queues)])


def by_ten(k: int) -> Callable[..., bool]:
    return lambda event: event.data % 10 == k


def parked(breaker: Breaker | None) -> Sink:
    retry = Retry(http(), breaker=breaker, give_up_after=1e6, hold="event")
    return Queue(retry, WAITING * 2, concurrency=LANES)


def writers(breaker: Breaker | None) -> Sink:
    return patient(breaker)


async def offer(live: Live, build: Callable[..., Sink], count: int) -> list[asyncio.Task[None]]:
    if build is writers:
        return [asyncio.create_task(live.write(n)) for n in range(count)]
    for n in range(0, count, 500):
        await live.write_many(list(range(n, n + 500)))
    return []


async def play(
    build: Callable[..., Sink], breaker: Breaker | None, endpoint: Endpoint, count: int
) -> list[tuple[str, float]]:
    """Let the outage pass and everything be delivered; return what the breaker did and when."""
    changes: list[tuple[str, float]] = []
    loop = asyncio.get_running_loop()
    async with start(
        build(breaker), drain=1e6, network=endpoint, random=seeded(build.__name__)
    ) as live:
        live.topology.journal.listen(
            lambda entry: (
                changes.append((entry.kind, loop.time()))
                if entry.kind.startswith("breaker")
                else None
            )
        )
        tasks = await offer(live, build, count)
        for task in tasks:
            await task
        assert await live.drain(1e6)
        assert live.snapshot().residue == 0
    assert sorted(int(body) for body in endpoint.bodies) == list(range(count))
    return changes


def assert_a_ramp(endpoint: Endpoint) -> None:
    """Hold the requests in flight to one more for each full round of successes."""
    after = [one for one in endpoint.begun if one[0] >= endpoint.up_at]
    for when, in_flight, successes in after:
        most = 1
        while most * (most + 1) // 2 <= successes:
            most += 1
        assert in_flight <= most, f"{in_flight} in flight at {when:g} s, after {successes}"
    assert max(in_flight for _, in_flight, _ in after) > LANES / 3, "it never got up to speed"


@pytest.mark.parametrize("fails", ["refused", "busy", "hangs"])
@pytest.mark.parametrize("build", [one_queue, ten_queues, parked, writers])
def test_a_returning_endpoint_is_probed_and_then_asked_ever_more(
    build: Callable[..., Sink], fails: str
) -> None:
    async def story() -> None:
        probes = 3 if build is ten_queues else 1
        breaker = Breaker(failure_threshold=5, open_for=10.0, open_for_max=60.0, probes=probes)
        endpoint = Endpoint(fails)
        count = WAITING if build is one_queue else rounds(2_500, WAITING)
        changes = await play(build, breaker, endpoint, count)
        assert changes[0][0] == "breaker_opened"
        kind, closed_at = changes[-1]
        assert kind == "breaker_closed"
        assert closed_at >= OUTAGE_S
        probing = [when for when, *_ in endpoint.begun if OUTAGE_S <= when < closed_at]
        assert 1 <= len(probing) <= probes
        # While it is down: what was under way when it tripped, then a probe now and then.
        reopened = sum(kind == "breaker_half_open" for kind, _ in changes)
        down = [when for when, *_ in endpoint.begun if when < OUTAGE_S]
        assert len(down) <= LANES + 5 + reopened * probes
        assert reopened <= OUTAGE_S / (10.0 * 0.8)
        assert_a_ramp(endpoint)

    run(story())


@pytest.mark.parametrize("build", [one_queue, ten_queues])
def test_without_a_breaker_the_ramp_alone_keeps_the_herd_off(build: Callable[..., Sink]) -> None:
    async def story() -> None:
        endpoint = Endpoint("refused")
        assert await play(build, None, endpoint, rounds(2_500, WAITING)) == []
        first = min(when for when, *_ in endpoint.begun)
        at_once = [one for one in endpoint.begun if one[0] == first]
        assert max(in_flight for _, in_flight, _ in at_once) <= LANES
        assert_a_ramp(endpoint)

    run(story())
