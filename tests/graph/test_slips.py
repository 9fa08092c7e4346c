"""One slip in a key of a good document is one finding, where it is and nowhere else."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.report import render_concise
from sinkgraph.diagnostics.source import Span
from sinkgraph.graph.load import load_graph
from sinkgraph.spec.document import Mapping, Node, Sequence, read

GRAPHS = Path(__file__).parents[2] / "graphs"
DOCUMENTS = sorted(
    one
    for one in GRAPHS.iterdir()
    if one.suffix in {".yaml", ".toml", ".json"} and not one.name.endswith(".schema.json")
)
FREE = {"description", "tests", "promises"}
NAMING = {"sources", "sinks", "vars", "templates"}
ANY_KEY = {("headers",), ("on_status",), ("compute",), ("set",), ("schemas",)}


def keys_of(node: Node, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Span]]:
    """Yield path and place of every key that is no name of a node or var, nor of a payload."""
    if isinstance(node, Sequence):
        for item in node:
            yield from keys_of(item, path)
    elif isinstance(node, Mapping):
        for entry in node:
            below = (*path, entry.key.text)
            free = below[0] in FREE or below[-1] == "event"
            named = (len(path) == 1 and path[0] in NAMING) or path[-1:] == ("params",)
            if not (named or free) and entry.key.span is not None:
                yield below, entry.key.span
            if not free:
                yield from keys_of(entry.value, below)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_slip_in_a_key_is_one_finding_at_that_key(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for beside in ("schemas", "site"):
        shutil.copytree(GRAPHS / beside, tmp_path / beside)
    tree, _ = read(path)
    assert tree is not None
    text = path.read_text(encoding="utf-8")
    usual = {_said(one) for one in load_graph(path, env={})[1]}
    tried = 0
    for where, span in keys_of(tree):
        raw = span.text
        if len(raw.strip("\"'")) < 4:
            continue
        at = span.start + len(raw) // 2
        (tmp_path / path.name).write_text(f"{text[:at]}q{text[at:]}", encoding="utf-8")
        found = load_graph(path.name, env={})[1]
        new = [one for one in found if _said(one) not in usual]
        if not new and where[-2:-1] in ANY_KEY:
            continue
        assert len(new) == 1, (where, render_concise(new))
        assert new[0].span is not None
        assert new[0].span.start <= at <= new[0].span.end, (where, render_concise(new))
        tried += 1
    assert tried >= 5


def _said(one: Diagnostic) -> tuple[str, str]:
    return one.code, one.headline
