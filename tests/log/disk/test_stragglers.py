"""A log stays small whoever lags behind in it: what stands between stragglers is given back."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import Any

import pytest

from sinkgraph.clock import Request
from sinkgraph.log.disk import stragglers, thinning
from sinkgraph.log.disk.salvage import check, repair
from sinkgraph.log.disk.store import Store
from sinkgraph.testing import Destination, World, simulate

PARKED = 500  # one number in so many is parked
SICK = "http://sick.test"
WELL = "http://well.test"
PAYLOAD = "x" * 200
SPARE = 400
PARTS = 8


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(stragglers, "_SPARE", SPARE)
    monkeypatch.setattr(thinning, "_ROWS", 50)
    return iter(())


def hook(origin: str, **retry: Any) -> dict[str, Any]:
    http = {"kind": "http", "url": f"{origin}/in", "format": "ndjson", "max_batch": 100}
    backoff = {"base": "100ms", "cap": "1s"}
    return {"kind": "retry", "backoff": backoff, **retry, "max_attempts": 10**9, "to": http}


def document(to: Any, **queue: Any) -> dict[str, Any]:
    sick = {"kind": "queue", "store": "disk", "to": to, **queue}
    well = {"kind": "queue", "store": "disk", "to": hook(WELL)}
    return {
        "sinkgraph": 1,
        "name": "stragglers",
        "sources": {"in": {"kind": "inlet", "to": "fan"}},
        "sinks": {"fan": {"kind": "broadcast", "to": ["sick", "well"]}, "sick": sick, "well": well},
    }


FILTERED = document(hook(SICK), concurrency=1)
FILTERED["sinks"]["few"] = {"kind": "filter", "where": "data.n % 200 == 7", "to": "sick"}
FILTERED["sinks"]["fan"]["to"] = ["few", "well"]

GRAPHS: dict[str, dict[str, Any]] = {
    "one event is parked": document(hook(SICK, hold="event")),
    "one key is parked": document(hook(SICK, hold="key"), order_by="data.n % 500", concurrency=2),
    "a lane holds on, the rest is shed": document(
        hook(SICK), when_full="drop_oldest", capacity=150
    ),
    "a branch sees few events": FILTERED,
    "an optional branch": document(hook(SICK), capacity=150),
}
GRAPHS["an optional branch"]["sinks"]["fan"]["to"][0] = {"node": "sick", "required": False}


def stick(sick: Destination, name: str) -> None:
    """Let the sick destination fail event 7, or everything."""

    def judge(request: Request) -> int | None:
        return 503 if any(n % PARKED == 7 for n in _numbers(request.body)) else None

    if "parked" in name:
        sick.judge = judge
    else:
        sick.down(0, 1e9)


def _numbers(body: bytes) -> list[int]:
    return [int(line.split(b":")[1].split(b",")[0]) for line in body.splitlines()]


def numbers(destination: Destination) -> list[int]:
    return [payload["n"] for payload in destination.payloads]


def stored(world: World) -> tuple[int, int]:
    """Return how many bytes of events stand in the logs, and how large the file is."""
    store = Store.open(world.state_dir, vfs=world.faults.name, read_only=True)
    try:
        held = store.select("SELECT sum(size) FROM rows WHERE key >= 1 << 44")[0][0]
    finally:
        store.close()
    return held or 0, os.path.getsize(store.path)


async def write(live: Any, low: int, high: int) -> None:
    for n in range(low, high, 50):
        await live.write_many([{"n": k, "text": PAYLOAD} for k in range(n, n + 50)])
        if n % 1_000 == 0:
            await asyncio.sleep(0.3)


@pytest.mark.parametrize("name", GRAPHS)
def test_a_log_stays_small_and_what_was_left_arrives_in_order(name: str) -> None:
    async def story(world: World) -> None:
        sick, well = world.destination(SICK), world.destination(WELL)
        stick(sick, name)
        sizes = []
        async with world.run(GRAPHS[name], durable=True) as live:
            for part in range(PARTS):
                await write(live, 2_000 * part, 2_000 * (part + 1))
                await asyncio.sleep(3)
                world.check()
                sizes.append(stored(world))
            pending = live.snapshot()["sick"].ledger.pending
            assert pending, "nothing lags behind"
            most = (2 * pending + SPARE + 600) * (len(PAYLOAD) + 30)
            assert all(held <= most for held, _ in sizes), f"{sizes} of at most {most}"
            largest = max(held for held, _ in sizes)
            assert sizes[-1][1] <= 2 * largest + 500_000, f"the file grows: {sizes}"
            sick.recover()
            sick.judge = None
            assert await live.drain(60)
            ledger = live.snapshot()["sick"].ledger
            assert ledger.dropped.get("damaged", 0) == 0
        assert numbers(well) == list(range(2_000 * PARTS))
        arrived = numbers(sick)
        assert len(arrived) == len(set(arrived)) == ledger.delivered
        if "parked" not in name:
            assert arrived == sorted(arrived)

    simulate(story)


@pytest.mark.parametrize("name", ["one event is parked", "a branch sees few events"])
@pytest.mark.parametrize("dies_after", [3, 11, 25, 60])
def test_a_death_while_room_is_made_loses_nothing(name: str, dies_after: int) -> None:
    async def story(world: World) -> None:
        sick, well = world.destination(SICK), world.destination(WELL)
        stick(sick, name)
        written = lives = 0
        while written < 6_000:
            lives += 1
            async with world.run(GRAPHS[name], durable=True) as live:
                try:
                    while written < 6_000:
                        if lives < 12 and written % 1_000 == 500:
                            world.faults.die_after(
                                world.chance(f"{written}").randint(0, dies_after)
                            )
                        await world.do(write(live, written, written + 50))
                        written += 50
                        await asyncio.sleep(0.01)
                except Exception:
                    assert not world.process or not world.process.alive
                    written += 50  # it may have been stored, and nobody knows
        assert lives > 3
        sick.recover()
        sick.judge = None
        async with world.run(GRAPHS[name], durable=True) as live:
            assert await live.drain(60)
            for one in ("sick", "well"):
                assert live.snapshot()[one].ledger.dropped == {}
        assert check(world.state_dir).sound
        wanted = set(range(6_000))
        missing = wanted - set(numbers(well))
        assert len(missing) <= 50 * lives
        if name == "a branch sees few events":
            wanted = {n for n in wanted if n % 200 == 7}
        assert set(numbers(sick)) == wanted - missing

    simulate(story, seeds=range(2))


def test_a_file_with_holes_is_sound_and_can_be_repaired() -> None:
    async def story(world: World) -> None:
        sick = world.destination(SICK)
        world.destination(WELL)
        stick(sick, "parked")
        graph = GRAPHS["one event is parked"]
        async with world.run(graph, durable=True) as live:
            await write(live, 0, 4_000)
            await asyncio.sleep(3)
            pending = live.snapshot()["sick"].ledger.pending
            await world.crash()
        found = check(world.state_dir)
        assert found.sound, found.problems
        assert sum(one.events for one in found.logs) < 2 * pending + SPARE + 600
        assert not repair(world.state_dir).lost
        sick.recover()
        sick.judge = None
        async with world.run(graph, durable=True) as live:
            assert await live.drain(60)
            assert live.snapshot()["sick"].ledger.dropped == {}
        assert set(numbers(sick)) == set(range(4_000))

    simulate(story)
