"""A snapshot counts what is pending once, where it waits, and keeps the ledgers of who has left."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from sinkgraph.errors import DeliveryFailed
from sinkgraph.sinks.backoff import ConstantBackoff
from sinkgraph.sinks.base import Sink
from sinkgraph.sinks.blackhole import Blackhole
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.filter import Filter
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.retry import Retry
from sinkgraph.testing import FlakySink, RecordingSink, StalledSink, VirtualDisk
from tests.support.virtual import start, virtual


def tried_again(sink: Sink) -> Retry:
    return Retry(sink, backoff=ConstantBackoff(60))


def named(name: str, queue: Queue) -> Queue:
    queue.name = name
    return queue


@pytest.mark.parametrize(
    ("shape", "waiting"), [("queue", 3), ("disk", 3), ("chain", 3), ("fan", 6), ("again", 3)]
)
def test_what_is_in_flight_is_counted_where_it_waits(
    shape: str, waiting: int, tmp_path: Path
) -> None:
    down = FlakySink(then=DeliveryFailed("down"))
    shapes: dict[str, Sink] = {
        "queue": Queue(StalledSink()),
        "disk": Queue(StalledSink(), store="disk"),
        "chain": Queue(Filter(Queue(StalledSink()), lambda event: True)),
        "fan": Broadcast([Queue(StalledSink()), Queue(StalledSink()), Blackhole()]),
        "again": Filter(Queue(tried_again(down)), lambda event: True),
    }

    @virtual
    async def story() -> None:
        options = {"state_dir": tmp_path, "disk": VirtualDisk()} if shape == "disk" else {}
        async with start(shapes[shape], drain=0, **options) as live:
            for n in range(3):
                await live.write({"n": n})
            await asyncio.sleep(1)
            assert live.snapshot().pending == waiting

    story()


@virtual
async def test_what_a_writer_waits_for_is_counted_once() -> None:
    root = Filter(tried_again(FlakySink(then=DeliveryFailed("down"))), lambda event: True)
    async with start(root, drain=0) as live:
        writing = asyncio.ensure_future(live.write({"n": 0}))
        await asyncio.sleep(1)
        assert live.snapshot().pending == 1
        writing.cancel()
        await asyncio.sleep(1)
        assert live.snapshot().pending == 0


@virtual
async def test_what_was_emitted_waits_in_the_inbox() -> None:
    async with start(Queue(StalledSink(), 1), drain=0) as live:
        for n in range(3):
            live.emit(n)
            await asyncio.sleep(1)
        assert live.snapshot().pending == 3


@virtual
async def test_the_ledger_of_a_removed_target_is_kept_for_the_report() -> None:
    fan = Broadcast([Queue(Blackhole())])
    async with start(fan) as live:
        for life in range(3):
            queue = named("member", Queue(RecordingSink()))
            await live.add(fan, queue)
            for n in range(life + 1):
                await live.write({"n": n})
            await live.remove(queue)
            await asyncio.sleep(5)
        snapshot = live.snapshot()
    assert snapshot.removed["member"].delivered == 6
    assert snapshot.removed["member"].residue == 0
    assert live.report is not None
    assert live.report.snapshot.removed["member"].delivered == 6


@virtual
async def test_a_report_is_plain_values_with_every_term_of_the_law(tmp_path: Path) -> None:
    queue = named("hold", Queue(StalledSink(), 2, when_full="drop_newest"))
    root = Filter(queue, lambda event: event.data["n"] % 2 == 0)
    async with start(root, drain=0, state_dir=tmp_path, disk=VirtualDisk()) as live:
        for n in range(8):
            await live.write({"n": n})
        report = await live.close()
    told = json.loads(json.dumps(report.as_dict()))
    assert told["kept"] == told["saved"] == {"hold": 2}
    assert (told["left"], told["residue"], told["pending"]) == ({}, 0, 2)
    assert told["nodes"]["hold"]["ledger"] == {
        "entered": 4,
        "recovered": 0,
        "replayed_in": 0,
        "delivered": 0,
        "filtered": {},
        "dropped": {"drop_newest": 2},
        "dead_lettered": 0,
        "returned": 0,
        "pending": 2,
        "residue": 0,
    }
    assert sum(told["nodes"]["filter"]["ledger"]["filtered"].values()) == 4
