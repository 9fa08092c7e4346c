"""What one write couples: the nodes that stall together, from one queue to the next.

It looks only at edges and kinds; how full a queue may be, and what that costs, is not judged here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sinkgraph.graph.model import Graph, GraphEdge

__all__ = ["Stretch", "hands_over", "stretch_of", "stretches", "waits_for"]

_ENDS = frozenset({"queue", "dead_letter"})
"""Kinds that take an event and let the writer go."""
_ASIDE = frozenset({"dead_letter", "overflow"})


@dataclass(frozen=True, slots=True)
class Stretch:
    """Is a set of nodes of which a slow one holds up all that write into it.

    `drivers` are the sources and queues whose writes they are; `members` has them too, in the
    order of the document.
    """

    drivers: tuple[str, ...]
    members: tuple[str, ...]


def hands_over(graph: Graph, edge: GraphEdge) -> bool:
    """Tell whether who writes along an edge is let go at its end, as long as there is room."""
    return graph.nodes[edge.target].kind in _ENDS


def waits_for(graph: Graph, driver: str) -> tuple[str, ...]:
    """Return the names of all that one write of a source or queue waits for, nearest first."""
    found: dict[str, None] = {}
    todo = [edge for edge in graph.downstream(driver) if edge.port != "overflow"]
    for edge in todo:
        below = graph.downstream(edge.target)
        if hands_over(graph, edge):  # of a full queue, the writer writes what overflows
            todo += [one for one in below if one.port == "overflow"]
        elif edge.target not in found:
            found[edge.target] = None
            todo += below
    return tuple(found)


def stretches(graph: Graph) -> tuple[Stretch, ...]:
    """Return the parts a graph falls into when it is cut in front of every queue.

    Each node is in one of them. Neither dead letters nor what overflows couple anything here: they
    are no part of an event's usual way.
    """
    above = {name: name for name in graph.nodes}
    for one, other in _coupled(graph):
        above[_root(above, other)] = _root(above, one)
    held: dict[str, list[str]] = {}
    for name in graph.nodes:
        held.setdefault(_root(above, name), []).append(name)
    return tuple(
        Stretch(tuple(name for name in names if _drives(graph, name)), tuple(names))
        for names in held.values()
    )


def _coupled(graph: Graph) -> Iterator[tuple[str, str]]:
    for edge in graph.edges:
        if edge.port not in _ASIDE and not hands_over(graph, edge):
            yield edge.source, edge.target


def _root(above: dict[str, str], name: str) -> str:
    while above[name] != name:
        above[name] = above[above[name]]
        name = above[name]
    return name


def _drives(graph: Graph, name: str) -> bool:
    node = graph.nodes[name]
    return node.role == "source" or node.kind == "queue"


def stretch_of(found: tuple[Stretch, ...]) -> dict[str, Stretch]:
    """Return the stretch of each node."""
    return {name: one for one in found for name in one.members}
