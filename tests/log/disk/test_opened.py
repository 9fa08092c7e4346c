"""A start never takes events from a queue whose place it cannot read."""

from __future__ import annotations

from pathlib import Path

import pytest

from sinkgraph.log.disk.errors import StateDamaged
from sinkgraph.log.disk.salvage import repair
from sinkgraph.log.disk.store import Store
from sinkgraph.runtime.state import StateDir
from tests.log.disk.pending import Commit, InlineDisk, Step, filled


def note(*_: object, **__: object) -> None:
    """Take a journal entry."""


async def test_a_lost_place_refuses_the_start_until_a_repair_has_saved_its_events(
    tmp_path: Path,
) -> None:
    filled(str(tmp_path), [Commit([Step(1, 10, {1: None, 2: None})], {}) for _ in range(3)])
    store = Store.open(str(tmp_path))
    store.db.execute("UPDATE rows SET crc = 0 WHERE key = 1")
    store.close()
    said = r"1 of its records cannot be read.*run `sinkgraph queue repair --state-dir"
    with pytest.raises(StateDamaged, match=said):
        await StateDir(str(tmp_path), InlineDisk(), {}).open(note)
    assert repair(str(tmp_path)).lost_records == 1
    state = StateDir(str(tmp_path), InlineDisk(), {})
    depot = await state.open(note)
    assert depot.unclaimed(["one", "two"]) == {"lost-1": 30}
    assert depot.shelves["two"].pending == 30
    await state.close()
