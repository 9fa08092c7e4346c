"""What docs/includes.md shows is true: its documents, its command, its limits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import sinkgraph
from sinkgraph.cli.main import cli
from sinkgraph.spec.document_text import MAX_BYTES, MAX_VALUES
from sinkgraph.spec.including.paths import MAX_LOOKED_AT
from sinkgraph.spec.including.reading import MAX_DEPTH, MAX_FILES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "includes.md").read_text(encoding="utf-8")


def test_its_documents_are_one_graph(tmp_path: Path) -> None:
    shown = re.findall(r"```yaml\n# ([\w/.]+)\n(.*?)```", PAGE, re.DOTALL)
    assert len(shown) == PAGE.count("```yaml") == 3
    for name, text in shown:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert sinkgraph.check(tmp_path / "site.yaml") == []
    graph = sinkgraph.load(tmp_path / "site.yaml")
    assert {"web", "others", "teams", "deploys"} <= set(graph.nodes)
    assert getattr(graph.nodes["web"].spec, "capacity", 0) == 1000


def test_its_command_says_what_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    ((command, output),) = re.findall(r"```console\n\$ sinkgraph (.*?)\n(.*?)```", PAGE, re.DOTALL)
    done = CliRunner().invoke(cli, command.split(), prog_name="sinkgraph")
    assert done.stdout == output


def test_its_limits_are_those_that_hold() -> None:
    said = PAGE.partition("## Limits")[2]
    assert f"{MAX_FILES:,} documents, {MAX_DEPTH} deep, {MAX_BYTES // 1024**2} MiB" in said
    assert f"{MAX_VALUES:,} keys and values" in said
    assert f"{MAX_LOOKED_AT:,} names" in said
