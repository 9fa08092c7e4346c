"""What a hostile document costs: its findings and their texts are bounded."""

from __future__ import annotations

from pathlib import Path

import pytest

from sinkgraph.diagnostics.report import render_human
from sinkgraph.graph.load import check, load_graph

HEAD = "sinkgraph: 1\nname: x\nsources: {in: {kind: stdin, to: a}}\nsinks:\n"
MANY = 20_000
DOCUMENTS = {
    "keys of the document": "sinkgraph: 1\nname: x\n" + "".join(f"s{n}: 1\n" for n in range(MANY)),
    "keys of a node": HEAD + f"  a: {{kind: stdout, {', '.join(f'd{n}: 1' for n in range(MANY))}}}",
    "keys of many nodes": HEAD
    + "".join(f"  n{n}: {{kind: stdout, d1: 1, d2: 1, d3: 1}}\n" for n in range(MANY // 4)),
    "kinds": HEAD + "".join(f"  n{n}: {{kind: stdou{n}}}\n" for n in range(MANY // 2)),
    "targets": HEAD + "".join(f"  n{n}: {{kind: queue, to: m{n}}}\n" for n in range(MANY // 4)),
    "one target": HEAD + f"  a: {{kind: broadcast, to: [{'b, ' * MANY}b]}}\n  b: {{kind: stdout}}",
    "headers": HEAD + "  a: {kind: http, url: 'http://h/', headers: {"
    + ", ".join(f"'X {n}': 1" for n in range(MANY)) + "}}",
    "vars": "vars: {" + ", ".join(f"v{n}: {{defult: 1}}" for n in range(MANY)) + "}",
    "defaults": "defaults: {http: {" + ", ".join(f"v{n}: 1" for n in range(MANY)) + "}}",
}  # fmt: skip


@pytest.mark.parametrize("text", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_many_mistakes_are_told_by_some_and_their_number(tmp_path: Path, text: str) -> None:
    path = tmp_path / "graph.yaml"
    path.write_text(text)
    graph, found = load_graph(path)
    assert graph is None
    assert len(found) < 1000
    assert len(render_human(found)) < 500_000


def test_what_is_not_shown_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "graph.yaml"
    path.write_text(HEAD + "  a: {kind: stdout}\n" + "  b: {kind: stdout}\n" * 101)
    assert not any("not shown" in note for one in check(path) for note in one.notes)
    nodes = "".join(f"  n{n}: {{kind: stdout}}\n" for n in range(300))
    path.write_text(HEAD + "  a: {kind: stdout}\n" + nodes)
    graph, found = load_graph(path)
    assert graph is not None
    assert [one.code for one in found] == ["SG209"] * 200
    assert found[-1].notes == ("100 more with this code are not shown",)


@pytest.mark.parametrize(
    "line",
    [
        "  a: {kind: stdout, description: '${env:%s}'}\n",
        "  a: {kind: !%s stdout}\n",
        "  %s: {kind: queue}\n",
    ],
)
def test_a_long_word_is_shown_in_part(tmp_path: Path, line: str) -> None:
    path = tmp_path / "graph.yaml"
    path.write_text(HEAD + line % ("x" * 1_000_000))
    found = check(path, env={})
    assert found
    assert len(render_human(found)) < 20_000
