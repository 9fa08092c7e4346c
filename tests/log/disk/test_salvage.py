"""Proves that check tells the truth, and that a repair may stop anywhere and be run again."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sinkgraph.log.disk import rebuild
from sinkgraph.log.disk.dead import DeadRow
from sinkgraph.log.disk.errors import StateDamaged, StateLocked, StateUnusable
from sinkgraph.log.disk.format import hole, key_of, pack_record, pack_takers
from sinkgraph.log.disk.salvage import Contents, check, repair
from sinkgraph.log.disk.store import Store


class PowerCut(BaseException):
    pass


def filled(directory: Path, rows: int = 200) -> Store:
    """Return a store of one log with rows of 10 events and some 3,000 bytes each."""
    store = Store.open(str(directory))
    chance = random.Random(7)
    takers = pack_takers({2: [[0, 4]]})
    store.commit(
        [
            (1, 1, 0, 0, None, pack_record("log", "orders", b"1")),
            (2, 1, 0, 0, None, pack_record("cursor", "deliver", b"x")),
            *(
                (
                    key_of(1, 10 * k),
                    1,
                    10,
                    3_000,
                    takers,
                    chance.randbytes(3_000),
                )
                for k in range(rows)
            ),
        ],
        dead=[
            DeadRow("kept", "deliver", "why", f"e{k}", "t", 1.0, 1.0, 5, b"letter")
            for k in range(3)
        ],
    )
    return store


def page_of(path: Path, text: bytes) -> int:
    """Return the page of a file in which a text stands."""
    return path.read_bytes().index(text) // 4096


def overwrite(path: Path, at: int, text: bytes) -> None:
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(text)


def positions(store: Store) -> tuple[set[int], set[int]]:
    """Return the positions of log 1 that can be read, and those that are damaged."""
    whole: set[int] = set()
    damaged: set[int] = set()
    at = 0
    while rows := store.read(1, at):
        for row in rows:
            (damaged if row.body is None else whole).update(range(row.at, row.at + row.n))
            at = row.at + row.n
    return whole, damaged


def test_a_check_counts_everything(tmp_path: Path) -> None:
    store = filled(tmp_path)
    live = check(str(tmp_path))
    store.close()
    for found in (live, check(str(tmp_path))):
        assert found.sound
        assert found.logs == (Contents(1, "orders", 0, 2_000, 200, 2_000, 600_000, 0),)
        assert found.cursors == (("deliver", 800),)
        assert (found.records, found.dead) == (2, 3)
        assert (found.cut, found.damaged_dead, found.quarantine) == (0, 0, ())


def test_a_repair_counts_no_events_where_a_hole_stands_in_their_place(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    takers = pack_takers({2: None})
    store.commit(
        [
            (1, 1, 0, 0, None, pack_record("log", "orders", b"1")),
            (2, 1, 0, 0, None, pack_record("cursor", "deliver", b"x")),
            (key_of(1, 0), 1, 10, 500, takers, b"ten of them"),
            hole(1, 10, 990, 1),
            (key_of(1, 1_000), 1, 10, 500, takers, b"ten more"),
        ]
    )
    store.close()
    report = repair(str(tmp_path))
    assert (report.events, report.lost_events, report.doubts) == (20, 0, ())
    assert repair(str(tmp_path)).events == 20


def test_a_broken_page_costs_only_its_rows(tmp_path: Path) -> None:
    filled(tmp_path).close()
    path = tmp_path / "events.db"
    row = random.Random(7)
    bodies = [row.randbytes(3_000) for _ in range(200)]
    page = page_of(path, bodies[100][:16])
    overwrite(path, 4096 * page, bytes(64))
    store = Store.open(str(tmp_path))
    whole, damaged = positions(store)
    assert whole | damaged == set(range(2_000))
    assert 1_005 in damaged
    assert len(damaged) <= 40
    assert store.damaged == len(damaged)
    store.close()
    found = check(str(tmp_path))
    assert sum(n for _, _, n, _ in found.quarantine) == found.logs[0].damaged == len(damaged)
    report = repair(str(tmp_path))
    assert report.lost_events == len(damaged)
    assert report.doubts == ()
    assert report.lines() == [
        f"saved {2_000 - len(damaged)} events, 2 records, 3 dead letters",
        f"lost {len(damaged)} events of orders: positions {min(damaged)} to {max(damaged)}",
        f"the damaged file is kept as {path}.damaged-1",
    ]
    store = Store.open(str(tmp_path))
    assert positions(store) == (whole, damaged)
    store.close()


def test_a_broken_inner_page_costs_a_repair_nothing(tmp_path: Path) -> None:
    filled(tmp_path).close()
    path = tmp_path / "events.db"
    raw = path.read_bytes()
    inner = [at for at in range(4096, len(raw), 4096) if raw[at] == 5]
    assert inner
    for at in inner:
        overwrite(path, at, b"\xff" * 12)
    with pytest.raises(StateDamaged):
        Store.open(str(tmp_path))
    assert not check(str(tmp_path)).sound
    report = repair(str(tmp_path))
    assert (report.events, report.lost_events, report.dead) == (2_000, 0, 3)
    store = Store.open(str(tmp_path))
    assert positions(store) == (set(range(2_000)), set())
    store.close()


def test_a_write_ahead_log_is_saved_beyond_its_damage(tmp_path: Path) -> None:
    live = Store.open(str(tmp_path / "live"))
    for k in range(20):
        live.commit([(key_of(1, k), k + 1, 1, 900, pack_takers({1: None}), b"%03d" % k * 300)])
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    for name in ("events.db", "events.db-wal", "events.mark"):
        shutil.copy(tmp_path / "live" / name, state / name)
    live.close()
    wal = state / "events.db-wal"
    overwrite(wal, wal.read_bytes().index(b"005" * 50), b"x")
    with pytest.raises(StateDamaged, match="its write-ahead log, not up to the end"):
        Store.open(str(state))
    report = repair(str(state))
    assert (report.events, report.lost_events, report.cut) == (20, 0, 0)
    assert (state / "events.db.damaged-1-wal").exists()
    store = Store.open(str(state))
    assert positions(store) == (set(range(20)), set())
    store.close()


def test_what_was_deleted_does_not_come_back(tmp_path: Path) -> None:
    store = filled(tmp_path)
    store.commit([], forget=[(1, 1_500)], forget_dead=[1, 2])
    store.close()
    before = (tmp_path / "events.db").stat().st_size
    report = repair(str(tmp_path))
    assert (report.kept, report.events, report.dead, report.lost) == (None, 500, 1, ())
    assert report.size_after < before / 2
    store = Store.open(str(tmp_path))
    assert positions(store) == (set(range(1_500, 2_000)), set())
    store.commit([], dead=[DeadRow("kept", "n", "r", "e", "t", 1.0, 1.0, 1, b"")])
    assert store.select("SELECT number FROM dead ORDER BY 1") == [(3,), (4,)]
    store.close()


def test_nothing_is_repaired_under_a_running_graph(tmp_path: Path) -> None:
    store = filled(tmp_path)
    with pytest.raises(StateLocked):
        repair(str(tmp_path))
    store.close()
    with pytest.raises(StateUnusable, match="holds no stored events"):
        repair(str(tmp_path / "..") if not (tmp_path / "../events.db").exists() else "")


def test_no_room_for_the_new_file_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path).close()
    before = (tmp_path / "events.db").read_bytes()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rebuild, "_write", full)
    with pytest.raises(StateUnusable, match="no space left on the disk; nothing was changed"):
        repair(str(tmp_path))
    assert (tmp_path / "events.db").read_bytes() == before
    assert not (tmp_path / "events.db.new").exists()


STEPS = ("link", "replace", "unlink")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("k", range(6))
def test_a_repair_that_stops_anywhere_is_finished_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, k: int, after: bool
) -> None:
    store = filled(tmp_path / "live", rows=20)
    store.commit([(key_of(1, 200), 2, 1, 900, pack_takers({2: None}), b"x" * 900)])
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    for name in ("events.db", "events.db-wal", "events.mark"):
        shutil.copy(tmp_path / "live" / name, state / name)
    store.close()
    db = state / "events.db"
    overwrite(db, 60, (9).to_bytes(2, "big"))  # its format number makes no sense
    calls = 0

    def stopping(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == k + 1 and not after:
                raise PowerCut
            try:
                call(*args, **kwargs)
            finally:
                if calls == k + 1:
                    raise PowerCut

        return wrapped

    with monkeypatch.context() as patch:
        for name in STEPS:
            patch.setattr(os, name, stopping(getattr(os, name)))
        try:
            repair(str(state))
            interrupted = False
        except PowerCut:
            interrupted = True
    assert interrupted
    try:
        Store.open(str(state)).close()
    except StateUnusable:
        repair(str(state))
    store = Store.open(str(state))
    assert positions(store) == (set(range(201)), set())
    store.close()
