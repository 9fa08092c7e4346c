"""Proves that nobody who waits for room is forgotten, whatever becomes of those ahead."""

from __future__ import annotations

import asyncio

import pytest

from sinkgraph.errors import Overloaded
from sinkgraph.event import Event
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.queue import Queue
from sinkgraph.testing import StalledSink
from tests.support.virtual import start, virtual


@virtual
async def test_who_stands_behind_a_write_that_is_refused_at_its_turn_is_next() -> None:
    sinks = [StalledSink() for _ in range(3)]
    blocks, refuses, other = (
        Queue(sink, 1, when_full, max_bytes=1_000)
        for sink, when_full in zip(sinks, ("block", "reject", "block"), strict=True)
    )
    async with start(Broadcast([blocks, refuses, other]), drain=1) as live:
        await live.write(0)
        sinks[1].release()
        await asyncio.sleep(0.1)
        first = asyncio.ensure_future(live.write(1))
        await asyncio.sleep(0.1)
        second = asyncio.ensure_future(other.write([Event("b", data=2)]))
        await asyncio.sleep(0.1)
        sinks[2].release()  # room for both, but the first one still waits for `blocks`
        await asyncio.sleep(0.1)
        assert not first.done()
        assert not second.done()
        sinks[1].hold()
        await refuses.write([Event("c", data=3)])
        sinks[0].release()
        await asyncio.sleep(0.1)
        with pytest.raises(Overloaded):
            await first
        assert second.done()
        await second
        for sink in sinks:
            sink.release()
        assert await live.drain(5)
        assert live.snapshot().residue == 0
    assert sinks[2].data == [0, 2]


@virtual
async def test_who_stands_behind_a_write_into_a_queue_that_closes_is_next() -> None:
    sinks = [StalledSink(), StalledSink()]
    closes, stays = (Queue(sink, 1, max_bytes=1_000) for sink in sinks)
    async with start(Broadcast([closes, stays], drop_closed=False), drain=1) as live:
        await live.write(0)
        first = asyncio.ensure_future(live.write(1))
        await asyncio.sleep(0.1)
        second = asyncio.ensure_future(stays.write([Event("b", data=2)]))
        await asyncio.sleep(0.1)
        sinks[1].release()
        await asyncio.sleep(0.1)
        assert not first.done()
        assert not second.done()
        await closes.close()
        await asyncio.sleep(0.1)
        await first
        await second
        assert sinks[1].data == [0, 1, 2]


@virtual
async def test_a_write_is_not_kept_out_by_one_that_came_later() -> None:
    sinks = [StalledSink(), StalledSink()]
    small, large = Queue(sinks[0], 2), Queue(sinks[1], 3)
    async with start(Broadcast([small, large]), drain=1) as live:
        await live.write_many([0, 1])
        first = asyncio.ensure_future(live.write(2))  # no room in `small`
        await asyncio.sleep(0.1)
        second = asyncio.ensure_future(live.write_many([3, 4]))  # no room in `large` either
        await asyncio.sleep(0.1)
        sinks[1].release()
        await asyncio.sleep(0.1)
        assert not first.done()
        assert not second.done()
        sinks[0].release()
        await asyncio.sleep(0.1)
        assert first.done()
        assert second.done()
        await asyncio.gather(first, second)
        assert await live.drain(5)
    assert sinks[0].data == sinks[1].data == [0, 1, 2, 3, 4]
