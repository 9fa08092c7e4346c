"""`explain GRAPH` prints what is known of a graph, and what decides it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sinkgraph.cli.main import cli

GRAPH = """sinkgraph: 1
name: x
sources:
  in: {kind: http, listen: "127.0.0.1:0", to: fan}
sinks:
  fan: {kind: broadcast, to: [audit, hooks]}
  audit: {kind: queue, store: disk, to: {kind: file, path: a.ndjson}}
  hooks: {kind: queue, capacity: 50, when_full: reject, concurrency: 4, to: again}
  again: {kind: retry, give_up_after: 2h, retry_after_cap: 1m, to: hook}
  hook: {kind: http, url: "http://127.0.0.1:9/", timeout: 5s}
"""
SHOWN = """\
What `accepted` is worth
  in  memory  hooks.store: `memory`: a kill loses what it holds

From each source to each end
  from  to          delivery       durable from  order
  in    audit.file  at least once  audit         kept
  in    hook        at most once   –             not kept
      may be lost: hooks.store: `memory`: a kill loses what it holds
      order: hooks.concurrency: 4 deliveries are under way at once

What a slow end can hold up
  `hook` makes writes fail at `in` once `hooks` is full, and with it `audit`
      hooks.when_full: `reject`: writes are refused while it is full

What queues hold at most
  queue   events     bytes        one delivery  worst wait
  audit   1,000,000  1GiB         –             –           nothing below it waits
  hooks   50         not bounded  2h1m          1d2h        again.give_up_after: it tries for \
that long
  in all  1,000,050  not bounded

Single points: every event of a source passes them
  in  fan
"""


def explain(*args: str) -> Result:
    return CliRunner().invoke(cli, ["explain", *args], prog_name="sinkgraph")


@pytest.fixture
def document(tmp_path: Path) -> str:
    path = tmp_path / "graph.yaml"
    path.write_text(GRAPH)
    return str(path)


def test_every_conclusion_stands_beside_what_decides_it(document: str) -> None:
    done = explain(document)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == SHOWN


def test_json_has_the_words_of_promises(document: str) -> None:
    found = json.loads(explain(document, "--json").stdout)
    assert found["accepted"][0]["worth"] == "memory"
    hook = next(way for way in found["ways"] if way["terminal"] == "hook")
    assert (hook["delivery"], hook["order"], hook["accepted"]) == (
        "at_most_once",
        "not_kept",
        "memory",
    )
    assert hook["order_because"] == {
        "node": "hooks",
        "field": "concurrency",
        "why": "4 deliveries are under way at once",
    }
    assert found["bounds"]["events"] == 1_000_050
    assert found["single_points"] == [{"source": "in", "node": "fan"}]


def test_a_graph_and_a_code_may_be_asked_for_together(document: str) -> None:
    done = explain("SG206", document)
    assert done.exit_code == 0
    assert done.stdout.startswith("SG206 self-edge")
    assert f"{document}\n\nWhat `accepted` is worth" in done.stdout


def test_a_document_with_errors_is_not_explained_but_its_findings_are_shown(
    tmp_path: Path,
) -> None:
    path = tmp_path / "graph.yaml"
    path.write_text(GRAPH.replace("to: hook}", "to: hoook}"))
    done = explain(str(path))
    assert (done.exit_code, done.stdout) == (1, "")
    assert "error[SG204]" in done.stderr
    assert explain(str(tmp_path / "none.yaml")).exit_code == 1


def test_vars_are_set(tmp_path: Path) -> None:
    path = tmp_path / "graph.yaml"
    head = "sinkgraph: 1\nvars: {n: {default: 50}}\n"
    text = GRAPH.replace("sinkgraph: 1\n", head).replace("capacity: 50", 'capacity: "${var:n}"')
    path.write_text(text)
    assert "hooks   70 " in explain(str(path), "--set", "n=70").stdout


@pytest.mark.parametrize(
    ("give_up", "capacity", "said"),
    [("3650d", 1, "10 years"), ("3650d", 10_000, "over 100 years"), ("300d", 2, "600d")],
)
def test_a_wait_of_years_is_told_in_years(
    tmp_path: Path, give_up: str, capacity: int, said: str
) -> None:
    path = tmp_path / "graph.yaml"
    said_there = f"give_up_after: {give_up}"
    text = GRAPH.replace("give_up_after: 2h", said_there).replace("concurrency: 4, ", "")
    path.write_text(text.replace("capacity: 50", f"capacity: {capacity}"))
    (line,) = [one for one in explain(str(path)).stdout.splitlines() if one.startswith("  hooks ")]
    assert said in line
    found = json.loads(explain(str(path), "--json").stdout)
    wait_s = next(one["wait_s"] for one in found["bounds"]["queues"] if one["queue"] == "hooks")
    assert wait_s > capacity * 86_400 * int(give_up[:-1])
