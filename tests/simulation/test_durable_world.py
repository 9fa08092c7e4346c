"""Worlds with a disk: what was accepted there outlives kills, power cuts and deaths in a commit."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sinkgraph.simulation.faults import Ending, Kept
from sinkgraph.simulation.producer import Producer
from sinkgraph.simulation.world import World, simulate

ORIGIN = "http://hooks.test"
DOCUMENT: dict[str, Any] = {
    "sinkgraph": 1,
    "name": "one-hook",
    "sources": {"in": {"kind": "inlet", "to": "hooks"}},
    "sinks": {
        "hooks": {"kind": "queue", "store": "disk", "to": "again"},
        "again": {"kind": "retry", "backoff": {"base": "100ms", "cap": "1s"}, "to": "hook"},
        "hook": {"kind": "http", "url": f"{ORIGIN}/in", "timeout": "1s"},
    },
}


async def delivered(world: World, producer: Producer) -> set[int]:
    """Let the producer end and the graph drain; return the numbers that arrived."""
    async with world.run(DOCUMENT, durable=True) as live:
        await producer.wait()
        assert await live.drain(60)
    return {payload["n"] for payload in world.destination(ORIGIN).payloads}


@pytest.mark.parametrize(
    ("ending", "kept"),
    [("kill", "all"), ("power", "all"), ("power", "none"), ("power", "some"), ("power", "first")],
)
def test_what_was_accepted_outlives_the_process(ending: Ending, kept: Kept) -> None:
    async def story(world: World) -> None:
        world.destination(ORIGIN).down(0, 20)
        world.disk_latency = (0.001, 0.05)
        world.crash_at(6, ending, kept)
        async with world.run(DOCUMENT, durable=True):
            producer = world.produce("p", count=120, every=(0, 0.2), batch=(1, 5))
            assert not await world.survives(10)
        arrived = await delivered(world, producer)
        assert len(world.crashes) == 1
        assert set(producer.accepted) <= arrived
        assert len(producer.accepted) > 100

    simulate(story, seeds=range(3))


@pytest.mark.parametrize("changes", [0, 1, 7, 20])
def test_a_death_in_the_middle_of_a_commit_is_one_death_and_loses_nothing(changes: int) -> None:
    async def story(world: World) -> None:
        world.destination(ORIGIN).down(0, 20)
        async with world.run(DOCUMENT, durable=True):
            world.faults.die_after(changes)
            producer = world.produce("p", count=60, every=(0, 0.2), batch=(1, 5))
            assert not await world.survives(30)
        arrived = await delivered(world, producer)
        assert len(world.crashes) == 1
        assert set(producer.accepted) <= arrived
        assert len(producer.accepted) > 40

    simulate(story, seeds=range(3))


def test_a_full_disk_refuses_stores_nothing_and_recovers_by_itself() -> None:
    async def story(world: World) -> None:
        world.destination(ORIGIN)
        world.faults.full(at=3, for_s=4)
        async with world.run(DOCUMENT, durable=True):
            producer = world.produce("p", count=60, every=0.2)
            await world.until(7)
            assert producer.refused
            await producer.wait()
        arrived = await delivered(world, producer)
        assert arrived == set(producer.accepted)
        late = [one for one in producer.letters if one.began >= 8.5]
        assert {one.outcome for one in late} == {"accepted"}
        assert len(late) > 10

    simulate(story)


def test_a_stalled_disk_delays_who_waits_for_it() -> None:
    async def story(world: World) -> float:
        async with world.run(DOCUMENT, durable=True) as live:
            await live.write({"n": 0})
            world.stall_disk(world.now, 5)
            await live.write({"n": 1})
            return world.now

    assert simulate(story) == pytest.approx(5, abs=0.01)


def test_a_disk_that_failed_takes_nothing_until_the_next_start() -> None:
    async def story(world: World) -> None:
        world.destination(ORIGIN)
        async with world.run(DOCUMENT, durable=True):
            world.faults.fail("sync")
            producer = world.produce("p", count=20, every=0.1)
            await asyncio.sleep(1)
            outcomes = [letter.outcome for letter in producer.letters]
            assert set(outcomes) == {"unknown"}
        arrived = await delivered(world, producer)
        assert set(producer.accepted) <= arrived
        assert producer.accepted

    simulate(story)


@pytest.mark.parametrize("latency_s", [0.001, 0.02, 0.06, 0.2])
def test_what_was_delivered_a_second_ago_is_not_delivered_again(latency_s: float) -> None:
    async def story(world: World) -> None:
        hooks = world.destination(ORIGIN)
        world.disk_latency = latency_s
        async with world.run(DOCUMENT, durable=True) as live:
            await live.write({"n": 0})
            await asyncio.sleep(1)
            await world.crash()
        async with world.run(DOCUMENT, durable=True) as live:
            assert live.snapshot()["hooks"].ledger.recovered == 0
            assert await live.drain(60)
        assert hooks.payloads == [{"n": 0}]

    simulate(story)
