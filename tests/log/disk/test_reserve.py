"""Proves that a store which filled its disk by itself gets out of it by itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sinkgraph.errors import StoreFull
from sinkgraph.log.disk.format import key_of, pack_record
from sinkgraph.log.disk.reserve import RESERVE_BYTES, Reserve
from sinkgraph.log.disk.store import NewRow, Store


def no_room(*_: object) -> None:
    raise OSError(28, "No space left on device")


def a_row(k: int, size: int = 10) -> NewRow:
    return key_of(1, k), k + 1, 1, size, None, bytes(size)


def test_room_is_set_aside_and_given_up(tmp_path: Path) -> None:
    reserve = Reserve(str(tmp_path))
    assert not reserve.give_up()
    assert reserve.take()
    assert reserve.take()
    (file,) = tmp_path.iterdir()
    assert file.stat().st_blocks * 512 >= RESERVE_BYTES
    assert file.stat().st_mode & 0o777 == 0o600
    assert reserve.give_up()
    assert not reserve.held
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_that_much_room_leaves_no_half_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "posix_fallocate", no_room)
    assert not Reserve(str(tmp_path)).take()
    assert list(tmp_path.iterdir()) == []


def test_without_room_set_aside_acks_are_stored_and_events_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(str(tmp_path))
    for k in range(40):
        store.commit([a_row(k, 250_000)])
    store.close()
    (tmp_path / "events.reserve").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", no_room)
        store = Store.open(str(tmp_path))
        with pytest.raises(StoreFull, match="the disk is full"):
            store.commit([a_row(40)])
        ack = (1, 41, 0, 0, None, pack_record("cursor", "a", b"5"))
        store.commit([ack], forget=[(1, 5)])
        with pytest.raises(StoreFull):  # what was freed is not yet enough
            store.commit([a_row(40)])
        store.commit([ack], forget=[(1, 39)])
        store.commit([a_row(40)])
    assert [row.at for row in store.read(1, 0)] == [39, 40]
    store.close()


def test_events_are_taken_again_when_there_is_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", no_room)
        store = Store.open(str(tmp_path))
        with pytest.raises(StoreFull):
            store.commit([a_row(0)])
    store.commit([a_row(0)])
    assert (tmp_path / "events.reserve").exists()
    store.close()
