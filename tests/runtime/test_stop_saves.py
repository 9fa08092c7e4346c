"""What memory queues hold when a stop ends is saved where there is a state dir, and told truly."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sinkgraph.runtime.run import Run
from sinkgraph.sinks.base import Sink
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.queue import Queue
from sinkgraph.telemetry.status import CloseReport
from sinkgraph.testing import DiskFaults, RecordingSink, SlowSink, StalledSink, VirtualDisk
from tests.support.virtual import start, virtual

GRACE_S = 0.1


def named(name: str, to: Sink, **fields: Any) -> Queue:
    queue = Queue(to, **fields)
    queue.name = name
    return queue


def begin(root: Sink, state: Path, disk: VirtualDisk | None = None, **options: Any) -> Run:
    return start(root, state_dir=state, disk=disk or VirtualDisk(), **options)


def numbers(count: int) -> list[dict[str, int]]:
    return [{"n": n} for n in range(count)]


async def closed(live: Any, **how: Any) -> tuple[float, CloseReport]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    report = await live.close(**how)
    assert report.residue == 0
    return loop.time() - began, report


async def recovered(state: Path, *names: str) -> dict[str, list[Any]]:
    """Return what queues of these names find in the state dir."""
    sinks = {name: RecordingSink() for name in names}
    fan = Broadcast([named(name, sink) for name, sink in sinks.items()])
    async with begin(fan, state) as live:
        assert await live.drain(100)
    return {name: sink.data for name, sink in sinks.items()}


@pytest.mark.parametrize("drain_s", [0.0, 1.0, 25.0])
def test_the_rest_of_a_memory_queue_is_saved_within_the_deadline(
    drain_s: float, tmp_path: Path
) -> None:
    @virtual
    async def story() -> None:
        fan = Broadcast([named("a", StalledSink()), named("b", StalledSink(), max_batch=2)])
        async with begin(fan, tmp_path, drain=drain_s) as live:
            await live.write_many(numbers(3_000))
            took_s, report = await closed(live)
        assert took_s <= drain_s + GRACE_S
        assert report.left == {}
        assert report.kept == report.saved == {"a": 3_000, "b": 3_000}
        assert await recovered(tmp_path, "a", "b") == {"a": numbers(3_000), "b": numbers(3_000)}

    story()


@virtual
async def test_memory_is_drained_to_the_deadline_where_nothing_has_to_be_saved(
    tmp_path: Path,
) -> None:
    slow = SlowSink(1.0)
    queue = named("a", slow, max_batch=1, on_stop="discard")
    async with begin(queue, tmp_path, drain=7.9) as live:
        await live.write_many(numbers(10))
        took_s, report = await closed(live)
    assert took_s <= 7.9 + GRACE_S
    assert len(slow.data) == 7
    assert (report.left, report.kept, report.saved) == ({"a": 3}, {}, {})


@virtual
async def test_what_is_saved_in_a_hurry(tmp_path: Path) -> None:
    async with begin(named("a", StalledSink()), tmp_path, drain=1_000) as live:
        await live.write_many(numbers(10))
        closing = asyncio.ensure_future(closed(live))
        await asyncio.sleep(5)
        live.topology.abort()
        took_s, report = await closing
    assert took_s <= 5 + 1 + GRACE_S
    assert (report.left, report.saved) == ({}, {"a": 10})


@virtual
async def test_what_cannot_be_encoded_is_left_and_the_others_are_saved(tmp_path: Path) -> None:
    async with begin(named("a", StalledSink()), tmp_path, drain=1) as live:
        await live.write_many([1, {"n": 2}, {"n": object()}, 5])
        _, report = await closed(live)
        told = [entry for entry in live.topology.journal.entries if "saved" in entry.kind]
    assert (report.left, report.kept, report.saved) == ({"a": 1}, {"a": 3}, {"a": 3})
    assert [entry.kind for entry in told] == ["event_not_saved"]
    assert await recovered(tmp_path, "a") == {"a": [1, {"n": 2}, 5]}


@pytest.mark.parametrize("drain_s", [0.0, 4.0])
def test_a_disk_that_hangs_saves_nothing_and_holds_up_nobody(
    drain_s: float, tmp_path: Path
) -> None:
    @virtual
    async def story() -> None:
        disk = VirtualDisk()
        async with begin(named("a", StalledSink()), tmp_path, disk, drain=drain_s) as live:
            await live.write_many(numbers(10))
            await asyncio.sleep(1)
            disk.stall(1, 1_000)
            took_s, report = await closed(live)
            told = [entry for entry in live.topology.journal.entries if "saved" in entry.kind]
        assert took_s <= drain_s + GRACE_S
        assert (report.left, report.kept, report.saved) == ({"a": 10}, {}, {})
        assert "did not answer" in told[0].facts["error"]
        await asyncio.sleep(2_000)

    story()


@pytest.mark.parametrize(
    ("operation", "fault", "times"), [("write", "ENOSPC", 10**6), ("sync", "EIO", 10**6)]
)
def test_a_disk_that_is_full_or_fails_saves_nothing_and_says_so(
    operation: Any, fault: Any, times: int, tmp_path: Path
) -> None:
    faults = DiskFaults()

    @virtual
    async def story() -> None:
        disk = VirtualDisk(vfs=faults.name)
        async with begin(named("a", StalledSink()), tmp_path, disk, drain=4.0) as live:
            await live.write_many(numbers(10))
            await asyncio.sleep(1)
            faults.fail(operation, times=times, fault=fault)
            took_s, report = await closed(live)
            told = [entry for entry in live.topology.journal.entries if "saved" in entry.kind]
        assert took_s <= 4 + GRACE_S
        assert (report.left, report.kept, report.saved) == ({"a": 10}, {}, {})
        assert [entry.facts["events"] for entry in told] == [10]
        assert told[0].facts["error"]

    try:
        story()
    finally:
        faults.close()


def test_what_the_disk_has_no_room_for_at_once_is_saved_in_parts(tmp_path: Path) -> None:
    faults = DiskFaults()

    @virtual
    async def story() -> None:
        disk = VirtualDisk(vfs=faults.name)
        async with begin(named("a", StalledSink()), tmp_path, disk, drain=4.0) as live:
            await live.write_many(numbers(5_000))
            await asyncio.sleep(1)
            faults.fail("write", fault="ENOSPC")  # the first commit, which holds all of it
            _, report = await closed(live)
        assert report.left == {}
        assert report.saved == {"a": 5_000}
        assert await recovered(tmp_path, "a") == {"a": numbers(5_000)}

    try:
        story()
    finally:
        faults.close()
