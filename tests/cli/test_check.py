"""`check` reports everything, says where, and its code tells whether a document can be used."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sinkgraph.cli.main import cli

GOOD = """\
sinkgraph: 1
name: good
vars:
  capacity: {default: 10}
sources:
  in: {kind: stdin, to: q}
sinks:
  q: {kind: queue, capacity: "${var:capacity}", to: end}
  end: {kind: blackhole}
"""
WARNED = GOOD.replace("kind: stdin", 'kind: http, listen: "127.0.0.1:0", token: "${env:SG_UNSET}"')
BROKEN = GOOD.replace("to: end", "to: nirvana").replace(
    "q: {kind: queue, capacity", "q: {kind: queue, capacitty"
)
TOML = """\
sinkgraph = 1
name = "good"
[sources.in]
kind = "stdin"
to = "end"
[sinks.end]
kind = "blackhole"
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SG_UNSET", raising=False)
    for name, text in (("good", GOOD), ("warned", WARNED), ("broken", BROKEN)):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "good.toml").write_text(TOML, encoding="utf-8")
    return tmp_path


def check(*args: str, **options: Any) -> Result:
    return CliRunner().invoke(cli, ["check", *args], prog_name="sinkgraph", **options)


def test_a_good_document_is_one_line_on_stdout() -> None:
    done = check("good.yaml")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == "good.yaml: ok, 3 nodes, 2 edges\n"


def test_warnings_alone_exit_0_and_are_counted() -> None:
    done = check("warned.yaml")
    assert done.exit_code == 0
    assert done.stdout == "warned.yaml: ok, 3 nodes, 2 edges, 1 warning\n"
    assert "warning[SG501]" in done.stderr


def test_an_unset_variable_is_an_error_with_secrets() -> None:
    done = check("warned.yaml", "--secrets")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "error[SG501]" in done.stderr


def test_every_file_is_checked_and_one_error_decides() -> None:
    done = check("broken.yaml", "good.yaml", "gone.yaml", "good.toml")
    assert done.exit_code == 1
    assert done.stdout == "good.yaml: ok, 3 nodes, 2 edges\ngood.toml: ok, 2 nodes, 1 edge\n"
    assert "error[SG204]: sink `q` writes to an undeclared sink" in done.stderr
    assert "the nearest is `capacity`" in done.stderr
    assert "error[SG101]: the document does not exist" in done.stderr
    assert "gone.yaml: 1 error\n" in done.stderr


def test_concise_findings_are_one_line_each() -> None:
    done = check("broken.yaml", "--format", "concise")
    assert (done.exit_code, done.stdout) == (1, "")
    lines = done.stderr.splitlines()
    assert len(lines) >= 2
    assert all(line.startswith("broken.yaml:") for line in lines)
    assert "broken.yaml:8:54: error[SG204] sink `q` writes to an undeclared sink" in lines


def test_json_findings_of_all_files_are_one_list_on_stdout() -> None:
    done = check("broken.yaml", "good.yaml", "warned.yaml", "--format", "json")
    assert (done.exit_code, done.stderr) == (1, "")
    found = json.loads(done.stdout)
    assert {one["file"] for one in found} == {"broken.yaml", "warned.yaml"}
    assert {"SG204", "SG501"} <= {one["code"] for one in found}
    assert json.loads(check("good.yaml", "--format", "json").stdout) == []


def test_set_overrides_a_var() -> None:
    assert check("good.yaml", "--set", "capacity=20").exit_code == 0
    done = check("good.yaml", "--set", "capacity=-1")
    assert done.exit_code == 1
    assert "not between 1 and" in done.stderr


def test_set_of_a_var_that_is_not_declared_is_an_error() -> None:
    done = check("good.yaml", "--set", "capcity=20")
    assert done.exit_code == 1
    assert "capcity" in done.stderr


def test_a_value_given_to_set_may_hold_an_equals_sign() -> None:
    done = check("good.yaml", "--set", "capacity=1=2")
    assert done.exit_code == 1
    assert "`1=2`" in done.stderr


def test_standard_input_is_read_for_a_dash() -> None:
    done = check("-", input=GOOD)
    assert (done.exit_code, done.stdout) == (0, "<stdin>: ok, 3 nodes, 2 edges\n")
    assert "<stdin>:" in check("-", input=BROKEN).stderr


def test_the_syntax_of_standard_input_can_be_told() -> None:
    assert check("-", "--syntax", "toml", input=TOML).exit_code == 0
    assert check("-", input=TOML).exit_code == 1


def test_the_syntax_of_a_file_can_be_told(here: Path) -> None:
    (here / "good.conf").write_text(GOOD, encoding="utf-8")
    assert check("good.conf").exit_code == 1
    assert check("good.conf", "--syntax", "yaml").stdout == "good.conf: ok, 3 nodes, 2 edges\n"
    (here / "broken.conf").write_text(BROKEN, encoding="utf-8")
    told, known = check("broken.conf", "--syntax", "yaml"), check("broken.yaml")
    assert told.exit_code == 1
    assert told.stderr == known.stderr.replace("broken.yaml", "broken.conf")


@pytest.mark.parametrize("what", ["missing", "directory", "pipe", "device", "empty"])
def test_what_is_no_document_is_one_finding_and_never_hangs(here: Path, what: str) -> None:
    path = here / "odd.yaml"
    match what:
        case "directory":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "empty":
            path.write_bytes(b"")
    done = check("odd.yaml")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("error[SG1")
    assert done.stderr.endswith("odd.yaml: 1 error\n")


def test_a_file_name_cannot_steer_the_terminal(here: Path) -> None:
    name = "a\x1b[31mb.yaml"
    (here / name).write_text(GOOD, encoding="utf-8")
    assert check(name).stdout == "a\\x1b[31mb.yaml: ok, 3 nodes, 2 edges\n"


def test_a_file_name_may_begin_with_a_dash(here: Path) -> None:
    (here / "-x.yaml").write_text(GOOD, encoding="utf-8")
    assert check("--", "-x.yaml").stdout == "-x.yaml: ok, 3 nodes, 2 edges\n"


def test_a_folder_is_checked_with_all_below_it_in_order(here: Path) -> None:
    below = here / "graphs" / "eu"
    below.mkdir(parents=True)
    (here / "graphs" / "z.yaml").write_text(GOOD, encoding="utf-8")
    (below / "a.toml").write_text(TOML, encoding="utf-8")
    (here / "graphs" / ".hidden.yaml").write_text(BROKEN, encoding="utf-8")
    (here / "graphs" / "notes.txt").write_text(BROKEN, encoding="utf-8")
    (here / "graphs" / "compose.yaml").write_text("services: {}\n", encoding="utf-8")
    done = check("graphs")
    assert done.exit_code == 0
    assert done.stdout == (
        "graphs/eu/a.toml: ok, 2 nodes, 1 edge\ngraphs/z.yaml: ok, 3 nodes, 2 edges\n"
    )
    assert done.stderr == "1 other file left out: no graph documents\n"


def test_a_glob_is_checked_and_a_document_is_checked_once() -> None:
    done = check("good.yaml", "g*", "**/good.*")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "good.yaml: ok, 3 nodes, 2 edges",
        "good.toml: ok, 2 nodes, 1 edge",
    ]


def test_a_document_without_its_version_is_found_in_a_folder(here: Path) -> None:
    (here / "graphs").mkdir()
    (here / "graphs" / "a.json").write_text('{"name":"a","sinks":{}}', encoding="utf-8")
    done = check("graphs", "--format", "concise")
    assert done.exit_code == 1
    assert "graphs/a.json:1:2: error[SG125]" in done.stderr


@pytest.mark.parametrize("name", ["empty", "*.nothing", "no-*/**/x.yaml"])
def test_a_folder_or_glob_without_documents_is_an_error(here: Path, name: str) -> None:
    (here / "empty").mkdir()
    done = check(name, "good.yaml")
    assert done.exit_code == 1
    assert done.stderr.startswith("error[SG101]: no graph document is found here\n")
    assert done.stderr.endswith(f"{name}: 1 error\n")
    assert done.stdout == "good.yaml: ok, 3 nodes, 2 edges\n"


def test_a_file_whose_name_is_a_glob_is_that_file(here: Path) -> None:
    (here / "[good].yaml").write_text(GOOD, encoding="utf-8")
    assert check("[good].yaml").stdout == "[good].yaml: ok, 3 nodes, 2 edges\n"


def test_sarif_of_all_files_is_one_log_on_stdout() -> None:
    done = check("broken.yaml", "warned.yaml", "--format", "sarif")
    assert (done.exit_code, done.stderr) == (1, "")
    log = json.loads(done.stdout)
    found = log["runs"][0]["results"]
    files = {one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in found}
    assert files == {"broken.yaml", "warned.yaml"}
    assert {one["level"] for one in found} == {"error", "warning"}
