"""Documents with templates, and short ways to read them."""

from __future__ import annotations

from typing import Any

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.model import Graph
from tests.graph.documents import read

__all__ = ["HEAD", "codes_at", "graph_of", "read", "shape"]

HEAD = "sinkgraph: 1\nname: t\n"
ENDS = "sources:\n  in: {kind: stdin, to: use}\nsinks:\n"


def graph_of(templates: str, use: str, more: str = "", **options: Any) -> Graph:
    """Return the graph of templates, and of a sink `use` written with them."""
    text = f"{HEAD}templates:\n{templates}\n{ENDS}  use: {use}\n{more}"
    graph: Graph | None
    graph, found = read(text, **options)
    assert graph is not None, found
    return graph


def shape(graph: Graph) -> dict[str, list[str]]:
    """Return what each node of `use` writes to; implied dead letters are left out."""
    return {
        name: [one.target for one in graph.downstream(name) if one.target != "dead-letters"]
        for name, node in graph.nodes.items()
        if node.origin == "use"
    }


def codes_at(found: list[Diagnostic]) -> list[tuple[str, int, str]]:
    """Return code, line and the text marked of each finding."""
    return [
        (one.code, one.span.line, one.span.text) if one.span else (one.code, 0, "") for one in found
    ]
