"""`dlq ls`, `show` and `export` say what died, where and why, and change nothing."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from sinkgraph.log.disk.store import Store
from tests.support.letters import a_row, bury, dlq
from tests.support.queue_commands import digests

UNSEEN = ("\x1b", "\x07", "\u202e", "\x9b")


def told(state: Path, *args: str) -> Any:
    done = dlq(*args, "--json", "--state-dir", state)
    return json.loads(done.stdout)


def test_letters_are_grouped_by_node_and_reason(state: Path) -> None:
    done = dlq("ls", state)
    assert done.exit_code == 0, done.output
    head, titles, *rows = done.stdout.splitlines()
    assert head == f"7 dead letters in {state}, 82 B"
    assert titles.split() == ["node", "reason", "count", "size", "first", "last", "last", "error"]
    assert [row.split()[:5] for row in rows] == [
        ["again", "gave_up", "4", "28", "B"],
        ["again", "rejected", "1", "40", "B"],
        ["choose", "expression_error", "1", "7", "B"],
        ["other", "gave_up", "1", "7", "B"],
    ]
    assert rows[0].endswith("DeliveryFailed: 503 Service Unavailable")


def test_groups_for_programs_have_an_example(state: Path) -> None:
    made = told(state, "ls")
    assert (made["state_dir"], made["count"], made["bytes"]) == (str(state), 7, 82)
    first = made["groups"][0]
    assert first == {
        "node": "again",
        "reason": "gave_up",
        "sink": "dead-letters",
        "count": 4,
        "bytes": 28,
        "first": "2025-12-30T23:00:00.000000Z",
        "last": "2025-12-31T00:00:03.000000Z",
        "example": {
            "number": 4,
            "id": "run-3",
            "error": "DeliveryFailed: 503 Service Unavailable",
            "damaged": False,
        },
    }


@pytest.mark.parametrize(
    ("args", "numbers"),
    [
        (["--node", "again"], [1, 2, 3, 4, 6]),
        (["--node", "again", "--reason", "rejected"], [6]),
        (["--type", "order.placed"], [7]),
        (["--id", "run-2"], [3]),
        (["--sink", "dead-letters", "--limit", "2"], [1, 2]),
        (["--sink", "elsewhere"], []),
        (["--since", "2025-12-31T00:00:03Z", "--before", "2025-12-31T00:00:05Z"], [4, 5]),
        (["--since", "1m"], []),
        (["--before", "0s"], [1, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_a_filter_chooses_letters(state: Path, args: list[str], numbers: list[int]) -> None:
    made = told(state, "ls", "--list", *args)
    assert [one["number"] for one in made["letters"]] == numbers


def test_a_list_shows_each_letter_and_says_what_it_leaves_out(state: Path) -> None:
    done = dlq("ls", "--list", "--limit", "2", "--state-dir", state)
    assert done.exit_code == 0
    _, titles, first, second = done.stdout.splitlines()
    assert titles.split()[:4] == ["number", "last", "failed", "node"]
    assert first.split()[0] == "#1"
    assert second.endswith("(damaged: it cannot be read)")
    assert done.stderr == "5 more: `--limit N` lists more, a filter fewer\n"


def test_where_there_is_nothing_that_is_said(state: Path, tmp_path: Path) -> None:
    done = dlq("ls", "--node", "nobody", state)
    assert (done.exit_code, done.stdout) == (
        0,
        f"no dead letters in {state} match; 7 dead letters in all\n",
    )
    bury(str(tmp_path / "empty"), [])
    assert dlq("ls", tmp_path / "empty").stdout == f"no dead letters in {tmp_path / 'empty'}\n"


def test_several_sinks_have_a_column_of_their_own(state: Path) -> None:
    row = a_row(8)
    store = Store.open(str(state))
    store.commit([], dead=[type(row)("mine", *[getattr(row, f) for f in row.__slots__[1:]])])
    store.close()
    _, titles, *rows = dlq("ls", state).stdout.splitlines()
    assert titles.split()[:4] == ["node", "reason", "kept", "by"]
    assert {row.split()[2] for row in rows} == {"dead-letters", "mine"}


def test_a_letter_is_shown_whole(state: Path) -> None:
    done = dlq("show", "5", "--state-dir", state)
    assert done.exit_code == 0
    facts = dict(line.split(maxsplit=1) for line in done.stdout.splitlines()[1:15])
    assert facts["event"] == "x\\x1b[31m-1"
    assert facts["died"] == "at   choose"
    assert facts["path"] == "in → hooks → choose"
    assert facts["reason"] == "expression_error"
    assert facts["attempts"] == "20"
    assert facts["replayed"] == "2 times"
    assert facts["errors"] == "1  no such key: data.\\x1b]52;c;aGk=\\x07\\u202e\\x9b2J"
    assert facts["graph"] == "0123456789abcdef"
    assert facts["meta"] == '{"tenant": "\\u001b[2Jacme", "replayed": 2}'
    assert done.stdout.endswith('  data      7 B of JSON\n    {\n      "n": 4\n    }\n')


def test_the_whole_chain_of_errors_is_shown(state: Path) -> None:
    lines = dlq("show", "6", "--state-dir", state).stdout.splitlines()
    at = next(k for k, line in enumerate(lines) if line.startswith("  errors"))
    assert lines[at : at + 2] == ["  errors    1  Rejected: 400", "            2  last \\x07"]


def test_bytes_are_shown_as_bytes(state: Path) -> None:
    done = dlq("show", "6", "--state-dir", state)
    rows = done.stdout.splitlines()[-3:]
    assert rows[2] == f"    00000020  {'20 21 22 23 24 25 26 27':<47}   !\"#$%&'"
    assert "40 B of bytes" in done.stdout
    assert dlq("show", "6", "--raw", "--state-dir", state).stdout_bytes == bytes(range(40))
    event = told(state, "show", "6")["event"]
    assert base64.b64decode(event["data_base64"]) == bytes(range(40))


def test_a_letter_for_programs_is_the_event_as_accepted_and_its_history(state: Path) -> None:
    made = told(state, "show", "5")
    assert made["event"]["id"] == "x\x1b[31m-1"
    assert made["event"]["meta"] == {"tenant": "\x1b[2Jacme", "replayed": 2}
    assert made["event"]["data"] == {"n": 4}
    assert (made["number"], made["node"], made["attempts"]) == (5, "choose", 20)
    assert made["path"] == ["in", "hooks", "choose"]


@pytest.mark.parametrize("given", ["run-3", "4", "#4"])
def test_a_letter_is_named_by_number_or_event(state: Path, given: str) -> None:
    assert told(state, "show", given)["number"] == 4


def test_of_several_letters_of_an_event_the_last_is_shown(state: Path) -> None:
    done = dlq("show", "x\x1b[31m-1", "--state-dir", state)
    assert done.stdout.startswith("dead letter #7, kept by dead-letters\n")
    assert "  also      #5 of the same event\n" in done.stdout


@pytest.mark.parametrize(
    "given",
    [
        "99",
        "nobody",
        "9" * 18,
        "9" * 19,
        "9" * 400,
        "#",
        "-1x",
        "\u0661",
        "\x1b[2J",
        "x\udc80",
        "0",
    ],
)
def test_a_letter_that_is_not_there_is_one_clear_line(state: Path, given: str) -> None:
    done = dlq("show", "--state-dir", state, "--", given)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: no dead letter has the number or the event id `")
    assert not any(one in done.stderr for one in UNSEEN)
    assert len(done.stderr) < 250


def test_a_number_that_is_also_an_id_has_to_be_told_apart(state: Path) -> None:
    bury(str(state), [a_row(9, id="3"), a_row(10, id="9")])
    done = dlq("show", "3", "--state-dir", state)
    assert done.exit_code == 1
    assert "3 is the number of one dead letter and the event id of 1 another" in done.stderr
    assert told(state, "show", "#3")["id"] == "run-2"
    assert told(state, "show", "9")["id"] == "9", "its own number and id agree"


def test_a_damaged_letter_is_told_of(state: Path) -> None:
    for args in ([], ["--raw"]):
        done = dlq("show", "2", *args, "--state-dir", state)
        assert done.exit_code == 1
        assert done.stderr == (
            "error: dead letter #2 is damaged: its event can neither be read nor replayed\n"
        )
    assert "damaged" in dlq("show", "2", "--state-dir", state).stdout
    assert told(state, "show", "2")["event"] is None


@pytest.mark.parametrize(
    "text",
    [b"[" * 5_000 + b"]" * 5_000, b"1" * 6_000, b'"' + b"\xed\xb2\x80" + b'"', b'"\\ud800"'],
)
def test_a_payload_that_cannot_be_decoded_is_shown_as_text(text: bytes, tmp_path: Path) -> None:
    from sinkgraph.event import Json

    bury(str(tmp_path), [a_row(0, data=Json(text))])
    done = dlq("show", "1", "--state-dir", tmp_path)
    assert done.exit_code == 0, done.output
    assert told(tmp_path, "show", "1")["id"] == "run-0"
    assert dlq("export", "--state-dir", tmp_path).exit_code == 0


def test_a_long_payload_is_cut_unless_all_is_wanted(tmp_path: Path) -> None:
    bury(str(tmp_path), [a_row(0, data=list(range(500))), a_row(1, data=b"\x00" * 10_000)])
    for number in ("1", "2"):
        short = dlq("show", number, "--state-dir", tmp_path).stdout
        whole = dlq("show", number, "--full", "--state-dir", tmp_path).stdout
        assert "`--full` shows the rest" in short
        assert len(short.splitlines()) < 90
        assert len(whole.splitlines()) > 490
        assert "--full" not in whole


def test_export_writes_whole_events(state: Path, tmp_path: Path) -> None:
    done = dlq("export", "--state-dir", state)
    assert done.exit_code == 1, "one is damaged"
    assert done.stderr == ("6 dead letters written\nerror: 1 dead letter left out, damaged: #2\n")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["id"] for one in lines] == [
        "run-0", "run-2", "run-3", "x\x1b[31m-1", "run-5", "x\x1b[31m-1",
    ]  # fmt: skip
    assert lines[0]["meta"]["node"] == "again"
    assert lines[0]["meta"]["errors"] == ["DeliveryFailed: 503 Service Unavailable"]
    assert base64.b64decode(lines[4]["data_base64"]) == bytes(range(40))
    out = tmp_path / "letters.ndjson"
    done = dlq("export", "--node", "again", "--reason", "rejected", "-o", out, "--state-dir", state)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == f"1 dead letter written to {out}\n"
    assert [json.loads(line)["id"] for line in out.read_text().splitlines()] == ["run-5"]
    done = dlq("export", "4", "run-0", "-o", out, "--state-dir", state)
    assert [json.loads(line)["id"] for line in out.read_text().splitlines()] == ["run-0", "run-3"]


def test_export_of_many_is_complete(tmp_path: Path) -> None:
    bury(str(tmp_path), [a_row(k) for k in range(1_234)])
    lines = dlq("export", "--state-dir", tmp_path).stdout.splitlines()
    assert [json.loads(line)["data"]["n"] for line in lines] == list(range(1_234))


def test_export_does_not_write_into_the_store(state: Path) -> None:
    done = dlq("export", "-o", state / "events.db", "--state-dir", state)
    assert done.exit_code == 2
    assert "belongs to the state dir itself" in done.stderr


def test_nothing_of_an_event_reaches_the_terminal_as_it_is(state: Path) -> None:
    for args in (["ls"], ["ls", "--list"], ["show", "5"], ["show", "6"], ["show", "7"]):
        done = dlq(*args, "--state-dir", state)
        assert done.exit_code == 0
        assert not any(one in done.output for one in UNSEEN), args


def test_looking_changes_nothing_and_works_beside_a_run(state: Path) -> None:
    before = digests(state)
    looks = (["ls"], ["ls", "--list"], ["show", "1"], ["export", "--node", "other"])
    for args in looks:
        assert dlq(*args, "--state-dir", state).exit_code == 0
    assert digests(state) == before
    store = Store.open(str(state))
    try:
        for args in (*looks, ["replay", "--all", "--dry-run"]):
            assert dlq(*args, "--state-dir", state).exit_code == 0
        for args in (["replay", "--all"], ["purge", "--all", "--expect", "7"]):
            done = dlq(*args, "--state-dir", state)
            assert done.exit_code == 1
            assert done.stderr == (
                f"error: state directory {state} is in use by process {os.getpid()}: stop that"
                " first; `dlq ls`, `show`, `export` and `replay --dry-run` work meanwhile,"
                " `replay` and `purge` with `--live ADDR`\n"
            )
    finally:
        store.close()
    assert told(state, "ls")["count"] == 7


def test_a_directory_without_events_is_refused(tmp_path: Path) -> None:
    where = ["--state-dir", str(tmp_path / "none")]
    for args in (["ls"], ["show", "1"], ["replay", "--all"], ["export"]):
        done = dlq(*args, *where)
        assert done.exit_code == 1
        assert done.stderr.startswith("error: ")
        assert "Traceback" not in done.output
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["ls", "a", "--state-dir", "b"], "the state dir is given twice"),
        (["ls", "--since", "yesterday"], "`--since yesterday` is no time: give an age"),
        (["ls", "--before", "\x1b[2J"], "`--before \\x1b[2J` is no time"),
        (["ls", "--limit", "0"], "0 is not in the range"),
        (["show", "1", "--raw", "--json"], "two ways to print"),
        (["show"], "missing argument"),
        (["dlq"], "is not a command"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(args: list[str], said: str, state: Path) -> None:
    more = ["--state-dir", str(state)] if args[0] == "show" else []
    done = dlq(*args, *more)
    assert done.exit_code == 2
    assert said in done.stderr
