"""A world: graphs run, crash and start again in it; a failure says how to see it again."""

from __future__ import annotations

import asyncio
import os
from typing import Any, ClassVar

import pytest

from sinkgraph.event import Batch
from sinkgraph.simulation.loop import Deadlock
from sinkgraph.simulation.process import Died
from sinkgraph.simulation.world import SEED, Unaccounted, World, simulate
from sinkgraph.sinks.base import Terminal

HOOK = "http://hooks.test/in"


@pytest.fixture(autouse=True)
def _no_seed_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SEED, raising=False)


def document(**queue: Any) -> dict[str, Any]:
    hook = {"kind": "http", "url": HOOK, "timeout": "2s"}
    retry = {"kind": "retry", "backoff": {"base": "1s", "cap": "4s"}, "to": hook}
    return {
        "sinkgraph": 1,
        "name": "one-hook",
        "sources": {"in": {"kind": "inlet", "to": "hooks"}},
        "sinks": {"hooks": {"kind": "queue", "to": retry, **queue}},
    }


def test_a_document_outlives_an_outage() -> None:
    async def story(world: World) -> None:
        hooks = world.destination("http://hooks.test").script("503 x5", "hang", "reset after")
        hooks.down(5, 60, "unreachable")
        async with world.run(document()) as live:
            producer = world.produce("shop", count=20, every=1.0)
            await producer.wait()
            assert await live.drain(600)
        assert producer.accepted == list(range(20))
        assert {payload["n"] for payload in hooks.payloads} == set(range(20))
        assert max(hooks.ids.values()) == 2  # the one whose answer was lost
        assert world.now > 65

    simulate(story)


def test_a_crash_ends_the_process_and_the_next_one_goes_on() -> None:
    async def story(world: World) -> None:
        hooks = world.destination("http://hooks.test").script("hang x99")
        async with world.run(document()) as live:
            await live.write({"n": 1})
            drained = asyncio.ensure_future(world.do(live.drain()))
            await asyncio.sleep(1)
            assert hooks.in_flight == 1
            await world.crash()
            assert hooks.in_flight == 0
            with pytest.raises(Died, match="process 1 died"):
                await drained
        sent = len(hooks.exchanges)
        hooks.recover()
        await asyncio.sleep(60)
        assert len(hooks.exchanges) == sent  # the dead send nothing
        async with world.run(document()) as live:
            await live.write({"n": 2})
            assert await live.drain(60)
        assert hooks.payloads == [{"n": 2}]
        assert world.crashes == [1.0]

    simulate(story)


def test_a_write_under_way_when_the_process_dies_is_unknown_and_the_producer_goes_on() -> None:
    async def story(world: World) -> None:
        world.destination("http://hooks.test").script("hang x99")
        world.crash_at(10.0)
        async with world.run(document(capacity=2)):
            producer = world.produce("shop", count=6, every=1.0)
            await world.until(20)
        world.destination("http://hooks.test").recover()
        async with world.run(document(capacity=2)) as live:
            await producer.wait()
            assert await live.drain(60)
        assert [one.outcome for one in producer.letters] == [
            "accepted", "accepted", "unknown", "accepted", "accepted", "accepted",
        ]  # fmt: skip
        assert [one.life for one in producer.letters] == [1, 1, 1, 2, 2, 2]
        assert producer.letters[2].ended == 10.0

    simulate(story)


def test_what_finds_no_room_in_time_is_refused_and_never_arrives() -> None:
    async def story(world: World) -> None:
        hooks = world.destination("http://hooks.test").script("503 x20")
        async with world.run(document(capacity=3)) as live:
            producer = world.produce("shop", count=40, batch=(1, 3), every=(0.1, 0.3), timeout=0.5)
            await producer.wait()
            assert await live.drain(600)
        assert producer.refused
        assert {payload["n"] for payload in hooks.payloads} == set(producer.accepted)

    simulate(story, seeds=range(3))


class _Miscounting(Terminal):
    kind: ClassVar[str] = "miscounting"

    async def deliver(self, batch: Batch) -> None:
        self.ledger.delivered += batch[0].data["n"] == 3


def test_a_ledger_that_does_not_add_up_fails_the_story_where_it_happens() -> None:
    async def story(world: World) -> None:
        async with world.run(_Miscounting()) as live:
            for n in range(10):
                await live.write({"n": n})
                await asyncio.sleep(1)

    with pytest.raises(Unaccounted, match=r"at 3 s miscounting .*entered=4.* delivered=5"):
        simulate(story)


def test_a_failure_names_its_seed_and_shows_what_happened_last() -> None:
    async def story(world: World) -> None:
        world.trace.note("looked", n=world.seed)
        assert world.seed != 4, "four is bad"

    with pytest.raises(AssertionError, match="four is bad") as caught:
        simulate(story, seeds=range(9))
    assert caught.value.__notes__[:1] == [f"seed 4: to see it again, set {SEED}=4"]
    assert '0.000000 looked {"n": 4}' in caught.value.__notes__[1]


def test_the_seed_of_the_environment_beats_all(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    async def story(world: World) -> None:
        seen.append(world.seed)

    monkeypatch.setenv(SEED, "17")
    simulate(story, seeds=range(9))
    simulate(story, seed=3)
    assert seen == [17, 17]


def test_waiting_for_what_cannot_happen_is_a_deadlock() -> None:
    async def story(world: World) -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock, match="nothing can happen any more"):
        simulate(story)


def test_chance_is_the_same_for_the_same_seed_and_name() -> None:
    async def story(world: World) -> tuple[float, float]:
        return world.chance("a").random(), world.chance("b").random()

    one = simulate(story, seed=1)
    assert one == simulate(story, seed=1)
    assert one[0] != one[1]
    assert one != simulate(story, seed=2)


def test_a_world_leaves_no_files_behind() -> None:
    async def story(world: World) -> str:
        async with world.run(document()):
            pass
        return world.directory

    assert not os.path.exists(simulate(story))


def test_an_empty_range_of_seeds_is_an_error() -> None:
    async def story(world: World) -> None:
        raise AssertionError(world)

    with pytest.raises(ValueError, match="no seed was given"):
        simulate(story, seeds=())
