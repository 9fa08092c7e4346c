"""What is concluded from a graph before it runs is what the engine then does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sinkgraph.errors import Overloaded
from sinkgraph.graph.inference.conclude import conclude
from sinkgraph.graph.inference.conclusions import Inference
from sinkgraph.graph.load import load
from sinkgraph.testing import Destination, World, simulate

SLOW, FAST = "http://slow.test", "http://fast.test"


def document(sinks: dict[str, Any]) -> dict[str, Any]:
    sources = {"in": {"kind": "inlet", "to": "a"}}
    return {"sinkgraph": 1, "name": "x", "sources": sources, "sinks": sinks}


def hook(origin: str, **fields: Any) -> dict[str, Any]:
    return {"kind": "http", "url": f"{origin}/", "timeout": "2s", **fields}


def known(sinks: dict[str, Any]) -> Inference:
    return conclude(load(document(sinks)))


def numbers(destination: Destination) -> list[int]:
    return [payload["n"] for payload in destination.payloads]


@pytest.mark.parametrize("store", ["memory", "disk"])
def test_only_what_is_durable_survives_a_kill(store: str) -> None:
    sinks: dict[str, Any] = {"a": {"kind": "queue", "store": store, "to": "r"}}
    sinks["r"] = {"kind": "retry", "backoff": {"base": "100ms", "cap": "1s"}, "to": hook(SLOW)}
    (way,) = known(sinks).ways
    durable = way.accepted == "durable"
    assert (durable, way.delivery == "at_least_once") == (store == "disk", store == "disk")

    async def story(world: World) -> None:
        end = world.destination(SLOW).down(0, 5)
        async with world.run(document(sinks), durable=True) as live:
            for n in range(10):
                await live.write({"n": n})
            await asyncio.sleep(1)
            await world.crash()
        await world.until(6)
        async with world.run(document(sinks), durable=True) as live:
            assert await live.drain(60)
        assert set(numbers(end)) == (set(range(10)) if durable else set())

    simulate(story, seeds=range(3))


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, "kept"),
        ({"concurrency": 4}, "not_kept"),
        ({"concurrency": 4, "order_by": "string(data.k)"}, "per_key"),
    ],
)
def test_the_order_is_the_one_concluded(fields: dict[str, Any], word: str) -> None:
    sinks: dict[str, Any] = {"a": {"kind": "queue", "max_batch": 1, "to": "r", **fields}}
    sinks["r"] = {"kind": "retry", "backoff": {"base": "100ms", "cap": "1s"}, "to": hook(SLOW)}
    (way,) = known(sinks).ways
    assert way.order == word
    arrived: list[list[int]] = []

    async def story(world: World) -> None:
        end = world.destination(SLOW, latency=(0.001, 0.5))
        chance = world.chance("failures")
        end.judge = lambda request: 503 if chance.random() < 0.3 else None
        async with world.run(document(sinks)) as live:
            await live.write_many([{"n": n, "k": n % 3} for n in range(60)])
            assert await live.drain(600)
        arrived.append(list(dict.fromkeys(numbers(end))))

    simulate(story, seeds=range(5))
    whole = [got == sorted(got) for got in arrived]
    keys = [_sorted_by_key(got) for got in arrived]
    assert all(whole) == (word == "kept")
    assert all(keys) == (word != "not_kept")


def _sorted_by_key(got: list[int]) -> bool:
    return all(part == sorted(part) for part in ([n for n in got if n % 3 == k] for k in range(3)))


def test_a_slow_end_without_a_queue_holds_up_the_source_at_once() -> None:
    sinks = {"a": {"kind": "broadcast", "to": ["s", "q"]}, "s": hook(SLOW)}
    sinks["q"] = {"kind": "queue", "to": hook(FAST)}
    stalls = {one.terminal: one for one in known(sinks).stalls}
    assert (stalls["s"].when, stalls["s"].siblings) == ("at_once", ("q",))
    assert stalls["q.http"].when == "when_full"

    async def story(world: World) -> None:
        world.destination(FAST)
        world.destination(SLOW, latency=1.0)
        async with world.run(document(sinks)) as live:
            began = world.now
            await live.write({"n": 1})
            assert world.now - began >= 1.0

    simulate(story)


def test_behind_a_queue_it_holds_up_the_source_and_its_siblings_once_that_is_full() -> None:
    sinks: dict[str, Any] = {"a": {"kind": "broadcast", "to": ["q", "p"]}}
    sinks["q"] = {"kind": "queue", "capacity": 5, "max_batch": 1, "to": hook(SLOW)}
    sinks["p"] = {"kind": "queue", "to": hook(FAST)}
    found = known(sinks)
    stall = next(one for one in found.stalls if one.terminal == "q.http")
    assert (stall.when, stall.through, stall.siblings) == ("when_full", ("q",), ("p",))
    (bound, _) = found.bounds

    async def story(world: World) -> None:
        slow = world.destination(SLOW).down(0, 1.5, "hang")
        fast = world.destination(FAST)
        async with world.run(document(sinks)) as live:
            for n in range(bound.events):
                await live.write({"n": n})
            assert world.now < 0.5, "there was room for all of them"
            writing = asyncio.ensure_future(live.write({"n": bound.events}))
            await asyncio.sleep(1)
            assert not writing.done()
            assert bound.events not in numbers(fast), "the sibling waits with it"
            await writing
            assert await live.drain(60)
        assert numbers(slow)[-1] == numbers(fast)[-1] == bound.events

    simulate(story)


def test_a_full_queue_that_refuses_makes_writes_fail_and_one_that_sheds_does_not() -> None:
    async def story(world: World) -> None:
        world.destination(SLOW).down(0, 1_000, "hang")
        for policy in ("reject", "drop_oldest"):
            sinks = {"a": {"kind": "queue", "capacity": 3, "when_full": policy, "to": hook(SLOW)}}
            whens = [one.when for one in known(sinks).stalls]
            assert whens == (["refused"] if policy == "reject" else [])
            async with world.run(document(sinks), drain=0.1) as live:
                refused = 0
                for n in range(8):
                    try:
                        await live.write({"n": n})
                    except Overloaded:
                        refused += 1
                assert (refused > 0) == bool(whens)

    simulate(story)


@pytest.mark.parametrize("attempts", [3, 12])
@pytest.mark.parametrize("answer", ["503", "503 Retry-After 10", "hang"])
def test_an_event_that_never_succeeds_ends_within_the_bound(attempts: int, answer: str) -> None:
    sinks: dict[str, Any] = {"a": {"kind": "queue", "capacity": 4, "max_batch": 1, "to": "r"}}
    backoff = {"base": "1s", "cap": "5s"}
    ends = {"max_attempts": attempts, "give_up_after": "20s", "retry_after_cap": "10s"}
    sinks["r"] = {"kind": "retry", "backoff": backoff, **ends, "to": hook(SLOW)}
    (bound,) = known(sinks).bounds
    assert bound.event_s is not None
    assert bound.wait_s == 4 * bound.event_s

    async def story(world: World) -> None:
        world.destination(SLOW).script(then=answer)
        async with world.run(document(sinks)) as live:
            began = world.now
            for n in range(4):
                await live.write({"n": n})
            assert await live.drain(10_000)
            assert live.snapshot()["dead-letters"].ledger.entered == 4
            assert bound.wait_s is not None
            assert 4 * 20 < world.now - began <= bound.wait_s

    simulate(story, seeds=range(5))


def test_a_single_point_that_fails_cuts_the_source_off_and_no_other_node_does() -> None:
    sinks: dict[str, Any] = {"a": {"kind": "timeout", "after": "1s", "to": "fan"}}
    sinks["fan"] = {"kind": "fallback", "to": ["one", "two"]}
    sinks["one"], sinks["two"] = hook(SLOW), hook(FAST)
    assert [one.node for one in known(sinks).singles] == ["a", "fan"]

    async def story(world: World) -> None:
        world.destination(SLOW).down(0, 100)
        fast = world.destination(FAST)
        async with world.run(document(sinks)) as live:
            await live.write({"n": 1})
        assert numbers(fast) == [1]

    simulate(story)
