"""`queue ls`, `peek` and `export` say what waits, and change nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sinkgraph.event import Batch, Event, Json
from sinkgraph.log.disk.chunk import encode
from sinkgraph.log.disk.format import key_of, pack_record, pack_takers
from sinkgraph.log.disk.store import Store
from tests.support.queue_commands import digests, ids, queue, spoil

EVERY = [f"e1-{k}" for k in range(40)]


def test_queues_that_hold_events_are_listed(state: Path) -> None:
    done = queue("ls", "--state-dir", state)
    assert done.exit_code == 0, done.output
    head, titles, *rows = done.stdout.splitlines()
    assert head == f"state dir {state}"
    assert titles.split() == ["queue", "pending", "size", "oldest", "stored", "in"]
    assert rows[0].split()[:4] == ["one", "40", "400", "B"]
    assert rows[1].split()[:4] == ["two", "10", "100", "B"]
    assert rows[0].endswith("entrance 1")
    assert rows[2] == "  1 other queue holds nothing"
    assert rows[3].startswith("files: events.db ")


def test_a_list_for_programs_has_every_queue(used: Path) -> None:
    done = queue("ls", "--json", "--state-dir", used)
    made = json.loads(done.stdout)
    assert made["pid"] == os.getpid()
    assert made["state_dir"] == str(used)
    assert [(one["name"], one["pending"], one["bytes"]) for one in made["queues"]] == [
        ("one", 40, 400),
        ("replay/two", 0, 0),
        ("two", 10, 100),
    ]
    assert made["queues"][0]["oldest"] == 0.0
    assert made["queues"][0]["logs"] == ["entrance 1"]
    assert made["dead_letters"] == made["cut"] == 0
    assert made["files"]["events.db"] > 0


def test_looking_at_a_state_dir_changes_nothing(state: Path) -> None:
    before = digests(state)
    for args in (["ls"], ["peek", "one"], ["export", "one"], ["check"]):
        assert queue(*args, "--state-dir", state).exit_code == 0
    assert digests(state) == before


def test_a_state_dir_in_use_can_be_looked_at(used: Path) -> None:
    assert f"in use by process {os.getpid()}" in queue("ls", "--state-dir", used).stdout
    for args in (["peek", "one"], ["export", "one"], ["check"]):
        assert queue(*args, "--state-dir", used).exit_code == 0


def test_damage_is_told_in_the_list(state: Path) -> None:
    spoil(state, 10)
    store = Store.open(str(state))
    assert store.read(1, 10)[0].body is None
    store.commit([(2, store.seq + 1, 0, 0, None, pack_record("cursor", "two", b"junk"))])
    store.close()
    done = queue("ls", "--state-dir", state)
    assert done.exit_code == 0
    assert "damaged or lost: 10 events in 1 chunk; the place of two" in done.stdout
    done = queue("peek", "two", "--state-dir", state)
    assert done.exit_code == 1
    assert "the place of queue two cannot be read" in done.stderr


def test_the_oldest_events_are_shown_as_a_table(state: Path) -> None:
    done = queue("peek", "one", "--limit", "2", "--from", "9", "--state-dir", state)
    assert done.exit_code == 0
    rows = [line.split() for line in done.stdout.splitlines()]
    assert rows[0] == ["#", "time", "id", "type", "size", "payload"]
    assert [(row[0], row[3], row[-1]) for row in rows[1:]] == [
        ("9", "e1-8", '{"at":8}'),
        ("10", "e1-9", '{"at":9}'),
    ]
    assert done.stderr == "2 of 40 events that wait\n"


@pytest.mark.parametrize(("first", "limit"), [(1, 1), (1, 40), (10, 2), (35, 100), (40, 1)])
def test_any_part_of_a_queue_can_be_seen(state: Path, first: int, limit: int) -> None:
    where = ["--from", str(first), "--limit", str(limit), "--state-dir", str(state)]
    done = queue("peek", "one", "--json", *where)
    assert ids(done.stdout) == EVERY[first - 1 : first - 1 + limit]
    done = queue("peek", "one", "--raw", *where)
    assert done.stdout.splitlines() == [
        f'{{"at":{k}}}' for k in range(first - 1, min(40, first - 1 + limit))
    ]


def test_why_nothing_is_shown_is_told(state: Path) -> None:
    done = queue("peek", "replay/two", "--state-dir", state)
    assert (done.exit_code, done.output) == (0, "nothing waits for `replay/two`\n")
    done = queue("peek", "one", "--from", "41", "--state-dir", state)
    assert (done.exit_code, done.output) == (
        0,
        "only 40 events wait for `one`: there is no number 41\n",
    )
    done = queue("peek", "one", "--raw", "--json", "--state-dir", state)
    assert done.exit_code == 2


def test_damaged_events_have_their_numbers_in_a_table(state: Path) -> None:
    spoil(state, 10)
    done = queue("peek", "one", "--from", "10", "--limit", "3", "--state-dir", state)
    rows = [line.split() for line in done.stdout.splitlines()[1:]]
    assert [row[0] for row in rows] == ["10", "11"]
    assert rows[1][-3:] == ["2", "events", "damaged"]


def test_no_text_of_an_event_reaches_the_terminal_as_it_is(tmp_path: Path) -> None:
    bad = "\x1b]52;c;aGk=\x07\u202e\x9b2J"
    events = [
        Event(f"id{bad}", f"type{bad}", bad, 1e30, Json(f'{{"a":"\u009b{bad[7:]}"}}'.encode())),
        Event("raw", "t", "s", 0.0, bad.encode()),
    ]
    store = Store.open(str(tmp_path / "state"))
    name = f"q{bad}"
    records = [
        (1, 1, 0, 0, None, pack_record("cursor", name, b"\x93\x01\x80\x81\x01\x00")),
        (2, 1, 0, 0, None, pack_record("log", f"entrance {bad}", b"1")),
    ]
    body = encode([Batch.of(events)])
    store.commit([*records, (key_of(1, 0), 1, 2, 9, pack_takers({1: None}), body)])
    store.close()
    for args in (["ls"], ["peek", name], ["check"], ["export", "nobody"]):
        done = queue(*args, "--state-dir", tmp_path / "state")
        assert "\\x1b" in done.output, args
        assert not any(ord(char) < 32 and char != "\n" for char in done.output), args
        assert not {"\u202e", "\x9b"} & set(done.output), args


def test_an_export_holds_every_event_in_order(state: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.ndjson"
    out.write_text("what was there before\n")
    done = queue("export", "one", "-o", out, "--state-dir", state)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == f"40 events of `one` written to {out}\n"
    assert ids(out.read_bytes()) == EVERY
    assert ids(queue("export", "one", "--state-dir", state).stdout) == EVERY
    assert sorted(one.name for one in tmp_path.iterdir()) == ["out.ndjson", "state"]


def test_an_export_that_fails_leaves_the_file_as_it_was(state: Path, tmp_path: Path) -> None:
    done = queue("export", "one", "-o", "/dev/full", "--state-dir", state)
    assert (done.exit_code, done.stderr) == (
        1,
        "error: cannot write `/dev/full`: no space left on device\n",
    )
    done = queue("export", "nobody", "-o", tmp_path / "out", "--state-dir", state)
    assert done.exit_code == 1
    assert not (tmp_path / "out").exists()


def test_an_export_says_what_it_could_not_read(state: Path) -> None:
    spoil(state, 10)
    done = queue("export", "one", "--state-dir", state)
    assert done.exit_code == 1
    assert ids(done.stdout) == EVERY[:10] + EVERY[20:]
    assert "error: 10 events left out: they are damaged" in done.stderr
