"""Proves that reading goes on behind whatever is damaged, wherever that claims to stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from sinkgraph.log.disk.format import Head, key_of, pack_takers
from sinkgraph.log.disk.store import Store
from tests.log.disk.faulty import Faulty

ROWS = 300


def filled(directory: Path) -> None:
    store = Store.open(str(directory))
    takers = pack_takers({1: None})
    store.commit(
        [(key_of(1, 10 * k), 1, 10, 700, takers, b"%04d" % k * 175) for k in range(ROWS)]
        + [(key_of(2, 0), 1, 1, 2, takers, b"ok")]
    )
    store.close()


def varint(value: int) -> bytes:
    """Return an integer as a table's leaf holds it."""
    held = [value & 0x7F]
    while value := value >> 7:
        held.append(value & 0x7F | 0x80)
    return bytes(reversed(held))


def replace(path: Path, old: bytes, new: bytes) -> None:
    raw = path.read_bytes()
    assert raw.count(old) >= 1
    assert len(old) == len(new)
    path.write_bytes(raw.replace(old, new))


def seen(store: Store, log: int = 1) -> dict[int, bool]:
    """Return the position of each row, and whether it is whole; each position is told once."""
    found: dict[int, bool] = {}
    at = 0
    while rows := store.read(log, at, most=70):
        for row in rows:
            assert row.at == at
            found[row.at] = row.body is not None
            at = row.at + row.n
    return found


@pytest.mark.parametrize("claimed", [key_of(5, 7), key_of(1, 2_995), key_of(1, 3)])
@pytest.mark.parametrize("k", [1, 150, ROWS - 1])
def test_a_row_that_claims_to_stand_elsewhere_hides_no_other(
    tmp_path: Path, claimed: int, k: int
) -> None:
    filled(tmp_path)
    replace(tmp_path / "events.db", varint(key_of(1, 10 * k)), varint(claimed))
    store = Store.open(str(tmp_path))
    assert store.heads() == {1: Head(0, 10 * ROWS), 2: Head(0, 1)}
    found = seen(store)
    assert not found[10 * k]
    assert sum(found.values()) >= ROWS - 2
    assert seen(store, 2) == {0: True}
    headers = [row.at + row.n for row in store.headers(1, 0)]
    assert headers[-1] == 10 * ROWS
    assert store.damaged == 10 * ROWS - 10 * sum(found.values())
    store.close()


def test_several_broken_pages_cost_only_their_rows(tmp_path: Path) -> None:
    filled(tmp_path)
    path = tmp_path / "events.db"
    raw = bytearray(path.read_bytes())
    for k in (20, 21, 100, 280):
        at = raw.index(b"%04d" % k * 175) // 4096 * 4096
        raw[at : at + 16] = b"\xff" * 16
    path.write_bytes(raw)
    store = Store.open(str(tmp_path))
    found = seen(store)
    whole = sum(found.values())
    assert ROWS - 24 <= whole < ROWS - 8
    assert not any(store.read(1, 10 * k)[0].body for k in (20, 100, 280))
    assert store.damaged == 10 * (ROWS - whole)
    store.close()


def test_reading_at_every_position_gives_the_row_that_holds_it(tmp_path: Path) -> None:
    filled(tmp_path)
    store = Store.open(str(tmp_path))
    for at in range(0, 10 * ROWS, 7):
        (row,) = store.read(1, at, most=1)
        assert row.at == at // 10 * 10
        assert row.body == b"%04d" % (at // 10) * 175
    assert store.read(1, 10 * ROWS) == []
    assert store.damaged == 0
    store.close()


def test_a_row_with_another_commits_number_is_damaged(tmp_path: Path) -> None:
    filled(tmp_path)
    store = Store.open(str(tmp_path))
    store.db.execute("UPDATE rows SET seq = 77 WHERE key = ?", (key_of(1, 50),))
    assert [at for at, whole in seen(store).items() if not whole] == [50]
    store.close()


def test_many_logs_are_found_without_being_told(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    store.commit([(key_of(log, 4), 1, 3, 1, None, b"x") for log in range(1, 400)])
    store.commit([(key_of(7, 7), 2, 2, 1, None, b"y")], forget=[(9, 7)])
    store.close()
    store = Store.open(str(tmp_path))
    heads = store.heads()
    assert len(heads) == 399
    assert (heads[1], heads[7], heads[9]) == (Head(4, 7), Head(4, 9), Head(7, 7))
    store.close()


def test_a_vfs_is_asked_for_everything(tmp_path: Path) -> None:
    vfs = Faulty()
    store = Store.open(str(tmp_path / "state"), vfs=vfs.name)
    store.commit([(key_of(1, 0), 1, 1, 1, None, b"x")])
    store.close()
    assert vfs.calls
    store = Store.open(str(tmp_path / "state"), vfs=vfs.name)
    assert store.read(1, 0)[0].body == b"x"
    assert store.cut == 0
    store.close()
    vfs.unregister()
    assert not (tmp_path / "state" / "events.lock").exists()
    assert (tmp_path / "state" / "events.mark").exists()
