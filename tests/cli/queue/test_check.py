"""`queue check`, `repair` and `migrate`: what is wrong is told, and what can be read is kept."""

from __future__ import annotations

import json
from pathlib import Path

import apsw
import pytest

from sinkgraph.log.disk.format import pack_record, stamp_of
from sinkgraph.log.disk.store import Store
from tests.support.queue_commands import digests, ids, queue, spoil

REPAIR = "run `sinkgraph queue repair`: it saves what can be read and keeps the damaged file"
VERBS = [
    ["ls"],
    ["peek", "one"],
    ["export", "one"],
    ["check"],
    ["drain", "one", "--to", "out"],
    ["repair"],
    ["migrate"],
]


def test_a_sound_state_dir_has_no_findings(state: Path) -> None:
    done = queue("check", state)
    assert (done.exit_code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[:4] == [
        f"state dir {state}",
        "  entrance 1: 40 events in 4 chunks, 400 B",
        "  queue one: 40 pending",
        "  queue two: 10 pending",
    ]
    assert lines[4].startswith("  0 dead letters, 6 records, ")
    assert lines[5:] == ["everything is as it was written"]


def test_damaged_events_are_a_finding_until_a_repair(state: Path) -> None:
    spoil(state, 10)
    done = queue("check", "--state-dir", state)
    assert done.exit_code == 1
    assert done.stdout.splitlines()[-1] == "1 finding"
    assert done.stderr.splitlines() == [
        "error: entrance 1, positions 10 to 19: 10 events: its events are damaged",
        "  = note: a queue that comes to them counts them as dropped (damaged) and goes on",
        f"  = help: {REPAIR}",
    ]
    made = json.loads(queue("check", "--json", "--state-dir", state).stdout)
    assert made["sound"] is False
    assert made["logs"][0]["damaged"] == 10
    assert made["pending"] == {"one": 40, "two": 10}
    store = Store.open(str(state))
    store.read(1, 0)  # as a run meets it
    store.close()
    done = queue("check", "--state-dir", state)
    assert done.exit_code == 1
    assert "10 events in quarantine: its events are damaged" in done.stderr
    assert queue("repair", "--state-dir", state).exit_code == 0
    done = queue("check", "--state-dir", state)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "  10 events lost before an earlier repair\n" in done.stdout


def test_a_repair_can_be_tried_without_changing_anything(state: Path) -> None:
    spoil(state, 10)
    before = digests(state)
    done = queue("repair", "--dry-run", "--state-dir", state)
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        f"state dir {state}",
        "  would save 30 events, 0 dead letters, 6 records",
        "  would lose 10 events of entrance 1: positions 10 to 19",
        f"the damaged file would be kept as {state}/events.db.damaged-1; nothing was changed",
    ]
    assert digests(state) == before


def test_a_repair_keeps_every_readable_event_and_the_damaged_file(state: Path) -> None:
    spoil(state, 10)
    damaged = (state / "events.db").read_bytes()
    done = queue("repair", "--state-dir", state)
    assert "  lost 10 events of entrance 1: positions 10 to 19" in done.stdout.splitlines()
    assert (state / "events.db.damaged-1").read_bytes() == damaged
    found = ids(queue("export", "one", "--state-dir", state).stdout)
    assert found == [f"e1-{k}" for k in [*range(10), *range(20, 40)]]
    again = json.loads(queue("repair", "--json", "--state-dir", state).stdout)
    assert [again[one] for one in ("kept", "lost", "lost_before")] == [None, [], 10]
    assert ids(queue("export", "one", "--state-dir", state).stdout) == found


def test_a_repair_of_what_is_sound_only_makes_it_smaller(state: Path) -> None:
    before = queue("export", "one", "--state-dir", state).stdout
    done = queue("repair", "--state-dir", state)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[1].strip().startswith("saved 40 events")
    assert "nothing is damaged" in done.stdout
    assert queue("export", "one", "--state-dir", state).stdout == before
    assert list(state.glob("*.damaged*")) == []


def test_events_of_a_queue_whose_place_is_lost_wait_under_another_name(state: Path) -> None:
    store = Store.open(str(state))
    store.db.execute("UPDATE rows SET crc = 0 WHERE key = 1")
    store.close()
    done = queue("check", "--state-dir", state)
    assert done.exit_code == 1
    assert "error: 1 record is damaged" in done.stderr
    assert "error: 40 events wait for a queue whose place is lost (number 1)" in done.stderr
    done = queue("repair", "--state-dir", state)
    assert done.exit_code == 0
    assert "waits for `lost-1` now" in done.stdout
    expected = [f"e1-{k}" for k in range(40)]
    assert ids(queue("export", "lost-1", "--state-dir", state).stdout) == expected
    assert ids(queue("export", "two", "--state-dir", state).stdout) == expected[:10]
    assert queue("check", "--state-dir", state).exit_code == 0


def test_an_end_that_was_cut_off_is_noticed(state: Path) -> None:
    older = (state / "events.db").read_bytes()
    store = Store.open(str(state))
    head = store.heads()[1].head
    store.commit([((1 << 44) | head, store.seq + 1, 7, 1, None, b"\x90")])
    store.close()
    (state / "events.db").write_bytes(older)
    done = queue("check", "--state-dir", state)
    assert done.exit_code == 1
    assert "error: 7 committed events are cut off" in done.stderr
    assert "7 events cut off at the end" in queue("ls", "--state-dir", state).stdout
    assert "lost 7 events at the end" in queue("repair", "--state-dir", state).stdout
    assert queue("check", "--state-dir", state).exit_code == 0


def test_a_queue_that_waits_for_what_is_not_stored_is_a_finding(state: Path) -> None:
    store = Store.open(str(state))
    value = b"\x93\x01\x81\x01\x95\x00\x90\x0a\x0c\x64\x80"  # 12 events of the first ten
    store.commit([(2, store.seq + 1, 0, 0, None, pack_record("cursor", "two", value))])
    store.close()
    done = queue("check", "--state-dir", state)
    assert done.exit_code == 1
    assert "error: queue two waits for 2 events that are not stored" in done.stderr


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
@pytest.mark.parametrize("what", ["missing", "empty", "file", "text", "newer"])
def test_a_state_dir_that_cannot_be_used_is_one_clear_line(
    tmp_path: Path, state: Path, verb: list[str], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = tmp_path / what
    if what == "empty":
        place.mkdir()
    elif what == "file":
        place.write_text("hello")
    elif what == "text":
        place.mkdir(mode=0o700)
        (place / "events.db").write_text("hello")
    elif what == "newer":
        place = state
        db = apsw.Connection(str(state / "events.db"))
        db.pragma("user_version", stamp_of(9))
        db.close()
    before = digests(place) if place.is_dir() else {}
    done = queue(*verb, "--state-dir", place)
    assert not isinstance(done.exception, Exception), done.exception
    if what == "text" and verb[0] in ("repair", "migrate"):
        return
    assert done.exit_code == 1
    assert done.stderr.startswith("error: ")
    if verb != ["check"]:
        assert len(done.stderr.splitlines()) == 1
    said = {
        "missing": "no such file or directory",
        "empty": "holds no stored events",
        "file": "is not a directory",
        "text": "does not begin as a database does",
        "newer": "has format 9, and this sinkgraph knows formats up to 1",
    }
    assert said[what] in done.stderr
    assert (digests(place) if place.is_dir() else {}) == before
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
def test_a_state_dir_of_another_user_is_refused(
    state: Path, verb: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    done = queue(*verb, "--state-dir", state)
    assert done.exit_code == 1
    assert f"belongs to user {me}, and this is user {me + 1}: run as its owner" in done.stderr


def test_an_unknown_queue_is_answered_with_the_nearest(state: Path) -> None:
    for verb in (["peek"], ["export"], ["drain", "--to", "-"]):
        done = queue(verb[0], "onne", *verb[1:], "--state-dir", state)
        assert done.exit_code == 1
        assert done.stderr == "error: no queue `onne` is in this state dir; the nearest is `one`\n"
    done = queue("peek", "else", "--state-dir", state)
    assert done.stderr.endswith("; events wait for `one`, `two`\n")


def test_the_format_is_told(state: Path) -> None:
    done = queue("migrate", "--state-dir", state)
    assert done.exit_code == 0
    assert done.stdout == f"{state} has format 1, the newest this sinkgraph knows: nothing to do\n"


def test_the_state_dir_is_found_when_there_is_one(state: Path, tmp_path: Path) -> None:
    base = tmp_path / "xdg" / "sinkgraph"
    done = queue("ls")
    assert (done.exit_code, done.stderr) == (
        1,
        f"error: no state dir below {base} holds events: give `--state-dir DIR`\n",
    )
    base.mkdir(parents=True)
    (base / "nothing").mkdir()
    state.rename(base / "orders")
    assert queue("ls").stdout.startswith(f"state dir {base / 'orders'}\n")
    assert queue("ls", "--state-dir", " ").exit_code == 2
    done = queue("ls", base / "orders", "--state-dir", base / "orders")
    assert (done.exit_code, done.stderr.splitlines()[0]) == (
        2,
        "error: the state dir is given twice: STATE_DIR and `--state-dir`",
    )
    (base / "more").mkdir()
    (base / "more" / "events.db").touch()
    done = queue("ls")
    assert done.exit_code == 2
    assert done.stderr.splitlines()[:3] == [
        "error: 2 state dirs hold events; choose one:",
        f"    --state-dir {base / 'more'}",
        f"    --state-dir {base / 'orders'}",
    ]
