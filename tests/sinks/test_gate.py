"""Proves what a gate promises of room, and that what it admitted is never lost on the way down."""

from __future__ import annotations

import asyncio

import pytest

from sinkgraph.errors import SinkClosed
from sinkgraph.event import Event
from sinkgraph.sinks.filter import Filter
from sinkgraph.sinks.queue import Queue
from sinkgraph.testing import StalledSink
from tests.support.virtual import start, virtual


def passes(event: Event) -> bool:
    return event.data is not None


@virtual
async def test_what_a_queue_offers_twice_in_a_tick_finds_the_room_there_is() -> None:
    sink = StalledSink()
    below = Queue(sink, 10)
    above = Queue(Filter(below, passes))
    async with start(above, drain=1) as live:
        for first in (0, 10):
            for n in range(first, first + 10):
                await live.write(n)
            assert above.gate is not None
            above.gate.flush()
        await asyncio.sleep(0.1)
        assert (below.depth(), above.depth()) == (10, 10)
        sink.release()
        assert await live.drain(5)
    assert sink.data == list(range(20))


@virtual
async def test_a_write_that_waited_does_not_overfill_a_queue_behind_a_filter() -> None:
    sink = StalledSink()
    below = Queue(sink, 10, max_batch=10)
    async with start(Filter(below, passes), drain=1) as live:
        await live.write_many(list(range(10)))
        await asyncio.sleep(0.1)
        writing = [asyncio.ensure_future(live.write_many([n] * 6)) for n in range(5)]
        for _ in range(10):
            await asyncio.sleep(0.1)
            assert below.depth() <= 10
            sink.release()
            await live.write(0)
            sink.hold()
        sink.release()
        await asyncio.gather(*writing)
        assert await live.drain(5)
        assert live.snapshot().residue == 0


@virtual
async def test_what_was_admitted_before_its_queue_is_closed_is_stored_there() -> None:
    sink = StalledSink()
    queue = Queue(sink)
    async with start(Filter(queue, passes), drain=0.1) as live:
        await live.write("before")
        await queue.close()
        with pytest.raises(SinkClosed):
            await live.write("after")
        assert queue.depth() == 1
        assert live.snapshot().residue == 0
