"""Proves what a full queue does, policy by policy, and that nothing is stored beyond its bounds."""

from __future__ import annotations

import asyncio

import pytest

from sinkgraph.event import Batch
from sinkgraph.runtime.live import Live
from sinkgraph.sinks.base import Sink
from sinkgraph.sinks.blackhole import Blackhole
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.route import Route
from sinkgraph.testing import RecordingSink, StalledSink
from tests.support.virtual import start, virtual


async def fill(live: Live, queue: Queue, sink: StalledSink, first: int = 1) -> None:
    """Let a lane take the first events, so that what follows waits in the queue."""
    for n in range(first):
        await live.write({"n": n})
    await sink.entered.wait()
    assert queue.in_flight == first


@virtual
async def test_drop_oldest_keeps_within_capacity_what_a_lane_holds_included() -> None:
    for max_bytes in (None, 10_000):  # without a log of its own, too
        sink = StalledSink()
        queue = Queue(sink, 3, "drop_oldest", max_bytes=max_bytes)
        async with start(queue) as live:
            await fill(live, queue, sink)
            for n in range(1, 6):
                await live.write({"n": n})
            await live.write_many([{"n": n} for n in range(6, 12)])
            assert live.snapshot()["queue"].depth == 3
            sink.release()
            assert await live.drain(5)
            ledger = live.snapshot()["queue"].ledger
            assert (ledger.dropped, ledger.residue) == ({"drop_oldest": 9}, 0)
        assert [data["n"] for data in sink.data] == [0, 10, 11]


@virtual
async def test_drop_oldest_by_bytes_keeps_the_newest_that_fit() -> None:
    sink = StalledSink()
    queue = Queue(sink, 100, "drop_oldest", max_bytes=30)
    async with start(queue) as live:
        await live.write("0")  # 3 bytes as JSON
        await sink.entered.wait()
        await live.write("a" * 8)
        await live.write("b" * 8)
        assert queue.bytes == 23
        await live.write("c" * 8)  # the oldest that waits makes room
        assert queue.bytes == 23
        sink.release()
        assert await live.drain(5)
        assert queue.bytes == 0
    assert sink.data == ["0", "b" * 8, "c" * 8]


@virtual
async def test_drop_newest_by_bytes_keeps_what_came_first() -> None:
    sink = StalledSink()
    queue = Queue(sink, 100, "drop_newest", max_bytes=22)
    async with start(queue) as live:
        await live.write_many(["a" * 8, "b" * 8, "c" * 8, "d"])
        assert live.snapshot()["queue"].ledger.dropped == {"drop_newest": 2}
        sink.release()
        assert await live.drain(5)
    assert sink.data == ["a" * 8, "b" * 8]


@pytest.mark.parametrize("behind", ["sink", "queue"])
def test_what_overflows_is_accounted_for_while_it_is_on_its_way(behind: str) -> None:
    @virtual
    async def story() -> None:
        sink, spare = StalledSink(), StalledSink()
        over: Sink = Queue(spare) if behind == "queue" else spare
        queue = Queue(sink, 1, "overflow", overflow=over)
        async with start(queue) as live:
            await fill(live, queue, sink)
            writing = asyncio.create_task(live.write({"n": 1}))
            await asyncio.sleep(1)
            assert live.snapshot().residue == 0
            assert live.snapshot()["queue"].facts["overflowed"] == 1
            assert live.snapshot()["queue"].facts["depth"] == 1
            spare.release()
            await writing
            sink.release()
            assert await live.drain(5)
            assert live.snapshot().residue == 0
        assert (sink.data, spare.data) == ([{"n": 0}], [{"n": 1}])

    story()


@virtual
async def test_what_fits_stays_and_the_rest_overflows() -> None:
    sink, spare = StalledSink(), RecordingSink()
    queue = Queue(sink, 4, "overflow", overflow=spare)
    async with start(queue) as live:
        await live.write_many([{"n": n} for n in range(6)])
        assert [data["n"] for data in spare.data] == [4, 5]
        sink.release()
        assert await live.drain(5)
    assert [data["n"] for data in sink.data] == [0, 1, 2, 3]


@virtual
async def test_two_routes_into_one_overflowing_queue_share_its_room() -> None:
    sink, spare = StalledSink(), RecordingSink()
    queue = Queue(sink, 10, "overflow", overflow=spare)
    async with start(Route([(lambda event: event.data % 2 == 0, queue)], default=queue)) as live:
        await live.write_many(list(range(40)))
        assert (queue.depth(), len(spare.data)) == (10, 30)
        assert live.snapshot().residue == 0
        sink.release()
        assert await live.drain(5)
    assert sorted(sink.data + spare.data) == list(range(40))


@virtual
async def test_what_is_too_many_bytes_overflows() -> None:
    sink, spare = StalledSink(), RecordingSink()
    queue = Queue(sink, 100, "overflow", overflow=spare, max_bytes=22)
    async with start(queue) as live:
        await live.write_many(["a" * 8, "b" * 8, "c" * 8])
        assert (queue.bytes, spare.data) == (20, ["c" * 8])
        sink.release()
        assert await live.drain(5)
    assert sink.data == ["a" * 8, "b" * 8]


@pytest.mark.parametrize("policy", ["block", "reject", "drop_oldest", "drop_newest"])
def test_an_event_json_cannot_hold_is_stored_like_any_other(policy: str) -> None:
    @virtual
    async def story() -> None:
        sink = RecordingSink()
        queue = Queue(sink, 10, policy, max_bytes=100)
        other = Queue(RecordingSink(), max_bytes=100)
        async with start(Broadcast([queue, other])) as live:
            await live.write({"a": object()})
            await live.write({"b": 1})
            assert await live.drain(5)
            assert live.snapshot().residue == 0
        assert len(sink.data) == 2

    story()


@virtual
async def test_a_target_that_cannot_be_asked_costs_its_siblings_nothing() -> None:
    class Odd(Blackhole):
        def offer(self, batch: Batch) -> bool:
            raise RuntimeError("odd")

    kept, odd = RecordingSink(), Odd()
    fan = Broadcast([Queue(odd, max_bytes=100), Queue(kept, max_bytes=100)])
    async with start(fan) as live:
        await live.write(1)
        assert await live.drain(5)
        assert live.snapshot().residue == 0
    assert (kept.data, odd.ledger.delivered) == ([1], 1)


@virtual
async def test_a_small_write_does_not_overtake_a_larger_one_that_waits() -> None:
    sink = StalledSink()
    queue = Queue(sink, 4)
    async with start(queue) as live:
        await fill(live, queue, sink, 2)
        large = asyncio.create_task(live.write_many([{"n": n} for n in (2, 3, 4)]))
        await asyncio.sleep(0)
        small = [asyncio.create_task(live.write({"n": n})) for n in (5, 6)]
        await asyncio.sleep(1)
        assert live.snapshot()["queue"].facts["depth"] == 2
        sink.release()
        await asyncio.wait([large, *small])
        assert await live.drain(5)
    assert [data["n"] for data in sink.data] == [0, 1, 2, 3, 4, 5, 6]
