"""Proves that a tail that was cut off is noticed, and that a mark is never a reason to worry."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sinkgraph.log.disk.format import MARK, key_of
from sinkgraph.log.disk.mark import NO_MARK, Mark, MarkFile
from sinkgraph.log.disk.store import Store


def filled(directory: Path, commits: int) -> Store:
    store = Store.open(str(directory))
    for k in range(commits):
        store.commit([(key_of(1, 4 * k), k + 1, 4, 1, None, b"%d" % k)])
    return store


def test_a_mark_is_read_as_it_was_written(tmp_path: Path) -> None:
    mark = MarkFile(str(tmp_path))
    assert mark.read() == NO_MARK
    mark.write(3, 1 << 40)
    mark.write(4, 1 << 41)
    assert mark.read() == Mark(4, 1 << 41)
    mark.close()
    mark.close()


@pytest.mark.parametrize("text", [b"", b"x", b"x" * 24, b"x" * 1_000])
def test_a_torn_mark_says_nothing(tmp_path: Path, text: bytes) -> None:
    store = filled(tmp_path, 3)
    store.close()
    (tmp_path / MARK).write_bytes(text)
    store = Store.open(str(tmp_path))
    assert store.cut == 0
    store.close()


def test_every_torn_prefix_of_a_mark_says_nothing(tmp_path: Path) -> None:
    mark = MarkFile(str(tmp_path))
    mark.write(4, 44)
    whole = (tmp_path / MARK).read_bytes()
    for n in range(len(whole)):
        (tmp_path / MARK).write_bytes(whole[:n].ljust(len(whole), b"\0"))
        assert mark.read() == NO_MARK
    mark.close()


def test_a_cut_tail_is_counted_once(tmp_path: Path) -> None:
    store = filled(tmp_path / "a", 5)
    (tmp_path / "b").mkdir(mode=0o700)
    for name in ("events.db", "events.db-wal", "events.mark"):
        shutil.copy(tmp_path / "a" / name, tmp_path / "b" / name)
    store.close()
    wal = tmp_path / "b" / "events.db-wal"
    with open(wal, "r+b") as file:
        file.truncate(wal.stat().st_size - 100)
    for _ in range(2):  # until somebody commits, everybody is told
        store = Store.open(str(tmp_path / "b"))
        assert store.cut == 4
        assert store.heads()[1].head == 16
        store.close()
    store = Store.open(str(tmp_path / "b"))
    store.commit([(key_of(1, 16), 9, 4, 1, None, b"again")])
    store.close()
    store = Store.open(str(tmp_path / "b"))
    assert store.cut == 0
    store.close()


def test_a_mark_that_cannot_be_written_costs_no_commit(tmp_path: Path) -> None:
    (tmp_path / MARK).mkdir()
    store = filled(tmp_path, 3)
    store.close()
    store = Store.open(str(tmp_path))
    assert store.heads()[1].head == 12
    store.close()
