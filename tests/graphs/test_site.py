"""site.yaml is one graph in several files: shared defaults, and a file for each team."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import sinkgraph
from tests.support.ledgers import ledger
from tests.support.program import GRAPHS, Program

DOCUMENT = GRAPHS / "site.yaml"


def written(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


async def test_each_team_gets_what_it_asks_for_in_its_own_file(tmp_path: Path) -> None:
    given = [{"team": one} for one in ("web", "ops", "search", "cooks", "web")]
    text = "".join(json.dumps(one) + "\n" for one in given)
    args = ("run", DOCUMENT, "--set", "site=example.net")
    async with Program(*args, cwd=tmp_path, stdin=text.encode()) as run:
        assert await run.ends() == 0, run.err
    assert written(tmp_path / "web.jsonl") == [{"team": "web", "site": "example.net"}] * 2
    assert written(tmp_path / "search.jsonl") == [{"team": "search"}]
    assert written(tmp_path / "others.jsonl") == [{"team": "cooks"}]
    ops = written(tmp_path / "ops.jsonl")
    assert sorted(ops, key=str) == [{"level": 3, "text": "disk 95 % full"}, {"team": "ops"}]
    assert ledger(run.err)["alerts"].entered == 2


def test_its_files_are_known_and_a_new_team_needs_no_change_of_it(tmp_path: Path) -> None:
    shutil.copy(DOCUMENT, tmp_path)
    shutil.copytree(GRAPHS / "site", tmp_path / "site")
    graph = sinkgraph.load(tmp_path / "site.yaml")
    read = [Path(one).relative_to(tmp_path).as_posix() for one in graph.files]
    assert read == [
        "site.yaml",
        "site/common.yaml",
        "site/teams/ops.toml",
        "site/teams/search.json",
        "site/teams/web.yaml",
        "site/teams/alert.schema.json",
    ]
    (tmp_path / "site" / "teams" / "legal.yaml").write_text(
        "sources: {claims: {kind: stdin, to: law}}\nsinks: {law: {kind: stdout}}\n"
    )
    (found,) = sinkgraph.check(tmp_path / "site.yaml")
    assert found.code == "SG515", "two sources would read standard input"
    assert found.span is not None
    assert found.secondary[0].span.source is not found.span.source
