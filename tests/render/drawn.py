"""Documents for drawing tests, and what a drawing holds, by name."""

from __future__ import annotations

from typing import Any

from sinkgraph.graph.load import load
from sinkgraph.graph.model import Graph
from sinkgraph.render.parts import Drawing, DrawnEdge, DrawnNode, nodes_in

__all__ = ["BLACKHOLE", "by_name", "edge", "graph_of"]

BLACKHOLE = {"kind": "blackhole"}


def graph_of(sinks: dict[str, Any], **top: Any) -> Graph:
    """Return the graph of some sinks; a source writes to the first."""
    whole: dict[str, Any] = {
        "sinkgraph": 1,
        "name": "drawn",
        "sources": {"in": {"kind": "generate", "rate": "1/s", "to": next(iter(sinks))}},
        "sinks": sinks,
    }
    return load(whole | top, env={})


def by_name(drawing: Drawing) -> dict[str, DrawnNode]:
    """Return every node of a drawing."""
    return {node.name: node for node in nodes_in(drawing.frame)}


def edge(drawing: Drawing, source: str, target: str) -> DrawnEdge:
    """Return the one edge between two nodes."""
    (found,) = [one for one in drawing.edges if (one.source, one.target) == (source, target)]
    return found
