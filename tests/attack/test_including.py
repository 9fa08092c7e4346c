"""Documents that include what they should not: refused at the entry, soon, and without a crash."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sinkgraph.cli.main import cli
from sinkgraph.graph.load import load_graph
from sinkgraph.spec.including import paths, reading

HEAD = "sinkgraph: 1\nname: main\n"
IN = "sources: {in: {kind: stdin, to: out}}\n"
OUT = "sinks: {out: {kind: stdout}}\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, text: str) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def check(*args: str) -> Result:
    return CliRunner().invoke(cli, ["check", *args], prog_name="sinkgraph")


def test_an_entry_with_a_nul_is_a_file_that_cannot_be_opened() -> None:
    write("main.yaml", HEAD + 'include: "a\\0b.yaml"\n' + IN + OUT)
    done = check("main.yaml")
    assert done.exit_code == 1, done.exception
    assert "error[SG170]: the included document `a\\x00b.yaml` cannot be opened" in done.stderr


@pytest.mark.parametrize(
    "field", ['kind: file, paths: "sub\\0/x.jsonl"', 'kind: stdin, schema: "./s\\0/x.json"']
)
def test_a_nul_in_a_path_that_a_part_reads_is_a_finding(field: str) -> None:
    write("main.yaml", HEAD + "include: parts/in.yaml\n" + OUT)
    write("parts/in.yaml", f"sources: {{in: {{{field}, to: out}}}}\n")
    (found,) = load_graph("main.yaml")[1]
    assert (found.code, found.where.split(":")[0]) == ("SG123", "parts/in.yaml")


def test_only_the_first_missing_documents_are_told_with_a_near_name() -> None:
    for n in range(20):
        write(f"parts/team-{n:02}.yaml", OUT)
    entries = ", ".join(f"parts/taem-{n:02}.yaml" for n in range(20))
    write("main.yaml", HEAD + f"include: [{entries}]\n" + IN)
    found = load_graph("main.yaml")[1]
    assert [one.code for one in found] == ["SG170"] * 20
    assert [bool(one.help) for one in found] == [True] * 10 + [False] * 10


def test_the_globs_of_all_documents_look_at_so_many_names_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(paths, "MAX_LOOKED_AT", 30)
    monkeypatch.setattr(reading, "MAX_LOOKED_AT", 30)
    write("main.yaml", HEAD + 'include: "p/*"\n' + IN + OUT)
    for n in range(10):
        write(f"p/{n}.yaml", f'include: "../q/{n}*"\n')
        write(f"q/{n}.yaml", f"vars: {{v{n}: {{default: x}}}}\n")
    (found,) = load_graph("main.yaml")[1]
    assert (found.code, found.where) == ("SG174", "p/2.yaml:1:10")
    assert found.label == "more than 30 names, with the globs before it"


def test_a_glob_that_many_documents_write_is_looked_up_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(paths, "MAX_LOOKED_AT", 20)
    write("main.yaml", HEAD + 'include: "p/*"\n' + IN + OUT)
    for n in range(10):
        write(f"p/{n}.yaml", 'include: "../q/*"\n')
        write(f"q/{n}.yaml", f"vars: {{v{n}: {{default: x}}}}\n")
    assert load_graph("main.yaml")[1] == []
