"""The failing VFS: ordered faults, a full disk for a while, and what kills and power cuts leave."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from sinkgraph.simulation.faults import DiskFaults, Fault, Kept, Operation


@pytest.fixture
def faults() -> Iterator[DiskFaults]:
    made = DiskFaults(random=random.Random(5))
    yield made
    made.close()
    made.close()


def opened(faults: DiskFaults, directory: Path) -> apsw.Connection:
    connection = apsw.Connection(str(directory / "events.db"), vfs=faults.name)
    for pragma in ("journal_mode=wal", "synchronous=full", "wal_autocheckpoint=4"):
        connection.execute(f"pragma {pragma}")
    connection.execute("create table if not exists rows(k integer primary key, v)")
    return connection


def put(connection: apsw.Connection, k: int, size: int = 5_000) -> None:
    connection.execute("insert into rows values(?, zeroblob(?))", (k, size))


def keys(faults: DiskFaults, directory: Path) -> list[int]:
    connection = opened(faults, directory)
    assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
    found = [k for (k,) in connection.execute("select k from rows order by k")]
    connection.close()
    return found


@pytest.mark.parametrize(
    ("operation", "fault", "error"),
    [
        ("write", "EIO", apsw.IOError),
        ("write", "ENOSPC", apsw.FullError),
        ("sync", "EIO", apsw.IOError),
        ("sync", "ENOSPC", apsw.IOError),
    ],
)
def test_the_nth_call_fails_as_ordered_and_the_next_does_not(
    faults: DiskFaults,
    tmp_path: Path,
    operation: Operation,
    fault: Fault,
    error: type[apsw.Error],
) -> None:
    connection = opened(faults, tmp_path)
    before = faults.calls[operation]
    faults.fail(operation, 2 if operation == "write" else 1, fault=fault)
    with pytest.raises(error, match="simulated"):
        put(connection, 1)
    assert faults.failed == {operation: 1}
    assert faults.calls[operation] > before
    put(connection, 2)
    connection.close()
    assert keys(faults, tmp_path) == [2]


def test_a_full_disk_refuses_what_needs_room_until_it_has_some(tmp_path: Path) -> None:
    time = [0.0]
    faults = DiskFaults(now=lambda: time[0])
    connection = opened(faults, tmp_path)
    faults.full(at=10, for_s=5)
    put(connection, 1)
    time[0] = 12.0
    with pytest.raises(apsw.FullError):
        put(connection, 2, 100_000)
    time[0] = 15.0
    put(connection, 3, 100_000)
    connection.close()
    assert keys(faults, tmp_path) == [1, 3]
    faults.close()


def test_healing_forgets_what_was_ordered(faults: DiskFaults, tmp_path: Path) -> None:
    connection = opened(faults, tmp_path)
    faults.fail("write", times=10_000)
    faults.full(0, 10)
    with pytest.raises(apsw.IOError):
        put(connection, 1)
    faults.heal()
    put(connection, 2)
    connection.close()
    assert keys(faults, tmp_path) == [2]


def test_a_kill_leaves_what_was_written_though_nobody_closed(
    faults: DiskFaults, tmp_path: Path
) -> None:
    connection = opened(faults, tmp_path)
    for k in range(3):
        put(connection, k)
    faults.release()
    size = (tmp_path / "events.db-wal").stat().st_size
    connection.close()
    assert (tmp_path / "events.db-wal").stat().st_size == size  # it was not tidied away
    faults.revive("kill")
    assert keys(faults, tmp_path) == [0, 1, 2]


def put_until_dead(connection: apsw.Connection) -> int:
    """Return the last key that was put, -1 when none was."""
    for k in range(1000):
        try:
            put(connection, k)
        except apsw.IOError:
            return k - 1
    raise AssertionError("it did not die")


def unsynced(faults: DiskFaults, directory: Path) -> None:
    """Leave a database whose last three rows were committed without a sync."""
    connection = opened(faults, directory)
    put(connection, 0)
    connection.execute("pragma synchronous=off")
    connection.execute("pragma wal_autocheckpoint=0")
    for k in (1, 2, 3):
        put(connection, k)
    assert faults.unsynced > 0
    faults.release()
    connection.close()


@pytest.mark.parametrize(("kept", "left"), [("all", [0, 1, 2, 3]), ("none", [0])])
def test_a_power_cut_takes_back_what_was_not_synced(
    faults: DiskFaults, tmp_path: Path, kept: Kept, left: list[int]
) -> None:
    unsynced(faults, tmp_path)
    faults.revive("power", kept)
    assert faults.unsynced == 0
    assert keys(faults, tmp_path) == left


@pytest.mark.parametrize("kept", ["some", "first"])
def test_a_power_cut_may_leave_a_part_and_never_more(tmp_path: Path, kept: Kept) -> None:
    seen = set()
    for seed in range(12):
        faults = DiskFaults(random=random.Random(seed))
        directory = tmp_path / str(seed)
        directory.mkdir()
        unsynced(faults, directory)
        faults.revive("power", kept)
        left = keys(faults, directory)
        assert left == list(range(len(left)))
        assert left
        seen.add(len(left))
        faults.close()
    assert len(seen) > 1 or kept == "some"


@pytest.mark.parametrize("seed", range(8))
def test_a_death_in_the_middle_of_work_loses_nothing_that_was_synced(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    faults = DiskFaults(random=chance)
    connection = opened(faults, tmp_path)
    faults.die_after(chance.randrange(60))
    done = put_until_dead(connection)
    with pytest.raises(apsw.Error):
        put(connection, 5_000)
    assert faults.dead
    faults.release()
    connection.close()
    faults.revive("power", chance.choice(["all", "none", "some", "first"]))
    left = keys(faults, tmp_path)
    assert left[: done + 1] == list(range(done + 1))
    assert len(left) <= done + 2  # the one under way may be there
