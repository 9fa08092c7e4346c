"""`render` draws what the document says, in the form its output is named by."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sinkgraph.cli.main import cli
from sinkgraph.graph.inference.conclude import conclude
from sinkgraph.graph.load import load
from sinkgraph.render.dot import to_dot
from sinkgraph.render.drawing import draw
from sinkgraph.render.guarantees import guarantees
from sinkgraph.render.mermaid import to_mermaid

SAMPLE = Path(__file__).parent.parent / "render" / "golden" / "registry.yaml"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOOK_TOKEN", "set")
    shutil.copy(SAMPLE, tmp_path / "graph.yaml")
    return tmp_path


def render(*args: str, **options: Any) -> Result:
    return CliRunner().invoke(cli, ["render", *args], prog_name="sinkgraph", **options)


def test_without_output_dot_goes_to_stdout() -> None:
    done = render("graph.yaml")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == to_dot(load("graph.yaml"))
    assert render("graph.yaml", "-o", "-").stdout == done.stdout
    assert render("-", input=SAMPLE.read_text(encoding="utf-8")).stdout == done.stdout


def test_options_reach_the_drawing() -> None:
    graph = load("graph.yaml", set_vars={"hook_url": "http://127.0.0.1:1/other"})
    done = render(
        "graph.yaml",
        *("--theme", "dark", "--dead-letters", "--guarantees", "--isolation"),
        *("--set", "hook_url=http://127.0.0.1:1/other"),
    )
    notes = guarantees(conclude(graph))
    drawing = draw(graph, dead_letters=True, isolation=True, guarantees=notes)
    assert done.stdout == to_dot(drawing, theme="dark")
    assert "127.0.0.1:1/other" in done.stdout


@pytest.mark.parametrize(
    ("suffix", "begins"),
    [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("SVG", b"<?xml")],
)
def test_the_suffix_says_which_picture(here: Path, suffix: str, begins: bytes) -> None:
    done = render("graph.yaml", "-o", f"out.{suffix}")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == f"out.{suffix}: drawn, 8 nodes, 7 edges\n"
    assert (here / f"out.{suffix}").read_bytes().startswith(begins)


def test_a_picture_tells_the_facts_of_a_node_and_no_secret(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_TOKEN", "c4n4ry")
    assert render("graph.yaml", "-o", "out.svg").exit_code == 0
    svg = (here / "out.svg").read_text(encoding="utf-8")
    assert "timeout: 500ms" in svg
    assert "Authorization: ***" in svg
    assert "c4n4ry" not in svg


def test_the_counts_are_those_of_the_drawing() -> None:
    done = render("graph.yaml", "--dead-letters", "-o", "out.dot")
    assert done.stdout == "out.dot: drawn, 9 nodes, 11 edges\n"


def test_languages_are_written_as_text(here: Path) -> None:
    graph = load("graph.yaml")
    for name, text in (("out.dot", to_dot(graph)), ("out.mmd", to_mermaid(graph))):
        assert render("graph.yaml", "-o", name).stdout == f"{name}: drawn, 8 nodes, 7 edges\n"
        assert (here / name).read_text(encoding="utf-8") == text


@pytest.mark.parametrize("name", ["out.gif", "out", "graph.yaml", ".svg"])
def test_another_suffix_is_a_usage_error_and_writes_nothing(here: Path, name: str) -> None:
    before = sorted(here.iterdir())
    done = render("graph.yaml", "-o", name)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "none of `.svg`, `.png`, `.pdf`, `.dot`, `.mmd`" in done.stderr
    assert sorted(here.iterdir()) == before


def test_a_document_with_errors_is_not_drawn(here: Path) -> None:
    (here / "broken.yaml").write_text("sinkgraph: 1\nname: x\n", encoding="utf-8")
    done = render("broken.yaml", "-o", "out.svg")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "error[SG" in done.stderr
    assert not (here / "out.svg").exists()


def test_warnings_are_told_beside_the_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOOK_TOKEN")
    done = render("graph.yaml")
    assert done.exit_code == 0
    assert done.stdout.startswith("digraph")
    assert "warning[SG501]" in done.stderr


def test_without_a_renderer_there_is_the_text_and_advice(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(here))
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    done = render("graph.yaml", "-o", "out.svg")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "sinkgraph[render]" in done.stderr
    assert "`out.dot`" in done.stderr
    assert (here / "out.dot").read_text(encoding="utf-8") == to_dot(load("graph.yaml"))


@pytest.mark.parametrize("name", ["no/such/out.svg", "no/such/out.dot", "folder.svg"])
def test_what_cannot_be_written_is_one_line(here: Path, name: str) -> None:
    (here / "folder.svg").mkdir()
    done = render("graph.yaml", "-o", name)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: cannot write `{name}`: ")
    assert done.stderr.count("\n") == 1
