"""What a removed disk queue holds follows its fate: delivered, moved, buried, dropped or kept."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from sinkgraph.runtime.live import Live
from sinkgraph.runtime.run import Run
from sinkgraph.sinks import shelved
from sinkgraph.sinks.base import Sink
from sinkgraph.sinks.blackhole import Blackhole
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.queue import Queue
from sinkgraph.testing import RecordingSink, SlowSink, StalledSink, VirtualDisk
from tests.support.virtual import start, virtual

MANY = 50


@pytest.fixture(autouse=True, params=["in memory", "on disk only"])
def _where(request: pytest.FixtureRequest) -> Any:
    """Let queues keep all their events in memory too, or hardly any."""
    hot = 4_000 if request.param == "in memory" else 3
    with patch.object(shelved, "_HOT", hot), patch.object(shelved, "_AHEAD", min(hot, 1_000)):
        yield


def named(name: str, to: Sink, store: str = "disk", **fields: Any) -> Queue:
    queue = Queue(to, store=store, **fields)
    queue.name = name
    return queue


def begin(root: Any, state: Path, **options: Any) -> Run:
    return start(root, state_dir=state, disk=VirtualDisk(), **options)


def numbers(count: int, first: int = 0) -> list[dict[str, int]]:
    return [{"n": n} for n in range(first, first + count)]


async def write(live: Live, count: int, first: int = 0) -> None:
    for value in numbers(count, first):
        await live.write(value)


async def left_on_disk(state: Path, *names: str) -> dict[str, list[Any]]:
    """Return what a later start finds for queues of these names."""
    sinks = {name: RecordingSink() for name in names}
    fan = Broadcast([named(name, sink) for name, sink in sinks.items()])
    async with begin(fan, state) as live:
        assert await live.drain(100)
    return {name: sink.data for name, sink in sinks.items()}


@virtual
async def test_a_removed_queue_is_drained_and_nothing_of_it_stays(tmp_path: Path) -> None:
    slow = SlowSink(0.1)
    leaves = named("leaves", slow, max_batch=1)
    async with begin(Broadcast([leaves, Blackhole()]), tmp_path) as live:
        await write(live, MANY)
        await live.remove(leaves)
        await asyncio.sleep(10)
        assert "leaves" not in live.nodes
        await live.close()
    assert slow.data == numbers(MANY)
    assert live.report is not None
    assert live.report.kept == {}
    assert await left_on_disk(tmp_path, "leaves") == {"leaves": []}


@virtual
async def test_what_was_not_delivered_in_time_stays_for_the_next_start(tmp_path: Path) -> None:
    slow = SlowSink(1.0)
    leaves = named("leaves", slow, max_batch=1)
    async with begin(Broadcast([leaves, Blackhole()]), tmp_path) as live:
        await write(live, MANY)
        await live.remove(leaves, deadline=5.5)
        await asyncio.sleep(10)
        assert "leaves" not in live.nodes
        assert live.topology.assembly.dead_letters.ledger.entered == 0
        await live.close()
    done = len(slow.data)
    assert live.report is not None
    assert (live.report.left, live.report.kept) == ({}, {"leaves": MANY - done})
    assert live.report.residue == 0
    assert await left_on_disk(tmp_path, "leaves") == {"leaves": numbers(MANY - done, done)}


@virtual
async def test_a_name_that_returns_takes_up_what_it_left(tmp_path: Path) -> None:
    slow, later = SlowSink(1.0), RecordingSink()
    leaves = named("leaves", slow, max_batch=1)
    fan = Broadcast([leaves, Blackhole()])
    async with begin(fan, tmp_path) as live:
        await write(live, MANY)
        await live.remove(leaves, deadline=5.5)
        await asyncio.sleep(10)
        done = len(slow.data)
        await live.add(fan, named("leaves", later))
        assert live.snapshot()["leaves"].ledger.recovered == MANY - done
        await write(live, 5, MANY)
        assert await live.drain(10)
        assert live.snapshot().residue == 0
    assert later.data == numbers(MANY - done + 5, done)
    assert await left_on_disk(tmp_path, "leaves") == {"leaves": []}


@virtual
async def test_discarded_events_do_not_come_back(tmp_path: Path) -> None:
    leaves = named("leaves", StalledSink())
    async with begin(Broadcast([leaves, Blackhole()]), tmp_path) as live:
        await write(live, MANY)
        await live.remove(leaves, fate="discard")
        await asyncio.sleep(5)
        assert leaves.ledger.dropped == {"discarded": MANY}
        assert leaves.account().residue == 0
    assert await left_on_disk(tmp_path, "leaves") == {"leaves": []}


@virtual
async def test_a_removed_queue_may_be_buried(tmp_path: Path) -> None:
    leaves = named("leaves", StalledSink())
    async with begin(Broadcast([leaves, Blackhole()]), tmp_path) as live:
        await write(live, MANY)
        await live.remove(leaves, fate="dead_letter")
        await asyncio.sleep(5)
        assert leaves.ledger.dead_lettered == MANY
        assert leaves.account().residue == 0
        dead = live.topology.assembly.dead_letters
        assert dead.ledger.entered == MANY
    assert await left_on_disk(tmp_path, "leaves") == {"leaves": []}


@pytest.mark.parametrize("store", ["disk", "memory"])
@pytest.mark.parametrize("into", ["disk", "memory"])
def test_a_removed_queue_may_be_moved(store: str, into: str, tmp_path: Path) -> None:
    @virtual
    async def story() -> None:
        takes = RecordingSink()
        leaves = named("leaves", StalledSink(), store)
        fan = Broadcast([leaves, Broadcast([named("takes", takes, into, capacity=7)])])
        async with begin(fan, tmp_path) as live:
            await write(live, MANY)
            await asyncio.sleep(1)
            assert takes.data == numbers(MANY)
            await live.remove(leaves, fate="move_to:takes")
            await asyncio.sleep(10)
            assert leaves.ledger.delivered == MANY
            assert leaves.account().residue == 0
            assert live.snapshot().residue == 0
        assert takes.data == [*numbers(MANY), *numbers(MANY)]
        found = await left_on_disk(tmp_path, "leaves", "takes")
        assert found == {"leaves": [], "takes": []}

    story()


@virtual
async def test_what_a_stop_interrupts_in_the_middle_of_a_move_is_in_one_place_or_both(
    tmp_path: Path,
) -> None:
    slow = SlowSink(1.0)
    leaves = named("leaves", StalledSink(), max_batch=1)
    takes = named("takes", slow, capacity=5, max_batch=1)
    async with begin(Broadcast([leaves, Blackhole()]), tmp_path) as live:
        fan = live.topology.assembly.sinks["broadcast"]
        await write(live, 20)
        await live.add(fan, takes)
        await live.remove(leaves, fate="move_to:takes")
        await asyncio.sleep(3.5)
        await live.close(2)
    report = live.report
    assert report is not None
    assert (report.left, report.residue) == ({}, 0)
    found = await left_on_disk(tmp_path, "leaves", "takes")
    everything = [one["n"] for one in (*slow.data, *found["leaves"], *found["takes"])]
    assert set(everything) == set(range(20))


@virtual
async def test_a_stop_does_not_wait_for_a_disk_queue_that_leaves(tmp_path: Path) -> None:
    leaves = named("leaves", SlowSink(1.0), max_batch=1)
    loop = asyncio.get_running_loop()
    async with begin(Broadcast([leaves, Blackhole()]), tmp_path) as live:
        await write(live, 20)
        await live.remove(leaves, deadline=1_000)
        began = loop.time()
        report = await live.close()
        assert loop.time() - began <= 2.2
    assert (report.left, report.residue) == ({}, 0)
    assert report.kept["leaves"] >= 18


@pytest.mark.parametrize(
    "fate", ["move_to:nobody", "move_to:", "move_to", "keep", "move_to:blackhole"]
)
def test_a_fate_that_cannot_be_carried_out_changes_nothing(fate: str, tmp_path: Path) -> None:
    @virtual
    async def story() -> None:
        kept = RecordingSink()
        queue = named("stays", kept)
        async with begin(Broadcast([queue, Blackhole()]), tmp_path) as live:
            with pytest.raises(ValueError, match="fate"):
                await live.remove(queue, fate=fate)
            await live.write({"n": 0})
            assert await live.drain(5)
        assert kept.data == numbers(1)

    story()


@pytest.mark.parametrize(
    ("on_remove", "moved", "buried"),
    [("discard", 0, 0), ("dead_letter", 0, MANY), ({"move_to": "takes"}, MANY, 0)],
)
def test_a_node_of_a_document_says_what_becomes_of_its_events(
    on_remove: Any, moved: int, buried: int, tmp_path: Path
) -> None:
    document = {
        "sinkgraph": 1,
        "name": "removed",
        "sources": {"in": {"kind": "inlet", "to": "fan"}},
        "sinks": {
            "fan": {"kind": "broadcast", "to": ["leaves", "takes"]},
            "leaves": {"kind": "queue", "store": "disk", "on_remove": on_remove, "to": "stuck"},
            "stuck": {"kind": "call", "target": "provided:stuck"},
            "takes": {"kind": "queue", "to": {"kind": "blackhole"}},
        },
    }

    async def stuck(_event: Any) -> None:
        await asyncio.Event().wait()

    @virtual
    async def story() -> None:
        async with begin(document, tmp_path, provide={"stuck": stuck}) as live:
            await write(live, MANY)
            leaves = live.nodes["leaves"]
            await live.remove("leaves")
            await asyncio.sleep(5)
            assert live.snapshot()["takes"].ledger.entered == MANY + moved
            assert live.topology.assembly.dead_letters.ledger.entered == buried
            assert leaves.account().residue == 0
            assert leaves.account().pending == 0
        found = await left_on_disk(tmp_path, "leaves")
        assert found == {"leaves": []}

    story()


@virtual
async def test_each_queue_that_leaves_follows_its_own_fate(tmp_path: Path) -> None:
    slow = SlowSink(0.1)
    below = named("below", slow, "memory", max_batch=1)
    above = named("above", Broadcast([below, Blackhole()]), max_batch=4)
    above.on_remove = "discard"
    async with begin(Broadcast([above, Blackhole()]), tmp_path) as live:
        below.capacity = 6
        await write(live, MANY)
        await asyncio.sleep(0.05)
        handed_on = below.ledger.entered
        assert handed_on < MANY
        await live.remove(above)
        await asyncio.sleep(20)
        assert above.ledger.dropped == {"discarded": MANY - above.ledger.delivered}
        assert slow.data == numbers(below.ledger.entered)
        assert live.snapshot().residue == 0
