"""What a document includes is checked as a part of it, wherever it was named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sinkgraph.cli.main import cli

HEAD = "sinkgraph: 1\nname: {}\n"
IN = "sources: {in: {kind: stdin, to: out}}\n"
OUT = "sinks: {out: {kind: stdout}}\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write("g/main.yaml", HEAD.format("main") + "include: [parts/out.yaml, parts/vars.toml]\n" + IN)
    write("g/parts/out.yaml", OUT)
    write("g/parts/vars.toml", '[vars.x]\ndefault = "1"\n')
    return tmp_path


def write(name: str, text: str) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def check(*args: str, **options: Any) -> Result:
    return CliRunner().invoke(cli, ["check", *args], prog_name="sinkgraph", **options)


MAIN_OK = "g/main.yaml: ok, 2 nodes, 1 edge\n"
PART = "g/parts/out.yaml: checked as a part of g/main.yaml\n"


@pytest.mark.parametrize("args", [("g",), ("g/**/*.yaml",), ("g/main.yaml", "g/parts/out.yaml")])
def test_a_part_is_no_document_of_its_own(args: tuple[str, ...]) -> None:
    done = check(*args)
    assert (done.exit_code, done.stdout, done.stderr) == (0, MAIN_OK + PART, "")


def test_the_order_of_the_files_does_not_matter() -> None:
    done = check("g/parts/out.yaml", "g/main.yaml")
    assert (done.exit_code, done.stdout) == (0, PART + MAIN_OK)


def test_a_part_by_itself_lacks_its_head() -> None:
    done = check("g/parts/out.yaml")
    assert done.exit_code == 1
    assert "error[SG125]" in done.stderr
    assert "help: if it is a part, check the document that includes it" in done.stderr


def test_a_part_in_toml_is_found_in_a_folder() -> None:
    write("g/parts/vars.toml", '[vars.x]\ndefault = "1"\n[sinks."more"]\nkind = "stdout"\n')
    done = check("g")
    assert done.stdout == (
        MAIN_OK.replace("2 nodes, 1 edge", "3 nodes, 1 edge, 1 warning")
        + PART
        + "g/parts/vars.toml: checked as a part of g/main.yaml\n"
    )


def test_what_is_wrong_in_a_part_is_told_once_and_fails() -> None:
    write("g/parts/out.yaml", "sinks: {out: {kind: stdot}}\n")
    done = check("g")
    assert done.exit_code == 1
    assert done.stderr.count("error[SG124]") == 1
    assert "--> g/parts/out.yaml:1:21" in done.stderr
    told = json.loads(check("g", "--format", "json").stdout)
    assert [one["file"] for one in told] == ["g/parts/out.yaml"]


def test_a_part_of_two_documents_is_told_once_to_programs() -> None:
    write("g/other.yaml", HEAD.format("other") + "include: parts/out.yaml\n" + IN)
    write("g/parts/out.yaml", "sinks: {out: {kind: stdout, colour: red}}\n")
    assert len(json.loads(check("g", "--format", "json").stdout)) == 1
    assert check("g").stderr.count("error[SG120]") == 2, "people read what belongs to each"


def test_a_document_that_is_whole_is_checked_also_when_another_includes_it() -> None:
    write("g/parts/out.yaml", HEAD.format("part") + OUT)
    done = check("g")
    assert done.exit_code == 0
    assert "g/parts/out.yaml: ok, 2 nodes" in done.stdout


def test_parts_that_include_each_other_are_parts_of_nothing() -> None:
    write("g/main.yaml", HEAD.format("main") + IN + OUT)
    write("g/parts/out.yaml", "include: in.yaml\n" + OUT)
    write("g/parts/in.yaml", "include: out.yaml\nsinks: {}\n" + IN)
    done = check("g")
    assert done.exit_code == 1
    assert done.stderr.count("error[SG171]") == 2
    assert "part of" not in done.stdout


def test_a_part_through_a_link_is_recognised() -> None:
    Path("h").symlink_to("g", target_is_directory=True)
    done = check("h/parts/out.yaml", "g/main.yaml")
    assert done.exit_code == 0
    assert "h/parts/out.yaml: checked as a part of g/main.yaml" in done.stdout


def test_a_document_on_standard_input_has_parts_too() -> None:
    text = HEAD.format("piped") + "include: g/parts/out.yaml\n" + IN
    done = check("-", "g/parts/out.yaml", input=text)
    assert (done.exit_code, done.stdout.splitlines()[0]) == (0, "<stdin>: ok, 2 nodes, 1 edge")
