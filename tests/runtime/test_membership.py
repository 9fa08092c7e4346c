"""Proves that targets come and go on a running broadcast, and that nobody else is touched."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from sinkgraph.errors import DeliveryFailed, SinkClosed, SinkgraphError
from sinkgraph.event import Event
from sinkgraph.sinks.base import Link, Node, Terminal
from sinkgraph.sinks.blackhole import Blackhole
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.filter import Filter
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.retry import Retry
from sinkgraph.testing import FlakySink, RecordingSink, StalledSink
from tests.support.virtual import start, virtual


def numbers(sink: RecordingSink) -> list[int]:
    return [data["n"] for data in sink.data]


@virtual
async def test_a_new_target_gets_what_is_written_from_now_on() -> None:
    first, second = RecordingSink(), RecordingSink()
    fan = Broadcast([Queue(first)])
    async with start(fan) as live:
        await live.write({"n": 0})
        name = await live.add(fan, Queue(second))
        await live.write({"n": 1})
        assert await live.drain(5)
        assert live.snapshot()[name].ledger.delivered == 1
        assert live.snapshot().residue == 0
    assert (numbers(first), numbers(second)) == ([0, 1], [1])


@pytest.mark.parametrize("shape", ["queue", "filtered", "bare", "retry", "newest"])
def test_a_removed_target_gets_what_was_written_before_and_nothing_after(shape: str) -> None:
    @virtual
    async def story() -> None:
        first, second = RecordingSink(), RecordingSink()
        shapes: dict[str, Callable[[], Node]] = {
            "queue": lambda: Queue(second),
            "filtered": lambda: Filter(Queue(second), where=lambda event: True),
            "bare": lambda: second,
            "retry": lambda: Queue(Retry(second)),
            "newest": lambda: Queue(second, when_full="drop_newest"),
        }
        target = shapes[shape]()
        fan = Broadcast([Queue(first), target])
        async with start(fan) as live:
            await live.write({"n": 0})
            await live.remove(target)
            await live.write({"n": 1})
            await asyncio.sleep(5)
            assert target.name not in live.nodes
            assert second.closed
            assert live.snapshot().residue == 0
        assert (numbers(first), numbers(second)) == ([0, 1], [0])

    story()


@virtual
async def test_removing_a_stuck_target_frees_the_writers_that_waited_for_it() -> None:
    good, stuck = RecordingSink(), StalledSink()
    target = Queue(stuck, 1)
    fan = Broadcast([Queue(good), target])
    async with start(fan) as live:
        await live.write({"n": 0})
        await stuck.entered.wait()
        writing = asyncio.create_task(live.write({"n": 1}))
        await asyncio.sleep(1)
        assert not writing.done()
        await live.remove(target, deadline=3)
        async with asyncio.timeout(1):
            await writing
        await asyncio.sleep(1)
        assert numbers(good) == [0, 1]
        await asyncio.sleep(10)
        assert live.snapshot().residue == 0
        dead = live.nodes["dead-letters"].events  # type: ignore[attr-defined]
        assert [(event.data["n"], event.meta["reason"]) for event in dead] == [(0, "node_removed")]


@virtual
async def test_a_target_may_remove_itself_from_inside_its_own_write() -> None:
    class Once(RecordingSink):
        async def write(self, events: Sequence[Event]) -> None:
            await super().write(events)
            await live.remove(self)

    once, other = Once(), RecordingSink()
    fan = Broadcast([once, other])
    async with start(fan) as live:
        async with asyncio.timeout(5):
            await live.write({"n": 0})
            await live.write({"n": 1})
        await asyncio.sleep(5)
        assert live.snapshot().residue == 0
    assert (numbers(once), numbers(other)) == ([0], [0, 1])


@pytest.mark.parametrize("drop_closed", [True, False])
@pytest.mark.parametrize("when_full", ["block", "drop_newest"])
def test_a_queue_closed_by_hand_is_missed_by_nobody(drop_closed: bool, when_full: str) -> None:
    @virtual
    async def story() -> None:
        first, second = RecordingSink(), RecordingSink()
        closing = Queue(first, when_full=when_full)
        fan = Broadcast(
            [closing, Filter(Queue(second), where=lambda e: True)], drop_closed=drop_closed
        )
        async with start(fan) as live:
            await live.write({"n": 0})
            assert await live.drain(5)
            await closing.close()
            await live.write({"n": 1})
            await live.write_many([{"n": 2}, {"n": 3}])
            assert await live.drain(5)
            assert live.snapshot().residue == 0
            lost = sum(live.snapshot()["broadcast"].ledger.dropped.values())
            assert lost == (1 if drop_closed else 3)
            assert live.snapshot()["broadcast"].status == ("ok" if drop_closed else "failed")
        assert (numbers(first), numbers(second)) == ([0], [0, 1, 2, 3])

    story()


@virtual
async def test_a_closed_queue_alone_refuses_its_writers_also_those_that_wait() -> None:
    stuck = StalledSink()
    queue = Queue(stuck, 1)
    async with start(queue, drain=1) as live:
        await live.write({"n": 0})
        waiting = asyncio.create_task(live.write({"n": 1}))
        await asyncio.sleep(1)
        await queue.close()
        with pytest.raises(SinkClosed):
            await waiting
        with pytest.raises(SinkClosed):
            await live.write({"n": 2})
        with pytest.raises(SinkClosed):
            await live.write_many([{"n": 2}])


@virtual
async def test_what_cannot_be_opened_is_not_added() -> None:
    class Sealed(Terminal):
        async def open(self) -> None:
            raise OSError("no such device")

    fan = Broadcast([RecordingSink()])
    async with start(fan) as live:
        sealed = Sealed()
        with pytest.raises(SinkgraphError, match="no such device"):
            await live.add(fan, Queue(sealed))
        assert sealed.closed
        assert len(fan.targets) == 1
        await live.write({"n": 0})
        assert len(live.nodes) == 3


@virtual
async def test_a_target_stands_in_a_broadcast_once() -> None:
    sink = RecordingSink()
    fan = Broadcast([sink])
    async with start(fan) as live:
        with pytest.raises(ValueError, match="already"):
            await live.add(fan, sink)
        with pytest.raises(KeyError, match="no broadcast has"):
            await live.remove(RecordingSink())
        with pytest.raises(TypeError, match="no members"):
            await live.add("recording", RecordingSink())
        with pytest.raises(ValueError, match="fate"):
            await live.remove(sink, fate="burn")


@pytest.mark.parametrize("fate", ["dead_letter", "discard"])
def test_the_fate_of_what_is_pending_can_be_chosen(fate: str) -> None:
    @virtual
    async def story() -> None:
        stuck = FlakySink(then=DeliveryFailed)
        target = Queue(Retry(stuck))
        fan = Broadcast([target])
        async with start(fan) as live:
            await live.write_many([{"n": n} for n in range(3)])
            await asyncio.sleep(1)
            await live.remove(target, fate=fate)
            await asyncio.sleep(1)
            ledger = target.account()
            assert ledger.residue == 0
            if fate == "discard":
                assert ledger.dropped == {"discarded": 3}
            else:
                assert ledger.dead_lettered == 3
                assert live.snapshot()["dead-letters"].depth == 3

    story()


@virtual
async def test_a_thousand_comings_and_goings_leave_nothing_behind() -> None:
    good = RecordingSink()
    fan = Broadcast([Queue(good)])
    async with start(fan) as live:
        gone: list[weakref.ref[Any]] = []
        for n in range(300):
            target = Queue(Retry(RecordingSink(instant=n % 2 == 0)))
            await live.add(fan, target)
            await live.write({"n": n})
            await live.remove(target)
            gone.append(weakref.ref(target))
            del target
        assert await live.drain(5)
        await asyncio.sleep(60)
        assert live.snapshot().residue == 0
        gc.collect()
        assert sum(one() is not None for one in gone) <= 1
    assert numbers(good) == list(range(300))


@virtual
async def test_a_sink_that_closes_mid_broadcast_costs_its_siblings_nothing() -> None:
    sinks = [
        RecordingSink(),
        FlakySink([SinkClosed("gone")], then=SinkClosed("gone")),
        RecordingSink(),
    ]
    fan = Broadcast(sinks)
    async with start(fan) as live:
        for n in range(3):
            await live.write({"n": n})
        assert live.snapshot().residue == 0
        assert live.snapshot()["broadcast"].ledger.dropped == {"closed": 1}
    assert [numbers(sink) for sink in sinks] == [[0, 1, 2], [], [0, 1, 2]]


@virtual
async def test_a_new_target_may_lead_to_a_queue_that_is_in_use() -> None:
    sink = StalledSink()
    shared = Queue(sink, 10)
    fan = Broadcast([shared])
    async with start(fan) as live:
        await live.add(fan, Queue(Filter(shared, lambda event: True), max_batch=1))
        for n in range(5):
            await live.write({"n": n})
        await asyncio.sleep(1)
        assert shared.depth() == 10
        writing = [asyncio.ensure_future(live.write({"n": n})) for n in range(5, 10)]
        await asyncio.sleep(1)
        assert shared.depth() == 10
        sink.release()
        await asyncio.gather(*writing)
        assert await live.drain(5)
        assert live.snapshot().residue == 0
    assert sorted(numbers(sink)) == sorted([*range(10)] * 2)


@virtual
async def test_a_node_that_is_used_again_is_not_closed_with_who_left() -> None:
    sink, slow = RecordingSink(), StalledSink()
    sinks = Broadcast([sink, slow])
    leaves = Queue(sinks)
    fan = Broadcast([leaves])
    async with start(fan) as live:
        await live.write({"n": 0})
        await asyncio.sleep(0)
        await live.remove(leaves, deadline=10)
        await live.add(fan, Queue(sinks))
        await asyncio.sleep(20)
        assert leaves.closed
        assert not sink.closed
        slow.release()
        await live.write({"n": 1})
        assert await live.drain(5)
        assert live.snapshot().residue == 0
    assert numbers(sink)[-1] == 1


@virtual
async def test_a_target_comes_back_only_after_it_has_left() -> None:
    sink = StalledSink()
    queue = Queue(sink)
    fan = Broadcast([queue])
    async with start(fan) as live:
        await live.write({"n": 0})
        await live.remove(queue)
        with pytest.raises(ValueError, match="is being removed"):
            await live.add(fan, queue)
        sink.release()
        await asyncio.sleep(1)
        with pytest.raises(ValueError, match="belongs to another topology, or did"):
            await live.add(fan, queue)


@virtual
async def test_a_sink_of_another_graph_is_refused() -> None:
    sink = RecordingSink()
    fan = Broadcast([Queue(RecordingSink())])
    async with start(fan) as live, start(Queue(sink)):
        with pytest.raises(ValueError, match="belongs to another topology"):
            await live.add(fan, sink)
        assert len(fan.targets) == 1


@virtual
async def test_nothing_is_added_to_a_graph_that_stops() -> None:
    class Slow(RecordingSink):
        async def open(self) -> None:
            await asyncio.sleep(10)

    fan, late = Broadcast([Queue(RecordingSink())]), Slow()
    async with start(fan) as live:
        adding = asyncio.ensure_future(live.add(fan, late))
        await asyncio.sleep(1)
    with pytest.raises(SinkClosed):
        await adding
    assert (late.closes, len(fan.targets)) == (1, 1)
    with pytest.raises(SinkClosed):
        await live.add(fan, RecordingSink())


@virtual
async def test_a_target_added_twice_at_once_is_added_once() -> None:
    class Stranger:
        def __init__(self) -> None:
            self.data: list[Any] = []
            self.closes = 0

        async def write(self, events: Sequence[Event]) -> None:
            self.data += [event.data for event in events]

        async def close(self) -> None:
            self.closes += 1

    class Slow(RecordingSink):
        async def open(self) -> None:
            await asyncio.sleep(1)

    for sink in (Slow(), Stranger()):
        fan = Broadcast([Queue(RecordingSink())])
        async with start(fan) as live:
            added = await asyncio.gather(
                *[live.add(fan, sink) for _ in range(2)], return_exceptions=True
            )
            assert sorted(isinstance(one, ValueError) for one in added) == [False, True]
            assert len(fan.targets) == 2
            await live.write(1)
            assert (sink.data, sink.closes) == ([1], 0)


@virtual
async def test_targets_added_at_once_have_names_of_their_own() -> None:
    class Slow(RecordingSink):
        async def open(self) -> None:
            await asyncio.sleep(1)

    fan = Broadcast([Queue(RecordingSink())])
    async with start(fan) as live:
        names = await asyncio.gather(*[live.add(fan, Queue(Slow())) for _ in range(5)])
        assert len(set(names)) == 5
        assert set(names) <= set(live.nodes)


def test_a_change_of_a_large_fan_out_looks_at_each_target_a_few_times() -> None:
    looks = 0

    class Counted(Queue):
        def links(self) -> Sequence[Link]:
            nonlocal looks
            looks += 1
            return super().links()

    class Fan(Broadcast):
        def links(self) -> Sequence[Link]:
            nonlocal looks
            looks += len(self.targets)
            return super().links()

    @virtual
    async def story() -> None:
        nonlocal looks
        n = 300
        fan = Fan([Counted(Blackhole()) for _ in range(n)])
        async with start(fan) as live:
            await live.write({"n": 0})
            looks = 0
            async with live.subscribe("queue-7"):
                pass
            assert looks <= 50 * n
            looks = 0
            leaves = Queue(Blackhole())
            await live.add(fan, leaves)
            await live.remove(leaves)
            await asyncio.sleep(1)
            assert looks <= 30 * n

    story()
