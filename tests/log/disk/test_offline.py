"""What is read without an engine is what an engine would deliver, and nothing of it is lost."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinkgraph.event import Batch
from sinkgraph.log.disk.chunk import encode
from sinkgraph.log.disk.format import key_of, pack_record, pack_takers
from sinkgraph.log.disk.offline import Drain, Walk, held, log_names, oldest
from sinkgraph.log.disk.salvage import repair
from sinkgraph.log.disk.store import Store
from sinkgraph.runtime.state import StateDir
from tests.log.disk.pending import QUEUES, Commit, InlineDisk, Step, batch, commits, filled


def ids(batches: list[Batch]) -> list[str]:
    return [event.id for batch in batches for event in batch]


def walked(directory: str, name: str, most: int) -> list[str]:
    """Return what a walk gives that opens the store anew for every read."""
    walk = Walk(name)
    found: list[str] = []
    while True:
        store = Store.open(directory, read_only=True)
        try:
            chunks = walk.read(store, held(store)[name], most=most)
        finally:
            store.close()
        if not chunks:
            return found
        found += ids([chunk.batch for chunk in chunks if chunk.batch is not None])


async def delivered(directory: str, name: str) -> list[str]:
    """Return what an engine reads of a queue after a start."""
    state = StateDir(directory, InlineDisk(), {})
    depot = await state.open(lambda *given, **facts: None)
    shelf = depot.shelves[name]
    found: list[str] = []
    while shelf.cold:
        arrived: asyncio.Future[list[Batch]] = depot.loop.create_future()
        shelf.prefetch(lambda batches, lost, size, to=arrived: to.set_result(batches))  # type: ignore[misc]
        found += ids(await arrived)
    await state.close()
    return found


@settings(max_examples=60, deadline=None)
@given(made=commits(), most=st.integers(1, 40))
def test_what_is_exported_is_what_a_start_would_deliver(made: list[Commit], most: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        expected = filled(directory, made)
        for name in QUEUES:
            assert walked(directory, name, most) == expected[name]
            assert asyncio.run(delivered(directory, name)) == expected[name]


@settings(max_examples=40, deadline=None)
@given(made=commits(), most=st.integers(1, 9), kept=st.lists(st.booleans(), max_size=8))
def test_a_drain_killed_anywhere_settles_what_was_kept_and_nothing_else(
    made: list[Commit], most: int, kept: list[bool]
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        expected = filled(directory, made)
        taken: list[str] = []
        for settles in [*kept, True]:
            store = Store.open(directory)
            drain = Drain(store, "one")
            assert drain.pending == len(expected["one"]) - len(taken)
            while batches := drain.read(most):
                if not settles:
                    break  # it was killed before it settled them
                drain.settle(batches)
                taken += ids(batches)
                if kept and len(taken) % 2:
                    break  # and here behind a settled batch
            store.db.close(True)  # as a killed process leaves it
            store.close()
        store = Store.open(directory)
        drain = Drain(store, "one")
        while batches := drain.read():
            drain.settle(batches)
            taken += ids(batches)
        drain.finish()
        assert (drain.pending, drain.lost, drain.stays) == (0, 0, 0)
        store.close()
        assert taken == expected["one"]
        for name in QUEUES[1:]:
            assert walked(directory, name, 1_000) == expected[name]


@pytest.fixture
def directory(tmp_path: Path) -> str:
    """Return a state dir: `one` waits for 40 events in four rows, `two` for the first ten."""
    rows = [Step(1, 10, {1: None, 2: None}), *[Step(1, 10, {1: None})] * 3]
    filled(str(tmp_path), [Commit([row], {}) for row in rows])
    return str(tmp_path)


def test_what_waits_for_each_queue_is_told(directory: str) -> None:
    store = Store.open(directory, read_only=True)
    found = held(store)
    assert {name: (one.pending, one.size, one.logs) for name, one in found.items()} == {
        "one": (40, 400, [1]),
        "two": (10, 100, [1]),
        "replay/two": (0, 0, []),
    }
    assert log_names(store) == {1: "entrance 1", 2: "entrance 2", 3: "entrance 3"}
    assert oldest(store, found["one"]) == 0.0
    assert oldest(store, found["replay/two"]) is None
    store.close()


def test_what_nobody_waits_for_any_more_leaves_the_disk_with_a_drain(directory: str) -> None:
    for name, first in (("two", 0), ("one", 40)):
        store = Store.open(directory)
        drain = Drain(store, name)
        while batches := drain.read(7):
            drain.settle(batches)
        assert store.heads()[1].first == first
        store.close()


def test_what_came_later_is_not_part_of_a_walk(directory: str) -> None:
    walk = Walk("one")
    store = Store.open(directory, read_only=True)
    first = walk.read(store, held(store)["one"], most=10)
    store.close()
    store = Store.open(directory)
    later = key_of(1, 40), store.seq + 1, 1, 10, pack_takers({1: None}), encode([batch(1, 40, 1)])
    store.commit([later])
    store.close()
    store = Store.open(directory, read_only=True)
    one = held(store)["one"]
    assert one.pending == 41
    rest = walk.read(store, one)
    store.close()
    assert sum(chunk.n for chunk in [*first, *rest]) == 40


def spoil(directory: str, *positions: int) -> None:
    """Damage the bodies of rows of log 1."""
    store = Store.open(directory)
    for at in positions:
        store.db.execute("UPDATE rows SET body = x'90' WHERE key = ?", (key_of(1, at),))
    store.close()


def test_damaged_events_stay_until_a_repair_says_that_they_are_lost(directory: str) -> None:
    spoil(directory, 10)
    store = Store.open(directory)
    drain = Drain(store, "one")
    taken: list[str] = []
    while batches := drain.read():
        drain.settle(batches)
        taken += ids(batches)
    drain.finish()
    assert (len(taken), drain.stays, drain.lost) == (30, 10, 0)
    store.close()
    assert [(one.at, one.n) for one in repair(directory).lost] == [(10, 10)]
    store = Store.open(directory)
    drain = Drain(store, "one")
    assert drain.pending == 10
    assert drain.read() == []
    drain.finish()
    assert (drain.pending, drain.stays, drain.lost) == (0, 0, 10)
    store.close()


def test_a_place_that_cannot_be_read_says_so_and_nothing_is_deleted_then(directory: str) -> None:
    store = Store.open(directory)
    store.commit([(2, store.seq + 1, 0, 0, None, pack_record("cursor", "two", b"junk"))])
    store.close()
    store = Store.open(directory)
    assert held(store)["two"].misread
    drain = Drain(store, "one")
    while batches := drain.read():
        drain.settle(batches)
    assert drain.pending == 0
    assert store.heads()[1].first == 0
    store.close()
