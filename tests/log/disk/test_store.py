"""Proves that what was committed is there after the store was opened again, and nothing else."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from sinkgraph.errors import StoreFailed
from sinkgraph.log.disk.format import Head, key_of, pack_record, pack_takers
from sinkgraph.log.disk.store import NewRow, Store


def a_row(log: int, at: int, n: int, seq: int, body: bytes = b"body") -> NewRow:
    return key_of(log, at), seq, n, len(body), pack_takers({1: None}), body


def a_record(number: int, kind: str, name: str, value: bytes, seq: int = 1) -> NewRow:
    return number, seq, 0, 0, None, pack_record(kind, name, value)


def test_rows_and_records_are_there_after_opening_again(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "state"))
    number = store.next_record_id()
    store.commit(
        [a_row(1, 0, 3, 1, b"one"), a_row(2, 10, 2, 1), a_record(number, "log", "a", b"1")]
    )
    store.commit([a_row(1, 3, 4, 2, b"two"), a_record(number, "log", "a", b"2", 2)])
    store.close()
    store.close()
    store = Store.open(str(tmp_path / "state"))
    assert store.seq == 2
    assert store.cut == 0
    assert store.records == {("log", "a"): (number, b"2")}
    assert store.next_record_id() == number + 1
    assert store.heads() == {1: Head(0, 7), 2: Head(10, 12)}
    rows = store.read(1, 0)
    assert [(row.at, row.n, row.seq, row.body) for row in rows] == [
        (0, 3, 1, b"one"),
        (3, 4, 2, b"two"),
    ]
    assert rows[0].takers == {1: None}
    store.close()


def test_read_gives_rows_that_overlap_until_there_are_enough(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    store.commit([a_row(1, at, 10, 1) for at in range(0, 100, 10)])
    assert [row.at for row in store.read(1, 25, until=41)] == [20, 30, 40]
    assert [row.at for row in store.read(1, 25, until=40)] == [20, 30]
    assert [row.at for row in store.read(1, 0, most=11)] == [0, 10]
    assert [row.at for row in store.headers(1, 95)] == [90]
    assert [row.body for row in store.headers(1, 80)] == [None, None]
    assert store.read(1, 100) == []
    assert store.read(2, 0) == []
    store.close()


def test_more_headers_than_are_read_at_once_come_in_order(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    store.commit([a_row(1, at, 1, 1) for at in range(2_501)])
    assert [row.at for row in store.headers(1, 1)] == list(range(1, 2_501))
    store.close()


def test_forgetting_keeps_the_row_that_holds_the_position(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    store.commit([a_row(1, at, 10, 1) for at in range(0, 50, 10)])
    store.commit([], forget=[(1, 25)])
    assert store.heads() == {1: Head(20, 50)}
    store.commit([], forget=[(1, 30)])
    assert store.heads() == {1: Head(30, 50)}
    store.commit([], forget=[(1, 50), (2, 5)])
    assert store.heads() == {1: Head(50, 50)}
    store.close()


def test_the_directory_and_its_files_are_for_their_owner_only(tmp_path: Path) -> None:
    directory = tmp_path / "a" / "state"
    store = Store.open(str(directory))
    store.commit([a_row(1, 0, 1, 1)])
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}
    assert set(modes) >= {"events.db", "events.db-wal", "events.lock", "events.mark"}
    assert set(modes.values()) == {0o600}
    store.close()


def test_the_write_ahead_log_stays_within_4_mib(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    largest = 0
    for k in range(60):
        store.commit([a_row(1, k, 1, k + 1, bytes(300_000))])
        largest = max(largest, (tmp_path / "events.db-wal").stat().st_size)
    store.commit([a_row(1, 60 + k, 1, 61, bytes(300_000)) for k in range(30)])
    store.commit([a_row(1, 90, 1, 62)])
    assert largest <= 4 << 20
    assert (tmp_path / "events.db-wal").stat().st_size <= 4 << 20
    store.close()


def test_many_rows_and_logs_are_one_commit(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    store.commit([a_row(log, 0, 2, 1) for log in range(1, 2_501)])
    store.commit([a_row(300, 2, 1, 2)])
    store.close()
    store = Store.open(str(tmp_path))
    assert len(store.heads()) == 2_500
    assert store.heads()[300] == Head(0, 3)
    assert store.cut == 0
    store.close()


def test_a_log_that_was_forgotten_goes_on_where_it_was(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    store.commit([a_row(1, 0, 10, 1)])
    store.commit([], forget=[(1, 10)])
    store.close()
    store = Store.open(str(tmp_path))
    assert store.heads() == {1: Head(10, 10)}
    assert store.read(1, 0) == []
    store.commit([a_row(1, 10, 5, 3)])
    assert [(row.at, row.n) for row in store.read(1, 0)] == [(10, 5)]
    assert [(row.at, row.n) for row in store.headers(1, 0)] == [(10, 5)]
    assert store.damaged == 0
    store.close()


def test_a_damaged_row_is_told_counted_and_told_again(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    store.commit([a_row(1, at, 10, 1) for at in range(0, 50, 10)])
    store.db.execute("UPDATE rows SET body = x'00' WHERE key = ?", (key_of(1, 20),))
    store.db.execute("UPDATE rows SET n = 11 WHERE key = ?", (key_of(1, 40),))
    seen = [(0, 10, True), (10, 10, True), (20, 10, False), (30, 10, True), (40, 10, False)]
    assert [(row.at, row.n, row.body is not None) for row in store.read(1, 0)] == seen
    assert store.damaged == 20
    assert store.read(1, 20, most=1)[0].takers == {1: None}
    assert store.read(1, 45)[0].takers == {}
    store.close()
    store = Store.open(str(tmp_path))
    assert store.damaged == 20
    assert [(row.at, row.n, row.body is not None) for row in store.read(1, 0)] == seen
    assert store.damaged == 20
    store.commit([a_row(1, 50, 5, 2)], forget=[(1, 50)])
    assert store.heads() == {1: Head(50, 55)}
    assert [row.at for row in store.read(1, 0)] == [50]
    store.close()


def test_a_damaged_record_is_counted(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    store.commit([a_record(1, "log", "a", b"1"), a_record(2, "log", "b", b"2")])
    store.db.execute("UPDATE rows SET body = x'00' WHERE key = 1")
    store.close()
    store = Store.open(str(tmp_path))
    assert store.lost_records == 1
    assert set(store.records) == {("log", "b")}
    assert store.next_record_id() == 3
    store.close()


def test_a_store_that_is_looked_at_is_seen_as_it_was_and_cannot_be_changed(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    store.commit([a_row(1, at, 10, 1) for at in range(0, 50, 10)])
    look = Store.open(str(tmp_path), read_only=True)
    store.commit([a_row(1, 50, 10, 2)], forget=[(1, 30)])
    assert [row.at for row in look.read(1, 0)] == [0, 10, 20, 30, 40]
    assert look.damaged == 0
    with pytest.raises(StoreFailed, match="read only"):
        look.commit([])
    look.close()
    store.close()


@pytest.mark.parametrize("name", ["events.db", "events.db-wal", None])
def test_nothing_is_acknowledged_by_files_that_were_removed(
    name: str | None, tmp_path: Path
) -> None:
    directory = tmp_path / "state"
    store = Store.open(str(directory))
    store.commit([a_row(1, 0, 3, 1)])
    if name is None:
        directory.rename(tmp_path / "elsewhere")
    else:
        (directory / name).unlink()
    for _ in range(2):
        with pytest.raises(StoreFailed, match="was removed or replaced while it was in use"):
            store.commit([a_row(1, 3, 3, 2)])
    store.close()


def test_nothing_is_acknowledged_by_a_file_in_whose_place_is_another(tmp_path: Path) -> None:
    other = Store.open(str(tmp_path / "other"))
    other.close()
    store = Store.open(str(tmp_path / "state"))
    store.commit([a_row(1, 0, 3, 1)])
    (tmp_path / "other" / "events.db").rename(tmp_path / "state" / "events.db")
    with pytest.raises(StoreFailed, match=r"events\.db was removed or replaced"):
        store.commit([a_row(1, 3, 3, 2)])
    store.close()
