"""What is rejected of a batch is buried together: in order, in one commit, owed until then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

import sinkgraph as sg
from sinkgraph.errors import DeliveryFailed, Rejected
from sinkgraph.event import Event, as_batch
from sinkgraph.log.disk.letters import tell
from sinkgraph.log.owed import Claim
from sinkgraph.sinks import DeadLetters, Queue, Retry
from sinkgraph.testing import RecordingSink, World, simulate
from tests.sinks.rig import Target

Judge = Callable[[Event], bool]


class Judging:
    """Rejects a batch that holds an event at fault, takes others; each write takes `takes_s`."""

    def __init__(self, at_fault: Judge, takes_s: float = 0.0) -> None:
        self.at_fault = at_fault
        self.takes_s = takes_s
        self.taken: list[int] = []

    async def write(self, events: Sequence[Event]) -> None:
        """Judge."""
        if self.takes_s:
            await asyncio.sleep(self.takes_s)
        if any(map(self.at_fault, events)):
            raise Rejected("at fault")
        self.taken += [event.data["n"] for event in events]

    async def close(self) -> None:
        """Hold nothing."""


def values(n: int) -> list[dict[str, int]]:
    return [{"n": k} for k in range(n)]


async def buried(live: sg.Live) -> list[int]:
    node = live.topology.assembly.dead_letters
    assert isinstance(node, DeadLetters)
    told = [tell(one) for one in await node.letters(limit=10_000)]
    return [one.event.data["n"] for one in told if one is not None]


@pytest.mark.parametrize("retried", [False, True])
def test_a_batch_that_is_rejected_whole_is_buried_in_order_in_one_commit(retried: bool) -> None:
    async def story(world: World) -> None:
        sink = Judging(lambda _: True)
        queue = Queue(Retry(sink) if retried else sink, store="disk")
        async with world.run(queue, durable=True) as live:
            depot = live.topology.ctx.depot
            assert depot is not None
            await live.write_many(values(500))
            stored = depot.commits
            assert await live.drain(60)
            assert await buried(live) == list(range(500))
            assert depot.commits - stored <= 2  # the letters, and the acks
            ledger = live.snapshot()["queue"].ledger
            assert ledger.dead_lettered + ledger.delivered == 500
            assert live.snapshot().residue == 0

    simulate(story)


@pytest.mark.parametrize("retried", [False, True])
def test_what_is_at_fault_here_and_there_is_buried_and_the_rest_delivered(retried: bool) -> None:
    def at_fault(event: Event) -> bool:
        return bool(event.data["n"] % 7 == 3)

    async def story(world: World) -> None:
        sink = Judging(at_fault)
        queue = Queue(Retry(sink) if retried else sink, store="disk", max_bytes=1 << 20)
        async with world.run(queue, durable=True) as live:
            await live.write_many(values(300))
            assert await live.drain(60)
            assert await buried(live) == [n for n in range(300) if n % 7 == 3]
            assert sink.taken == [n for n in range(300) if n % 7 != 3]
            facts = live.snapshot()["queue"]
            assert (facts.facts["depth"], facts.facts["bytes"]) == (0, 0)
            assert live.snapshot().residue == 0

    simulate(story)


def test_the_ledger_is_right_while_rejects_wait_to_be_buried() -> None:
    async def story(world: World) -> None:
        queue = Queue(Judging(lambda _: True, takes_s=0.01))
        async with world.run(queue, durable=True) as live:
            await live.write_many(values(32))
            owed = 32
            while owed:
                snapshot = live.snapshot()
                ledger = snapshot["queue"].ledger
                assert ledger.pending + ledger.dead_lettered == 32
                assert snapshot.residue == 0
                assert ledger.pending <= owed
                owed = ledger.pending
                await asyncio.sleep(0.005)
            assert await buried(live) == list(range(32))

    simulate(story)


def test_rejects_of_a_slow_sink_do_not_wait_for_the_end_of_their_batch() -> None:
    async def story(world: World) -> None:
        queue = Queue(Judging(lambda _: True, takes_s=1.0))
        async with world.run(queue, durable=True) as live:
            await live.write_many(values(8))
            await asyncio.sleep(4.5)  # writes of 8, 4, 2 and 1 have ended
            assert await buried(live) == []
            await asyncio.sleep(1.0)  # and one more, so the first was rejected a second ago
            assert await buried(live) == [0, 1]

    simulate(story)


def test_a_stop_in_between_keeps_what_was_rejected_and_is_not_buried() -> None:
    hang = asyncio.Event()

    class Hanging(Judging):
        """Rejects until event 2 stands alone; that one hangs."""

        async def write(self, events: Sequence[Event]) -> None:
            """Judge, or hang."""
            if [event.data["n"] for event in events] == [2]:
                await hang.wait()
            await super().write(events)

    async def story(world: World) -> None:
        async with world.run(Queue(Hanging(lambda _: True), store="disk"), durable=True) as live:
            await live.write_many(values(4))
            await asyncio.sleep(0.1)
            report = await live.close(deadline=4)
            assert report.kept == {"queue": 4}
            assert (report.left, report.residue) == ({}, 0)
        sink = Judging(lambda _: False)
        async with world.run(Queue(sink, store="disk"), durable=True) as live:
            assert live.snapshot()["queue"].ledger.recovered == 4
            assert await live.drain(10)
        assert sink.taken == [0, 1, 2, 3]

    simulate(story)


def test_what_was_rejected_before_a_failure_is_buried_before_the_next_attempt() -> None:
    async def story(world: World) -> None:
        # both, the first, the second, and it once more
        target = Target(Rejected("no"), Rejected("no"), DeliveryFailed("later"))
        async with world.run(Queue(target), durable=True) as live:
            await live.write_many(values(2))
            await asyncio.sleep(0.01)
            assert len(target.writes) == 3
            assert await buried(live) == [0]
            assert await live.drain(10)
            assert live.snapshot()["queue"].ledger.delivered == 1

    simulate(story)


class Picky(RecordingSink):
    """Takes no batch with the event it does not like."""

    async def write(self, events: Sequence[Event]) -> None:
        """Refuse, or take."""
        if any(event.data["n"] == 1 for event in events):
            raise Rejected("not this one")
        await super().write(events)


def test_a_port_that_will_not_take_one_letter_gets_the_others() -> None:
    async def story(world: World) -> None:
        grave = Picky()
        queue = Queue(Judging(lambda _: True), dead_letter=grave)
        async with world.run(queue) as live:
            await live.write_many(values(4))
            await asyncio.sleep(30)
            assert [event.data["n"] for event in grave.events] == [0, 2, 3]
            ledger = live.snapshot()["queue"].ledger
            assert (ledger.pending, ledger.dead_lettered) == (1, 3)
            await live.close(deadline=1)

    simulate(story)


def test_parts_that_end_together_are_counted_when_no_branch_owes_them() -> None:
    async def write(_: Sequence[Event]) -> None:
        return None

    async def other(_: Sequence[Event]) -> None:
        return None

    batch = as_batch([Event(str(k)) for k in range(4)])
    whole = (write, batch)
    halves = [(write, batch[:2]), (write, batch[2:])]
    claim = Claim(whole, 40)
    claim.split(whole, halves)
    assert (claim.end(halves[:1], len), claim.left) == ((2, 38), 2)
    claim = Claim(whole, 40)
    claim.replace(whole, [*halves, (other, batch)])
    assert (claim.end(halves), claim.left) == ((0, 0), 4)
