"""What every source does: hand on once or until taken, with the ledger kept."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sinkgraph.errors import DeliveryFailed, Overloaded, Owed, PartialWrite, Rejected, SinkClosed
from sinkgraph.event import Batch
from sinkgraph.sinks.backoff import ExponentialBackoff
from sinkgraph.sinks.base import Link
from sinkgraph.sinks.blackhole import Blackhole
from sinkgraph.sources import base
from sinkgraph.sources.base import Hosted, SourceNode
from tests.support.contexts import Recorder, dead_letters, make_context


class Idle(SourceNode):
    """Waits for its end."""

    async def pump(self) -> None:
        await self._stop.wait()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_BACKOFF", ExponentialBackoff(base=0.0, cap=0.01))


def source(sink: Any) -> Idle:
    made = Idle(sink)
    made.name = "in"
    made.bind(make_context())
    return made


def part(sink: Recorder, batch: Batch, error: Exception) -> Owed:
    return Owed(sink.write, batch, error)


async def test_ids_are_unique_and_the_source_is_its_name() -> None:
    sink = Recorder()
    first, second = source(sink), source(sink)
    for one in (first, second, first):
        await one.put(one.stamp([1, 2]))
    assert len({event.id for event in sink.events}) in (4, 6)
    assert len({event.id for event in sink.events[:2] + sink.events[4:]}) == 4
    assert {event.source for event in sink.events} == {"in"}
    assert all(event.time > 1e9 for event in sink.events)


async def test_an_instant_target_takes_at_once() -> None:
    hole = Blackhole()
    one = source(hole)
    await one.put(one.stamp([1, 2]))
    await one.deliver(one.stamp([3]))
    assert hole.ledger.delivered == 3
    assert one.ledger.delivered == 3
    assert one.account().residue == 0


async def test_put_hands_on_once() -> None:
    sink = Recorder(Overloaded("full"))
    one = source(sink)
    with pytest.raises(Overloaded):
        await one.put(one.stamp([1, 2]), 0.1)
    assert (one.ledger.entered, one.ledger.returned) == (2, 2)
    assert one.account().residue == 0


async def test_deliver_tries_until_it_is_taken() -> None:
    sink = Recorder(Overloaded("full"), DeliveryFailed("down"), RuntimeError("bug"))
    one = source(sink)
    await one.deliver(one.stamp([1, 2]))
    assert sink.data == [1, 2]
    assert one.ledger.delivered == 2
    assert one.status == "ok"
    assert one.account().residue == 0


async def test_deliver_pays_only_what_is_owed_and_buries_what_is_rejected() -> None:
    sink = Recorder()
    one = source(sink)
    batch = one.stamp([0, 1, 2, 3])
    sink.errors.append(
        PartialWrite(
            [
                part(sink, batch[1:2], Rejected("never")),
                part(sink, batch[3:4], DeliveryFailed("later")),
            ]
        )
    )
    await one.deliver(batch)
    assert sink.data == [3]
    (dead,) = dead_letters(one.bound)
    assert dead.data == 1
    assert dead.meta["reason"] == "rejected"
    assert dead.meta["errors"] == ["never"]
    assert (one.ledger.delivered, one.ledger.dead_lettered) == (3, 1)
    assert one.account().residue == 0


async def test_a_rejected_batch_is_buried_whole() -> None:
    sink = Recorder(Rejected("never"))
    one = source(sink)
    await one.deliver(one.stamp([0, 1]))
    assert [event.data for event in dead_letters(one.bound)] == [0, 1]
    assert one.ledger.dead_lettered == 2
    assert one.account().residue == 0


async def test_two_branches_may_owe_the_same_event() -> None:
    sink = Recorder()
    one = source(sink)
    batch = one.stamp([0, 1])
    sink.errors.append(
        PartialWrite([part(sink, batch, DeliveryFailed("a")), part(sink, batch, Rejected("b"))])
    )
    await one.deliver(batch)
    assert sink.data == [0, 1]
    assert one.account().residue == 0


async def test_a_closed_target_ends_the_source() -> None:
    sink = Recorder(DeliveryFailed("down"), SinkClosed("closed"))
    one = source(sink)
    with pytest.raises(SinkClosed):
        await one.deliver(one.stamp([0, 1]))
    assert one.ledger.returned == 2
    assert one.account().residue == 0


async def test_a_cancelled_delivery_is_returned() -> None:
    sink = Recorder()
    sink.gate.clear()
    one = source(sink)
    task = asyncio.ensure_future(one.deliver(one.stamp([0])))
    await sink.asked.wait()
    assert one.pending() == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert one.ledger.returned == 1
    assert one.account().residue == 0


async def test_stop_ends_run() -> None:
    one = source(Recorder())
    running = asyncio.ensure_future(one.run(one.to))
    await asyncio.sleep(0)
    assert not running.done()
    one.stop()
    one.stop()
    await running


class Counting:
    """Is a source of a third party."""

    def __init__(self, n: int, hang: bool = False) -> None:
        self.n, self.hang, self.closed = n, hang, 0
        self.position = 0
        self.began_at: Any = "unset"

    async def run(self, out: Link, position: Any) -> None:
        self.began_at = position
        for k in range(position or 0, self.n):
            await out.write(Batch.from_payloads([k], "c", k, source="", type="t", time=0.0))
            self.position = k + 1
        if self.hang:
            await asyncio.Event().wait()

    async def close(self) -> None:
        self.closed += 1


def hosted(given: Any, sink: Any) -> Hosted:
    made = Hosted(given, sink)
    made.name = "theirs"
    made.bind(make_context())
    return made


async def test_a_hosted_source_is_counted_and_ends() -> None:
    sink, given = Recorder(), Counting(3)
    node = hosted(given, sink)
    await node.run(node.to, 1)
    assert sink.data == [1, 2]
    assert given.began_at == 1
    assert node.position == 3
    assert node.ledger.delivered == 2
    await node.close()
    await node.close()
    assert given.closed == 1


async def test_a_hosted_source_without_stop_is_cancelled() -> None:
    sink, node = Recorder(), None
    node = hosted(Counting(2, hang=True), sink)
    running = asyncio.ensure_future(node.run(node.to))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    node.stop()
    await running
    assert sink.data == [0, 1]


async def test_an_error_of_a_hosted_source_is_raised() -> None:
    sink = Recorder(RuntimeError("bug"))
    node = hosted(Counting(1), sink)
    with pytest.raises(RuntimeError, match="bug"):
        await node.run(node.to)
    assert node.account().residue == 0


def test_what_cannot_run_is_no_source() -> None:
    with pytest.raises(TypeError, match="is not a source"):
        Hosted(object(), Recorder())  # type: ignore[arg-type]
