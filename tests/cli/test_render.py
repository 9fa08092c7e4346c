"""`render` draws what the document says, in the form its output is named by."""

from __future__ import annotations

import json
import shutil
import signal
import socket
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
from tests.support.program import Program, until

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


CHANGED = """
sinkgraph: 1
name: registry-notifications
sources:
  registry: {kind: http, listen: "127.0.0.1:8700", path: /events, to: keep}
sinks:
  keep: {kind: queue, to: {kind: blackhole}}
"""


def test_a_difference_is_drawn_and_counted(here: Path) -> None:
    (here / "new.yaml").write_text(CHANGED, encoding="utf-8")
    done = render("new.yaml", "--against", "graph.yaml", "-o", "out.dot")
    assert done.exit_code == 0
    assert done.stdout == (
        "out.dot: drawn, 3 nodes, 2 edges, 2 added, 7 removed, 1 changed, 9 edges not as before\n"
    )
    assert "− removed" in (here / "out.dot").read_text(encoding="utf-8")


def test_a_broken_older_document_is_told(here: Path) -> None:
    (here / "old.yaml").write_text("sinkgraph: 1\n", encoding="utf-8")
    done = render("graph.yaml", "--against", "old.yaml", "-o", "out.svg")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "old.yaml" in done.stderr
    assert not (here / "out.svg").exists()


def test_standard_input_is_read_once() -> None:
    done = render("-", "--against", "-", input="x")
    assert done.exit_code == 2
    assert "more than once" in done.stderr


@pytest.mark.parametrize("made", ["./graph.svg", "link.svg", "hard.svg"])
def test_the_document_is_never_overwritten(here: Path, made: str) -> None:
    text = SAMPLE.read_text(encoding="utf-8")
    (here / "graph.svg").write_text(text, encoding="utf-8")
    (here / "link.svg").symlink_to("graph.svg")
    (here / "hard.svg").hardlink_to(here / "graph.svg")
    done = render("graph.svg", "--syntax", "yaml", "-o", made)
    assert done.exit_code == 2
    assert "is the document itself" in done.stderr
    done = render("graph.yaml", "--against", "graph.svg", "-o", made)
    assert done.exit_code == 2
    assert (here / "graph.svg").read_text(encoding="utf-8") == text


def test_a_large_document_is_folded_and_says_so(here: Path) -> None:
    large = SAMPLE.with_name("large.yaml")
    done = render(str(large), "-o", "out.dot")
    assert done.stdout == "out.dot: drawn, 200 nodes, 199 edges\n"
    assert done.stderr == (
        "note: 200 nodes, 199 edges: chains are drawn as lanes, "
        "4 groups (`eu`, `us`, `apac`, `latam`) as one node each; "
        "`--fold none` draws every node, `--fold GROUP` chooses\n"
    )
    assert (here / "out.dot").read_text(encoding="utf-8").count(" -> ") == 19


def test_a_bitmap_that_had_to_be_scaled_down_is_told(here: Path) -> None:
    names = [f"n{number}" for number in range(700)]
    sinks = {name: {"kind": "blackhole"} for name in names}
    sinks["f"] = {"kind": "broadcast", "to": names}  # type: ignore[dict-item]
    document = {"sinkgraph": 1, "name": "wide", "sinks": sinks}
    (here / "wide.json").write_text(json.dumps(document), encoding="utf-8")
    done = render("wide.json", "--fold", "none", "-o", "out.png")
    assert done.exit_code == 0
    assert "note: it is too large for a bitmap" in done.stderr
    assert "too large" not in render("wide.json", "-o", "out.png").stderr


@pytest.mark.parametrize(
    ("folds", "edges"),
    [(("none",), 199), (("lanes",), 71), (("eu", "us/"), 123), (("all",), 6)],
)
def test_what_is_folded_can_be_chosen(folds: tuple[str, ...], edges: int) -> None:
    large = SAMPLE.with_name("large.yaml")
    done = render(str(large), *(part for one in folds for part in ("--fold", one)))
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.count(" -> ") == edges


@pytest.mark.parametrize(
    ("folds", "said"),
    [
        (("ue",), "no such group; the nearest is `eu`"),
        (("nowhere",), "no such group; there are `eu`, `us`, `apac`, `latam`"),
        (("none", "eu"), "it stands alone"),
    ],
)
def test_a_fold_that_cannot_be_is_a_usage_error(folds: tuple[str, ...], said: str) -> None:
    large = SAMPLE.with_name("large.yaml")
    done = render(str(large), *(part for one in folds for part in ("--fold", one)))
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("graph.yaml", "--serve", "-o", "x.svg"), "`-o` is for a file"),
        (("-", "--serve"), "standard input cannot be one"),
        (("graph.yaml", "--against", "-", "--serve"), "standard input cannot be one"),
        (("graph.yaml", "--port", "8000"), "`--port` is for `--serve`"),
        (("graph.yaml", "--serve", "--port", "0"), "--port"),
        (("graph.yaml", "--serve", "--fold", "nowhere"), "no such group"),
    ],
)
def test_serving_refuses_what_it_cannot_do(args: tuple[str, ...], said: str) -> None:
    done = render(*args)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_serving_needs_a_file_to_watch(name: str) -> None:
    done = render(name, "--serve")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "there is nothing to watch" in done.stderr
    assert done.stderr.count("\n") == 1


def test_serving_says_when_the_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        done = render("graph.yaml", "--serve", "--port", str(port))
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: cannot listen on port {port}: ")
    assert done.stderr.count("\n") == 1


async def test_serving_ends_with_the_first_interrupt(here: Path) -> None:
    async with Program("render", "graph.yaml", "--serve", cwd=here) as program:
        await until(lambda: b"Ctrl-C ends it" in program.out, "it serves")
        program.signal(signal.SIGINT)
        assert await program.ends() == 0
    assert program.err == "graph.yaml: drawn, 8 nodes, 7 edges\n"
