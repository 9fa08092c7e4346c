"""What README.md shows is true: its document, its programs, its commands, its links."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from sinkgraph.cli.main import SECTIONS, cli
from sinkgraph.errors import StartFailed
from sinkgraph.graph.load import load_graph
from sinkgraph.spec.kind import kind_names
from tests.support.client import post
from tests.support.program import until
from tests.support.running import listening, running
from tests.support.webhook import Webhook

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_every_document_is_free_of_findings(tmp_path: Path) -> None:
    documents = _blocks("yaml")
    assert documents
    for text in documents:
        path = tmp_path / "shown.yaml"
        path.write_text(text, encoding="utf-8")
        graph, found = load_graph(path)
        assert graph is not None
        assert found == []


def test_the_shown_dead_letters_say_what_became_of_what(tmp_path: Path) -> None:
    (shown,) = [text for text in _blocks("yaml") if "name: letters" in text]
    (tmp_path / "letters.yaml").write_text(shown, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "sinkgraph", "run", "letters.yaml"],
        cwd=tmp_path,
        input='{"level": "error"}\n{"text": "no level"}\n',
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, '{"level": "error"}\n')
    (letter,) = map(json.loads, (tmp_path / "letters.ndjson").read_text().splitlines())
    assert letter["event"] == {"text": "no level"}
    assert letter["meta"]["path"] == ["lines", "errors"]
    assert {"reason", "node", "attempts", "errors"} <= set(letter["meta"])


async def test_the_shown_queue_on_disk_goes_on_where_it_stopped(tmp_path: Path) -> None:
    (shown,) = [text for text in _blocks("yaml") if "name: orders" in text]
    path, state = tmp_path / "orders.yaml", tmp_path / "state"
    async with Webhook("/orders") as books:
        shown = shown.replace(":8700", ":0").replace("127.0.0.1:9000", f"127.0.0.1:{books.port}")
        path.write_text(shown, encoding="utf-8")
        with pytest.raises(StartFailed, match=r"outbox.*state_dir="):
            async with running(path, tmp_path):
                raise AssertionError("it runs without a state dir")
        await books.down()
        async with running(path, tmp_path, state_dir=state, drain=0.1) as live:
            answer = await post(listening(live, "shop"), '{"n": 1}', path="/")
            assert (answer.status, answer.json) == (202, {"accepted": 1, "worth": "durable"})
        assert live.report is not None
        assert (live.report.kept, live.report.left) == ({"outbox": 1}, {})
        await books.up()
        async with running(path, tmp_path, state_dir=state):
            await until(lambda: len(books.events) == 1, "the next start delivers it")
    assert books.events == [{"n": 1}]


@pytest.mark.parametrize("program", _blocks("python"))
def test_every_program_runs(program: str, tmp_path: Path) -> None:
    (tmp_path / "graphs").symlink_to(ROOT / "graphs")
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip()


def test_the_shown_finding_is_what_check_prints() -> None:
    shown = re.search(r"\$ sinkgraph (check \S+)\n(.*?)```", README, re.DOTALL)
    assert shown is not None
    result = CliRunner().invoke(cli, shown[1].split())
    assert result.exit_code == 1
    assert shown[2].strip() in result.output


def test_every_command_has_its_row_and_no_other() -> None:
    rows = re.findall(r"^\| `sinkgraph (\w+)", README, re.MULTILINE)
    assert sorted(rows) == sorted(name for section in SECTIONS.values() for name in section)


def test_every_kind_is_listed() -> None:
    listed = set(re.findall(r"`(\w+)`", README))
    for side in ("source", "sink"):
        assert set(kind_names(side)) <= listed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), target


def test_every_graph_is_linked() -> None:
    for path in sorted((ROOT / "graphs").glob("*.*")):
        if path.name.endswith(".schema.json"):
            continue
        assert f"(graphs/{path.name})" in README, path.name
