"""Whatever becomes of the parts of a document, what comes back are findings with places."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random

import pytest

from sinkgraph.diagnostics.report import render_human, render_json
from sinkgraph.diagnostics.sarif import render_sarif
from sinkgraph.graph.load import Looked, load_graph
from tests.graph.mutations import mutate
from tests.support.program import GRAPHS
from tests.support.scale import rounds, seed

CASES = rounds(150, 3_000)
ENTRIES = (
    b"site.yaml",
    b"*",
    b"**",
    b"../*",
    b"teams/../common.yaml",
    b"/dev/null",
    b"site",
    b"x.toml",
)


def spoiled(folder: Path, rng: Random) -> None:
    """Put the site into a folder, some of its files not as they should be."""
    shutil.copy(GRAPHS / "site.yaml", folder)
    shutil.copytree(GRAPHS / "site", folder / "site")
    files = sorted(one for one in folder.rglob("*") if one.suffix in {".yaml", ".toml", ".json"})
    for path in rng.sample(files, rng.randint(1, 3)):
        text = path.read_bytes()
        if path.suffix == ".yaml" and rng.random() < 0.3 and b"include" not in text:
            text += b'\ninclude: ["' + rng.choice(ENTRIES) + b'"]\n'
        match rng.randrange(8):
            case 0:
                path.write_bytes(rng.choice(files).read_bytes())
            case 1:
                path.unlink()
                path.symlink_to(rng.choice(files))
            case _:
                path.write_bytes(mutate(text, rng) if rng.random() < 0.8 else text)


@pytest.mark.parametrize("number", range(CASES))
def test_spoiled_parts_give_only_findings_with_places(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    spoiled(tmp_path, Random(f"{seed()}/{number}"))
    looked = Looked()
    graph, found = load_graph("site.yaml", env={}, looked=looked)
    for one in found:
        assert one.span is not None, one
        assert one.span.source.name == "site.yaml" or Path(one.span.source.name).is_relative_to(
            "site"
        ), one
        assert 0 <= one.span.start <= one.span.end <= len(one.span.source.text), one
    assert (graph is None) == any(one.severity == "error" for one in found)
    assert bool(render_human(found)) == bool(found)
    assert len(json.loads(render_json(found))) == len(found)
    assert len(json.loads(render_sarif(found))["runs"][0]["results"]) == len(found)
    assert looked.files[0] == str(tmp_path / "site.yaml")
