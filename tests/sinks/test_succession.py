"""One queue, another store or another capacity: what is stored comes first, and all of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sinkgraph.errors import Overloaded
from sinkgraph.simulation.faults import Ending
from sinkgraph.sinks import shelved
from sinkgraph.testing import Destination, World, simulate

ORIGIN = "http://hooks.test"


def graph(**queue: Any) -> dict[str, Any]:
    hook = {"kind": "http", "url": f"{ORIGIN}/in", "timeout": "1s"}
    retry = {"kind": "retry", "backoff": {"base": "100ms", "cap": "1s"}, "to": hook}
    return {
        "sinkgraph": 1,
        "name": "one-hook",
        "sources": {"in": {"kind": "inlet", "to": "hooks"}},
        "sinks": {"hooks": {"kind": "queue", "to": retry, **queue}},
    }


def numbers(destination: Destination) -> list[int]:
    return [payload["n"] for payload in destination.payloads]


def batch(low: int, high: int) -> list[dict[str, int]]:
    return [{"n": n} for n in range(low, high)]


@pytest.fixture(autouse=True, params=[4, 4_000])
def _in_memory(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelved, "_HOT", request.param)


@pytest.mark.parametrize("stores", [["disk", "memory"], ["memory", "disk"]])
@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_what_one_store_holds_comes_before_what_the_other_takes(
    stores: list[str], ending: str
) -> None:
    async def story(world: World) -> None:
        hooks = world.destination(ORIGIN).down(0, 30)
        first, second = stores
        for life, store in enumerate([first, second, first, second]):
            async with world.run(graph(store=store), durable=True, drain=0) as live:
                await live.write_many(batch(30 * life, 30 * life + 20))
                for n in range(30 * life + 20, 30 * life + 30):
                    await live.write({"n": n})
                assert live.snapshot()["hooks"].ledger.pending == 30 * (life + 1)
                await asyncio.sleep(1)
                world.check()
                if ending == "kill" and store == "disk":
                    await world.crash()  # what was saved before is there, whatever holds it now
        hooks.recover()
        async with world.run(graph(store=second), durable=True) as live:
            await live.write_many(batch(120, 130))
            assert await live.drain(60)
            assert live.snapshot()["hooks"].ledger.dropped == {}
        assert numbers(hooks) == list(range(130))
        async with world.run(graph(store=first), durable=True) as live:
            assert live.snapshot()["hooks"].ledger.recovered == 0

    simulate(story)


@pytest.mark.parametrize("when_full", ["block", "reject"])
@pytest.mark.parametrize("store", ["disk", "memory"])
def test_a_capacity_below_what_is_stored_drops_nothing_and_lets_nothing_in_until_it_fits(
    when_full: str, store: str
) -> None:
    async def story(world: World) -> None:
        hooks = world.destination(ORIGIN, latency=0.01).down(0, 10)
        async with world.run(graph(store="disk"), durable=True, drain=0) as live:
            await live.write_many(batch(0, 50))
        small = graph(store=store, capacity=10, when_full=when_full)
        async with world.run(small, durable=True) as live:
            with pytest.raises(Overloaded):
                await live.write({"n": 50}, timeout=1)
            queue = live.snapshot()["hooks"]
            assert (queue.facts["depth"], queue.facts["capacity"]) == (50, 10)
            await world.until(10)
            while True:
                try:
                    await live.write({"n": 50}, timeout=0.05)
                    break
                except Overloaded:
                    await asyncio.sleep(0.01)
                    assert live.snapshot()["hooks"].facts["depth"] >= 9
            assert live.snapshot()["hooks"].facts["depth"] <= 10
            assert await live.drain(60)
            assert live.snapshot()["hooks"].ledger.dropped == {}
        assert numbers(hooks) == list(range(51))

    simulate(story)


@pytest.mark.parametrize("ending", ["kill", "power"])
def test_what_a_memory_queue_took_over_from_disk_outlives_its_crash(ending: Ending) -> None:
    async def story(world: World) -> None:
        hooks = world.destination(ORIGIN).down(0, 10)
        async with world.run(graph(store="disk"), durable=True, drain=0) as live:
            await live.write_many(batch(0, 50))
        async with world.run(graph(store="memory"), durable=True) as live:
            await live.write_many(batch(50, 60))
            await world.until(8)
            await world.crash(ending)
        async with world.run(graph(store="memory"), durable=True) as live:
            assert await live.drain(60)
        assert numbers(hooks) == list(range(50)), "the ten were in memory only"

    simulate(story)
