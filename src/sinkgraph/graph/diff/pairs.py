"""Which node of the old graph is which of the new one: by name, or as `was` says.

A name that both graphs have is the same node, whatever `was` says; nothing is guessed. Letters are
known by the name of their sink, so a dead letter sink is never renamed.
"""

from __future__ import annotations

from collections.abc import Mapping

from sinkgraph.graph.diff.table import side_of
from sinkgraph.graph.model import Graph

__all__ = ["beside", "former_names"]


def former_names(before: Graph, after: Graph) -> Mapping[str, str]:
    """Return each node of `after` that is in `before` → the name it has there."""
    made: dict[str, str] = {}
    taken: set[str] = set()
    for name, node in after.nodes.items():
        if name in before.nodes:
            made[name] = name
            continue
        was = node.spec.was
        if was is None or was in after.nodes or was in taken or was not in before.nodes:
            continue
        old = before.nodes[was]
        if side_of(old) == side_of(node) and "dead_letter" not in (old.kind, node.kind):
            made[name] = was
            taken.add(was)
    return made


def beside(before: Graph, after: Graph) -> Graph:
    """Return the old graph as if its document stood where the new one does.

    Who compares two versions of a document, one of them put aside, means the same files by the same
    relative paths. A running graph reads those beside its own document.
    """
    return Graph(before.spec, before.nodes, before.edges, before.order, after.base)
