"""Proves what a queue that closed somewhere below a broadcast costs: its branch, and no account."""

from __future__ import annotations

import asyncio

import pytest

from sinkgraph.errors import SinkClosed
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.filter import Filter
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.route import Route
from sinkgraph.testing import RecordingSink, StalledSink
from tests.support.virtual import start, virtual


@virtual
async def test_nothing_is_counted_on_the_way_to_a_queue_that_is_closed() -> None:
    good, closing = RecordingSink(), Queue(RecordingSink())
    chosen = Filter(closing, where=lambda event: event.data["n"] != 1)
    fan = Broadcast([Queue(good), chosen], drop_closed=False)
    async with start(fan) as live:
        await closing.close()
        await live.write_many([{"n": n} for n in range(3)])
        assert await live.drain(5)
        snapshot = live.snapshot()
        assert snapshot.residue == 0
        assert snapshot["filter"].ledger.entered == 0
        assert fan.targets[1].account().dropped == {"closed": 3}
    assert len(good.events) == 3


@virtual
async def test_a_route_into_a_closed_queue_stores_nothing_in_the_others() -> None:
    even, closing = RecordingSink(), Queue(RecordingSink())
    route = Route([(lambda event: event.data["n"] % 2 == 0, Queue(even))], default=closing)
    fan = Broadcast([route], drop_closed=False)
    async with start(fan) as live:
        await closing.close()
        await live.write_many([{"n": n} for n in range(4)])
        await live.write({"n": 4})
        assert await live.drain(5)
        assert live.snapshot().residue == 0
        assert fan.targets[0].account().dropped == {"closed": 4}
    assert [data["n"] for data in even.data] == [4]


@pytest.mark.parametrize("shape", ["queue", "broadcast", "filtered"])
def test_a_write_that_waits_when_the_graph_stops_is_refused_not_dropped(shape: str) -> None:
    @virtual
    async def story() -> None:
        stuck = StalledSink()
        queue = Queue(stuck, 1)
        chosen = Filter(queue, where=lambda event: True)
        shapes = {"queue": queue, "broadcast": Broadcast([queue]), "filtered": Broadcast([chosen])}
        async with start(shapes[shape], drain=1.0) as live:
            await live.write({"n": 0})
            await stuck.entered.wait()
            waiting = asyncio.create_task(live.write({"n": 1}))
            await asyncio.sleep(0)
        with pytest.raises(SinkClosed):
            await waiting
        assert live.report is not None
        assert live.report.left == {"queue": 1}
        assert live.report.residue == 0
        dropped = [node.ledger.dropped for node in live.report.snapshot.nodes.values()]
        assert not any(dropped)

    story()
