"""Where events go on from a node that is meant to arrive somewhere.

Dead letters are an end: the edges of that port are no road, and no conclusion follows them.
"""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.graph.model import Graph, GraphEdge

__all__ = ["DEAD_LETTER", "field_of", "is_end", "reached", "roads", "terminals"]

DEAD_LETTER = "dead_letter"


def roads(graph: Graph, name: str) -> Iterator[GraphEdge]:
    """Yield the edges on which events of a node go on."""
    for edge in graph.downstream(name):
        if edge.port != DEAD_LETTER:
            yield edge


def is_end(graph: Graph, name: str) -> bool:
    """Return whether events end at a node: a terminal, or a dead letter."""
    node = graph.nodes[name]
    return node.role == "terminal" or node.kind == DEAD_LETTER


def reached(graph: Graph, source: str) -> list[str]:
    """Return what events of a source can reach, the source first, upstream before downstream."""
    found = {source}
    made = []
    for name in graph.order:
        if name in found:
            made.append(name)
            found.update(edge.target for edge in roads(graph, name))
    return made


def terminals(graph: Graph, source: str) -> list[str]:
    """Return the ends that events of a source can reach, in the order of the document."""
    found = set(reached(graph, source))
    return [name for name in graph.nodes if name in found and is_end(graph, name)]


def field_of(edge: GraphEdge) -> str:
    """Return an edge as the field it stands in: `to`, `to[2]`, `routes[0].to`."""
    port, _, number = edge.port.partition(".")
    if number:
        return f"{port}[{number}].to"
    return f"{port}[{edge.index}]" if edge.index else port
