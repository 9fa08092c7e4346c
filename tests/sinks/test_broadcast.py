"""Proves that every target of a broadcast gets every event, and that a failure says whose it is."""

from __future__ import annotations

import asyncio

import pytest

from sinkgraph.errors import DeliveryFailed, Overloaded, PartialWrite, Rejected, SinkClosed
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.filter import Filter
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.retry import Retry
from sinkgraph.testing import FlakySink, RecordingSink, SlowSink, StalledSink
from tests.support.virtual import start, virtual


def numbers(sink: RecordingSink) -> list[int]:
    return [data["n"] for data in sink.data]


@pytest.mark.parametrize("queued", [True, False])
def test_every_target_gets_every_event_with_the_same_id(queued: bool) -> None:
    @virtual
    async def story() -> None:
        sinks = [RecordingSink(instant=k == 1) for k in range(3)]
        async with start(Broadcast([Queue(one) if queued else one for one in sinks])) as live:
            await live.write({"n": 0})
            await live.write_many([{"n": n} for n in range(1, 5)])
            assert await live.drain(5)
            ledger = live.snapshot()["broadcast"].ledger
            assert (ledger.entered, ledger.delivered, ledger.residue) == (15, 15, 0)
        assert [numbers(one) for one in sinks] == [[0, 1, 2, 3, 4]] * 3
        assert sinks[0].ids == sinks[1].ids == sinks[2].ids
        assert len(set(sinks[0].ids)) == 5

    story()


@virtual
async def test_targets_without_a_queue_are_written_side_by_side() -> None:
    loop = asyncio.get_running_loop()
    async with start(Broadcast([SlowSink(2.0), SlowSink(3.0)])) as live:
        began = loop.time()
        await live.write({"n": 0})
        assert loop.time() - began == pytest.approx(3.0)


@virtual
async def test_a_partial_write_names_what_is_owed_and_to_whom() -> None:
    good, down, picky = RecordingSink(), FlakySink(1), FlakySink([Rejected("shape")])
    async with start(Broadcast([good, down, picky, Queue(RecordingSink())])) as live:
        with pytest.raises(PartialWrite) as raised:
            await live.write_many([{"n": 0}, {"n": 1}])
        owed = raised.value.owed
        assert [type(part.error) for part in owed] == [DeliveryFailed, Rejected]
        assert [len(part.events) for part in owed] == [2, 2]
        assert live.snapshot().residue == 0
        await owed[0].write(owed[0].events)
    assert (numbers(good), numbers(down), numbers(picky)) == ([0, 1], [0, 1], [])


@virtual
async def test_with_one_target_its_error_is_the_error() -> None:
    async with start(Broadcast([FlakySink([OSError("no route")])])) as live:
        with pytest.raises(OSError, match="no route"):
            await live.write({"n": 0})
        assert live.snapshot()["broadcast"].ledger.returned == 1


@virtual
async def test_admission_is_atomic_over_every_queue_below() -> None:
    stuck, good = StalledSink(), RecordingSink()
    small = Queue(stuck, 2, "reject")
    even = Filter(Queue(good, 100), where=lambda event: event.data["n"] % 2 == 0)
    async with start(Broadcast([Queue(RecordingSink()), even, small])) as live:
        await live.write_many([{"n": 0}, {"n": 1}])
        await stuck.entered.wait()
        before = {name: node.ledger.entered for name, node in live.snapshot().nodes.items()}
        for _ in range(3):
            with pytest.raises(Overloaded, match="full"):
                await live.write({"n": 2})
        assert {n: one.ledger.entered for n, one in live.snapshot().nodes.items()} == before
        stuck.release()
        assert await live.drain(5)
        await live.write({"n": 2})
        assert await live.drain(5)
    assert (numbers(good), numbers(stuck)) == ([0, 2], [0, 1, 2])


@virtual
async def test_a_write_waits_for_the_slowest_required_queue_only() -> None:
    stuck, quick = StalledSink(), RecordingSink()
    fan = Broadcast([Queue(quick), Queue(stuck, 1)])
    async with start(fan) as live:
        await live.write({"n": 0})
        await stuck.entered.wait()
        with pytest.raises(Overloaded, match="no room"):
            await live.write({"n": 1}, timeout=3.0)
        assert numbers(quick) == [0]
        stuck.release()


@virtual
async def test_fan_outs_stand_below_fan_outs() -> None:
    sinks = [RecordingSink() for _ in range(4)]
    inner = Broadcast([Queue(sinks[0]), sinks[1]])
    outer = Broadcast([inner, Queue(Broadcast([sinks[2], Retry(sinks[3])]))])
    async with start(outer) as live:
        for n in range(3):
            await live.write({"n": n})
        assert await live.drain(5)
        assert live.snapshot().residue == 0
    assert [numbers(one) for one in sinks] == [[0, 1, 2]] * 4


@virtual
async def test_without_targets_everything_is_taken() -> None:
    async with start(Broadcast([])) as live:
        await live.write({"n": 0})
        await live.write_many([{"n": 1}])
        assert live.snapshot().residue == 0


@virtual
async def test_a_closed_target_stays_failed_where_it_may_not_leave() -> None:
    good, gone = RecordingSink(), FlakySink(then=SinkClosed("gone"))
    fan = Broadcast([good, gone], drop_closed=False)
    async with start(fan) as live:
        for n in range(3):
            await live.write({"n": n})
        node = live.snapshot()["broadcast"]
        assert node.status == "failed"
        assert node.facts["failed"] == ["flaky"]
        assert node.ledger.dropped == {"closed": 3}
        kinds = [entry.kind for entry in live.topology.journal.entries]
        assert kinds.count("target_closed") == 1
    assert numbers(good) == [0, 1, 2]


@virtual
async def test_what_its_log_says_of_a_target_survives_a_change_of_the_wiring() -> None:
    fan = Broadcast([Queue(RecordingSink()), Queue(RecordingSink(instant=True))])
    async with start(fan) as live:
        for n in range(3):
            await live.write({"n": n})
        async with live.subscribe("queue"):
            await live.write({"n": 3})
        await live.write({"n": 4})
        views = live.snapshot()["broadcast"].facts["targets"].values()
        assert [(view.entered, view.delivered) for view in views] == [(5, 5), (5, 5)]


@virtual
async def test_a_write_cancelled_as_it_is_admitted_leaves_no_account_open() -> None:
    stuck, bare = StalledSink(), RecordingSink()
    fan = Broadcast([Queue(stuck, 1), bare])
    async with start(fan) as live:
        await live.write({"n": 0})
        await stuck.entered.wait()
        writing = asyncio.create_task(live.write({"n": 1}))
        await asyncio.sleep(0)
        turn = live.topology.ctx.turnstile._turn

        def admit_and_cancel() -> None:
            turn()
            writing.cancel()

        live.topology.ctx.turnstile._turn = admit_and_cancel  # type: ignore[method-assign]
        stuck.release()
        with pytest.raises(asyncio.CancelledError):
            await writing
        assert await live.drain(5)
        assert live.snapshot().residue == 0
        assert live.snapshot()["broadcast"].ledger.returned == 1
    assert (numbers(stuck), numbers(bare)) == ([0, 1], [0])


@virtual
async def test_it_says_which_target_owes_the_most() -> None:
    fast, slow = RecordingSink(), SlowSink(10.0)
    fast.name, slow.name = "fast", "slow"
    async with start(Broadcast([fast, slow])) as live:
        assert live.snapshot()["broadcast"].facts["slowest"] is None
        writing = asyncio.ensure_future(live.write({"n": 0}, timeout=60))
        await asyncio.sleep(1)
        facts = live.snapshot()["broadcast"].facts
        assert (facts["slowest"], facts["pending"]) == ("slow", {"slow": 1})
        await writing
