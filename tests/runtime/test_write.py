"""`live.write`: what it takes, what an event then says of itself, and what it refuses."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

import sinkgraph
from sinkgraph.errors import Overloaded, SinkClosed, SinkgraphError
from sinkgraph.event import Event
from sinkgraph.sinks import Broadcast, Filter, Queue
from sinkgraph.testing import RecordingSink, StalledSink
from sinkgraph.testing import run as on_virtual_time


@dataclasses.dataclass
class Order:
    number: int
    at: datetime


async def test_given_attributes_are_the_event_s_own() -> None:
    sink = RecordingSink()
    async with sinkgraph.run(Queue(sink)) as live:
        await live.write({"n": 1}, type="order", id="o-1", source="shop", time=5.0, meta={"k": "v"})
        assert await live.drain(5)
    (event,) = sink.events
    assert event == Event("o-1", "order", "shop", 5.0, {"n": 1}, {"k": "v"})


async def test_an_event_passes_as_it_is_and_takes_no_attributes() -> None:
    sink = RecordingSink()
    given = Event(id="mine", data=[1, 2])
    async with sinkgraph.run(Queue(sink)) as live:
        await live.write(given)
        with pytest.raises(TypeError, match="its own type"):
            await live.write(given, type="other")
        assert await live.drain(5)
    assert sink.events == [given]


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"a": 1}, {"a": 1}),
        ("text", "text"),
        (0, 0),
        (False, False),
        (b"\x00\xff", b"\x00\xff"),
        ((1, 2), [1, 2]),
        (Decimal("1.50"), "1.50"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00Z"),
        (
            Order(7, datetime(2026, 1, 2, tzinfo=UTC)),
            {"number": 7, "at": "2026-01-02T00:00:00Z"},
        ),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_what_is_written_is_converted_by_the_table(given: Any, read: Any) -> None:
    one, many = RecordingSink(), RecordingSink()
    async with sinkgraph.run(Queue(one)) as live:
        await live.write(given)
        assert await live.drain(5)
    async with sinkgraph.run(Queue(many)) as live:
        await live.write_many([given, given])
        assert await live.drain(5)
    assert [event.data for event in one.events] == [read]
    assert [event.data for event in many.events] == [read, read]
    assert type(one.events[0].data) is type(read)


async def test_none_is_refused_everywhere_and_stores_nothing() -> None:
    sink = RecordingSink()
    async with sinkgraph.run(Queue(sink)) as live:
        with pytest.raises(TypeError, match="None is not an event"):
            await live.write(None)
        with pytest.raises(TypeError, match="None is not an event"):
            await live.write_many([1, None, 2])
        with pytest.raises(TypeError, match="None is not an event"):
            live.emit(None)
        assert await live.drain(5)
    assert sink.events == []


def test_a_write_gives_up_at_its_timeout_and_has_stored_nothing() -> None:
    async def story() -> None:
        queue = Queue(StalledSink(), capacity=2)
        async with sinkgraph.run(queue, drain=0.1) as live:
            await live.write_many([1, 2])
            began = asyncio.get_running_loop().time()
            with pytest.raises(Overloaded, match="no room in queue"):
                await live.write(3, timeout=5)
            assert asyncio.get_running_loop().time() - began == pytest.approx(5)
            assert live.snapshot()[queue.name].depth == 2

    on_virtual_time(story())


async def test_ids_are_unique_and_the_same_on_every_branch() -> None:
    one, two = RecordingSink(), RecordingSink()
    async with sinkgraph.run(Broadcast([Queue(one), Queue(two)])) as live:
        for n in range(1500):
            await live.write(n)
        await live.write_many(list(range(2500)))
        assert await live.drain(5)
    ids = [event.id for event in one.events]
    assert len(set(ids)) == len(ids) == 4000
    assert ids == [event.id for event in two.events]


async def test_a_closed_graph_takes_nothing() -> None:
    async with sinkgraph.run(Queue(RecordingSink())) as live:
        pass
    with pytest.raises(SinkClosed):
        await live.write(1)
    assert live.emit(1) is False


async def test_several_inlets_have_to_be_named() -> None:
    document = {
        "sinkgraph": 1,
        "name": "two",
        "sources": {
            "a": {"kind": "inlet", "to": "q"},
            "b": {"kind": "inlet", "to": "q"},
        },
        "sinks": {"q": {"kind": "queue", "to": "c"}, "c": {"kind": "channel"}},
    }
    async with sinkgraph.run(document) as live:
        with pytest.raises(SinkgraphError, match="several inlets, say to=…: a, b"):
            await live.write(1)
        with pytest.raises(SinkgraphError, match="no inlet 'c'; it has: a, b"):
            await live.write(1, to="c")
        await live.write(1, to="a")
        await live.write(2, to="b")
        reader = live.channel("c")
        got = [await anext(reader) for _ in range(2)]
    assert [(event.data, event.source) for event in got] == [(1, "a"), (2, "b")]


async def test_an_inlet_s_ledger_counts_its_own_writes_through_every_change_of_the_wiring() -> None:
    document = {
        "sinkgraph": 1,
        "name": "changing",
        "sources": {"in": {"kind": "inlet", "to": "fan"}},
        "sinks": {
            "fan": {"kind": "broadcast", "to": ["q"]},
            "q": {"kind": "queue", "to": "end"},
            "end": {"kind": "blackhole"},
        },
    }
    async with sinkgraph.run(document) as live:
        await live.write_many([1, 2, 3])
        await live.add("fan", Queue(RecordingSink()))
        await live.write(4)
        async with live.subscribe("q"):
            await live.write(5)
        await live.add("fan", Filter(Queue(RecordingSink()), where=lambda event: True))
        await live.write(6)
        assert await live.drain(5)
        snapshot = live.snapshot()
    assert snapshot["in"].ledger.delivered == snapshot["in"].ledger.entered == 6
    assert snapshot.residue == 0


async def test_inlets_of_one_queue_count_apart() -> None:
    document = {
        "sinkgraph": 1,
        "name": "apart",
        "sources": {"a": {"kind": "inlet", "to": "q"}, "b": {"kind": "inlet", "to": "q"}},
        "sinks": {"q": {"kind": "queue", "to": "end"}, "end": {"kind": "blackhole"}},
    }
    async with sinkgraph.run(document) as live:
        await live.write_many([1, 2, 3], to="a")
        await live.write(4, to="b")
        snapshot = live.snapshot()
    assert [snapshot[name].ledger.delivered for name in ("a", "b", "q")] == [3, 1, 4]
    assert snapshot.residue == 0
