"""Proves how a queue delivers: side by side, in batches, by key, and what becomes of failures."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from sinkgraph.errors import DeliveryFailed, NotOwned, Rejected, SinkClosed
from sinkgraph.event import Batch, Event
from sinkgraph.runtime.live import Live
from sinkgraph.sinks.backoff import ConstantBackoff
from sinkgraph.sinks.base import Terminal
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.retry import Retry
from sinkgraph.testing import FlakySink, RecordingSink, SlowSink, StalledSink, refusing
from tests.support.virtual import start, virtual


def numbers(sink: RecordingSink) -> list[int]:
    return [data["n"] for data in sink.data]


def sizes(sink: RecordingSink) -> list[int]:
    return [len(batch) for batch in sink.batches]


def keyed(*keys: int) -> list[dict[str, int]]:
    """Return payloads numbered from 0 with these keys."""
    return [{"n": n, "k": key} for n, key in enumerate(keys)]


def key_of(event: Event) -> Any:
    return event.data["k"]


def dead(live: Live) -> list[Event]:
    return list(live.nodes["dead-letters"].events)  # type: ignore[attr-defined]


class Meter(Terminal):
    """Counts how many writes are under way at once, and which keys are."""

    def __init__(self) -> None:
        super().__init__()
        self.now: list[int] = []
        self.most = 0
        self.got: list[tuple[int, int]] = []
        self.clash = False

    async def deliver(self, batch: Batch) -> None:
        keys = [event.data["k"] for event in batch]
        self.clash = self.clash or bool(set(keys) & set(self.now))
        self.now += keys
        self.most = max(self.most, len(self.now))
        await asyncio.sleep(1 + keys[0])
        for key in keys:
            self.now.remove(key)
        self.got += [(event.data["k"], event.data["n"]) for event in batch]


@virtual
async def test_lanes_deliver_side_by_side_and_no_more_of_them() -> None:
    sink = SlowSink(1.0)
    loop = asyncio.get_running_loop()
    async with start(Queue(sink, concurrency=3, max_batch=1)) as live:
        await live.write_many([{"n": n} for n in range(9)])
        began = loop.time()
        assert await live.drain(60)
        assert loop.time() - began == pytest.approx(3.0)
    assert sorted(numbers(sink)) == list(range(9))


@virtual
async def test_with_one_lane_one_write_is_under_way() -> None:
    sink = Meter()
    async with start(Queue(sink, max_batch=1)) as live:
        for payload in keyed(0, 0, 1, 2, 1):
            await live.write(payload)
        assert await live.drain(60)
    assert sink.most == 1
    assert [n for _, n in sink.got] == [0, 1, 2, 3, 4]


@virtual
async def test_events_of_one_key_keep_their_order_over_lanes() -> None:
    sink = Meter()
    keys = [0, 1, 2, 0, 1, 2, 0, 0, 1, 2, 2, 1]
    async with start(Queue(sink, concurrency=3, order_by=key_of, max_batch=1)) as live:
        for payload in keyed(*keys):
            await live.write(payload)
        assert await live.drain(60)
        assert live.snapshot().residue == 0
    assert not sink.clash
    assert sink.most == 3
    for key in range(3):
        assert [n for k, n in sink.got if k == key] == [n for n, k in enumerate(keys) if k == key]


@virtual
async def test_a_straggling_key_holds_up_no_other_and_keeps_within_capacity() -> None:
    class Sticky(StalledSink):
        async def deliver(self, batch: Batch) -> None:
            if batch[0].data["k"]:
                self.keep(batch)
            else:
                await super().deliver(batch)

    sink = Sticky()
    queue = Queue(sink, 10, concurrency=2, order_by=key_of, max_batch=1)
    async with start(queue) as live:
        for payload in keyed(0, 0, 1, 1, 0, 1):
            await live.write(payload)
        await asyncio.sleep(1)
        assert numbers(sink) == [2, 3, 5]
        assert live.snapshot()["queue"].depth == 3
        await live.write_many([{"n": n, "k": 0} for n in range(6, 13)])
        waiting = asyncio.create_task(live.write({"n": 13, "k": 0}))
        await asyncio.sleep(1)
        assert live.snapshot()["queue"].depth == 10
        assert not waiting.done()
        sink.release()
        await waiting
        assert await live.drain(5)
    assert [n for n in numbers(sink) if n not in (2, 3, 5)] == [0, 1, 4, *range(6, 14)]


@virtual
async def test_keys_that_are_equal_to_python_are_not_equal_to_a_user() -> None:
    sink = Meter()
    payloads = [
        {"n": 0, "k": 1, "key": True},
        {"n": 1, "k": 2, "key": 1},
        {"n": 2, "k": 3, "key": []},
    ]
    async with start(
        Queue(sink, concurrency=3, order_by=lambda event: event.data["key"], max_batch=1)
    ) as live:
        await live.write_many(payloads)
        assert await live.drain(60)
    assert sink.most == 3


@virtual
async def test_a_lane_takes_no_more_than_its_limit_or_that_of_what_is_below() -> None:
    for below, own, most in [(None, 4, 4), (3, 1000, 3), (3, 2, 2)]:
        sink = RecordingSink(max_batch=below)
        async with start(Queue(sink, max_batch=own)) as live:
            await live.write_many([{"n": n} for n in range(10)])
            assert await live.drain(5)
        assert max(sizes(sink)) == most
        assert numbers(sink) == list(range(10))


@virtual
async def test_a_limit_is_seen_through_what_stands_between() -> None:
    sink = RecordingSink(max_batch=2)
    async with start(Queue(Retry(Broadcast([sink, RecordingSink()])))) as live:
        await live.write_many([{"n": n} for n in range(5)])
        assert await live.drain(5)
    assert max(sizes(sink)) == 2


@virtual
async def test_linger_waits_for_a_full_batch_and_no_longer_than_it_says() -> None:
    sink = RecordingSink()
    loop = asyncio.get_running_loop()
    async with start(Queue(sink, linger=2.0, max_batch=4)) as live:
        began = loop.time()
        await live.write_many([{"n": n} for n in range(3)])
        await asyncio.sleep(1.9)
        assert sizes(sink) == []
        await asyncio.sleep(0.2)
        assert sizes(sink) == [3]
        await live.write_many([{"n": n} for n in range(3, 7)])
        await asyncio.sleep(0.01)
        assert sizes(sink) == [3, 4]
        await live.write({"n": 7})
        assert await live.drain(5)  # a drain does not wait for the rest of a batch
        assert loop.time() - began < 3
    assert numbers(sink) == list(range(8))


@virtual
async def test_a_queue_keeps_what_failed_and_says_so_until_it_is_through() -> None:
    sink = FlakySink([OSError("no route"), 2])
    async with start(Queue(sink)) as live:
        await live.write_many([{"n": n} for n in range(3)])
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        node = live.snapshot()["queue"]
        assert (node.status, node.depth) == ("degraded", 3)
        assert node.facts["last_error"] == "OSError: no route"
        assert await live.drain(120)
        assert live.snapshot()["queue"].status == "ok"
    assert numbers(sink) == [0, 1, 2]
    assert len(sink.attempts) == 4


@virtual
async def test_a_queue_writes_only_what_is_owed_to_the_branch_that_owes_it() -> None:
    good, flaky = RecordingSink(), FlakySink()
    flaky.script = [refusing(lambda e: e.data["n"] == 1, DeliveryFailed, lambda: flaky), 1]
    async with start(Queue(Broadcast([good, flaky]))) as live:
        await live.write_many([{"n": n} for n in range(3)])
        assert await live.drain(120)
        assert live.snapshot()["queue"].ledger.delivered == 3
        assert live.snapshot().residue == 0
    assert (numbers(good), numbers(flaky)) == ([0, 1, 2], [0, 2, 1])
    assert len(good.attempts) == 1


@virtual
async def test_a_dead_letter_tells_its_story() -> None:
    sink, grave = FlakySink(then=refusing(lambda e: e.data["n"] == 1, Rejected)), RecordingSink()
    queue = Queue(sink, dead_letter=grave)
    async with start(Broadcast([queue])) as live:
        await live.write_many([{"n": n} for n in range(3)])
        assert await live.drain(5)
        assert live.snapshot()["queue"].ledger.dead_lettered == 1
        assert dead(live) == []
    (letter,) = grave.events
    assert letter.data == {"n": 1}
    assert letter.meta["reason"] == "rejected"
    assert letter.meta["node"] == "queue"
    assert letter.meta["path"] == ["broadcast", "queue"]
    assert letter.meta["attempts"] == 1
    assert letter.meta["errors"] == ["Rejected: rejected"]
    assert letter.meta["first_failed"] <= letter.meta["last_failed"]
    assert letter.id in {one for ids in sink.attempts for one in ids}
    assert numbers(sink) == [0, 2]


@virtual
async def test_a_closed_target_sends_what_is_held_to_the_dead_letters() -> None:
    async with start(Queue(FlakySink(then=SinkClosed("gone")))) as live:
        await live.write_many([{"n": n} for n in range(3)])
        assert await live.drain(5)
        assert live.snapshot()["queue"].status == "failed"
        assert {letter.meta["reason"] for letter in dead(live)} == {"closed"}
        assert len(dead(live)) == 3


@virtual
async def test_a_dead_letter_sink_that_fails_keeps_the_event_pending() -> None:
    grave = FlakySink(2)
    queue = Queue(FlakySink(then=Rejected), dead_letter=grave)
    async with start(queue) as live:
        await live.write({"n": 0})
        await asyncio.sleep(0.5)
        assert live.snapshot()["queue"].depth == 1
        assert await live.drain(60)
    assert numbers(grave) == [0]


@virtual
async def test_events_that_must_keep_their_order_by_key_are_parked_by_key() -> None:
    fails = {"n": 3}

    def down(event: Event) -> bool:
        if event.data["k"] == 0 and fails["n"]:
            fails["n"] -= 1
            return True
        return False

    sink = FlakySink(then=refusing(down, DeliveryFailed))
    retry = Retry(sink, ConstantBackoff(5.0), hold="key")
    async with start(Queue(retry, order_by=key_of, max_batch=1)) as live:
        for payload in keyed(0, 1, 0, 1, 2):
            await live.write(payload)
        await asyncio.sleep(1)
        assert numbers(sink) == [1, 3, 4]
        assert live.snapshot()["queue"].facts["parked"] == 1
        assert live.snapshot()["queue"].depth == 2
        assert await live.drain(60)
        assert live.snapshot().residue == 0
    assert numbers(sink) == [1, 3, 4, 0, 2]


@virtual
async def test_a_key_stays_held_while_any_branch_owes_one_of_its_events() -> None:
    slow, quick = FlakySink(6), FlakySink(2)
    retry = Retry(Broadcast([slow, quick]), ConstantBackoff(2.0), hold="key")
    async with start(Queue(retry, order_by=key_of, max_batch=1)) as live:
        for payload in keyed(0, 0, 0):
            await live.write(payload)
        assert await live.drain(120)
        assert live.snapshot().residue == 0
    assert numbers(slow) == numbers(quick) == [0, 1, 2]


@virtual
async def test_what_is_parked_counts_against_the_capacity() -> None:
    sink = FlakySink(then=DeliveryFailed)
    queue = Queue(Retry(sink, ConstantBackoff(5.0), hold="event"), 3, "reject", max_batch=1)
    async with start(queue, drain=0) as live:
        for n in range(3):
            await live.write({"n": n})
        await asyncio.sleep(1)
        facts = live.snapshot()["queue"].facts
        assert (facts["parked"], facts["depth"]) == (3, 3)
        with pytest.raises(Exception, match="full"):
            await live.write({"n": 3})


def test_a_queue_that_nobody_owns_says_so() -> None:
    async def story() -> None:
        with pytest.raises(NotOwned, match="belongs to no topology"):
            await Queue(RecordingSink()).write([Event("1", data=1)])

    asyncio.run(story())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"capacity": 0}, "capacity is at least 1, not 0"),
        ({"capacity": True}, "capacity"),
        ({"concurrency": 0}, "concurrency"),
        ({"max_batch": 0}, "max_batch"),
        ({"when_full": "wait"}, "when_full is one of"),
        ({"when_full": "overflow"}, "belong together"),
        ({"overflow": RecordingSink()}, "belong together"),
    ],
)
def test_what_makes_no_queue_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Queue(RecordingSink(), **options)


def _all(sinks: Sequence[RecordingSink]) -> list[int]:
    return sorted(n for sink in sinks for n in numbers(sink))


@virtual
async def test_queues_below_one_fan_out_go_at_their_own_pace() -> None:
    slow, quick = StalledSink(), RecordingSink(instant=True)
    async with start(Broadcast([Queue(slow, 100), Queue(quick)])) as live:
        for n in range(50):
            await live.write({"n": n})
        await asyncio.sleep(1)
        assert len(quick.events) == 50
        slow.release()
        assert await live.drain(5)
        assert live.snapshot().residue == 0
    assert _all([slow]) == _all([quick]) == list(range(50))
    assert slow.ids == quick.ids
