"""A store on a full disk opens with the room it kept aside, or says that the disk is full."""

from __future__ import annotations

import os
from pathlib import Path

import apsw
import pytest

from sinkgraph.log.disk import opening
from sinkgraph.log.disk.reserve import RESERVE_BYTES
from sinkgraph.log.disk.store import Store


def test_the_reserve_is_given_up_so_that_it_can_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state"
    Store.open(str(state)).close()
    reserve = state / "events.reserve"
    reserve.write_bytes(bytes(RESERVE_BYTES))
    seen: list[bool] = []
    real = opening._opened

    def opened(*args: object) -> apsw.Connection:
        seen.append(reserve.exists())
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(opening, "_free", lambda directory: 0)
    monkeypatch.setattr(opening, "_opened", opened)
    Store.open(str(state)).close()
    assert seen[-1] is False


def test_what_is_free_is_told_also_of_a_directory_that_is_not_there(tmp_path: Path) -> None:
    stats = os.statvfs(tmp_path)
    assert opening._free(str(tmp_path)) <= stats.f_blocks * stats.f_frsize
    assert opening._free(str(tmp_path / "none")) == opening._LITTLE


def test_without_room_for_its_index_it_says_that_the_disk_is_full() -> None:
    error = apsw.IOError("disk I/O error")
    setattr(error, "extendedresult", apsw.SQLITE_IOERR_SHMSIZE)  # noqa: B010
    said = str(opening.at_open(error, "/somewhere"))
    assert "no space left on its disk" in said
    assert "make room" in said
