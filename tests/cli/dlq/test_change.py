"""`dlq replay` and `purge` change what was meant, all of it or nothing, and say so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sinkgraph.log.disk.replaying import rate_of
from sinkgraph.log.disk.store import Store
from tests.support.letters import a_row, bury, dlq, left, stored
from tests.support.queue_commands import digests


def numbers(state: Path) -> list[int]:
    return [one.number for one in left(str(state))]


def test_a_replay_moves_what_was_chosen(state: Path) -> None:
    done = dlq("replay", "--node", "again", "--rate", "100/s", "--state-dir", state)
    assert done.exit_code == 1, "one is damaged"
    assert done.stdout == (
        "the next run writes 4 dead letters again, at most 100/s into each node:\n"
        "  into again: 4 events\n"
    )
    assert done.stderr == "error: dead letter #2 stays: it is damaged\n"
    assert numbers(state) == [2, 5, 7]
    ids = [event.id for event in stored(str(state), "again")]
    assert ids == ["run-0", "run-2", "run-3", "run-5"]
    store = Store.open(str(state), read_only=True)
    assert rate_of(store.records["replay", "again"][1]) == 100.0
    store.close()


@pytest.mark.parametrize(
    ("args", "moved"),
    [
        (["1", "#3"], [1, 3]),
        (["run-3", "4"], [4]),
        (["x\x1b[31m-1"], [5, 7]),
        (["--reason", "rejected", "--expect", "1"], [6]),
        (["--type", "order.placed", "--json"], [7]),
    ],
)
def test_letters_are_chosen_in_many_ways(state: Path, args: list[str], moved: list[int]) -> None:
    assert dlq("replay", *args, "--state-dir", state).exit_code == 0
    assert numbers(state) == [one for one in range(1, 8) if one not in moved]


def test_letters_may_go_into_a_named_node(state: Path) -> None:
    done = dlq("replay", "1", "7", "--to", "spare", "--json", "--state-dir", state)
    assert json.loads(done.stdout) == {"replayed": {"spare": 2}, "rate": None, "left": []}
    assert len(stored(str(state), "spare")) == 2


GRAPH = """sinkgraph: 1
name: orders
sources:
  in: {kind: stdin, to: again}
sinks:
  again: {kind: retry, to: out, dead_letter: graves}
  out: {kind: stdout}
  graves: {kind: dead_letter}
"""


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    path = tmp_path / "graph.yaml"
    path.write_text(GRAPH)
    return path


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("agian", "named `agian` in {}; the nearest is `again`"),
        ("graves", "no node that takes events is named `graves` in {}"),
    ],
)
def test_a_node_that_is_not_in_the_document_is_refused(
    state: Path, graph: Path, to: str, said: str
) -> None:
    before = digests(state)
    done = dlq("replay", "1", "--to", to, "--graph", graph, "--state-dir", state)
    assert done.exit_code == 1
    assert said.format(graph) in done.stderr
    assert digests(state) == before


def test_a_node_that_is_in_the_document_is_replayed_into(state: Path, graph: Path) -> None:
    done = dlq("replay", "7", "--to", "out", "--graph", graph, "--state-dir", state)
    assert (done.exit_code, done.stderr) == (0, "")
    assert len(stored(str(state), "out")) == 1


def test_without_a_document_it_is_said_that_the_node_is_not_checked(state: Path) -> None:
    done = dlq("replay", "1", "--to", "spare", "--state-dir", state)
    assert done.exit_code == 0
    assert "whether the next run has a node `spare` is not checked; `--graph FILE`" in done.stderr
    assert "is not checked" not in dlq("replay", "3", "--state-dir", state).stderr


def test_letters_of_nodes_that_are_not_in_the_document_stay(state: Path, graph: Path) -> None:
    given = ("replay", "--all", "--graph", graph, "--state-dir", state)
    dry = dlq(*given, "--dry-run")
    assert "error: 1 dead letter would stay: they died at choose, which is" in dry.stderr
    assert "into choose" not in dry.stdout
    done = dlq(*given)
    assert done.exit_code == 1
    assert "dead letter #5 stays: it died at choose, which is not in this graph" in done.stderr
    assert numbers(state) == [2, 5, 7]


def test_a_document_with_errors_replays_nothing(state: Path, graph: Path) -> None:
    graph.write_text(GRAPH.replace("to: out", "to: nowhere"))
    before = digests(state)
    done = dlq("replay", "1", "--graph", graph, "--state-dir", state)
    assert done.exit_code == 1
    assert "nowhere" in done.stderr
    assert digests(state) == before


def test_a_dry_run_changes_nothing(state: Path) -> None:
    before = digests(state)
    done = dlq("replay", "--all", "--dry-run", "--state-dir", state)
    assert done.exit_code == 0
    assert done.stdout == (
        "7 dead letters would be written again:\n"
        "  into again: 5 events\n"
        "  into choose: 1 event\n"
        "  into other: 1 event\n"
    )
    made = dlq("replay", "5", "--dry-run", "--json", "--to", "x", "--state-dir", state)
    assert json.loads(made.stdout) == {"would_replay": {"x": 1}, "rate": None, "left": []}
    assert digests(state) == before


@pytest.mark.parametrize("command", ["replay", "purge"])
def test_another_count_than_expected_changes_nothing(state: Path, command: str) -> None:
    before = digests(state)
    done = dlq(command, "--all", "--expect", "8", "--state-dir", state)
    assert done.exit_code == 1
    assert re.search(r"^error: 7 dead letters (match|would go), not 8: nothing was", done.stderr)
    assert digests(state) == before


def test_a_purge_without_a_count_says_how_many_there_are(state: Path) -> None:
    done = dlq("purge", "--node", "again", "--state-dir", state)
    assert done.exit_code == 2
    assert "`--expect` is missing: 5 dead letters would go" in done.stderr
    assert "`--expect 5`" in done.stderr
    assert len(numbers(state)) == 7


@pytest.mark.parametrize(
    ("args", "gone"),
    [
        (["--all", "--expect", "7"], {1, 2, 3, 4, 5, 6, 7}),
        (["2", "--expect", "1"], {2}),
        (["x\x1b[31m-1", "1", "--expect", "3"], {1, 5, 7}),
        (["--reason", "rejected", "--expect", "1"], {6}),
        (["--before", "2025-12-31T00:00:02Z", "--expect", "2"], {1, 2}),
    ],
)
def test_a_purge_deletes_what_was_counted(state: Path, args: list[str], gone: set[int]) -> None:
    done = dlq("purge", *args, "--state-dir", state)
    assert done.exit_code == 0, done.output
    assert done.stdout.endswith(" deleted\n")
    assert set(numbers(state)) == set(range(1, 8)) - gone


def test_all_of_nothing_is_nothing(tmp_path: Path) -> None:
    bury(str(tmp_path), [])
    done = dlq("replay", "--all", "--state-dir", tmp_path)
    assert (done.exit_code, done.stdout) == (0, "there are no dead letters: nothing to replay\n")
    assert dlq("purge", "--all", "--expect", "0", "--state-dir", tmp_path).exit_code == 0
    done = dlq("replay", "--node", "x", "--state-dir", tmp_path)
    assert (done.exit_code, done.stderr) == (
        1,
        "error: there are no dead letters in this state dir\n",
    )


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        ([], 2, "nothing is chosen: name letters"),
        (["1", "--all"], 2, "three ways to choose"),
        (["--all", "--node", "again"], 2, "three ways to choose"),
        (["--all", "--rate", "fast"], 2, "`--rate fast` is not a rate"),
        (["--all", "--rate", "0/s"], 2, "is zero"),
        (["--all", "--to", " "], 2, "`--to  ` names no node"),
        (["--all", "--to", "a\x1b[2J"], 2, "`--to a\\x1b[2J` names no node"),
        (["--all", "--expect", "-1"], 2, "-1 is not in the range"),
        (["--all", "--to", "dead-letters"], 1, "`dead-letters` keeps dead letters"),
        (["1", "nobody"], 1, "no dead letter has the number or the event id `nobody`"),
        (["--node", "agian"], 1, "no dead letter has the node `agian`; the nearest is `again`"),
        (["--reason", "zzzzzzzz"], 1, "there are `gave_up`, `rejected`, `expression_error`"),
        (["--node", "\x1b[2J"], 1, "no dead letter has the node `\\x1b[2J`"),
        (["--node", "again", "--type", "nothing"], 1, "none of 7 dead letters matches"),
    ],
)
def test_what_cannot_be_replayed_changes_nothing(
    state: Path, args: list[str], code: int, said: str
) -> None:
    before = digests(state)
    done = dlq("replay", *args, "--state-dir", state)
    assert done.exit_code == code
    assert said in done.stderr
    assert done.stdout == ""
    assert digests(state) == before


def test_what_stays_is_named_and_cut_short_where_it_is_much(tmp_path: Path) -> None:
    bury(str(tmp_path), [a_row(k, node="") for k in range(25)])
    done = dlq("replay", "--all", "--state-dir", tmp_path)
    assert done.exit_code == 1
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0] == ("error: dead letter #1 stays: it does not say where it died: name a node")
    assert lines[20:] == ["error: and 5 dead letters more"]
    assert dlq("replay", "--all", "--to", "again", "--state-dir", tmp_path).exit_code == 0
