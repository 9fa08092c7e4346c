"""Proves in what order a queue delivers: as written, or per key."""

from __future__ import annotations

from sinkgraph.sinks.queue import Queue
from sinkgraph.testing import StalledSink
from tests.support.virtual import start, virtual


@virtual
async def test_one_lane_keeps_the_order_across_keys_too() -> None:
    sink = StalledSink()
    async with start(Queue(sink, order_by=lambda event: event.data["k"])) as live:
        await live.write({"n": 0, "k": 0})
        await sink.entered.wait()
        for n, key in enumerate([1, 2, 1, 2, 1], 1):
            await live.write({"n": n, "k": key})
        sink.release()
        assert await live.drain(5)
    assert [data["n"] for data in sink.data] == [0, 1, 2, 3, 4, 5]
