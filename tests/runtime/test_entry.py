"""Holds the inbox and the ids of what Python writes to their promises, on virtual time."""

from __future__ import annotations

import asyncio

import sinkgraph as sg
from sinkgraph.simulation.loop import run
from sinkgraph.sinks import Broadcast, Queue
from sinkgraph.testing import RecordingSink, SlowSink


def test_ids_stay_unique_when_a_fan_out_loses_its_gate() -> None:
    async def story() -> None:
        kept = RecordingSink()
        async with sg.run(Broadcast([Queue(kept)])) as live:
            await live.write("before")
            assert await live.drain(1)
            await live.add("broadcast", RecordingSink())
            await live.write("after")
            assert await live.drain(1)
        assert len(set(kept.ids)) == 2

    run(story())


def test_ids_stay_unique_when_a_fan_out_gains_a_gate() -> None:
    async def story() -> None:
        kept, leaves = RecordingSink(), RecordingSink()
        async with sg.run(Broadcast([Queue(kept), leaves])) as live:
            await live.write("before")
            assert await live.drain(1)
            await live.remove(leaves)
            await live.write("after")
            assert await live.drain(1)
        assert len(set(kept.ids)) == 2

    run(story())


def test_an_emitted_event_that_is_too_large_costs_no_other() -> None:
    async def story() -> None:
        kept = RecordingSink()
        async with sg.run(Queue(kept, max_bytes=100)) as live:
            for value in ("a", "b", "x" * 1_000, "c"):
                assert live.emit(value)
            assert await live.drain(1)
            inbox = live.snapshot().nodes["inbox"].ledger
            assert (inbox.delivered, inbox.dropped, inbox.residue) == (3, {"failed": 1}, 0)
        assert kept.data == ["a", "b", "c"]

    run(story())


def test_what_was_emitted_waits_for_room_however_often_the_queue_is_full() -> None:
    async def story() -> None:
        kept = SlowSink(1.0)
        async with sg.run(Queue(kept, capacity=10, max_wait=0.5), drain=100) as live:
            for k in range(30):
                assert live.emit(k)
            for _ in range(50):
                await asyncio.sleep(0.25)
                assert live.snapshot().residue == 0
            assert await live.drain(100)
            assert live.snapshot().nodes["inbox"].ledger.delivered == 30
        assert kept.data == list(range(30))

    run(story())
