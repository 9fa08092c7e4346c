"""Proves that an older format is brought up to date or untouched, and a newer one untouched."""

from __future__ import annotations

import hashlib
from pathlib import Path

import apsw
import pytest

from sinkgraph.log.disk import directory as place
from sinkgraph.log.disk.errors import (
    StateDamaged,
    StateLocked,
    StateNewer,
    StateOlder,
    StateUnusable,
)
from sinkgraph.log.disk.format import key_of, stamp_of
from sinkgraph.log.disk.migrate import migrate
from sinkgraph.log.disk.salvage import repair
from sinkgraph.log.disk.store import Store


@pytest.fixture
def state(tmp_path: Path) -> Path:
    store = Store.open(str(tmp_path))
    store.commit([(key_of(1, 0), 1, 1, 1, None, b"x")])
    store.close()
    return tmp_path


def digests(directory: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in directory.iterdir()
        if path.name != "events.lock"
    }


def set_version(directory: Path, version: int) -> None:
    db = apsw.Connection(str(directory / "events.db"))
    db.pragma("user_version", stamp_of(version))
    db.close()


def test_a_newer_format_is_refused_byte_for_byte_untouched(state: Path) -> None:
    set_version(state, 7)
    before = digests(state)
    for attempt in (
        lambda: Store.open(str(state)),
        lambda: Store.open(str(state), read_only=True),
        lambda: repair(str(state)),
        lambda: migrate(str(state)),
    ):
        with pytest.raises(StateNewer, match=r"has format 7, .* knows formats up to 1") as raised:
            attempt()
        assert raised.value.found == 7
    assert digests(state) == before


def test_an_older_format_is_refused_until_it_is_migrated(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "VERSION", 3)
    with pytest.raises(StateOlder, match="run `sinkgraph queue migrate --state-dir"):
        Store.open(str(state))

    def add_column(db: apsw.Connection) -> None:
        db.execute("ALTER TABLE quarantine ADD COLUMN at_s REAL")

    def fill_column(db: apsw.Connection) -> None:
        db.execute("INSERT INTO quarantine (log, at, n, why, at_s) VALUES (1, 0, 1, 'x', 5.0)")

    steps = {1: add_column, 2: fill_column}
    assert migrate(str(state), steps=steps, version=3) == (1, 3)
    assert migrate(str(state), steps=steps, version=3) == (3, 3)
    store = Store.open(str(state))
    assert store.select("SELECT at_s FROM quarantine") == [(5.0,)]
    assert store.read(1, 0)[0].body == b"x"
    store.close()


def test_a_step_that_fails_changes_nothing(state: Path) -> None:
    def one(db: apsw.Connection) -> None:
        db.execute("DELETE FROM rows")

    def two(db: apsw.Connection) -> None:
        raise RuntimeError("power")

    with pytest.raises(RuntimeError, match="power"):
        migrate(str(state), steps={1: one, 2: two}, version=3)
    store = Store.open(str(state))
    assert store.read(1, 0)[0].body == b"x"
    store.close()


@pytest.mark.parametrize("bit", range(32))
def test_a_damaged_format_number_is_not_taken_for_another_format(state: Path, bit: int) -> None:
    raw = bytearray((state / "events.db").read_bytes())
    raw[60 + bit // 8] ^= 1 << bit % 8
    (state / "events.db").write_bytes(raw)
    with pytest.raises(StateDamaged, match="its format is said to be"):
        Store.open(str(state))
    assert repair(str(state)).events == 1


def test_a_missing_step_is_told(state: Path) -> None:
    with pytest.raises(StateUnusable, match="has format 1, from which no way leads to 3"):
        migrate(str(state), steps={2: lambda db: None}, version=3)


def test_a_directory_in_use_is_not_migrated(state: Path) -> None:
    store = Store.open(str(state))
    with pytest.raises(StateLocked):
        migrate(str(state))
    store.close()
