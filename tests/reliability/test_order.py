"""P7: order. No queue, and no key of an `order_by`, sees two events the wrong way round.

A tenth of all attempts fails, some after a part of the batch was taken; poison splits batches;
siblings come and go meanwhile.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sinkgraph.event import Event
from sinkgraph.log.disk.chunk import decode
from sinkgraph.runtime.live import Live
from sinkgraph.simulation.disk import VirtualDisk
from sinkgraph.sinks.backoff import ConstantBackoff
from sinkgraph.sinks.base import Sink
from sinkgraph.sinks.breaker_policy import Breaker
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.burial import DeadLetters
from sinkgraph.sinks.filter import Filter
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.retry import Retry
from sinkgraph.testing import RecordingSink, run
from tests.reliability.shaky import Shaky, inversions
from tests.support.scale import rounds, seeded
from tests.support.virtual import start

DELIVERIES = 130_000  # over all cases; a soak makes more than a million
KEYS = 23


def key_of(event: Event) -> Any:
    return event.data["k"]


def number_key(n: int) -> int:
    return n * 7 % KEYS


@dataclass(frozen=True)
class Case:
    """Is one way to set up a queue whose order is promised."""

    hold: str = "lane"
    concurrency: int = 1
    by_key: bool = False
    poison: int = 0
    breaker: bool = False
    max_batch: int | None = None
    linger: float = 0.0
    when_full: str = "block"
    store: str = "memory"
    capacity: int = 400

    def __str__(self) -> str:
        odd = {k: v for k, v in vars(Case()).items() if getattr(self, k) != v}
        return "-".join(f"{k}={getattr(self, k)}" for k in odd) or "plain"


CASES = [
    Case(),
    Case(poison=11),
    Case(breaker=True, poison=31),
    Case(max_batch=7, linger=0.01),
    Case(by_key=True),
    Case(concurrency=4, by_key=True),
    Case(concurrency=4, by_key=True, poison=11, breaker=True),
    Case(concurrency=4, by_key=True, hold="key"),
    Case(concurrency=4, by_key=True, hold="key", poison=13, max_batch=5),
    Case(concurrency=4, by_key=True, hold="key", poison=13),
    Case(by_key=True, hold="key", poison=29),
    Case(by_key=True, hold="key"),
    Case(concurrency=3, by_key=True, hold="key", breaker=True),
    Case(concurrency=3, by_key=True, when_full="drop_oldest"),
    Case(when_full="drop_newest", poison=11),
    Case(store="disk"),
    Case(store="disk", poison=11, breaker=True, capacity=9_000),
    Case(store="disk", concurrency=4, by_key=True, poison=13, capacity=9_000),
    Case(store="disk", concurrency=4, by_key=True, hold="key", poison=13),
    Case(store="disk", when_full="drop_oldest"),
]


def lane(case: Case, sink: Sink) -> Queue:
    """Return the queue of a case, over a retry of its own."""
    breaker = Breaker(failure_threshold=3, open_for=0.5) if case.breaker else None
    retry = Retry(sink, ConstantBackoff(0.02), breaker, hold=case.hold)
    return Queue(
        retry,
        case.capacity,
        case.when_full,
        store=case.store,
        concurrency=case.concurrency,
        order_by=key_of if case.by_key else None,
        max_batch=50,
        linger=case.linger,
    )


async def fill(live: Live, count: int, case: Case) -> None:
    """Write `count` numbered events, in batches and one by one."""
    chance = seeded("writes", case)
    n = 0
    while n < count:
        size = min(count - n, chance.choice([1, 1, 3, 20, 90]))
        events = [{"n": n + k, "k": number_key(n + k)} for k in range(size)]
        if size == 1:
            await live.write(events[0])
        else:
            await live.write_many(events)
        n += size
        if chance.random() < 0.1:
            await asyncio.sleep(chance.random() * 0.1)


async def buried(live: Live) -> list[int]:
    """Return the numbers of what is among the dead letters, in memory or on disk."""
    node = live.nodes["dead-letters"]
    assert isinstance(node, DeadLetters)
    dead: list[int] = []
    after = 0
    while letters := await node.letters(after=after):
        after = letters[-1].number
        dead += [event.data["n"] for one in letters for event in decode(one.body or b"")]
    return dead


@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_queue_delivers_two_events_the_wrong_way_round(case: Case, tmp_path: Path) -> None:
    count = rounds(DELIVERIES, 1_300_000) // (2 * len(CASES))

    async def story() -> None:
        chance = seeded(case)
        sinks = [
            Shaky(chance, poison=case.poison, slowest=0.01, max_batch=case.max_batch)
            for _ in range(2)
        ]
        fan = Broadcast(
            [lane(case, sinks[0]), Filter(lane(case, sinks[1]), lambda event: event.data["n"] > 3)]
        )
        disk = VirtualDisk() if case.store == "disk" else None
        async with start(fan, drain=1e6, disk=disk, state_dir=disk and tmp_path) as live:
            writing = asyncio.create_task(fill(live, count, case))
            for _ in range(5):  # who comes and goes beside them
                await asyncio.sleep(0.3)
                name = await live.add(fan, Queue(RecordingSink()))
                await asyncio.sleep(0.3)
                await live.remove(name)
            await writing
            assert await live.drain(1e6)
            assert live.snapshot().residue == 0
            dead = await buried(live)
        for sink in sinks:
            assert sink.failed > sink.writes / 60, "it failed too seldom to show anything"
            key = number_key if case.by_key else lambda _n: None
            assert not inversions(sink.got, key)
            if case.when_full == "block":
                skipped = 4 if sink is sinks[1] else 0
                bad = {n for n in range(count) if case.poison and n % case.poison == 0}
                assert sorted(sink.got) == [n for n in range(skipped, count) if n not in bad]
                assert set(dead) == bad
            else:
                assert len(sink.got) > count / 20

    run(story())
