"""Proves what a write that is cut into pieces owes when one of them fails."""

from __future__ import annotations

import asyncio

import pytest

from sinkgraph.errors import DeliveryFailed, Overloaded, PartialWrite
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.queue import Queue
from sinkgraph.testing import FlakySink, RecordingSink, SlowSink, StalledSink
from tests.support.virtual import start, virtual


@pytest.mark.parametrize("max_bytes", [None, 10_000])
def test_a_cut_write_that_finds_no_room_at_all_stored_nothing(max_bytes: int | None) -> None:
    @virtual
    async def story() -> None:
        queue = Queue(StalledSink(), 2, max_bytes=max_bytes)
        async with start(queue, drain=0.1) as live:
            await live.write_many([1, 2])
            with pytest.raises(Overloaded):
                await live.write_many([3, 4, 5, 6], timeout=0.5)
            assert queue.depth() == 2

    story()


@pytest.mark.parametrize("max_bytes", [None, 10_000])
def test_a_cut_write_waits_no_longer_than_one_that_fits(max_bytes: int | None) -> None:
    @virtual
    async def story() -> None:
        loop = asyncio.get_running_loop()
        async with start(Queue(SlowSink(1.0), 2, max_bytes=max_bytes), drain=0.1) as live:
            began = loop.time()
            with pytest.raises(PartialWrite) as caught:
                await live.write_many(list(range(20)), timeout=1.5)
            assert loop.time() - began <= 1.6
            assert isinstance(caught.value.owed[0].error, Overloaded)
            taken = live.snapshot().nodes["queue"].ledger.entered
            assert sum(len(part.events) for part in caught.value.owed) == 20 - taken

    story()


@virtual
async def test_what_comes_after_a_piece_that_failed_does_not_go_first() -> None:
    flaky, kept = FlakySink([None, DeliveryFailed("down"), None]), RecordingSink()
    fan = Broadcast([flaky, Queue(kept, 2)])
    async with start(fan) as live:
        with pytest.raises(PartialWrite) as caught:
            await live.write_many([1, 2, 3, 4, 5, 6])
        for part in caught.value.owed:
            await part.write(part.events)
        assert await live.drain(5)
        assert live.snapshot().residue == 0
    assert flaky.data == kept.data == [1, 2, 3, 4, 5, 6]
