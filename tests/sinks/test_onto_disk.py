"""What a queue held in memory is on disk soon after a reload has put the queue there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from sinkgraph.simulation.world import World, simulate
from sinkgraph.sinks.queue import Queue

HOST = "http://hooks.test"
N = 2_500


def document(**queue: Any) -> dict[str, Any]:
    return {
        "sinkgraph": 1,
        "name": "moving",
        "sources": {"in": {"kind": "inlet", "to": "hooks"}},
        "sinks": {
            "hooks": {"kind": "queue", "to": "again", "max_batch": 100, **queue},
            "again": {"kind": "retry", "to": "hook", "backoff": {"base": "1s", "cap": "1s"}},
            "hook": {"kind": "http", "url": f"{HOST}/in", "format": "ndjson"},
        },
    }


def taken(world: World) -> list[int]:
    """Return what the endpoint took, in order."""
    return [one["n"] for one in world.destination(HOST).payloads]


async def fill(world: World, live: Any) -> None:
    world.destination(HOST).down(0.0, how="503")
    for at in range(0, N, 500):
        await live.write_many([{"n": n} for n in range(at, at + 500)])
    await asyncio.sleep(0.5)


def facts(live: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = live.snapshot()["hooks"].facts
    return found


@pytest.mark.parametrize("ending", ["kill", "power"])
def test_a_crash_after_a_queue_went_to_disk_costs_at_most_what_a_lane_held(ending: Any) -> None:
    async def story(world: World) -> None:
        live = await world.start(document(), durable=True)
        await fill(world, live)
        assert await live.reload(document(store="disk"))
        world.check()
        await asyncio.sleep(1.0)
        world.check()
        assert facts(live)["depth"] == N
        await world.crash(ending)
        world.destination(HOST).recover()
        async with world.run(document(store="disk"), durable=True) as again:
            assert await again.drain(60.0)
        assert taken(world) == list(range(100, N))

    simulate(story)


def test_what_comes_after_a_queue_went_to_disk_is_delivered_after_what_it_held() -> None:
    async def story(world: World) -> None:
        async with world.run(document(), durable=True) as live:
            await fill(world, live)
            assert await live.reload(document(store="disk"))
            await live.write_many([{"n": n} for n in range(N, N + 300)])
            world.check()
            world.destination(HOST).recover()
            assert await live.drain(60.0)
            world.check()
        assert taken(world) == list(range(N + 300))

    simulate(story)


def test_on_a_full_disk_what_a_queue_held_stays_in_memory_in_its_place() -> None:
    async def story(world: World) -> None:
        async with world.run(document(), durable=True) as live:
            await fill(world, live)
            world.faults.full(world.now, 3.0)
            assert await live.reload(document(store="disk"))
            await asyncio.sleep(1.0)
            world.check()
            assert facts(live)["depth"] == N
            await asyncio.sleep(3.0)
            await live.write_many([{"n": N}])
            world.destination(HOST).recover()
            assert await live.drain(60.0)
        assert taken(world) == list(range(N + 1))

    simulate(story)


def test_an_event_that_cannot_be_stored_keeps_all_of_them_in_memory() -> None:
    async def story(world: World) -> None:
        async with world.run(document(), durable=True) as live:
            world.destination(HOST).down(0.0, how="503")
            await live.write_many([{"n": n} for n in range(100)])
            await asyncio.sleep(0.5)
            await live.write_many([{"n": n} for n in range(100, 300)])
            await live.write_many([{"n": Unknown()}])
            assert await live.reload(document(store="disk"))
            await asyncio.sleep(1.0)
            world.check()
            kinds = [entry.kind for entry in live.topology.journal.entries]
            assert "events_stay_in_memory" in kinds
            world.destination(HOST).recover()
            assert await live.drain(60.0)
        assert taken(world) == list(range(300))

    simulate(story)


class Unknown:
    """Is what no format has a word for."""


def below(first: str, to: Any) -> dict[str, Any]:
    """Return a document whose queue `hooks` is kept in `first`, with what stands above it."""
    sinks = {
        "again": {"kind": "retry", "to": "hook", "backoff": {"base": "1s", "cap": "1s"}},
        "hook": {"kind": "http", "url": f"{HOST}/in", "format": "ndjson"},
        "hooks": {"kind": "queue", "to": "again", "store": first, "max_bytes": "10MiB"},
        **to,
    }
    inlet = {"in": {"kind": "inlet", "to": "fan"}}
    return {"sinkgraph": 1, "name": "moving", "sources": inlet, "sinks": sinks}


def test_what_another_queue_has_on_disk_is_not_taken_for_its_own() -> None:
    beside = {
        "fan": {"kind": "broadcast", "to": ["log", "hooks"]},
        "log": {"kind": "queue", "store": "disk", "to": {"kind": "blackhole"}},
    }
    above = {
        "fan": {"kind": "broadcast", "to": ["log"]},
        "log": {"kind": "queue", "store": "disk", "to": "hooks"},
    }

    async def story(world: World) -> None:
        async with world.run(below("disk", beside), durable=True) as live:
            world.destination(HOST).down(0.0, how="503")
            for at in range(0, 6_000, 1_000):  # more than is kept in memory too
                await live.write_many([{"n": n} for n in range(at, at + 1_000)])
            await asyncio.sleep(0.5)
            assert await live.reload(below("memory", above))
            await live.write_many([{"n": n} for n in range(6_000, 6_010)])
            await asyncio.sleep(0.5)
            world.check()
            world.destination(HOST).recover()
            assert await live.drain(60.0)
        assert taken(world) == list(range(6_010))

    simulate(story)


def test_what_is_written_while_a_queue_goes_to_disk_does_not_overtake_what_it_held() -> None:
    beside = {
        "fan": {"kind": "broadcast", "to": ["log", "hooks"]},
        "log": {"kind": "queue", "store": "disk", "to": {"kind": "blackhole"}},
    }

    async def story(world: World) -> None:
        async with world.run(below("memory", beside), durable=True) as live:
            world.destination(HOST).down(0.0, how="503")
            await live.write_many([{"n": n} for n in range(10)])
            await asyncio.sleep(0.5)
            await live.write_many([{"n": n} for n in range(10, 20)])
            writing = world.spawn(live.write_many([{"n": n} for n in range(20, 30)]), "writing")
            queue = live.topology.nodes["hooks"]
            assert isinstance(queue, Queue)
            for _ in range(100):  # until the write is on its way to the disk
                await asyncio.sleep(0)
                if queue.reserved:
                    break
            assert queue.reserved
            assert await live.reload(below("disk", beside))
            world.check()
            await live.write_many([{"n": n} for n in range(30, 40)])
            await writing
            world.destination(HOST).recover()
            assert await live.drain(60.0)
            world.check()
        assert taken(world) == list(range(40))

    simulate(story)


def test_a_queue_that_left_the_disk_comes_back_when_it_has_delivered_what_is_there() -> None:
    async def story(world: World) -> None:
        async with world.run(document(store="disk"), durable=True) as live:
            world.destination(HOST).down(0.0, how="503")
            for at in range(0, 6_000, 1_000):
                await live.write_many([{"n": k} for k in range(at, at + 1_000)])
            await asyncio.sleep(0.5)
            assert await live.reload(document())
            await live.write_many([{"n": 6_000}])
            refused = await live.reload(document(store="disk"))
            assert not refused
            assert "it can go back when that is done" in str(refused)
            world.destination(HOST).recover()
            assert await live.drain(60.0)
            assert await live.reload(document(store="disk"))
            await live.write_many([{"n": 6_001}])
            assert await live.drain(60.0)
        assert taken(world) == list(range(6_002))

    simulate(story)


def test_a_queue_that_leaves_the_disk_and_comes_back_stores_nothing_twice() -> None:
    n = 20

    async def story(world: World) -> None:
        async with world.run(document(store="disk"), durable=True) as live:
            world.destination(HOST).down(0.0, how="503")
            for at in range(0, n, 1_000):
                await live.write_many([{"n": k} for k in range(at, min(n, at + 1_000))])
            await asyncio.sleep(0.5)
            assert await live.reload(document())
            await live.write_many([{"n": n}])
            assert await live.reload(document(store="disk"))
            await live.write_many([{"n": n + 1}])
            await asyncio.sleep(0.5)
            world.check()
            queue = live.topology.nodes["hooks"]
            assert isinstance(queue, Queue)
            assert queue.shelf is not None
            assert queue.shelf.pending <= queue.depth() == n + 2
            world.destination(HOST).recover()
            assert await live.drain(60.0)
            assert queue.shelf.pending == 0
        assert taken(world) == list(range(n + 2))

    simulate(story)
