"""A queue's side of the disk: what is in memory and what is only on disk come out as one line."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any
from unittest.mock import patch

import pytest

from sinkgraph.clock import Request
from sinkgraph.errors import Rejected
from sinkgraph.event import Event
from sinkgraph.log.disk import depot
from sinkgraph.simulation.faults import Ending
from sinkgraph.sinks import lanes, shelved
from sinkgraph.testing import Destination, World, simulate

ORIGIN = "http://hooks.test"


def document(**queue: Any) -> dict[str, Any]:
    hook = {"kind": "http", "url": f"{ORIGIN}/in", "timeout": "1s"}
    retry = {"kind": "retry", "backoff": {"base": "100ms", "cap": "1s"}, "to": hook}
    return {
        "sinkgraph": 1,
        "name": "one-hook",
        "sources": {"in": {"kind": "inlet", "to": "hooks"}},
        "sinks": {"hooks": {"kind": "queue", "store": "disk", "to": retry, **queue}},
    }


def numbers(destination: Destination) -> list[int]:
    return [payload["n"] for payload in destination.payloads]


@pytest.fixture(autouse=True)
def _little_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelved, "_HOT", 4)


@pytest.mark.parametrize("ahead", [1, 3, 1_000])
def test_what_is_only_on_disk_comes_after_what_was_in_memory_before_it(ahead: int) -> None:
    async def story(world: World) -> None:
        hooks = world.destination(ORIGIN).down(0, 5)
        async with world.run(document(), durable=True) as live:
            producer = world.produce("p", count=60, every=(0, 0.3), batch=(1, 4))
            await producer.wait()
            assert await live.drain(60)
        assert numbers(hooks) == list(range(60))

    with patch.object(shelved, "_AHEAD", ahead):
        simulate(story, seeds=range(3))


def test_a_row_read_for_its_end_keeps_the_beginning_that_is_in_memory() -> None:
    async def story(world: World) -> None:
        hooks = world.destination(ORIGIN).down(0, 5)
        world.disk_latency = 0.05
        async with world.run(document(), durable=True) as live:
            parts = (range(1), range(1, 6), range(6, 8))  # the last two are stored as one row
            written = [[Event(data={"n": n}) for n in part] for part in parts]
            await asyncio.gather(*[world.do(live.write_many(part)) for part in written])
            for n in range(8, 12):  # the queue's place is written too
                await live.write({"n": n})
            await asyncio.sleep(1)
            await world.crash()
        async with world.run(document(), durable=True) as live:
            assert await live.drain(60)
        assert numbers(hooks) == list(range(12))

    with patch.object(depot, "_REFRESH_ROWS", 1):
        simulate(story)


@pytest.mark.parametrize("when_full", ["drop_oldest", "drop_newest"])
@pytest.mark.parametrize("capacity", [3, 5, 7])
def test_what_was_dropped_does_not_come_back_after_a_restart(when_full: str, capacity: int) -> None:
    async def story(world: World) -> None:
        hooks = world.destination(ORIGIN).down(0, 5)
        graph = document(capacity=capacity, when_full=when_full)
        async with world.run(graph, durable=True) as live:
            for k in range(8):
                await live.write_many([{"n": 5 * k + j} for j in range(5)])
                world.check()
            assert await live.drain(60)
            queue = live.snapshot()["hooks"].ledger
            assert queue.dropped == {when_full: 40 - queue.delivered}
        arrived = numbers(hooks)
        assert arrived == sorted(set(arrived))
        async with world.run(graph, durable=True) as live:
            assert live.snapshot()["hooks"].ledger.recovered == 0
            await live.write({"n": 40})
            assert await live.drain(60)
            assert live.snapshot()["hooks"].ledger.dropped == {}
        assert numbers(hooks) == [*arrived, 40]

    simulate(story)


def test_what_was_delivered_of_a_batch_is_noted_while_the_rest_is_tried_again() -> None:
    async def story(world: World) -> None:
        hooks = world.destination(ORIGIN)

        def judge(request: Request) -> int | None:
            held = [json.loads(line)["n"] for line in request.body.splitlines()]
            return 422 if 700 in held and len(held) > 1 else 503 if held[-1] > 500 else None

        hooks.judge = judge
        graph = document()
        graph["sinks"]["hooks"]["to"]["to"] |= {"format": "ndjson", "max_batch": 1_000}
        async with world.run(graph, durable=True) as live:
            await live.write_many([{"n": n} for n in range(1_000)])
            await asyncio.sleep(5)
            await world.crash()
        hooks.recover()
        async with world.run(graph, durable=True) as live:
            assert await live.drain(60)
        repeated = [n for n, times in Counter(numbers(hooks)).items() if times > 1]
        assert len(numbers(hooks)) - len(repeated) == 1_000
        assert len(repeated) <= 64, f"{len(repeated)} events came twice"

    simulate(story)


def repeated(destination: Destination) -> list[int]:
    return [n for n, times in Counter(numbers(destination)).items() if times > 1]


def test_what_is_dead_lettered_of_a_batch_is_noted_while_the_rest_is_tried_again() -> None:
    async def story(world: World) -> None:
        hooks = world.destination(ORIGIN)

        def judge(request: Request) -> int | None:
            held = [json.loads(line)["n"] for line in request.body.splitlines()]
            return 422 if any(n % 3 == 0 for n in held) else 503 if held[0] >= 290 else None

        hooks.judge = judge
        graph = document()
        graph["sinks"]["hooks"]["to"]["to"] |= {"format": "ndjson", "max_batch": 1_000}
        async with world.run(graph, durable=True) as live:
            await live.write_many([{"n": n} for n in range(300)])
            await asyncio.sleep(20)
            await world.crash()
        hooks.judge = None
        async with world.run(graph, durable=True) as live:
            assert await live.drain(60)
        assert len(repeated(hooks)) == 0
        refused = [n for n in range(290) if n % 3 == 0]
        assert not set(refused) & set(numbers(hooks))

    simulate(story)


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("trouble", ["stalls", "is full"])
def test_a_disk_that_does_not_note_what_was_delivered_stops_the_lanes(
    trouble: str, concurrency: int
) -> None:
    async def story(world: World) -> None:
        hooks = world.destination(ORIGIN, latency=0.001)
        graph = document(concurrency=concurrency)
        async with world.run(graph, durable=True) as live:
            hooks.down(0, 3)
            await live.write_many([{"n": n} for n in range(3_000)])
            if trouble == "stalls":
                world.stall_disk(3, 10)
            else:
                world.faults.full(3, 10)
            await world.until(12)
            before = len(numbers(hooks))
            await world.crash()
        assert before < 3_000
        async with world.run(graph, durable=True) as live:
            assert await live.drain(60)
        # 50 ms at a thousand a second, or 64, for each lane; and what came before the trouble
        assert len(repeated(hooks)) <= concurrency * (64 + 60), len(repeated(hooks))
        assert set(numbers(hooks)) == set(range(3_000))

    simulate(story)


@pytest.mark.parametrize("ending", ["kill", None])
def test_keys_behind_a_straggling_one_come_in_their_order_when_memory_holds_few(
    ending: Ending | None,
) -> None:
    async def story(world: World) -> None:
        hooks = world.destination(ORIGIN, latency=0.001)

        def judge(request: Request) -> int | None:
            return 503 if world.now < 20 and json.loads(request.body)["n"] % 3 == 0 else None

        hooks.judge = judge
        graph = document(order_by="data.n % 3", concurrency=3)
        async with world.run(graph, durable=True) as live:
            for n in range(0, 900, 10):
                await live.write_many([{"n": k} for k in range(n, n + 10)])
            await world.until(8)
            assert len(numbers(hooks)) < 250, "keys took all there is"
            if ending is not None:
                await world.crash(ending)
        async with world.run(graph, durable=True) as live:
            await world.until(20)
            assert await live.drain(60)
        first = list(dict.fromkeys(numbers(hooks)))
        assert sorted(first) == list(range(900))
        for key in range(3):
            assert [n for n in first if n % 3 == key] == list(range(key, 900, 3))

    with patch.object(lanes, "_HELD", 30):
        simulate(story)


def test_after_a_slow_moment_of_the_disk_lanes_go_on() -> None:
    async def story(world: World) -> None:
        hooks = world.destination(ORIGIN, latency=0.001)
        world.disk_latency = (0.001, 0.3)
        async with world.run(document(), durable=True) as live:
            hooks.down(0, 3)
            await live.write_many([{"n": n} for n in range(1_000)])
            assert await live.drain(60)
        assert numbers(hooks) == list(range(1_000))

    simulate(story)


def test_a_queue_bounded_in_bytes_drops_no_more_than_it_has_to() -> None:
    async def story(world: World) -> None:
        hooks = world.destination(ORIGIN).down(0, 5)
        text = "x" * 86  # 100 bytes an event, about
        graph = document(max_bytes="10000B", when_full="drop_oldest")
        async with world.run(graph, durable=True) as live:
            for n in range(0, 400, 5):
                await live.write_many([{"n": k, "text": text} for k in range(n, n + 5)])
                world.check()
                queue = live.snapshot()["hooks"]
                assert queue.facts["bytes"] <= 10_000
                assert queue.facts["depth"] >= min(n, 85), "it dropped more than it had to"
            assert await live.drain(60)
            assert live.snapshot()["hooks"].facts["bytes"] == 0
        assert numbers(hooks) == sorted(numbers(hooks))

    simulate(story)


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({"id": 5}, "its id must be text, not 5"),
        ({"type": None}, "its type must be text, not None"),
        ({"source": b"a"}, "its source must be text, not b'a'"),
        ({"time": "now"}, "its time must be Unix seconds, not 'now'"),
        ({"time": float("nan")}, "its time must be Unix seconds, not nan"),
        ({"time": 10**400}, "int too large to convert to float"),
    ],
)
def test_an_event_whose_head_could_not_be_read_back_is_refused(
    odd: dict[str, Any], said: str
) -> None:
    async def story(world: World) -> None:
        hooks = world.destination(ORIGIN)
        async with world.run(document(), durable=True) as live:
            with pytest.raises(Rejected, match=said):
                await live.write(Event(data={"n": 1}, **odd))
            with pytest.raises(Rejected, match=said):
                await live.write_many([{"n": 2}, Event(data={"n": 3}, **odd)])
            await live.write(Event(data={"n": 4}, meta={"odd": {1 << 70: 1}}))
            await live.write({"n": 5})
            assert await live.drain(60)
        assert numbers(hooks) == [4, 5]

    simulate(story)
