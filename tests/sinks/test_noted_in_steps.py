"""What is noted of a batch while the rest is under way has arrived everywhere it has to.

Whatever stands between a disk queue and its endpoints, a crash in the middle loses nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import pytest

from sinkgraph.clock import Request
from sinkgraph.log import receipts
from sinkgraph.testing import Destination, World, simulate
from tests.sinks.rig import events

A, B = "http://a.test", "http://b.test"
BACKOFF = {"base": "50ms", "cap": "500ms"}
COUNT = 240


def http(origin: str, **options: Any) -> dict[str, Any]:
    url = f"{origin}/in"
    return {"kind": "http", "url": url, "timeout": "1s", "format": "ndjson", **options}


def retry(to: Any, **options: Any) -> dict[str, Any]:
    return {"kind": "retry", "backoff": BACKOFF, "to": to, **options}


BOTH = {"kind": "broadcast", "to": ["to-a", "to-b"]}
PARITY = {"kind": "route", "routes": [{"when": "data.n % 2 == 0", "to": "to-a"}]}
WAYS: dict[str, dict[str, Any]] = {
    "a retry above a broadcast": retry({"name": "both", **BOTH}),
    "a broadcast of retries": {"kind": "broadcast", "to": ["again-a", "again-b"]},
    "a broadcast, and the queue itself tries again": BOTH,
    "a retry above a route": retry({"name": "route", **PARITY, "default": "to-b"}),
    "a filter": {"kind": "filter", "where": "data.n % 3 != 0", "to": "again-a"},
    "a filter with two ways": {
        "kind": "filter",
        "where": "data.n % 3 != 0",
        "to": "again-a",
        "otherwise": "again-b",
    },
    "a transform": {"kind": "transform", "set": {"seen": True}, "to": "again-a"},
    "a dedupe": {"kind": "dedupe", "to": "again-a"},
    "a batch": {"kind": "batch", "max_events": 50, "max_wait": "100ms", "to": "again-a"},
    "a heavy batch": {
        "kind": "batch",
        "max_events": 50,
        "max_bytes": "200B",
        "max_wait": "100ms",
        "to": "again-a",
    },
    "a timeout above a retry": {"kind": "timeout", "after": "400ms", "to": "again-a"},
    "a retry above a timeout": retry({"kind": "timeout", "after": "250ms", "to": "to-a"}),
    "a rate limit": {"kind": "rate_limit", "rate": "500/s", "burst": 20, "to": "again-a"},
    "a fallback": retry({"name": "either", "kind": "fallback", "to": ["to-a", "to-b"]}),
    "a balance": retry({"name": "share", "kind": "balance", "to": ["to-a", "to-b"]}),
    "a retry above a retry": retry("again-a"),
    "parked events": retry("to-a", hold="event"),
}
EITHER = ("a fallback", "a balance", "a retry above a route", "a filter with two ways")


def document(way: str, concurrency: int) -> dict[str, Any]:
    queue = {"kind": "queue", "store": "disk", "concurrency": concurrency, "to": WAYS[way]}
    ends = {"to-a": http(A), "to-b": http(B), "again-a": retry("to-a"), "again-b": retry("to-b")}
    used = json.dumps(WAYS[way])
    if "again-a" in used:
        used += '"to-a"'
    if "again-b" in used:
        used += '"to-b"'
    return {
        "sinkgraph": 1,
        "name": "steps",
        "sources": {"in": {"kind": "inlet", "to": "hooks"}},
        "sinks": {"hooks": queue, **{k: v for k, v in ends.items() if f'"{k}"' in used}},
    }


def held(request: Request) -> list[int]:
    return [json.loads(line)["n"] for line in request.body.splitlines()]


def moody(world: World, destination: Destination) -> None:
    """Let it refuse batches that hold certain numbers, and fail now and then."""
    chance = world.chance(destination.where)

    def judge(request: Request) -> int | None:
        numbers = held(request)
        if any(n % 37 == 5 for n in numbers):
            return 422
        return 503 if chance.random() < 0.3 else None

    destination.judge = judge


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_lost_by_a_crash_whatever_is_between(way: str, concurrency: int) -> None:
    async def story(world: World) -> None:
        ends = [world.destination(one, latency=(0.005, 0.03)) for one in (A, B)]
        for one in ends:
            moody(world, one)
        graph = document(way, concurrency)
        chance = world.chance("crashes")
        written = 0
        for _ in range(4):
            async with world.run(graph, durable=True) as live:
                if written < COUNT:
                    for _ in range(4):
                        await live.write_many([{"n": n} for n in range(written, written + 20)])
                        written += 20
                await asyncio.sleep(chance.uniform(0.05, 1.5))
                world.check()
                await world.crash("kill")
        for one in ends:
            one.judge = lambda request: 422 if any(n % 37 == 5 for n in held(request)) else None
        async with world.run(graph, durable=True) as live:
            assert await live.drain(60)
            world.check()
        good = {n for n in range(written) if n % 37 != 5}
        arrived = [{payload["n"] for payload in one.payloads} for one in ends]
        if way in EITHER:
            assert arrived[0] | arrived[1] == good
        elif "broadcast" in way:
            assert arrived == [good, good]
        else:
            wanted = {n for n in good if n % 3} if way == "a filter" else good
            assert arrived[0] == wanted

    simulate(story, seeds=range(3))


@pytest.mark.parametrize(
    "way",
    ["a filter", "a transform", "a batch", "a retry above a retry", "a retry above a timeout"],
)
def test_a_node_on_the_way_does_not_keep_it_from_being_noted(way: str) -> None:
    async def story(world: World) -> None:
        end = world.destination(A, latency=0.005)
        world.destination(B)
        end.judge = lambda request: (
            422 if any(n == 5 for n in held(request)) else 503 if 39 in held(request) else None
        )
        graph = document(way, 1)
        async with world.run(graph, durable=True) as live:
            await live.write_many([{"n": n} for n in range(40)])
            await asyncio.sleep(3)
            await world.crash("kill")
        end.judge = lambda request: 422 if 5 in held(request) else None
        async with world.run(graph, durable=True) as live:
            assert await live.drain(60)
        times = Counter(payload["n"] for payload in end.payloads)
        assert len(times) >= 25
        assert max(times.values()) == 1, f"came again: {times.most_common(5)}"

    simulate(story)


@pytest.mark.parametrize("way", ["a filter with two ways", "a retry above a route"])
def test_a_way_that_hangs_does_not_keep_what_went_the_other_way_from_being_noted(way: str) -> None:
    async def story(world: World) -> None:
        ends = [world.destination(one, latency=0.005) for one in (A, B)]
        graph = document(way, 1)
        ends[1].down(0, 5)
        async with world.run(graph, durable=True) as live:
            await live.write_many([{"n": n} for n in range(40)])
            await asyncio.sleep(3)
            await world.crash("kill")
        async with world.run(graph, durable=True) as live:
            assert await live.drain(60)
        times = Counter(payload["n"] for one in ends for payload in one.payloads)
        assert times == Counter(range(40)), f"came again: {times.most_common(5)}"

    simulate(story)


def test_who_is_given_another_batch_is_not_heard() -> None:
    batch = events("a", "b", "c")
    told: list[int] = []
    receipts.listen(batch, lambda owed: told.append(sum(map(len, owed))))
    try:
        assert receipts.heard(batch[:2]) is None
        receipts.pass_on(batch, batch.pick([1, 2]))
        assert receipts.heard(batch) is None
        receipts.listen(batch, lambda owed: told.append(sum(map(len, owed))))
        receipts.pass_on(batch, events("x"))
        assert receipts.heard(batch) is None, "events by other ids tell nothing of it"
    finally:
        receipts.unheard()
    assert receipts.heard(batch) is None
    assert not told
