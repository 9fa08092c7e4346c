"""P8: duplicates only where they are stated. Without a crash or a timeout nothing arrives twice.

Writers, retries, splits, failovers, partial writes, refusals and changes of the tree do not repeat
an event on any branch, and what the writer was told to be its own again was stored nowhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from sinkgraph.errors import Overloaded, PartialWrite
from sinkgraph.runtime.live import Live
from sinkgraph.sinks.backoff import ConstantBackoff
from sinkgraph.sinks.balance import Balance
from sinkgraph.sinks.base import Sink
from sinkgraph.sinks.batch import BatchSink
from sinkgraph.sinks.breaker_policy import Breaker
from sinkgraph.sinks.breaker_sink import BreakerSink
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.fallback import Fallback
from sinkgraph.sinks.filter import Filter
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.retry import Retry
from sinkgraph.sinks.route import Route
from sinkgraph.testing import run
from tests.reliability.shaky import Shaky, repeated
from tests.support.scale import rounds, seeded
from tests.support.virtual import start

DELIVERIES = 120_000

Build = Callable[[Callable[[], Shaky]], tuple[Sink, list[list[Shaky]]]]
"""Makes a tree of shaky sinks; each list of them stands for one branch."""


def again(to: Sink, **options: Any) -> Retry:
    return Retry(to, ConstantBackoff(0.02), **options)


def fan_out(make: Callable[[], Shaky]) -> tuple[Sink, list[list[Shaky]]]:
    sinks = [make() for _ in range(4)]
    lanes: list[Sink] = [
        Queue(again(one), 300, concurrency=k + 1) for k, one in enumerate(sinks[:3])
    ]
    return Broadcast([*lanes, again(sinks[3])]), [[one] for one in sinks]


def partly(make: Callable[[], Shaky]) -> tuple[Sink, list[list[Shaky]]]:
    sinks = [make() for _ in range(3)]
    breaker = Breaker(failure_threshold=4, open_for=0.3)
    return Queue(again(Broadcast(sinks), breaker=breaker), 300), [[one] for one in sinks]


def parked(make: Callable[[], Shaky]) -> tuple[Sink, list[list[Shaky]]]:
    sinks = [make() for _ in range(3)]
    lanes = [
        Queue(again(sinks[0], hold="event"), 300),
        Queue(again(sinks[1], hold="key"), 300, order_by=lambda e: e.data["n"] % 9, concurrency=3),
        Queue(again(Broadcast([sinks[2]]), hold="event"), 300, concurrency=2),
    ]
    return Broadcast(lanes), [[one] for one in sinks]


def one_of_several(make: Callable[[], Shaky]) -> tuple[Sink, list[list[Shaky]]]:
    pair, trio = [make() for _ in range(2)], [make() for _ in range(3)]
    guarded = BreakerSink(pair[0], Breaker(failure_threshold=2, open_for=0.2))
    lanes = [
        Queue(again(Fallback([guarded, pair[1]])), 300),
        Queue(again(Balance(trio)), 300, concurrency=4),
    ]
    return Broadcast(lanes), [pair, trio]


def chosen(make: Callable[[], Shaky]) -> tuple[Sink, list[list[Shaky]]]:
    sinks = [make() for _ in range(4)]
    route = Route(
        [(lambda e: e.data["n"] % 3 == 0, Queue(again(sinks[0]), 300))],
        default=Queue(again(sinks[1]), 300),
    )
    even = Filter(Queue(again(sinks[2]), 300), lambda e: e.data["n"] % 2 == 0)
    return Broadcast([route, even, Queue(sinks[3], 300)]), [[one] for one in sinks]


def gathered(make: Callable[[], Shaky]) -> tuple[Sink, list[list[Shaky]]]:
    sinks = [make() for _ in range(2)]
    fused = Queue(BatchSink(again(sinks[0]), max_events=40, max_wait=0.05), 300)
    return Broadcast([fused, BatchSink(again(sinks[1]), max_events=7, max_wait=0.05)]), [
        [one] for one in sinks
    ]


TREES: list[Build] = [fan_out, partly, parked, one_of_several, chosen, gathered]


async def write(live: Live, ns: list[int], timeout: float | None, stored: set[int]) -> None:
    """Write numbered events, again and again until they are taken; note those that were."""
    events = [{"n": n} for n in ns]
    while True:
        try:
            await live.write_many(events, timeout=timeout)
            break
        except PartialWrite as error:
            for part in error.owed:
                while True:
                    try:
                        await part.write(part.events)
                        break
                    except Overloaded:
                        await asyncio.sleep(0.05)
            break
        except Overloaded:
            await asyncio.sleep(0.05)
    stored.update(ns)


@pytest.mark.parametrize("poison", [0, 17], ids=["", "poison"])
@pytest.mark.parametrize("build", TREES, ids=lambda one: one.__name__)
def test_no_branch_gets_an_event_twice(build: Build, poison: int) -> None:
    count = rounds(DELIVERIES, 1_200_000) // (4 * len(TREES))

    async def story() -> None:
        chance = seeded(build.__name__, poison)
        root, branches = build(lambda: Shaky(chance, share=0.1, poison=poison, slowest=0.01))
        queued = build not in (fan_out, gathered)  # else a timeout may cut a delivery short
        stored: set[int] = set()
        writers: set[asyncio.Task[None]] = set()
        async with start(root, drain=1e6) as live:
            n = 0
            while n < count:
                ns = list(range(n, min(count, n + chance.choice([1, 2, 5, 30, 120]))))
                n += len(ns)
                timeout = 0.2 if queued and chance.random() < 0.5 else None
                writers.add(asyncio.create_task(write(live, ns, timeout, stored)))
                if len(writers) > 8:
                    done, writers = await asyncio.wait(writers, return_when=asyncio.FIRST_COMPLETED)
                    for one in done:
                        one.result()
            await asyncio.gather(*writers)
            assert await live.drain(1e6)
            assert live.snapshot().residue == 0
        assert stored == set(range(count))
        assert sum(one.failed for branch in branches for one in branch) > count / 2_000
        for branch in branches:
            numbers = [n for sink in branch for n in sink.got]
            assert not repeated(numbers)
            assert len(numbers) > count / 4

    run(story())
