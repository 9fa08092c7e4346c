"""A drain over a disk that dies, and walks over files that are damaged."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from sinkgraph.errors import SinkgraphError
from sinkgraph.log.disk.findings import findings
from sinkgraph.log.disk.offline import Drain, Walk, held
from sinkgraph.log.disk.salvage import repair
from sinkgraph.log.disk.store import Store
from sinkgraph.simulation.faults import DiskFaults
from tests.log.disk.pending import Commit, Step, filled

FILES = ("events.db", "events.db-wal")


def drained(directory: str, kept: list[str], vfs: str | None = None) -> None:
    """Drain `one` into `kept`, which nobody loses."""
    store = Store.open(directory, vfs=vfs)
    try:
        drain = Drain(store, "one")
        while batches := drain.read(10):
            kept += [event.id for batch in batches for event in batch]
            drain.settle(batches)
        drain.finish()
        assert (drain.pending, drain.lost, drain.stays) == (0, 0, 0)
    finally:
        store.close()


@pytest.mark.parametrize("ending", ["kill", "power"])
def test_a_drain_that_dies_at_any_write_loses_nothing(tmp_path: Path, ending: str) -> None:
    whole = tmp_path / "whole"
    rows = [Commit([Step(1, 4, {1: None, 2: None})], {}) for _ in range(10)]
    expected = filled(str(whole), rows)
    for changes in range(200):
        directory = str(tmp_path / f"died-{changes}")
        shutil.copytree(whole, directory)
        faults = DiskFaults(random=random.Random(changes))
        kept: list[str] = []
        died = False
        faults.die_after(changes)
        try:
            drained(directory, kept, faults.name)
        except SinkgraphError:
            died = True
        died = died or faults.dead
        faults.release()
        faults.revive("power" if ending == "power" else "kill")
        faults.close()
        before = len(kept)
        drained(directory, kept)
        again = kept[before:]
        assert dict.fromkeys(kept) == dict.fromkeys(expected["one"])
        assert kept[:before] == expected["one"][:before]
        assert again == expected["one"][len(expected["one"]) - len(again) :]
        assert before + len(again) <= len(expected["one"]) + 12  # one block was taken twice
        assert findings(directory).sound
        store = Store.open(directory, read_only=True)
        assert held(store)["two"].pending == 40
        store.close()
        shutil.rmtree(directory)
        if not died:
            assert changes > 10
            return
    pytest.fail("it never came through")


def hurt(directory: Path, chance: random.Random) -> str:
    path = directory / chance.choice([one for one in FILES if (directory / one).exists()])
    held = bytearray(path.read_bytes())
    if not held:
        return "nothing"
    at = chance.randrange(len(held))
    if chance.random() < 0.2:
        del held[at:]
        how = f"{path.name} cut at {at}"
    else:
        n = chance.choice([1, 16, 4096])
        held[at : at + n] = chance.randbytes(len(held[at : at + n]))
        how = f"{path.name}: {n} bytes at {at}"
    path.write_bytes(held)
    return how


def walked(directory: Path) -> list[str]:
    store = Store.open(str(directory), read_only=True)
    try:
        one = held(store).get("one")
        if one is None or one.misread:
            return []
        walk = Walk("one")
        found: list[str] = []
        while chunks := walk.read(store, one, most=7):
            for chunk in chunks:
                found += [event.id for event in chunk.batch or ()]
        return found
    finally:
        store.close()


@pytest.mark.parametrize("seed", range(12))
def test_damage_is_found_and_costs_only_what_it_hit(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    whole = tmp_path / "whole"
    expected = filled(
        str(whole),
        [Commit([Step(chance.randint(1, 2), 40, {1: None, 2: [[0, 3]]})], {}) for _ in range(40)],
    )["one"]
    where = {id: k for k, id in enumerate(expected)}
    for k in range(15):
        directory = tmp_path / f"case-{k}"
        shutil.copytree(whole, directory)
        how = hurt(directory, chance)
        try:
            sound = findings(str(directory)).sound
            try:
                found = [where[id] for id in walked(directory)]
            except SinkgraphError:
                found = []
            assert found == sorted(set(found)), how
            assert len(found) == len(expected) or not sound, how
            report = repair(str(directory))
            saved = [where[id] for id in walked(directory)]
            assert set(found) <= set(saved) or report.lost_records, how
            assert findings(str(directory)).sound or report.doubts, how
        except BaseException as error:
            error.add_note(f"seed {seed}, case {k}: {how}")
            raise
        shutil.rmtree(directory)
