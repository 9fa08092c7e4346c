"""What `accepted` is worth at a source: the weakest of its required branches.

`memory`: some queue holds the event in memory, now or on its way, and a kill then loses it.
`durable`: a queue holds it on disk until every terminal has it. `delivered`: every terminal has it.
"""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.graph.inference.conclusions import Accepted, AcceptedWord, Because
from sinkgraph.graph.inference.roads import DEAD_LETTER
from sinkgraph.graph.model import Graph, GraphEdge, GraphNode

__all__ = ["accepted"]


def accepted(graph: Graph, source: str, *, state: bool) -> Accepted:
    """Return what is weakest on the ways from `source` to the required terminals.

    `state`: the run has a state dir, so that dead letters are kept on disk. An event that finds no
    room in a queue is where `overflow` leads, so that counts too, and so does a `dead_letter:` that
    leads anywhere but into a dead letter, where an event has come to its end.
    """
    worth: AcceptedWord = "delivered"
    because: Because | None = None
    seen: set[str] = set()
    todo = [edge.target for edge in reversed(graph.downstream(source)) if edge.port == "to"]
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        node = graph.nodes[name]
        if node.kind in ("queue", DEAD_LETTER):
            if not (node.on_disk or (state and node.kind == DEAD_LETTER)):
                return Accepted(source, "memory", _in_memory(node))
            if because is None:
                worth = "durable"
                because = Because(name, "store", "it has the event on disk when it is accepted")
        todo += [edge.target for edge in _branches(graph, name)][::-1]
    return Accepted(source, worth, because)


def _in_memory(node: GraphNode) -> Because:
    if node.kind == DEAD_LETTER:
        return Because(node.name, None, "without a state dir it is kept in memory")
    return Because(node.name, "store", "`memory`: a kill loses what it holds")


def _branches(graph: Graph, name: str) -> Iterator[GraphEdge]:
    """Yield the edges on which events of a node go on that must arrive."""
    for edge in graph.downstream(name):
        end = edge.port == DEAD_LETTER and graph.nodes[edge.target].kind == DEAD_LETTER
        if edge.required and not end:
            yield edge
