"""A stop leaves on disk what is on disk: it drains memory, and waits for attempts under way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sinkgraph.errors import DeliveryFailed
from sinkgraph.runtime.live import Live
from sinkgraph.runtime.run import Run
from sinkgraph.sinks.backoff import ConstantBackoff
from sinkgraph.sinks.base import Sink
from sinkgraph.sinks.batch import BatchSink
from sinkgraph.sinks.breaker import Breaker
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.filter import Filter
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.retry import Retry
from sinkgraph.telemetry.status import CloseReport
from sinkgraph.testing import (
    FlakySink,
    RecordingSink,
    SlowSink,
    StalledSink,
    VirtualDisk,
    World,
    simulate,
)
from tests.support.letters import a_row, bury
from tests.support.virtual import start, virtual

SOON_S = 0.1


def durable(to: Sink, name: str, **fields: Any) -> Queue:
    return named(Queue(to, store="disk", **fields), name)


def named(queue: Queue, name: str) -> Queue:
    queue.name = name
    return queue


def begin(root: Sink, state: Path, **options: Any) -> Run:
    return start(root, state_dir=state, disk=VirtualDisk(), **options)


async def stopped(live: Live, **how: Any) -> tuple[float, CloseReport]:
    """Stop; return how long it took and the report, in which nothing is unaccounted for."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    report = await live.close(**how)
    assert report.residue == 0
    return loop.time() - began, report


async def again(root: Sink, state: Path) -> None:
    """Run a tree on what is in the state dir until nothing is left."""
    async with begin(root, state) as live:
        assert await live.drain(100)
        assert live.snapshot().residue == 0


def numbers(count: int, first: int = 0) -> list[dict[str, int]]:
    return [{"n": n} for n in range(first, first + count)]


@virtual
async def test_a_stop_that_delivers_what_is_on_disk_can_be_told_to_leave_it(tmp_path: Path) -> None:
    slow, memory = SlowSink(0.5), SlowSink(0.7)
    disk = durable(slow, "disk", max_batch=1)
    loop = asyncio.get_running_loop()
    fan = Broadcast([disk, named(Queue(memory, max_batch=1), "memory")])
    async with begin(fan, tmp_path) as live:
        await live.write_many(numbers(6))
        closing = asyncio.ensure_future(live.close(drain_disk=True))
        await asyncio.sleep(1.2)
        live.topology.keep_disk()
        report = await closing
    assert loop.time() == pytest.approx(6 * 0.7, abs=SOON_S)
    assert (slow.data, memory.data) == (numbers(3), numbers(6))
    assert (report.left, report.kept, report.residue) == ({}, {"disk": 3}, 0)


@pytest.mark.parametrize("way", ["exit", "close"])
def test_what_waits_on_disk_is_not_delivered_by_a_stop(way: str, tmp_path: Path) -> None:
    @virtual
    async def story() -> None:
        slow = SlowSink(0.5)
        async with begin(durable(slow, "hold", max_batch=1), tmp_path) as live:
            await live.write_many(numbers(5))
            if way == "close":
                took_s, _ = await stopped(live)
                assert took_s <= 0.5 + SOON_S
        report = live.report
        assert report is not None
        assert slow.data == numbers(1)
        assert (report.left, report.kept) == ({}, {"hold": 4})
        later = RecordingSink()
        await again(durable(later, "hold"), tmp_path)
        assert later.data == numbers(4, 1)

    story()


@pytest.mark.parametrize(("drain_s", "expected_s"), [(25.0, 2.0), (1.0, 1.0), (0.0, 0.0)])
def test_an_attempt_that_hangs_gets_two_seconds_or_the_deadline(
    drain_s: float, expected_s: float, tmp_path: Path
) -> None:
    @virtual
    async def story() -> None:
        async with begin(durable(StalledSink(), "hold"), tmp_path, drain=drain_s) as live:
            await live.write_many(numbers(3))
            await asyncio.sleep(1)
            took_s, report = await stopped(live)
        assert expected_s <= took_s <= expected_s + SOON_S
        assert report.kept == {"hold": 3}

    story()


@pytest.mark.parametrize("hold", ["lane", "event"])
def test_what_waits_for_its_next_attempt_is_not_waited_for(hold: str, tmp_path: Path) -> None:
    @virtual
    async def story() -> None:
        down = FlakySink(then=DeliveryFailed("down"))
        retry = Retry(down, backoff=ConstantBackoff(60), hold=hold)
        async with begin(durable(retry, "hold"), tmp_path) as live:
            await live.write_many(numbers(3))
            await asyncio.sleep(1)
            took_s, report = await stopped(live)
        assert took_s <= SOON_S
        assert report.kept == {"hold": 3}
        assert len(down.attempts) == 1
        later = RecordingSink()
        await again(durable(later, "hold"), tmp_path)
        assert later.data == numbers(3)

    story()


@virtual
async def test_a_lane_that_backs_off_is_not_waited_for(tmp_path: Path) -> None:
    down = FlakySink(then=OSError("down"))
    async with begin(durable(down, "hold"), tmp_path) as live:
        await live.write_many(numbers(3))
        await asyncio.sleep(50)
        took_s, report = await stopped(live)
    assert took_s <= SOON_S
    assert report.kept == {"hold": 3}


@pytest.mark.parametrize("why", ["linger", "breaker", "batch", "key"])
def test_nothing_that_waits_for_a_better_time_is_waited_for(why: str, tmp_path: Path) -> None:
    down = FlakySink(then=DeliveryFailed("down"))
    breaker = Breaker(failure_threshold=1, open_for=60, jitter=0)
    shapes: dict[str, Callable[[], Queue]] = {
        "linger": lambda: durable(down, "hold", linger=60.0),
        "breaker": lambda: durable(Retry(down, breaker=breaker), "hold"),
        "batch": lambda: durable(BatchSink(down, 10, max_wait=60.0), "hold"),
        "key": lambda: durable(
            Retry(down, backoff=ConstantBackoff(60), hold="key"),
            "hold",
            concurrency=2,
            order_by=lambda event: event.data["n"] % 2,
        ),
    }

    @virtual
    async def story() -> None:
        async with begin(shapes[why](), tmp_path) as live:
            await live.write_many(numbers(5))
            await asyncio.sleep(1)
            tried = len(down.attempts)
            took_s, report = await stopped(live)
        assert took_s <= SOON_S
        assert report.kept == {"hold": 5}
        assert len(down.attempts) == tried, "a stop begins no attempt"
        later = RecordingSink()
        await again(durable(later, "hold"), tmp_path)
        assert sorted(one["n"] for one in later.data) == list(range(5))

    story()


@virtual
async def test_an_event_that_one_branch_still_owes_is_kept(tmp_path: Path) -> None:
    good, down = RecordingSink(), FlakySink(then=DeliveryFailed("down"))
    root = durable(Broadcast([good, Retry(down, backoff=ConstantBackoff(60))]), "hold", max_batch=1)
    async with begin(root, tmp_path) as live:
        await live.write_many(numbers(3))
        await asyncio.sleep(1)
        took_s, report = await stopped(live)
    assert took_s <= SOON_S
    assert report.kept == {"hold": 3}
    assert good.data == numbers(1)


@virtual
async def test_a_memory_queue_drains_into_a_disk_queue_that_rests(tmp_path: Path) -> None:
    below = StalledSink()
    root = named(Queue(durable(below, "hold"), linger=30.0), "buffer")
    async with begin(root, tmp_path) as live:
        await live.write_many(numbers(7))
        took_s, report = await stopped(live)
    assert took_s <= SOON_S
    assert (report.left, report.kept) == ({}, {"hold": 7})
    assert not below.attempts, "the disk queue rests while it is drained into"
    later = RecordingSink()
    await again(named(Queue(durable(later, "hold")), "buffer"), tmp_path)
    assert later.data == numbers(7)


@virtual
async def test_a_memory_queue_below_a_disk_queue_drains_and_gets_nothing_more(
    tmp_path: Path,
) -> None:
    slow = SlowSink(1.0)
    memory = named(Queue(slow, 4, max_batch=1), "buffer")
    async with begin(durable(memory, "hold", max_batch=2), tmp_path) as live:
        await live.write_many(numbers(20))
        await asyncio.sleep(0.1)
        passed = live.snapshot()["buffer"].ledger.entered
        took_s, report = await stopped(live)
    assert took_s <= passed + 2 + SOON_S
    assert len(slow.data) + report.kept["hold"] == 20, "what memory held was drained"
    assert report.kept == {"hold": 20 - len(slow.data)}
    assert len(slow.data) <= passed + 2


@virtual
async def test_of_a_fan_out_memory_drains_and_disk_keeps(tmp_path: Path) -> None:
    slow, stalled = SlowSink(1.0), StalledSink()
    memory = named(Queue(slow, max_batch=1), "memory")
    fan = Broadcast([memory, durable(stalled, "disk")])
    async with begin(fan, tmp_path) as live:
        for event in numbers(4):
            await live.write(event)
        took_s, report = await stopped(live)
    assert slow.data == numbers(4)
    assert 3 <= took_s <= 4 + SOON_S
    assert (report.left, report.kept) == ({}, {"disk": 4})


@virtual
async def test_a_retry_that_memory_needs_goes_on(tmp_path: Path) -> None:
    """A retry that a memory queue writes to too goes on trying for it."""
    flaky = FlakySink(3)
    retry = Retry(flaky, backoff=ConstantBackoff(1.0))
    memory = named(Queue(retry), "memory")
    fan = Broadcast([memory, durable(retry, "disk")])
    async with begin(fan, tmp_path) as live:
        await live.write({"n": 0})
        took_s, report = await stopped(live)
    assert took_s <= 4
    assert report.left == {}
    assert report.snapshot["memory"].ledger.delivered == 1
    assert report.kept in ({"disk": 1}, {})


@virtual
async def test_a_full_disk_queue_goes_on_until_what_waits_for_it_is_in(tmp_path: Path) -> None:
    slow = SlowSink(0.5)
    disk = durable(slow, "disk", capacity=2, max_batch=1)
    memory = named(Queue(disk, 10, max_batch=1), "memory")
    async with begin(memory, tmp_path) as live:
        await live.write_many(numbers(6))
        took_s, report = await stopped(live)
    assert took_s <= 6 * 0.5 + SOON_S
    assert (report.left, sum(report.kept.values())) == ({}, 6 - len(slow.data))
    assert "memory" not in report.kept, "the full disk queue made room for it"
    assert 1 <= report.kept["disk"] <= 2


@virtual
async def test_what_was_emitted_gets_into_a_full_disk_queue(tmp_path: Path) -> None:
    slow = SlowSink(0.5)
    async with begin(durable(slow, "disk", capacity=2, max_batch=1), tmp_path) as live:
        await live.write_many(numbers(2))
        for n in (2, 3):
            assert live.emit({"n": n})
        await asyncio.sleep(0.01)
        _, report = await stopped(live)
    assert (report.left, report.residue) == ({}, 0)
    assert report.snapshot["inbox"].ledger.delivered == 2
    assert len(slow.data) + sum(report.kept.values()) == 4


@virtual
async def test_a_stop_that_is_asked_to_delivers_what_is_on_disk(tmp_path: Path) -> None:
    slow = SlowSink(0.5)
    async with begin(durable(slow, "disk", max_batch=1), tmp_path) as live:
        await live.write_many(numbers(6))
        took_s, report = await stopped(live, drain_disk=True)
    assert took_s == pytest.approx(3.0, abs=SOON_S)
    assert (report.left, report.kept, slow.data) == ({}, {}, numbers(6))


@virtual
async def test_what_a_deadline_leaves_on_disk_is_kept(tmp_path: Path) -> None:
    slow = SlowSink(0.5)
    async with begin(durable(slow, "disk", max_batch=1), tmp_path) as live:
        await live.write_many(numbers(6))
        took_s, report = await stopped(live, drain_disk=True, deadline=1.2)
    assert took_s <= 1.2 + SOON_S
    assert (report.left, report.kept, slow.data) == ({}, {"disk": 4}, numbers(2))


@virtual
async def test_two_disk_queues_in_a_row_rest_where_they_are(tmp_path: Path) -> None:
    """What stands between two disk queues keeps nothing."""
    last = RecordingSink()
    second = durable(last, "second")
    root = durable(Filter(second, lambda event: event.data["n"] % 2 == 0), "first", max_batch=1)
    async with begin(root, tmp_path) as live:
        await live.write_many(numbers(6))
        took_s, report = await stopped(live)
    assert took_s <= SOON_S
    ledger = report.snapshot["first"].ledger
    assert ledger.delivered + report.kept.get("first", 0) == 6
    everything = RecordingSink()
    rest = durable(everything, "second")
    await again(durable(Filter(rest, lambda event: event.data["n"] % 2 == 0), "first"), tmp_path)
    assert last.data + everything.data == [{"n": 0}, {"n": 2}, {"n": 4}]


@pytest.mark.parametrize("drain_disk", [False, True])
def test_a_stop_that_drains_the_disk_ends_replays_too(drain_disk: bool) -> None:
    async def story(world: World) -> None:
        bury(world.state_dir, [a_row(k, node="end") for k in range(20)])
        end = RecordingSink()
        end.name = "end"
        async with world.run(end, durable=True) as live:
            await live.topology.replays.replay(rate=10.0)
            report = await live.close(drain_disk=drain_disk)
        assert report.residue == 0
        if drain_disk:
            assert [one["n"] for one in end.data] == list(range(20))
            assert report.kept == {}
        else:
            assert report.kept == {"replay/end": 20 - len(end.data)}
            assert len(end.data) < 5

    simulate(story)
