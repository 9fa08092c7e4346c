"""Proves that no failing call of the disk makes a commit return whose events are not there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sinkgraph.errors import StoreFailed, StoreFull
from sinkgraph.log.disk import store as store_module
from sinkgraph.log.disk.errors import StateUnusable
from sinkgraph.log.disk.format import key_of, pack_record, pack_takers
from sinkgraph.log.disk.salvage import check
from sinkgraph.log.disk.store import NewRow, Store
from tests.log.disk.faulty import Faulty

COMMITS = 6
EVERY_CALL = 400  # more than a run makes


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Iterator[Faulty]:
    monkeypatch.setattr(store_module, "CHECKPOINT_PAGES", 8)
    vfs = Faulty()
    yield vfs
    vfs.unregister()


def a_row(k: int) -> NewRow:
    body = b"%d " % k * 1_200
    return key_of(1, k), k, 1, len(body), pack_takers({1: None}), body


def run(directory: Path, faults: Faulty) -> tuple[set[int], list[Exception]]:
    """Commit until all is in or the store has failed; return what was acknowledged, and errors."""
    stored: set[int] = set()
    errors: list[Exception] = []
    try:
        store = Store.open(str(directory), vfs=faults.name)
    except StateUnusable as error:
        return stored, [error]
    for k in range(COMMITS):
        record = (1, k, 0, 0, None, pack_record("cursor", "a", b"%d" % k))
        for _ in range(3):
            try:
                store.commit([a_row(k), record], forget=[(1, k // 2)] if k % 5 == 4 else [])
                stored.add(k)
                break
            except StoreFull as error:
                errors.append(error)
            except StoreFailed as error:
                errors.append(error)
                break
    if any(isinstance(one, StoreFailed) for one in errors):
        with pytest.raises(StoreFailed):
            store.commit([])
    store.close()
    return stored, errors


def stored_in(directory: Path) -> tuple[set[int], int]:
    store = Store.open(str(directory))
    first = min((head.first for head in store.heads().values()), default=0)
    rows = store.read(1, 0)
    assert all(row.body == a_row(row.at)[5] for row in rows)
    assert store.cut == store.damaged == store.lost_records == 0
    if rows and store.records:
        assert store.records["cursor", "a"][1] == b"%d" % rows[-1].at
    store.close()
    assert check(str(directory)).sound
    return {row.at for row in rows}, first


@pytest.mark.parametrize("times", [1, 10_000])
@pytest.mark.parametrize("full", [False, True], ids=["EIO", "ENOSPC"])
def test_every_failing_call_is_honest(
    tmp_path: Path, faults: Faulty, full: bool, times: int
) -> None:
    faults.full, faults.times = full, times
    met: set[str] = set()
    for n in range(1, EVERY_CALL):
        directory = tmp_path / f"state-{n}"
        faults.calls, faults.fails_at, faults.failed = 0, n, []
        acknowledged, errors = run(directory, faults)
        met.update(faults.failed)
        clean = not faults.failed
        faults.fails_at = 0
        there, first = stored_in(directory)
        assert {k for k in acknowledged if k >= first} <= there, (n, errors)
        opened = not any(isinstance(one, StateUnusable) for one in errors)
        if opened and full and faults.failed == ["write"]:
            assert not any(isinstance(one, StoreFailed) for one in errors), (n, errors)
            assert acknowledged == set(range(COMMITS)), n
        if clean:
            assert errors == []
            assert n > 40
            assert met >= {"write", "sync"}
            return
    pytest.fail("it never came through without a fault")


def test_a_failed_sync_is_never_tried_again(tmp_path: Path, faults: Faulty) -> None:
    store = Store.open(str(tmp_path / "state"), vfs=faults.name)
    store.commit([a_row(0)])
    calls = faults.calls
    store.commit([a_row(1)])
    faults.fails_at = 2 * faults.calls - calls  # the last call of the next commit: its sync
    with pytest.raises(StoreFailed, match=r"events\.db failed"):
        store.commit([a_row(2)])
    assert faults.failed == ["sync"]
    calls = faults.calls
    for _ in range(3):
        with pytest.raises(StoreFailed):
            store.commit([a_row(2)])
    store.close()
    assert faults.calls == calls


def test_a_full_disk_stores_nothing_and_recovers_by_itself(tmp_path: Path, faults: Faulty) -> None:
    store = Store.open(str(tmp_path / "state"), vfs=faults.name)
    store.commit([a_row(0)])
    faults.fails_at, faults.times, faults.full = faults.calls + 1, 10_000, True
    for _ in range(3):
        with pytest.raises(StoreFull, match="the disk is full"):
            store.commit([a_row(1)])
    assert [row.at for row in store.read(1, 0)] == [0]
    faults.fails_at = 0
    store.commit([a_row(1)])
    store.close()
    assert stored_in(tmp_path / "state")[0] == {0, 1}
