"""Proves that a batch below a queue keeps its limits, and when it is fused with the lanes."""

from __future__ import annotations

import asyncio

import pytest

from sinkgraph.errors import DeliveryFailed
from sinkgraph.sinks.backoff import ConstantBackoff
from sinkgraph.sinks.base import Sink
from sinkgraph.sinks.batch import BatchSink
from sinkgraph.sinks.blackhole import Blackhole
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.retry import Retry
from sinkgraph.testing import FlakySink, RecordingSink
from tests.support.virtual import start, virtual


@pytest.mark.parametrize("instant", [True, False])
def test_no_batch_is_larger_than_max_events(instant: bool) -> None:
    @virtual
    async def story() -> None:
        sink = RecordingSink(instant=instant)
        async with start(Queue(BatchSink(sink, max_events=10, max_wait=1.0))) as live:
            await live.write_many(list(range(35)))
            assert await live.drain(5)
        assert [len(batch) for batch in sink.batches] == [10, 10, 10, 5]
        assert sink.data == list(range(35))

    story()


@pytest.mark.parametrize("instant", [True, False])
def test_no_batch_is_heavier_than_max_bytes(instant: bool) -> None:
    @virtual
    async def story() -> None:
        sink = RecordingSink(instant=instant)
        values = ["a" * 8, "b" * 8, "c" * 50, "d" * 8, "e" * 8, "f" * 8]  # 2 more as JSON
        async with start(Queue(BatchSink(sink, max_bytes=20, max_wait=1.0))) as live:
            await live.write_many(values)
            assert await live.drain(5)
            assert live.snapshot().residue == 0
        assert [len(batch) for batch in sink.batches] == [2, 1, 2, 1]
        assert sink.data == values

    story()


@virtual
async def test_what_comes_after_a_piece_that_failed_does_not_go_first() -> None:
    flaky = FlakySink([None, DeliveryFailed("down"), None])
    async with start(Queue(BatchSink(flaky, max_bytes=6, max_wait=1.0))) as live:
        await live.write_many(["aa", "bb", "cc", "dd"])
        assert await live.drain(30)
        assert live.snapshot().residue == 0
    assert flaky.data == ["aa", "bb", "cc", "dd"]
    assert len(flaky.attempts) == 5


@virtual
async def test_a_queue_collects_for_the_batch_below_it_as_long_as_that_waits() -> None:
    sink = RecordingSink()
    async with start(Queue(BatchSink(sink, max_events=3, max_wait=2.0))) as live:
        await live.write("a")
        await asyncio.sleep(1.0)
        await live.write("b")
        await asyncio.sleep(0.9)
        assert sink.data == []
        await asyncio.sleep(0.2)
        assert [len(batch) for batch in sink.batches] == [2]


@virtual
async def test_a_batch_that_others_write_to_as_well_collects_by_itself() -> None:
    sink = RecordingSink()
    batch = BatchSink(sink, max_events=4, max_wait=1.0)
    async with start(Broadcast([Queue(Retry(Blackhole())), Queue(batch), batch])) as live:
        await asyncio.gather(*[live.write(n) for n in range(2)])
        assert not batch.fused
        assert [len(one) for one in sink.batches] == [4]


@virtual
async def test_a_batch_is_no_longer_fused_when_somebody_else_begins_to_write_to_it() -> None:
    sink = RecordingSink()
    batch = BatchSink(sink, max_events=2, max_wait=5.0)
    queue = Queue(batch)
    async with start(Broadcast([queue])) as live:
        assert (batch.fused, queue.lanes.linger) == (True, 5.0)
        await live.add("broadcast", batch)
        assert (batch.fused, queue.lanes.linger) == (False, 0.0)
        await live.write("a")
        assert await live.drain(1)
        assert [len(one) for one in sink.batches] == [2]


@pytest.mark.parametrize("concurrency", [1, 3])
def test_lanes_that_keep_order_by_key_linger_too(concurrency: int) -> None:
    @virtual
    async def story() -> None:
        sink = RecordingSink()
        to: Sink = Retry(sink, backoff=ConstantBackoff(0.1))
        queue = Queue(to, linger=2.0, concurrency=concurrency, order_by=lambda event: event.data)
        async with start(queue) as live:
            for _ in range(5):
                await live.write("a")
                await asyncio.sleep(0.3)
            await asyncio.sleep(0.4)
            assert sink.data == []
            await asyncio.sleep(0.2)
            assert [len(one) for one in sink.batches] == [5]
            await live.write("a")
            assert await live.drain(1)
        assert len(sink.data) == 6

    story()


@virtual
async def test_an_idle_queue_passes_on_through_a_batch_that_does_not_wait() -> None:
    for added in (False, True):
        batch = BatchSink(Blackhole(), max_wait=0.0)
        queue = Queue(batch)
        fan = Broadcast([] if added else [queue])
        async with start(fan) as live:
            if added:
                await live.add(fan, queue)
            await live.write(1)
            live.topology.flush()
            assert (batch.ledger.delivered, queue.in_cohort) == (1, True)
