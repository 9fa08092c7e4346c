"""The hooks for pre-commit run commands there are, on the files that are graph documents."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from sinkgraph.cli.main import cli

ROOT = Path(__file__).parents[1]


def hooks() -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = yaml.safe_load(
        (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    )
    return made


def test_a_hook_says_what_pre_commit_needs() -> None:
    assert [one["id"] for one in hooks()] == ["sinkgraph-check", "sinkgraph-fmt"]
    for hook in hooks():
        assert {"id", "name", "entry", "language", "files"} <= set(hook)
        assert hook["language"] == "python"


@pytest.mark.parametrize("hook", hooks(), ids=lambda hook: hook["id"])
def test_the_hook_takes_documents_and_nothing_beside_them(hook: dict[str, Any]) -> None:
    pattern = re.compile(hook["files"])
    taken = [
        one.relative_to(ROOT).as_posix()
        for one in sorted((ROOT / "graphs").rglob("*"))
        if pattern.search(one.relative_to(ROOT).as_posix())
    ]
    assert {Path(one).parent.as_posix() for one in taken} == {"graphs"}
    assert {Path(one).suffix for one in taken} == {".yaml", ".toml", ".json"}
    assert not pattern.search("graphs/notes.md")
    assert not pattern.search("docker-compose.yaml")


def test_the_hook_passes_good_documents_and_fails_bad_ones() -> None:
    program, *arguments = hooks()[0]["entry"].split()
    assert program == "sinkgraph"
    good, bad = str(ROOT / "graphs/hello.yaml"), str(ROOT / "graphs/broken/cycle.yaml")
    assert CliRunner().invoke(cli, [*arguments, good]).exit_code == 0
    assert CliRunner().invoke(cli, [*arguments, good, bad]).exit_code == 1


def test_the_other_hook_changes_what_is_not_in_order(tmp_path: Path) -> None:
    program, *arguments = hooks()[1]["entry"].split()
    assert program == "sinkgraph"
    document = tmp_path / "graph.yaml"
    document.write_text("name: a\nsinkgraph: 1\n")
    assert CliRunner().invoke(cli, [*arguments, str(document)]).exit_code == 0
    assert document.read_text() == "sinkgraph: 1\nname: a\n"
