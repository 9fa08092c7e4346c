"""What `accepted` is worth at a source: the weakest of its required branches.

`memory`: a queue holds it. `delivered`: every terminal has it. (`durable` needs a disk store.)
"""

from __future__ import annotations

from sinkgraph.graph.model import Graph

__all__ = ["worth_of"]


def worth_of(graph: Graph, source: str) -> str:
    """Return `memory` when some required branch ends its write at a queue, else `delivered`."""
    seen: set[str] = set()
    todo = [source]
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        if graph.nodes[name].kind in ("queue", "dead_letter"):
            return "memory"
        todo += [
            edge.target
            for edge in graph.downstream(name)
            if edge.required and edge.port not in ("dead_letter", "overflow")
        ]
    return "delivered"
