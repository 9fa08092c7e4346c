"""Proves that readers come and go without the graph noticing, and see what they should."""

from __future__ import annotations

import asyncio

import pytest

from sinkgraph.errors import DeliveryFailed, Overloaded
from sinkgraph.sinks.backoff import ConstantBackoff
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.filter import Filter
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.retry import Retry
from sinkgraph.testing import FlakySink, RecordingSink, StalledSink
from tests.support.virtual import start, virtual


def named(name: str) -> RecordingSink:
    sink = RecordingSink()
    sink.name = name
    return sink


def tree() -> tuple[Broadcast, dict[str, RecordingSink]]:
    """Return a broadcast over a queue, a filtered queue and a bare sink, and the three sinks."""
    sinks = {name: named(name) for name in ("all", "even", "bare")}
    queue, even = Queue(sinks["all"]), Queue(sinks["even"])
    queue.name, even.name = "queue", "even-queue"
    chosen = Filter(even, where=lambda event: event.data["n"] % 2 == 0)
    return Broadcast([queue, chosen, sinks["bare"]]), sinks


NODES = ["broadcast", "queue", "even-queue", "filter", "all", "even", "bare"]


@pytest.mark.parametrize("where", NODES)
def test_a_reader_sees_what_is_written_to_a_node_while_its_scope_lasts(where: str) -> None:
    @virtual
    async def story() -> None:
        fan, sinks = tree()
        async with start(fan) as live:
            await live.write({"n": 0})
            assert await live.drain(5)
            async with live.subscribe(where) as events:
                await live.write({"n": 2})
                await live.write({"n": 3})
                assert (await anext(events)).data == {"n": 2}
                if where not in ("even-queue", "even"):
                    assert (await anext(events)).data == {"n": 3}
                assert await live.drain(5)
            await live.write({"n": 4})
            assert await live.drain(5)
            assert live.snapshot().residue == 0
        got = {name: [data["n"] for data in sink.data] for name, sink in sinks.items()}
        assert got == {"all": [0, 2, 3, 4], "even": [0, 2, 4], "bare": [0, 2, 3, 4]}

    story()


@pytest.mark.parametrize("first_out", [0, 1])
@pytest.mark.parametrize("where", ["broadcast", "queue", "bare"])
def test_readers_of_one_node_leave_in_any_order(where: str, first_out: int) -> None:
    @virtual
    async def story() -> None:
        fan, _ = tree()
        async with start(fan) as live:
            scopes = [live.subscribe(where), live.subscribe(where)]
            readers = [await scope.__aenter__() for scope in scopes]
            await scopes[first_out].__aexit__(None, None, None)
            await live.write({"n": 2})
            async with asyncio.timeout(5):
                assert (await anext(readers[1 - first_out])).data == {"n": 2}
            await scopes[1 - first_out].__aexit__(None, None, None)
            await live.write({"n": 4})
            assert await live.drain(5)
            assert live.snapshot().residue == 0

    story()


@virtual
async def test_a_writer_that_waits_is_not_forgotten_when_readers_come_and_go() -> None:
    sink = StalledSink()
    async with start(Queue(sink, 2)) as live:
        await live.write_many([{"n": 0}, {"n": 1}])
        waiting = [asyncio.create_task(live.write({"n": n})) for n in (2, 3)]
        many = asyncio.create_task(live.write_many([{"n": n} for n in range(4, 9)]))
        await asyncio.sleep(1)
        async with live.subscribe("queue"), live.subscribe("stalled"):
            await asyncio.sleep(1)
            sink.release()
            await asyncio.wait([*waiting, many])
        await live.write({"n": 9})
        assert await live.drain(5)
        assert live.snapshot().residue == 0
    assert sorted(data["n"] for data in sink.data) == list(range(10))
    assert len(sink.data) == 10


@virtual
async def test_a_slow_reader_is_ended_with_what_it_missed_and_slows_nobody() -> None:
    sink = RecordingSink()
    async with start(Queue(sink)) as live:
        async with live.subscribe("queue", capacity=3) as events:
            async with asyncio.timeout(1):
                await live.write_many([{"n": n} for n in range(10)])
            assert await live.drain(5)
            assert [(await anext(events)).data["n"] for _ in range(3)] == [0, 1, 2]
            with pytest.raises(Overloaded) as raised:
                await anext(events)
            assert raised.value.missed == 7
            await live.write({"n": 10})
            with pytest.raises(Overloaded):
                await anext(events)
        assert await live.drain(5)
    assert len(sink.data) == 11


@pytest.mark.parametrize(
    ("policy", "kept"), [("drop_oldest", [7, 8, 9]), ("drop_newest", [0, 1, 2])]
)
def test_a_slow_reader_may_miss_events_instead(policy: str, kept: list[int]) -> None:
    @virtual
    async def story() -> None:
        async with (
            start(Queue(RecordingSink())) as live,
            live.subscribe("queue", capacity=3, when_full=policy) as events,
        ):
            for n in range(10):
                await live.write({"n": n})
            await live.drain(5)
            assert events.missed == 7
            assert [(await anext(events)).data["n"] for _ in range(3)] == kept

    story()


@virtual
async def test_a_reader_chooses_and_its_error_is_its_own() -> None:
    sink = RecordingSink()
    async with (
        start(Queue(sink)) as live,
        live.subscribe("queue", where=lambda event: 6 / event.data["n"] > 2) as events,
    ):
        await live.write_many([{"n": n} for n in range(5)])
        assert await live.drain(5)
        assert [(await anext(events)).data["n"] for _ in range(2)] == [1, 2]
        assert events.ledger.dropped == {"expression_error": 1}
    assert len(sink.data) == 5


@virtual
async def test_reading_ends_with_the_scope() -> None:
    async with start(Queue(RecordingSink())) as live:
        async with live.subscribe("queue") as events:
            reading = asyncio.create_task(anext(events, None))
            await asyncio.sleep(0)
        assert await reading is None


@virtual
async def test_a_retry_that_parks_goes_on_parking_while_it_is_watched() -> None:
    sink = FlakySink([DeliveryFailed(), None])
    queue = Queue(Retry(sink, ConstantBackoff(10.0), hold="event"), max_batch=1)
    async with start(queue) as live:
        async with live.subscribe("retry"):
            await live.write_many([{"n": 0}, {"n": 1}])
            await asyncio.sleep(5)
            assert [data["n"] for data in sink.data] == [1]
            assert live.snapshot()["queue"].facts["parked"] == 1
        assert await live.drain(20)
    assert [data["n"] for data in sink.data] == [1, 0]


@virtual
async def test_dead_letters_can_be_watched() -> None:
    def fail(event: object) -> bool:
        raise KeyError("nothing there")

    async with (
        start(Filter(RecordingSink(), where=fail)) as live,
        live.subscribe("dead-letters") as events,
    ):
        await live.write({"n": 0})
        async with asyncio.timeout(5):
            assert (await anext(events)).meta["reason"] == "expression_error"


@virtual
async def test_only_a_node_that_is_there_can_be_watched() -> None:
    async with start(Queue(RecordingSink())) as live:
        with pytest.raises(KeyError, match="nobody"):
            async with live.subscribe("nobody"):
                raise AssertionError("not reached")
        with pytest.raises(ValueError, match="when_full"):
            async with live.subscribe("queue", when_full="block"):
                raise AssertionError("not reached")
        with pytest.raises(ValueError, match="capacity"):
            async with live.subscribe("queue", capacity=0):
                raise AssertionError("not reached")


@virtual
async def test_a_reader_that_gives_up_waiting_again_and_again_leaves_nothing_behind() -> None:
    async with (
        start(Queue(RecordingSink())) as live,
        live.subscribe("queue") as reader,
    ):
        for _ in range(50):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await anext(reader)
        assert len(reader._waiting) == 0
        await live.write(1)
        assert (await anext(reader)).data == 1
