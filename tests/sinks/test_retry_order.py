"""Proves that a retry keeps each branch in order, whatever fails, is rejected or given up."""

from __future__ import annotations

import asyncio

import pytest

from sinkgraph.errors import DeliveryFailed, Owed, PartialWrite, Rejected, SinkClosed
from sinkgraph.event import Batch, Event
from sinkgraph.sinks.backoff import ConstantBackoff
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.retry import Retry
from sinkgraph.testing import FlakySink, RecordingSink, StalledSink, refusing
from tests.support.virtual import start, virtual


def numbers(sink: RecordingSink) -> list[int]:
    return [data["n"] for data in sink.data]


def bad(n: int) -> bool:
    return n % 4 == 0


@virtual
async def test_a_rejected_batch_is_split_in_order_until_the_bad_stand_alone() -> None:
    sink = FlakySink(then=refusing(lambda event: bad(event.data["n"]), Rejected))
    async with start(Queue(Retry(sink))) as live:
        await live.write_many([{"n": n} for n in range(12)])
        assert await live.drain(5)
        dead = live.nodes["dead-letters"].events  # type: ignore[attr-defined]
    assert numbers(sink) == [n for n in range(12) if not bad(n)]
    assert [event.data["n"] for event in dead] == [0, 4, 8]
    assert {event.meta["reason"] for event in dead} == {"rejected"}
    assert [len(event.meta["errors"]) for event in dead] == [1, 1, 1]  # its own, no other's


@virtual
async def test_nothing_goes_ahead_of_an_event_that_failed_before_it() -> None:
    failures = iter(range(2))  # the first two attempts at event 1 fail

    def judge(batch: Batch) -> BaseException | None:
        if any(bad(event.data["n"]) for event in batch):
            return Rejected()
        down = any(event.data["n"] == 1 for event in batch) and next(failures, None) is not None
        return DeliveryFailed() if down else None

    sink = FlakySink(then=judge)
    async with start(Queue(Retry(sink, ConstantBackoff(1.0)))) as live:
        await live.write_many([{"n": n} for n in range(8)])
        assert await live.drain(20)
    assert numbers(sink) == [1, 2, 3, 5, 6, 7]


@virtual
async def test_giving_up_leaves_the_order_of_the_others_alone() -> None:
    sink = FlakySink(then=refusing(lambda event: bad(event.data["n"]), DeliveryFailed))
    retry = Retry(sink, ConstantBackoff(1.0), max_attempts=2, give_up_after=0.0)
    async with start(Queue(retry)) as live:
        await live.write_many([{"n": n} for n in range(12)])
        await live.write({"n": 13})
        assert await live.drain(60)
        ledger = live.snapshot()["retry"].ledger
        assert (ledger.dead_lettered, ledger.delivered, ledger.residue) == (3, 10, 0)
    assert numbers(sink) == [n for n in range(12) if not bad(n)] + [13]


@virtual
async def test_branches_are_tried_side_by_side() -> None:
    slow, fast = StalledSink(), FlakySink(2)
    fan = Broadcast([slow, fast])
    async with start(Queue(Retry(fan, ConstantBackoff(1.0)))) as live:
        await live.write({"n": 0})
        await slow.entered.wait()
        slow.release()
        assert await live.drain(20)
        assert live.snapshot().residue == 0
    assert (slow.ids, len(slow.attempts)) == (fast.ids, 1)


@virtual
async def test_what_a_branch_took_is_not_written_to_it_again() -> None:
    good, flaky = RecordingSink(), FlakySink(3)
    async with start(Queue(Retry(Broadcast([good, flaky]), ConstantBackoff(1.0)))) as live:
        await live.write_many([{"n": n} for n in range(5)])
        assert await live.drain(20)
        assert live.snapshot().residue == 0
    assert numbers(good) == numbers(flaky) == [0, 1, 2, 3, 4]
    assert len(good.batches) == 1


@virtual
async def test_a_closed_retry_hands_back_only_what_is_owed() -> None:
    good, flaky = RecordingSink(), FlakySink(then=DeliveryFailed)
    retry = Retry(Broadcast([good, flaky]), ConstantBackoff(5.0))
    async with start(retry) as live:
        writing = asyncio.create_task(live.write({"n": 0}))
        await asyncio.sleep(1)
        await retry.close()
        with pytest.raises(PartialWrite) as raised:
            await writing
        assert [len(part.events) for part in raised.value.owed] == [1]
        assert live.snapshot()["retry"].ledger.returned == 1
        assert live.snapshot().residue == 0
    assert len(good.events) == 1


@virtual
async def test_a_closed_target_is_handed_up_as_it_is() -> None:
    sink = FlakySink(then=SinkClosed("gone"))
    async with start(Retry(sink)) as live:
        with pytest.raises(SinkClosed, match="gone"):
            await live.write({"n": 0})
        assert len(sink.attempts) == 1


@virtual
async def test_equal_ids_are_different_events() -> None:
    good, flaky = RecordingSink(), FlakySink(1)
    queue = Queue(Broadcast([good, flaky, Retry(FlakySink(2), ConstantBackoff(1.0))]))
    async with start(queue) as live:
        await live.write_many([Event(id="same", data={"n": n}) for n in range(4)])
        assert await live.drain(60)
        assert live.snapshot()["queue"].ledger.delivered == 4
        assert live.snapshot().residue == 0
    assert numbers(good) == numbers(flaky) == [0, 1, 2, 3]


@virtual
async def test_what_nobody_will_bury_is_handed_back_without_what_was_delivered() -> None:
    good, bad = RecordingSink(), FlakySink(then=Rejected)
    async with start(Retry(Broadcast([good, bad]))) as live:
        await live.nodes["dead-letters"].close()
        with pytest.raises(PartialWrite) as raised:
            await live.write({"n": 0})
        assert [isinstance(part.error, SinkClosed) for part in raised.value.owed] == [True]
        assert live.snapshot().residue == 0
    assert len(good.events) == 1


@virtual
async def test_what_was_split_off_waits_for_what_came_before_it() -> None:
    """A rejected batch is split; its first half is taken in part, and owed by another write."""

    class Half(RecordingSink):
        async def deliver(self, batch: Batch) -> None:
            ns = [event.data["n"] for event in batch]
            if 3 in ns:
                raise Rejected("poison")
            if ns == [0, 1]:
                self.keep(batch[:1])
                raise PartialWrite([Owed(self.write, batch[1:], DeliveryFailed("the rest"))])
            if ns == [1]:
                await asyncio.sleep(1.0)  # the others would be there first
            self.keep(batch)

    sink = Half()
    async with start(Queue(Retry(sink, ConstantBackoff(0.5)))) as live:
        await live.write_many([{"n": n} for n in range(4)])
        assert await live.drain(20)
        assert live.snapshot().residue == 0
    assert numbers(sink) == [0, 1, 2]
