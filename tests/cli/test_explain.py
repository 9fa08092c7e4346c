"""`explain` says of every code what it means, and shows it."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from sinkgraph.cli.main import cli
from sinkgraph.diagnostics.codes import CODES

SELF_EDGE = """\
SG206 self-edge
error: a node writes to itself

A node that writes to itself would hand on the same event for ever.

A document with it

    sinkgraph: 1
    name: demo
    sources:
      in: {kind: stdin, to: pushes}
    sinks:
      pushes: {kind: filter, where: 'data.action == "push"', to: out, otherwise: pushes}
      out: {kind: stdout}

error[SG206]: sink `pushes` writes to itself
  --> graph.yaml:6:78
   |
 6 |   pushes: {kind: filter, where: 'data.action == "push"', to: out, otherwise: pushes}
   |   ------ in this sink
   |                                                                              ^^^^^^ `pushes` \
is this node
   |
   = help: name another sink

A document without it

    sinkgraph: 1
    name: demo
    sources:
      in: {kind: stdin, to: pushes}
    sinks:
      pushes: {kind: filter, where: 'data.action == "push"', to: out, otherwise: rest}
      out: {kind: stdout}
      rest: {kind: blackhole}
"""


def explain(*args: str) -> Result:
    return CliRunner().invoke(cli, ["explain", *args], prog_name="sinkgraph")


@pytest.mark.parametrize("word", ["SG206", "sg206", "[SG206]", "self-edge"])
def test_a_page_has_cause_finding_and_both_documents(word: str) -> None:
    done = explain(word)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == SELF_EDGE


def test_without_a_code_every_code_is_listed_by_group() -> None:
    done = explain()
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines if line.startswith("  SG")] == list(CODES)
    assert "Risk" in lines
    assert "  SG301  slow-terminal" in done.stdout


def test_several_codes_are_several_pages() -> None:
    done = explain("SG105", "SG510")
    assert "SG105 syntax\n" in done.stdout
    assert "\n\n\nSG510 written-secret\n" in done.stdout


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("SG399", "the nearest is `SG309`"),
        ("slow-terminl", "the nearest is `slow-terminal`"),
        ("weather", "`sinkgraph explain` lists the codes"),
    ],
)
def test_what_is_no_code_is_a_usage_error_with_the_nearest(word: str, near: str) -> None:
    done = explain(word)
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"`{word}` is not a code; {near}" in done.stderr


def test_a_page_as_json_holds_documents_and_findings() -> None:
    page = json.loads(explain("SG301", "--json").stdout)
    assert page["code"] == "SG301"
    assert page["findings"][0]["code"] == "SG301"
    assert page["failing"]["text"].startswith("sinkgraph: 1\n")
    assert [one["code"] for one in json.loads(explain("--json").stdout)] == list(CODES)


def test_lines_are_wrapped_to_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    cause = explain("SG301").stdout.split("\n\n")[1]
    assert max(map(len, cause.splitlines())) <= 60
    assert len(cause.splitlines()) > 5
