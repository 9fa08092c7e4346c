"""P1: a kill loses no event that was durably accepted. A real process, a real disk, SIGKILL.

One state dir is killed several times, at random instants and at chosen ones: from outside under
load, at a change of a file, in the middle of one, after an acknowledgement, at a delivery, while
it recovers. Nobody repairs anything between. Then it is drained, and everything acknowledged has
arrived at every receiver, no event more often than kills and what was in flight explain; or it is a
dead letter, when that is what had to become of it.
"""

from __future__ import annotations

import random
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.crash import Life, Receivers, live_once
from tests.support.crash_child import LANES, MAX_BATCH, NAMES, Settings
from tests.support.scale import rounds, seed

IN_FLIGHT = {name: 64 + LANES[name] * MAX_BATCH + 400 for name in NAMES}
"""Deliveries a kill may repeat: not noted on disk yet, under way, and made during one commit.

A delivery takes a millisecond, so the last of them are those of a very slow disk.
"""
DIRS = 4
KILLS = 5


def next_life(settings: Settings, chance: random.Random) -> tuple[Settings, int]:
    """Return how the next process ends: by itself at some point, or killed after some acks."""
    failing = chance.choice([0.0, 0.02, 0.2])
    writers = chance.choice([1, 4, 16])
    base = replace(settings, failing=failing, writers=writers)
    match chance.randrange(6):
        case 0 | 1:
            return base, chance.randrange(1, 600)
        case 2:
            return replace(base, change=chance.randrange(1, 250), torn=chance.random() < 0.5), 0
        case 3:  # as it opens what the last one left
            return replace(base, change=chance.randrange(1, 12), torn=chance.random() < 0.5), 0
        case 4:
            return replace(base, ack=chance.randrange(1, 400)), 0
        case _:
            return replace(base, delivery=chance.randrange(1, 300)), 0


@pytest.mark.parametrize("number", range(rounds(DIRS)))
async def test_what_was_acknowledged_survives_every_kill(number: int, tmp_path: Path) -> None:
    chance = random.Random(f"{seed()} crash {number}")
    lives: list[Life] = []
    settings = Settings(str(tmp_path / "state"), str(tmp_path), 0, seed=chance.getrandbits(32))
    while len(lives) < KILLS or (not telling(lives) and len(lives) < 4 * KILLS):
        ends, kill_at = next_life(replace(settings, life=len(lives)), chance)
        life = await live_once(ends, kill_at=kill_at, posters=2 if ends.writers < 16 else 0)
        assert life.code == -signal.SIGKILL, (ends, life.err)
        lives.append(life)
    # killed while it drains, with a receiver that fails now and then
    drains = replace(settings, life=len(lives), writers=0, failing=0.2)
    drained = await live_once(replace(drains, delivery=chance.randrange(1, 60)))
    assert drained.code in (0, -signal.SIGKILL), drained.err
    last = await live_once(replace(drains, life=len(lives) + 1, failing=0.0))
    assert (last.code, last.done) == (0, (0, 0, 0)), last.err
    judge([*lives, drained], Receivers(tmp_path))
    judge_dead([*lives, drained], last, Receivers(tmp_path))


def telling(lives: list[Life]) -> bool:
    """Tell whether enough was acknowledged to show anything; kills may all come too soon."""
    return len(acknowledged(lives)) > 20


def acknowledged(lives: list[Life]) -> list[str]:
    """Return what the writers of all lives were told is taken."""
    return [one for life in lives for one in (*life.acked, *life.posted)]


def judge(lives: list[Life], receivers: Receivers) -> None:
    """Hold that what was acknowledged arrived, whole, in order, and not too often."""
    acked = acknowledged(lives)
    assert len(acked) == len(set(acked))
    for name in NAMES:
        seen: set[str] = set()
        for got in receivers[name]:
            again = len(got) - len(set(got) - seen)
            assert again <= IN_FLIGHT[name], f"{again} repeated at {name} after one kill"
            seen.update(got)
        assert "damaged" not in seen
        assert all(_goes_to(name, one) for one in seen)
        lost = {one for one in acked if _goes_to(name, one)} - seen
        assert not lost, f"{len(lost)} of {len(acked)} never came to {name}: {sorted(lost)[:9]}"
    for name in ("left", "even"):  # on the right a call that fails lets later ones pass
        assert_in_order([one for got in receivers[name] for one in got])
    assert telling(lives), "it was killed too soon to show anything"


def judge_dead(lives: list[Life], last: Life, receivers: Receivers) -> None:
    """Hold that what died is a dead letter at the end, whichever life it died in; nothing else."""
    acked = [one for life in lives for one in (*life.acked, *life.posted)]
    buried = {name: last.dead.get(name, set()) for name in ("choosy", "fragile")}
    assert last.dead.keys() <= buried.keys()
    at_filter = {one for one in acked if _number(one) % 9 == 0}
    at_receiver = {one for one in acked if _number(one) % 9 and _number(one) % 5 == 0}
    assert not at_filter - buried["choosy"], "what died as it was written"
    assert not at_receiver - buried["fragile"], "what died behind a queue"
    assert all(_number(one) % 9 == 0 for one in buried["choosy"])
    assert all(_number(one) % 9 and _number(one) % 5 == 0 for one in buried["fragile"])
    assert at_filter, "it was killed too soon to show anything"


def _goes_to(name: str, event_id: str) -> bool:
    n = _number(event_id)
    match name:
        case "even":
            return n % 2 == 0
        case "fragile":
            return n % 9 != 0 and n % 5 != 0
        case _:
            return True


def _number(event_id: str) -> int:
    return int(event_id.rpartition(".")[2])


def assert_in_order(got: list[str]) -> None:
    """Each writer's events come for the first time in the order they were written."""
    last: dict[str, int] = {}
    for one in dict.fromkeys(got):
        life, writer, n = one.split(".")
        key = f"{life}.{writer}"
        assert last.get(key, -1) < int(n), f"{one} came after {key}.{last[key]}"
        last[key] = int(n)
