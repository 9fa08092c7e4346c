"""Single points: nodes that stand on every way from a source to any of its terminals."""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.graph.inference.conclusions import Single
from sinkgraph.graph.inference.roads import is_end, reached, roads
from sinkgraph.graph.model import Graph

__all__ = ["single_points"]

_END = ""  # no node has an empty name


def single_points(graph: Graph, source: str) -> Iterator[Single]:
    """Yield the dominators of all ends that a source reaches, the nearest to the source first."""
    import networkx as nx

    flow: nx.DiGraph[str] = nx.DiGraph()
    for name in reached(graph, source):
        flow.add_edges_from((name, edge.target) for edge in roads(graph, name))
        if is_end(graph, name):
            flow.add_edge(name, _END)
    if _END not in flow:
        return
    above = nx.immediate_dominators(flow, source)
    found: list[str] = []
    at = above[_END]
    while at is not None and at != source:
        found.append(at)
        at = above[at]
    for name in reversed(found):
        yield Single(source, name)
