"""Proves that damage costs only what it hit, and that nothing is lost without being counted.

`SINKGRAPH_SOAK=1000` damages as many files; the default takes a few seconds.
"""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from sinkgraph.errors import StoreFailed
from sinkgraph.log.disk import dead
from sinkgraph.log.disk.errors import StateDamaged
from sinkgraph.log.disk.format import key_of, pack_takers
from sinkgraph.log.disk.salvage import Repaired, check, repair
from sinkgraph.log.disk.store import Store
from tests.log.disk.damage import Known, build, events_of, hurt

CASES = int(os.environ.get("SINKGRAPH_SOAK", "150"))
ROUNDS = 15  # damages of one store


def everything(store: Store, known: Known) -> tuple[int, int]:
    """Read all there is; return how many events are missing, and how many were said to be.

    Every payload that is there must be what was written.
    """
    told = store.cut
    seen: set[tuple[int, int]] = set()
    for log, head in store.heads().items():
        at = head.first
        while at < head.head:
            rows = store.read(log, at, most=50)
            assert rows, (log, at, head)
            for row in rows:
                assert row.at == at, (row, at)
                at = row.at + row.n
                if row.body is None:
                    told += row.n
                    continue
                events = events_of(row.body)
                assert len(events) == row.n
                for k, one in enumerate(events):
                    assert known.events[log, row.at + k] == one
                    seen.add((log, row.at + k))
    expected = {place for place in known.events if place[1] >= known.firsts[place[0]]}
    return len(expected - seen), told


def dead_letters(store: Store, known: Known) -> tuple[int, int]:
    """Verify all dead letters; return how many are missing, and how many are said to be."""
    found = dead.letters(store, limit=10_000)
    for one in found:
        assert one.body is None or one.body == known.dead[one.number]
    whole = {one.number for one in found if one.body is not None}
    told = max(0, store.told_dead - len(found)) + sum(one.body is None for one in found)
    return len(known.dead.keys() - known.gone - whole), told


def one_case(directory: Path, known: Known) -> str:
    """Open, read, check, repair, read again and go on; return which way it went."""
    how = "reads on"
    try:
        store = Store.open(str(directory))
    except StateDamaged as error:
        assert "queue repair" in str(error)
        how = "refuses"
    if how == "reads on":
        missing, told = everything(store, known)
        assert missing <= told, (missing, told)
        again = everything(store, known)
        assert again == (missing, told)
        for what, (_, value) in store.records.items():
            assert value in known.records[what]
        if len(store.records) < len(known.records):
            assert store.lost_records or store.cut
        try:
            missing_dead, told_dead = dead_letters(store, known)
            assert missing + missing_dead <= told + told_dead
        except StoreFailed as error:
            assert "queue repair" in str(error)
        store.close()
        if missing:
            found = check(str(directory))
            assert not found.sound or found.quarantine
    else:
        assert not check(str(directory)).sound
    report = repair(str(directory))
    assert (report.kept is not None) == (
        how == "refuses" or not lost_nothing(report) or report.kept is not None
    )
    store = Store.open(str(directory))
    missing, told = everything(store, known)
    missing_dead, told_dead = dead_letters(store, known)
    if not report.doubts:
        assert missing + missing_dead <= report.lost_events + report.lost_dead
    if not any("how much" in doubt for doubt in report.doubts):
        assert missing <= report.lost_events
        assert told <= report.lost_events
    assert (store.lost_records, told_dead) == (0, 0)
    assert store.cut == 0
    log, head = next(iter(store.heads().items()), (1, None))
    at = head.head if head is not None else 0
    store.commit([(key_of(log, at), store.seq + 1, 1, 3, pack_takers({1: None}), b"new")])
    assert store.read(log, at)[0].body == b"new"
    store.close()
    assert check(str(directory)).sound
    return how


def lost_nothing(report: Repaired) -> bool:
    return not (report.lost_events or report.lost_records or report.lost_dead)


@pytest.mark.parametrize("seed", range(-(-CASES // ROUNDS)))
def test_damage_is_never_a_wrong_payload_a_crash_or_a_silent_loss(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    whole = tmp_path / "whole"
    known = build(whole, chance, commits=chance.choice([5, 30, 60]))
    for k in range(ROUNDS):
        directory = tmp_path / f"case-{k}"
        shutil.copytree(whole, directory)
        how = hurt(directory, chance)
        try:
            one_case(directory, known)
        except BaseException as error:
            error.add_note(f"seed {seed}, case {k}: {how}")
            raise
        shutil.rmtree(directory)


def test_a_whole_store_is_sound_and_only_gets_smaller(tmp_path: Path) -> None:
    known = build(tmp_path / "whole", random.Random(1), commits=40)
    found = check(str(tmp_path / "whole"))
    assert found.sound, found.problems
    report = repair(str(tmp_path / "whole"))
    assert report.kept is None
    assert report.doubts == ()
    assert lost_nothing(report)
    store = Store.open(str(tmp_path / "whole"))
    assert everything(store, known) == (0, 0)
    assert dead_letters(store, known) == (0, 0)
    assert {what: value for what, (_, value) in store.records.items()} == {
        what: values[-1] for what, values in known.records.items()
    }
    store.close()
