"""Proves in what order a queue delivers: as written, or per key."""

from __future__ import annotations

import asyncio

import pytest

from sinkgraph.errors import DeliveryFailed, Rejected
from sinkgraph.event import Batch, Event
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.queue import Queue
from sinkgraph.testing import FlakySink, RecordingSink, StalledSink, refusing
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


@virtual
async def test_what_is_written_past_the_gate_keeps_its_place() -> None:
    for instant in (True, False):
        sink = RecordingSink(instant=instant)
        queue = Queue(sink)
        async with start(Broadcast([queue])) as live:
            for n in range(3):
                await live.write(3 * n)
                await queue.write([Event(f"a{n}", data=3 * n + 1)])
                await asyncio.sleep(0)
                await queue.write([Event(f"b{n}", data=3 * n + 2)])
            assert await live.drain(5)
            assert live.snapshot().residue == 0
        assert sink.data == list(range(9))


@virtual
async def test_nothing_overtakes_what_was_written_past_the_gate_and_could_not_be_taken() -> None:
    class Moody(RecordingSink):
        def offer(self, batch: Batch) -> bool:
            return batch[0].data != "b" and super().offer(batch)

    sink = Moody(instant=True)
    queue = Queue(sink)
    async with start(Broadcast([queue])) as live:
        await live.write("a")
        await queue.write([Event("b", data="b")])
        await live.write("c")
        live.topology.flush()
        assert await live.drain(5)
        assert live.snapshot().residue == 0
    assert sink.data == ["a", "b", "c"]


@virtual
async def test_halving_a_rejected_batch_does_not_wait() -> None:
    sink = FlakySink(
        [DeliveryFailed()], then=refusing(lambda event: event.data["n"] == 2, Rejected)
    )
    async with start(Queue(sink)) as live:
        await live.write_many([{"n": n} for n in range(4)])
        await asyncio.sleep(1.5)  # one backoff, and no other
        assert [data["n"] for data in sink.data] == [0, 1, 3]
        assert live.snapshot()["dead-letters"].depth == 1


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_an_event_whose_key_cannot_be_had_is_delivered_all_the_same(
    error: type[BaseException],
) -> None:
    class Odd:
        def __hash__(self) -> int:
            raise error

        def __repr__(self) -> str:
            raise error

    def raises(event: Event) -> object:
        raise error

    @virtual
    async def story() -> None:
        for key in (raises, lambda event: Odd()):
            sink = RecordingSink()
            async with start(Queue(sink, order_by=key, concurrency=3)) as live:
                await live.write(1)
                await live.write(2)
                assert await live.drain(5)
                assert live.snapshot().residue == 0
            assert sink.data == [1, 2]

    story()
