"""Proves what an optional target costs the others: nothing; and that what it loses is counted."""

from __future__ import annotations

import asyncio

from sinkgraph.errors import DeliveryFailed, SinkClosed
from sinkgraph.runtime.live import Live
from sinkgraph.sinks.broadcast import Broadcast, Target
from sinkgraph.sinks.filter import Filter
from sinkgraph.sinks.queue import Queue
from sinkgraph.testing import FlakySink, RecordingSink, StalledSink, refusing
from tests.support.virtual import start, virtual


def dropped(live: Live, target: Target) -> dict[str, int]:
    """Return what a target lost by policy; its account and every other has to be whole."""
    assert live.snapshot().residue == 0
    view = target.account()
    assert view.residue == 0
    return view.dropped


@virtual
async def test_a_failing_optional_target_fails_no_write() -> None:
    good, bad = RecordingSink(), FlakySink(then=DeliveryFailed)
    fan = Broadcast([good, (bad, False)])
    async with start(fan) as live:
        await live.write_many([{"n": n} for n in range(3)])
        assert dropped(live, fan.targets[1]) == {"optional_failed": 3}
    assert len(good.events) == 3


@virtual
async def test_only_what_failed_counts_as_lost() -> None:
    bad = FlakySink()
    bad.then = refusing(lambda event: event.data["n"] == 1, DeliveryFailed, lambda: bad)
    fan = Broadcast([(bad, False)])
    async with start(fan) as live:
        await live.write_many([{"n": n} for n in range(3)])
        assert dropped(live, fan.targets[0]) == {"optional_failed": 1}
        assert fan.targets[0].ledger.delivered == 2
    assert [data["n"] for data in bad.data] == [0, 2]


@virtual
async def test_required_below_optional_is_optional_and_its_loss_is_counted_where_it_was_lost() -> (
    None
):
    good, bad = RecordingSink(), FlakySink(then=DeliveryFailed)
    inner = Broadcast([good, Filter(bad, where=lambda event: True)])
    async with start(Broadcast([RecordingSink(), (inner, False)])) as live:
        await live.write({"n": 0})
        assert dropped(live, inner.targets[1]) == {"optional_failed": 1}
        assert live.snapshot()["filter"].ledger.returned == 1
    assert len(good.events) == 1


@virtual
async def test_a_closed_sink_below_an_optional_target_costs_only_its_own_branch() -> None:
    good, gone = RecordingSink(), FlakySink(then=SinkClosed)
    inner = Broadcast([good, gone])
    outer = Broadcast([(inner, False)])
    async with start(outer) as live:
        await live.write({"n": 0})
        await live.write({"n": 1})
        assert [target.link.target for target in outer.targets] == [inner]
        assert [target.link.target for target in inner.targets] == [good]
        assert live.snapshot().residue == 0
    assert len(good.events) == 2


@virtual
async def test_a_full_optional_queue_drops_at_once_and_makes_nobody_wait() -> None:
    stuck, good = StalledSink(), RecordingSink()
    fan = Broadcast([good, (Queue(stuck, 2), False)])
    async with start(fan) as live:
        async with asyncio.timeout(1):
            await live.write_many([{"n": n} for n in range(5)])
        assert live.snapshot()["queue"].ledger.dropped == {"optional_full": 3}
        assert live.snapshot().residue == 0
        stuck.release()
    assert (len(good.events), len(stuck.events)) == (5, 2)


@virtual
async def test_a_dead_letter_sink_that_closed_is_not_taken_for_the_target() -> None:
    good, gone = RecordingSink(), FlakySink(then=SinkClosed)

    def judge(event: object) -> bool:
        raise KeyError("no such field")

    fan = Broadcast([Filter(good, where=judge, dead_letter=gone)])
    async with start(fan) as live:
        await live.write({"n": 0})  # it goes to the graph's own dead letters
        assert len(fan.targets) == 1
        assert live.snapshot()["dead-letters"].depth == 1
        assert live.snapshot().residue == 0
