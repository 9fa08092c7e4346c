"""A disk queue whose disk fails: writers learn of it, status says so, nothing stored is lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sinkgraph.errors import StoreFailed
from sinkgraph.log.disk import shelf
from sinkgraph.sinks import shelved
from sinkgraph.testing import Destination, World, simulate

ORIGIN = "http://hooks.test"
GRAPH: dict[str, Any] = {
    "sinkgraph": 1,
    "name": "faults",
    "sources": {"in": {"kind": "inlet", "to": "hooks"}},
    "sinks": {
        "hooks": {"kind": "queue", "store": "disk", "to": "again"},
        "again": {"kind": "retry", "backoff": {"base": "100ms", "cap": "1s"}, "to": "hook"},
        "hook": {"kind": "http", "url": f"{ORIGIN}/in", "timeout": "1s"},
    },
}


def numbers(destination: Destination) -> list[int]:
    return [payload["n"] for payload in destination.payloads]


@pytest.mark.parametrize("operation", ["write", "sync"])
def test_a_disk_that_fails_fails_the_queue_and_a_restart_brings_all_of_it(operation: Any) -> None:
    async def story(world: World) -> None:
        hooks = world.destination(ORIGIN).down(0, 4)
        async with world.run(GRAPH, durable=True) as live:
            for n in range(20):
                await live.write({"n": n})
            world.faults.fail(operation, 1, times=1e9)
            with pytest.raises(StoreFailed):
                await live.write({"n": 20})
            with pytest.raises(StoreFailed):
                await live.write({"n": 21})
            await world.until(8)
            node = live.snapshot()["hooks"]
            assert node.status == "failed"
            assert "StoreFailed" in node.facts["last_error"]
            assert len(numbers(hooks)) <= 1, "what is delivered now cannot be noted"
            world.check()
            started = world.now
            assert not await live.drain(60)
            assert world.now < started + 60, "nothing more can be expected of it"
        world.faults.heal()
        async with world.run(GRAPH, durable=True) as live:
            assert await live.drain(60)
            assert live.snapshot()["hooks"].status == "ok"
        assert list(dict.fromkeys(n for n in numbers(hooks) if n < 20)) == list(range(20))
        assert len(numbers(hooks)) <= 23

    simulate(story)


def test_what_cannot_be_read_is_tried_again_with_little_noise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shelved, "_HOT", 4)
    monkeypatch.setattr(shelved, "_AHEAD", 5)
    monkeypatch.setattr(shelf, "_MOST", 10)
    text = "x" * 30_000  # more than SQLite keeps in memory

    async def story(world: World) -> None:
        hooks = world.destination(ORIGIN).down(0, 5)
        async with world.run(GRAPH, durable=True) as live:
            for n in range(0, 400, 4):
                await live.write_many([{"n": n + k, "text": text} for k in range(4)])
            world.faults.fail("read", 1, times=1e9)
            await world.until(200)
            node = live.snapshot()["hooks"]
            assert node.status == "degraded"
            assert "EIO" in node.facts["last_error"] or "read" in node.facts["last_error"]
            told = [one for one in world.trace.of("journal") if one["kind"] == "read_failed"]
            assert 2 <= len(told) <= 5
            assert len(numbers(hooks)) < 400
            world.faults.heal()
            assert await live.drain(60)
            assert live.snapshot()["hooks"].status == "ok"
        assert numbers(hooks) == list(range(400))

    simulate(story)


def test_a_disk_that_does_not_answer_fails_the_queue_and_its_late_answer_changes_nothing() -> None:
    async def story(world: World) -> None:
        hooks = world.destination(ORIGIN)
        async with world.run(GRAPH, durable=True) as live:
            await live.write({"n": 0})
            await asyncio.sleep(1)
            world.stall_disk(world.now, 45)
            with pytest.raises(StoreFailed):
                await live.write({"n": 1})
            assert live.snapshot()["hooks"].status == "failed"
            await asyncio.sleep(60)
            with pytest.raises(StoreFailed):
                await live.write({"n": 2})
            world.check()
            assert numbers(hooks) == [0]
        async with world.run(GRAPH, durable=True) as live:
            assert await live.drain(60)
        assert numbers(hooks) in ([0], [0, 1])  # it was stored after all, and nobody knew

    simulate(story)
