"""A finding stands on the node it is about, whether the document could be loaded or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sinkgraph.graph.load import load_graph
from sinkgraph.render.serve.findings import placed
from sinkgraph.spec.document import read

HEAD = "sinkgraph: 1\nname: n\nsources:\n  in: {kind: generate, rate: 1/s, to: fan}\nsinks:\n"


def found(tmp_path: Path, sinks: str) -> list[dict[str, Any]]:
    path = tmp_path / "graph.yaml"
    path.write_text(HEAD + sinks, encoding="utf-8")
    graph, diagnostics = load_graph(path, env={})
    return placed(diagnostics, graph, None if graph is not None else read(path)[0])


def test_an_error_stands_on_the_declared_node_around_it(tmp_path: Path) -> None:
    (one,) = found(tmp_path, "  fan: {kind: broadcast, to: [a, b]}\n  a: {kind: blackhole}\n")
    assert (one["code"], one["node"]) == ("SG204", "fan")
    assert "no sink is named `b`" in one["text"]


def test_a_warning_stands_on_the_innermost_node(tmp_path: Path) -> None:
    sinks = (
        "  fan: {kind: broadcast, to: [a, b]}\n  a: {kind: blackhole}\n"
        '  b: {kind: queue, to: {kind: retry, to: {kind: http, url: "${env:URL}"}}}\n'
    )
    (one,) = found(tmp_path, sinks)
    assert (one["severity"], one["node"]) == ("warning", "b.retry.http")


def test_a_finding_outside_of_nodes_stands_on_none(tmp_path: Path) -> None:
    (one,) = found(tmp_path, "  fan: {kind: blackhole}\nextra: 1\n")
    assert one["node"] is None


def test_what_is_no_document_at_all_still_has_its_findings(tmp_path: Path) -> None:
    (one,) = found(tmp_path, "  fan: [\n")
    assert (one["severity"], one["node"]) == ("error", None)
