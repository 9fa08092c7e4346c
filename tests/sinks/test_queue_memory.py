"""Holds queues to bounded memory: a stalled or shedding queue pins no more than it may hold."""

from __future__ import annotations

import asyncio
import gc

import sinkgraph as sg
from sinkgraph.errors import DeliveryFailed, Owed, PartialWrite
from sinkgraph.event import Batch, Page
from sinkgraph.log.memory import PAGE
from sinkgraph.simulation.loop import run
from sinkgraph.sinks import Broadcast, Queue, Retry
from sinkgraph.sinks.backoff import ConstantBackoff
from sinkgraph.testing import RecordingSink, SlowSink, StalledSink


def values_held() -> int:
    """Return how many payloads are alive in pages."""
    gc.collect()
    return sum(len(one.values) for one in gc.get_objects() if isinstance(one, Page))


def test_a_stalled_queue_that_drops_the_oldest_lets_go_of_what_it_dropped() -> None:
    async def story() -> None:
        before = values_held()
        queue = Queue(StalledSink(), capacity=10, when_full="drop_oldest")
        async with sg.run(Broadcast([queue]), drain=0.1) as live:
            for k in range(20 * PAGE):
                await live.write({"k": k})
                if k % 100 == 0:
                    await asyncio.sleep(0)
            assert values_held() - before <= 4 * PAGE

    run(story())


def test_a_queue_that_drops_the_newest_pins_no_page_for_one_event_of_it() -> None:
    async def story(batch: int) -> None:
        before = values_held()
        queue = Queue(SlowSink(0.001), capacity=50, when_full="drop_newest", max_batch=1)
        async with sg.run(queue, drain=0.0) as live:
            for _ in range(200):
                for _ in range(PAGE // batch):
                    await live.write_many([{}] * batch)
                await asyncio.sleep(0.001)
            assert values_held() - before <= 4 * PAGE

    run(story(PAGE))
    run(story(PAGE // 10))


def test_an_overflowing_queue_pins_no_page_for_one_event_of_it() -> None:
    async def story() -> None:
        before = values_held()
        queue = Queue(
            SlowSink(0.001),
            capacity=50,
            when_full="overflow",
            overflow=Queue(RecordingSink(), when_full="drop_oldest", capacity=1),
            max_batch=1,
        )
        async with sg.run(queue, drain=0.0) as live:
            for _ in range(100):
                await live.write_many([{}] * PAGE)
                await asyncio.sleep(0.001)
            live.nodes["recording"].batches.clear()  # type: ignore[attr-defined]
            assert values_held() - before <= 4 * PAGE

    run(story())


def test_a_parked_event_pins_no_page() -> None:
    class OneOfMany(RecordingSink):
        async def deliver(self, batch: Batch) -> None:
            if len(batch) == 1:
                raise DeliveryFailed("still bad")
            raise PartialWrite([Owed(self.write, batch[:1], DeliveryFailed("bad"))])

    async def story() -> None:
        before = values_held()
        retry = Retry(OneOfMany(), backoff=ConstantBackoff(1000.0), hold="event")
        async with sg.run(Queue(retry), drain=0.0) as live:
            for _ in range(100):
                await live.write_many([{}] * PAGE)
                await asyncio.sleep(0.001)
            assert live.snapshot().nodes["queue"].facts["parked"] == 100
            assert values_held() - before <= 4 * PAGE

    run(story())
