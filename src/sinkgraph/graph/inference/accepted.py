"""What `accepted` is worth at a source: the weakest of its required branches; and on each way.

`memory`: some queue holds the event in memory, now or on its way, and a kill then loses it.
`durable`: a queue holds it on disk until every terminal has it. `delivered`: every terminal has it.
"""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.graph.inference.conclusions import ACCEPTED, Accepted, AcceptedWord, Because
from sinkgraph.graph.inference.roads import DEAD_LETTER, reached, roads
from sinkgraph.graph.model import Graph, GraphEdge, GraphNode

__all__ = ["accepted", "accepted_on_ways"]

_Worth = tuple[AcceptedWord, Because | None]


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
                because = _on_disk(node)
        todo += [edge.target for edge in _branches(graph, name)][::-1]
    return Accepted(source, worth, because)


def accepted_on_ways(graph: Graph, source: str) -> dict[str, _Worth]:
    """Return what an accepted event is worth for each node it reaches: the weakest way there."""
    found: dict[str, _Worth] = {source: ("delivered", None)}
    for name in reached(graph, source):
        for edge in roads(graph, name):
            there = _beyond(found[name], graph.nodes[edge.target])
            known = found.get(edge.target)
            if known is None or ACCEPTED.index(there[0]) < ACCEPTED.index(known[0]):
                found[edge.target] = there
    return found


def _beyond(here: _Worth, node: GraphNode) -> _Worth:
    if node.kind != "queue" or here[0] == "memory":
        return here
    if not node.on_disk:
        return "memory", _in_memory(node)
    return here if here[0] == "durable" else ("durable", _on_disk(node))


def _on_disk(node: GraphNode) -> Because:
    return Because(node.name, "store", "it has the event on disk when it is accepted")


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
