"""A dead letter tells every attempt, bounded, and gives back the meta its event had."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import sinkgraph as sg
from sinkgraph.errors import BreakerOpen, DeliveryFailed, Rejected
from sinkgraph.event import Event
from sinkgraph.log.disk.letters import ADDED, Told, tell
from sinkgraph.sinks import ConstantBackoff, DeadLetters, Queue, Retry
from sinkgraph.sinks.history import KEPT, and_one, tried
from sinkgraph.testing import RecordingSink, World, simulate
from tests.sinks.rig import Target
from tests.support.letters import a_row, bury, dlq, stored


def letters(live: sg.Live) -> DeadLetters:
    node = live.topology.assembly.dead_letters
    assert isinstance(node, DeadLetters)
    return node


async def only(live: sg.Live) -> Told:
    (letter,) = await letters(live).letters()
    told = tell(letter)
    assert told is not None
    return told


def test_each_attempt_is_told_with_its_time_on_disk_and_in_memory() -> None:
    errors = [DeliveryFailed("first"), DeliveryFailed("second"), Rejected("no")]

    async def story(world: World) -> None:
        for durable in (False, True):
            began = world.clock.wall()
            retry = Retry(Target(*errors), ConstantBackoff(5.0))
            async with world.run(Queue(retry), durable=durable) as live:
                await live.write({"n": 1})
                assert await live.drain(60)
                told = await only(live)
            assert [(one.number, one.error) for one in told.history] == [
                (1, "DeliveryFailed: first"),
                (2, "DeliveryFailed: second"),
                (3, "Rejected: no"),
            ]
            after = [round((one.at or 0.0) - began) for one in told.history]
            assert after == [0, 5, 10]
            assert told.history[-1].at == told.last
            assert (told.attempts, told.left_out) == (3, 0)

    simulate(story)


def test_of_many_attempts_the_first_and_the_last_are_kept() -> None:
    async def story(world: World) -> None:
        target = Target(*[DeliveryFailed(f"e{k}") for k in range(1, 31)])
        retry = Retry(target, ConstantBackoff(1.0), max_attempts=30, give_up_after=0.0)
        async with world.run(Queue(retry), durable=True) as live:
            await live.write({"n": 1})
            assert await live.drain(60)
            told = await only(live)
        numbers = [*range(1, KEPT + 1), *range(31 - KEPT, 31)]
        assert [one.number for one in told.history] == numbers
        assert [one.error for one in told.history] == [f"DeliveryFailed: e{k}" for k in numbers]
        assert (told.attempts, told.left_out) == (30, 10)

    simulate(story)


def test_what_an_open_breaker_refused_is_no_attempt() -> None:
    async def story(world: World) -> None:
        refused = BreakerOpen("open", retry_after_s=1.0)
        target = Target(DeliveryFailed("one"), refused, refused, Rejected("two"))
        async with world.run(Queue(Retry(target, ConstantBackoff(1.0)))) as live:
            await live.write({"n": 1})
            assert await live.drain(60)
            told = await only(live)
        assert [(one.number, one.error) for one in told.history] == [
            (1, "DeliveryFailed: one"),
            (2, "Rejected: two"),
        ]

    simulate(story)


def test_an_attempt_is_one_entry_whatever_it_failed_with() -> None:
    history = and_one([tried(1, 1.0, "a")], tried(1, 2.0, "b"))
    assert history == [tried(1, 2.0, "b")]


OWN = {"node": "n17", "attempts": "many", "history": [1], "before": {"x": 1}, "tenant": "acme"}


def test_what_its_own_meta_said_under_the_same_names_is_kept_and_replayed() -> None:
    async def story(world: World) -> None:
        async with world.run(Queue(Target(Rejected("no"))), durable=True) as live:
            await live.write_many([Event("one", data=1, meta=OWN)])
            assert await live.drain(60)
            told = await only(live)
            assert (told.node, told.attempts) == ("queue", 1)
            assert dict(told.event.meta) == OWN

    simulate(story)


def test_a_letter_that_died_again_at_a_port_gives_back_how_it_died_first() -> None:
    async def story(world: World) -> None:
        second = Queue(Target(Rejected("second"), name="other"))
        first = Queue(Target(Rejected("first")), dead_letter=second)
        async with world.run(first, durable=True) as live:
            await live.write_many([Event("one", data=1, meta=OWN)])
            assert await live.drain(60)
            told = await only(live)
            assert told.errors == ("Rejected: second",)
            assert told.event.meta["errors"] == ["Rejected: first"]
            assert told.event.meta["before"] == {k: v for k, v in OWN.items() if k in ADDED}

    simulate(story)


def test_an_event_written_without_having_died_is_replayed_as_it_was() -> None:
    async def story(world: World) -> None:
        async with world.run(RecordingSink(), durable=True) as live:
            await letters(live).write([Event("one", data=1, meta=OWN)])
            assert dict((await only(live)).event.meta) == OWN

    simulate(story)


def history(numbers: list[int]) -> list[dict[str, Any]]:
    return [tried(k, 1_767_139_200.0 + k, f"DeliveryFailed: e{k}") for k in numbers]


def a_death(numbers: list[int], **own: Any) -> dict[str, Any]:
    return {"attempts": 25, "history": history(numbers), **own}


def test_dlq_tells_the_attempts_and_how_many_are_left_out(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    row = a_row(1, meta=a_death([1, 2, 24, 25]), attempts=25)
    bury(state, [row])
    lines = dlq("show", "1", "--state-dir", state).stdout.splitlines()
    at = next(k for k, line in enumerate(lines) if line.startswith("  history"))
    shown = [line.split("  ")[-1] for line in lines[at : at + 5]]
    assert shown[2].endswith("21 left out")
    assert [shown[k] for k in (0, 1, 3, 4)] == [f"DeliveryFailed: e{k}" for k in (1, 2, 24, 25)]
    assert not any(line.startswith("  errors") for line in lines)
    made = json.loads(dlq("show", "1", "--json", "--state-dir", state).stdout)
    assert made["left_out"] == 21
    assert made["history"][0] == {
        "attempt": 1,
        "at": "2025-12-31T00:00:01.000000Z",
        "error": "DeliveryFailed: e1",
    }
    (line,) = dlq("export", "--state-dir", state).stdout.splitlines()
    assert json.loads(line)["meta"]["history"] == history([1, 2, 24, 25])


def test_a_replay_leaves_no_history_behind(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    bury(state, [a_row(1, meta=a_death([1], before={"node": "mine"}, tenant="acme"))])
    assert dlq("replay", "1", "--state-dir", state).exit_code == 0
    (event,) = stored(state, "again")
    assert dict(event.meta) == {"node": "mine", "tenant": "acme", "replayed": 1}


def test_a_history_that_somebody_else_wrote_is_read_as_far_as_it_makes_sense(
    tmp_path: Path,
) -> None:
    state = str(tmp_path / "state")
    odd = [{"attempt": 3, "at": True, "error": None}, {"attempt": "x"}, 7, {"attempt": 2, "at": 5}]
    bury(state, [a_row(1, meta={"history": odd, "before": 5}), a_row(2, meta={"history": 1})])
    made = json.loads(dlq("show", "1", "--json", "--state-dir", state).stdout)
    assert made["history"] == [
        {"attempt": 3, "at": None, "error": ""},
        {"attempt": 2, "at": "1970-01-01T00:00:05.000000Z", "error": ""},
    ]
    assert dlq("show", "1", "--state-dir", state).exit_code == 0
    assert json.loads(dlq("show", "2", "--json", "--state-dir", state).stdout)["history"] == []
