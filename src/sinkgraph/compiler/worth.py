"""What `accepted` is worth at a source: the weakest of its required branches.

`memory`: some queue holds it in memory, now or on its way, and a kill then loses it. `durable`: a
queue holds it on disk until every terminal has it. `delivered`: every terminal has it already.
"""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.graph.model import Graph, GraphEdge

__all__ = ["worth_of"]


def worth_of(graph: Graph, source: str, *, state: bool = False) -> str:
    """Return what is weakest on the ways from `source` to the required terminals.

    `state`: the run has a state dir, so that dead letters are kept on disk. An event that finds no
    room in a queue is where `overflow` leads, so that counts too, and so does a `dead_letter:` that
    leads anywhere but into a dead letter, where an event has come to its end.
    """
    worth = "delivered"
    seen: set[str] = set()
    todo = [edge.target for edge in graph.downstream(source) if edge.port == "to"]
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        node = graph.nodes[name]
        if node.kind in ("queue", "dead_letter"):
            if not (node.on_disk or (state and node.kind == "dead_letter")):
                return "memory"
            worth = "durable"
        todo += _branches(graph, name)
    return worth


def _branches(graph: Graph, name: str) -> Iterator[str]:
    """Yield where events of a node go on to that must arrive."""
    for edge in graph.downstream(name):
        if edge.required and not _is_end(graph, edge):
            yield edge.target


def _is_end(graph: Graph, edge: GraphEdge) -> bool:
    return edge.port == "dead_letter" and graph.nodes[edge.target].kind == "dead_letter"
