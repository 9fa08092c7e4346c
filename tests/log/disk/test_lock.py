"""Proves that a lock is held for life, by whoever it names, and left behind by nobody."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from sinkgraph.errors import StoreFailed
from sinkgraph.log.disk.errors import StateLocked, StateUnusable
from sinkgraph.log.disk.format import pack_record
from sinkgraph.log.disk.lock import Lock, holder
from sinkgraph.log.disk.salvage import check
from sinkgraph.log.disk.store import Store


def test_a_lock_file_that_nobody_holds_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "events.lock").write_text("999999\n")
    assert holder(str(tmp_path)) is None
    lock = Lock(str(tmp_path))
    assert (tmp_path / "events.lock").read_text() == f"{os.getpid()}\n"
    assert holder(str(tmp_path)) == os.getpid()
    lock.release()
    lock.release()
    assert holder(str(tmp_path)) is None
    assert (tmp_path / "events.lock").read_text() == ""


@pytest.mark.parametrize("text", ["", "not a number\n", "-5\n", "9" * 100])
def test_a_lock_that_names_nobody_still_holds(tmp_path: Path, text: str) -> None:
    lock = Lock(str(tmp_path))
    (tmp_path / "events.lock").write_text(text)
    with pytest.raises(StateLocked) as raised:
        Lock(str(tmp_path))
    if not text.strip().isdigit():
        assert raised.value.pid is None
        assert "in use by another process" in str(raised.value)
        assert holder(str(tmp_path)) == 0
    lock.release()


def test_a_file_system_without_locks_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    with pytest.raises(StateUnusable, match=r"No locks available: .* on a disk of this machine"):
        Lock(str(tmp_path))


def test_a_lock_is_not_inherited_by_what_is_started(tmp_path: Path) -> None:
    lock = Lock(str(tmp_path))
    held = os.path.realpath(tmp_path / "events.lock")
    mine = [fd for fd in os.listdir("/proc/self/fd") if _target(fd) == held]
    assert mine
    assert not any(os.get_inheritable(int(fd)) for fd in mine)
    lock.release()


def _target(fd: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        return ""


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_who_has_lost_the_lock_stores_nothing_more(tmp_path: Path, how: str) -> None:
    first = Store.open(str(tmp_path))
    first.commit([(1, 1, 0, 0, None, pack_record("cursor", "a", b"1"))])
    (tmp_path / "events.lock").unlink()
    second = Store.open(str(tmp_path)) if how == "replaced" else None
    for _ in range(2):
        with pytest.raises(StoreFailed, match=r"events.lock was removed or .* start it again"):
            first.commit([(1, 2, 0, 0, None, pack_record("cursor", "a", b"2"))])
    first.close()
    if second is None:
        second = Store.open(str(tmp_path))
    assert second.records["cursor", "a"] == (1, b"1")
    second.commit([(1, 2, 0, 0, None, pack_record("cursor", "a", b"3"))])
    assert holder(str(tmp_path)) == os.getpid()
    second.close()
    assert check(str(tmp_path)).sound
