"""From a tree of combinators to an assembly: names for what needs none.

It builds no sink; it names what it is given.
"""

from __future__ import annotations

from sinkgraph.compiler.assembly import Assembly
from sinkgraph.sinks.base import Foreign, Link, Node, Sink
from sinkgraph.sinks.wiring import downstream

__all__ = ["as_node", "assemble", "name_nodes"]


def as_node(sink: Sink) -> Node:
    """Return our live node for a sink: itself, or one that accounts for a foreign sink."""
    return sink if isinstance(sink, Node) else Foreign(sink)


def name_nodes(nodes: list[Node], taken: set[str]) -> None:
    """Name what has no name yet: its kind, or `kind-2`, `kind-3` … where that is taken."""
    for node in nodes:
        if node.name and node.name in taken:
            raise ValueError(f"two nodes are named {node.name!r}")
        if not node.name:
            stem = node.kind
            if isinstance(node, Foreign):
                stem = getattr(node.sink, "name", "") or type(node.sink).__name__.lower()
            name, n = stem, 1
            while name in taken:
                n += 1
                name = f"{stem}-{n}"
            node.name = name
        taken.add(node.name)


def assemble(root: Sink, name: str = "tree") -> Assembly:
    """Return the assembly of a tree of combinators, written to at its root."""
    node = as_node(root)
    nodes = downstream([node])
    for one in nodes:
        if one.ctx is not None:
            raise ValueError(f"{one.kind} {one.name} already belongs to a topology")
    name_nodes(nodes, {"dead-letters"})
    return Assembly(
        name, sinks={one.name: one for one in nodes}, entries={node.name: Link(node, "in")}
    )
