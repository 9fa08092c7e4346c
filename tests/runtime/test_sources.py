"""Sources of a program's own: anything with `async run(out, position)` feeds a running graph."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import sinkgraph
from sinkgraph.event import Event
from sinkgraph.sinks import Queue
from sinkgraph.sinks.base import Link
from sinkgraph.testing import RecordingSink

DOCUMENT = {
    "sinkgraph": 1,
    "name": "fed",
    "sources": {"orders": {"kind": "inlet", "to": "kept"}},
    "sinks": {"kept": {"kind": "queue", "to": "out"}, "out": {"kind": "channel"}},
}


class Counting:
    """Writes the numbers 0 … n-1, one event each, and remembers how many were taken."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.position = 0

    async def run(self, out: Link, position: Any) -> None:
        for number in range(position or 0, self.n):
            await out.write([Event(id=f"n-{number}", data=number)])
            self.position = number + 1


class Endless:
    def __init__(self) -> None:
        self.cancelled = False

    async def run(self, out: Link, position: Any) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


async def test_a_source_feeds_the_root_of_a_tree() -> None:
    sink, source = RecordingSink(), Counting(5)
    async with sinkgraph.run(Queue(sink), sources={"numbers": source}) as live:
        await live.ended()
        assert await live.drain(5)
        snapshot = live.snapshot()
    assert [event.data for event in sink.events] == [0, 1, 2, 3, 4]
    assert [event.id for event in sink.events] == [f"n-{n}" for n in range(5)]
    assert snapshot["numbers"].ledger.delivered == 5
    assert snapshot.residue == 0
    assert source.position == 5


async def test_a_source_feeds_the_inlet_of_its_name() -> None:
    async with sinkgraph.run(DOCUMENT, sources={"orders": Counting(3)}) as live:
        reader = live.channel("out")
        assert [(await anext(reader)).data for _ in range(3)] == [0, 1, 2]
        assert live.snapshot()["orders.source"].ledger.delivered == 3


async def test_a_source_is_told_in_a_later_run_where_it_was(tmp_path: Path) -> None:
    for n, numbers in ((3, [0, 1, 2]), (5, [3, 4]), (5, [])):
        sink, source = RecordingSink(), Counting(n)
        state_dir = tmp_path / "state"
        async with sinkgraph.run(
            Queue(sink), sources={"numbers": source}, state_dir=state_dir
        ) as live:
            await live.ended()
            assert await live.drain(5)
        assert [event.data for event in sink.events] == numbers


async def test_a_stop_ends_a_source_that_never_would() -> None:
    source = Endless()
    async with sinkgraph.run(Queue(RecordingSink()), sources={"endless": source}):
        await asyncio.sleep(0)
    assert source.cancelled


async def test_a_source_without_an_inlet_is_refused_by_name() -> None:
    with pytest.raises(sinkgraph.SinkgraphError, match=r"'order' has no inlet .*: orders"):
        async with sinkgraph.run(DOCUMENT, sources={"order": Counting(1)}):
            raise AssertionError("it started")


async def test_a_write_between_the_source_s_own_is_in_order_with_it() -> None:
    sink = RecordingSink()
    async with sinkgraph.run(Queue(sink), sources={"numbers": Counting(2)}) as live:
        await live.ended()
        await live.write("mine")
        assert await live.drain(5)
    assert [event.data for event in sink.events] == [0, 1, "mine"]
