"""Proves that a dead letter is moved whole: out of the table into the log of its node, at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinkgraph.errors import StoreFull
from sinkgraph.log.disk.dead import DeadFilter
from sinkgraph.log.disk.depot import Depot
from sinkgraph.log.disk.opened import open_store
from sinkgraph.log.disk.replaying import Moved, WrongReplay, move, rate_of
from sinkgraph.log.disk.store import Store
from sinkgraph.simulation.disk import VirtualDisk
from sinkgraph.simulation.faults import DiskFaults
from sinkgraph.simulation.loop import VirtualLoop
from tests.support.letters import DIED_AT, a_row, bury, left, stored


async def moving(
    directory: str, *chosen: Any, disk: VirtualDisk | None = None, **options: Any
) -> Moved:
    """Move letters of a state dir that nothing else uses."""
    disk = disk if disk is not None else VirtualDisk()
    vfs = disk.vfs
    opened = await disk.submit(lambda: open_store(directory, vfs))
    depot = Depot(opened, disk, lambda *_args, **_facts: None)

    try:
        return await move(depot, *chosen, **options)
    finally:
        await depot.close()


def run(work: Any) -> Any:
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(seed=0)) as runner:
        return runner.run(work)


def moved(directory: Path, *chosen: Any, **options: Any) -> Moved:
    made: Moved = run(moving(str(directory), *chosen, **options))
    return made


def numbers(directory: Path) -> list[int]:
    return [one.number for one in left(str(directory))]


def test_letters_go_where_they_died_and_leave_the_table(tmp_path: Path) -> None:
    bury(str(tmp_path), [a_row(0), a_row(1, node="other"), a_row(2)])
    made = moved(tmp_path)
    assert made.events == {"again": 2, "other": 1}
    assert (made.total, made.left) == (3, {})
    assert numbers(tmp_path) == []
    assert [event.id for event in stored(str(tmp_path), "again")] == ["run-0", "run-2"]
    assert [event.id for event in stored(str(tmp_path), "other")] == ["run-1"]


def test_an_event_is_replayed_as_it_was_accepted_but_for_the_count(tmp_path: Path) -> None:
    bury(str(tmp_path), [a_row(0, meta={"tenant": "acme"}), a_row(1, data=b"\x00\xff")])
    moved(tmp_path)
    first, second = stored(str(tmp_path), "again")
    assert dict(first.meta) == {"tenant": "acme", "replayed": 1}
    assert (first.id, first.type, first.source, first.data) == ("run-0", "event", "in", {"n": 0})
    assert first.time == DIED_AT - 7200
    assert second.data == b"\x00\xff"
    assert dict(second.meta) == {"replayed": 1}


def test_every_replay_is_counted(tmp_path: Path) -> None:
    bury(str(tmp_path), [a_row(0, meta={"replayed": 4})])
    moved(tmp_path)
    (event,) = stored(str(tmp_path), "again")
    assert dict(event.meta) == {"replayed": 5}


def test_letters_may_go_into_another_node(tmp_path: Path) -> None:
    bury(str(tmp_path), [a_row(0), a_row(1, node="other")])
    assert moved(tmp_path, to="spare").events == {"spare": 2}
    assert [event.id for event in stored(str(tmp_path), "spare")] == ["run-0", "run-1"]


@pytest.mark.parametrize(
    ("chosen", "ids"),
    [
        (DeadFilter(reason="rejected"), ["run-1"]),
        (DeadFilter(node="again", since=DIED_AT + 1), ["run-1", "run-2"]),
        ([3, 1, 3, 99], ["run-0", "run-2"]),
        ([], []),
    ],
)
def test_only_what_was_chosen_is_moved(chosen: Any, ids: list[str], tmp_path: Path) -> None:
    bury(str(tmp_path), [a_row(0), a_row(1, reason="rejected"), a_row(2)])
    assert moved(tmp_path, chosen).total == len(ids)
    assert [event.id for event in stored(str(tmp_path), "again")] == ids
    assert len(numbers(tmp_path)) == 3 - len(ids)


def test_another_number_than_expected_moves_none(tmp_path: Path) -> None:
    bury(str(tmp_path), [a_row(k) for k in range(3)])
    with pytest.raises(WrongReplay, match=r"^3 dead letters match, not 2: nothing was replayed$"):
        moved(tmp_path, expect=2)
    with pytest.raises(WrongReplay, match=r"^1 dead letters match, not 2"):
        moved(tmp_path, [1, 77], expect=2)
    assert numbers(tmp_path) == [1, 2, 3]
    assert moved(tmp_path, expect=3).total == 3


def test_a_damaged_letter_stays_and_is_told(tmp_path: Path) -> None:
    rows = [a_row(0), a_row(1), a_row(2, body=b"\xc1 not a chunk"), a_row(3, node="")]
    bury(str(tmp_path), rows)
    store = Store.open(str(tmp_path))
    store.db.execute("UPDATE dead SET body = x'00' WHERE number = 2")
    store.close()
    made = moved(tmp_path)
    assert made.events == {"again": 1}
    assert made.left == {
        2: "it is damaged",
        3: "it is damaged",
        4: "it does not say where it died: name a node",
    }
    assert numbers(tmp_path) == [2, 3, 4]


def test_what_was_not_stored_as_it_was_stays_a_letter(tmp_path: Path) -> None:
    bury(str(tmp_path), [a_row(0, meta={"unstorable": "Thing: no"}), a_row(1, node="dead-letters")])
    assert moved(tmp_path).left == {
        1: "its payload could not be stored as it was (Thing: no)",
        2: "it does not say where it died: name a node",
    }
    assert moved(tmp_path, [2], to="again").events == {"again": 1}


@pytest.mark.parametrize("node", ["x\udc80", "a\x00b", "\x1b[2J", "x" * 100_000])
def test_a_name_that_can_be_no_node_holds_nothing_up(node: str, tmp_path: Path) -> None:
    bury(str(tmp_path), [replace(a_row(0), node=node), a_row(1)])
    made = moved(tmp_path)
    assert made.events == {"again": 1}
    assert made.left == {1: "it does not say where it died: name a node"}


def test_letters_of_nodes_that_are_not_there_stay(tmp_path: Path) -> None:
    bury(str(tmp_path), [a_row(0), a_row(1, node="gone")])
    made = moved(tmp_path, known={"again"})
    assert made.events == {"again": 1}
    assert made.left == {2: "it died at gone, which is not in this graph: name a node"}


def test_what_died_while_it_was_to_be_replayed_goes_where_it_died(tmp_path: Path) -> None:
    bury(str(tmp_path), [a_row(0, node="replay/again")])
    assert moved(tmp_path).events == {"again": 1}


def test_many_letters_are_moved_in_order_in_several_commits(tmp_path: Path) -> None:
    bury(str(tmp_path), [a_row(k) for k in range(2_345)])
    steps: list[int] = []
    made = moved(tmp_path, progress=lambda so_far: steps.append(so_far.total))
    assert steps == [1_000, 2_000, 2_345]
    assert made.total == 2_345
    assert [event.data["n"] for event in stored(str(tmp_path), "again")] == list(range(2_345))
    assert numbers(tmp_path) == []


def test_one_commit_holds_a_bounded_number_of_bytes(tmp_path: Path) -> None:
    big = b"x" * (5 * 1024**2)
    bury(str(tmp_path), [a_row(k, data=big) for k in range(4)])
    steps: list[int] = []
    moved(tmp_path, progress=lambda so_far: steps.append(so_far.total))
    assert steps == [1, 2, 3, 4]


def test_a_second_replay_goes_on_behind_the_first(tmp_path: Path) -> None:
    bury(str(tmp_path), [a_row(k) for k in range(4)])
    moved(tmp_path, [1, 2])
    moved(tmp_path)
    assert [event.id for event in stored(str(tmp_path), "again")] == [f"run-{k}" for k in range(4)]


@pytest.mark.parametrize(
    ("value", "rate"),
    [
        (None, None),
        (b'{"rate":100.0}', 100.0),
        (b'{"rate":null}', None),
        (b'{"rate":-1}', None),
        (b"\xff", None),
        (b'{"rate":"x"}', None),
    ],
)
def test_a_rate_is_read_or_there_is_none(value: bytes | None, rate: float | None) -> None:
    assert rate_of(value) == rate


def test_the_rate_is_kept_with_the_events_and_the_last_word_counts(tmp_path: Path) -> None:
    def kept() -> float | None:
        store = Store.open(str(tmp_path), read_only=True)
        try:
            return rate_of(store.records.get(("replay", "again"), (0, b""))[1])
        finally:
            store.close()

    bury(str(tmp_path), [a_row(k) for k in range(3)])
    moved(tmp_path, [1], rate=100.0)
    assert kept() == 100.0
    moved(tmp_path, [2], rate=5.0)
    assert kept() == 5.0
    moved(tmp_path, [3])
    assert kept() is None


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(1, 60),
    at_once=st.integers(1, 20),
    changes=st.integers(0, 120),
    power=st.booleans(),
)
def test_a_death_at_any_moment_loses_and_repeats_no_letter(
    tmp_path_factory: pytest.TempPathFactory, count: int, at_once: int, changes: int, power: bool
) -> None:
    directory = str(tmp_path_factory.mktemp("state"))
    bury(directory, [a_row(k, node=f"n{k % 3}") for k in range(count)])

    async def story() -> None:
        faults = DiskFaults(now=asyncio.get_running_loop().time)
        disk = VirtualDisk(vfs=faults.name, lost=lambda: faults.dead)
        faults.die_after(changes)
        work = asyncio.ensure_future(moving(directory, disk=disk, at_once=at_once))
        await asyncio.wait([work], timeout=60)
        if faults.dead:
            disk.die()
            disk.forsake()
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            faults.release()
            for store in disk.stores:
                store.close()
            faults.revive("power" if power else "kill", "some")
        else:
            work.result()
        faults.close()

    def everything() -> list[str]:
        waiting = [event.id for k in range(3) for event in stored(directory, f"n{k}")]
        return sorted([one.id for one in left(directory)] + waiting)

    run(story())
    assert everything() == sorted(f"run-{k}" for k in range(count))
    run(moving(directory))  # said again, it goes on
    assert left(directory) == []
    assert everything() == sorted(f"run-{k}" for k in range(count))


def test_a_full_disk_moves_nothing_by_halves(tmp_path: Path) -> None:
    bury(str(tmp_path), [a_row(k) for k in range(30)])

    async def story() -> None:
        faults = DiskFaults(now=asyncio.get_running_loop().time)
        disk = VirtualDisk(vfs=faults.name)
        faults.full(at=0.0, for_s=3600)
        with pytest.raises(StoreFull):
            await moving(str(tmp_path), disk=disk, at_once=10)
        faults.close()

    run(story())
    assert len(numbers(tmp_path)) + len(stored(str(tmp_path), "again")) == 30
