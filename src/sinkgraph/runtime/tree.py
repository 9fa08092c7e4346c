"""From a tree of combinators to an assembly: names for what needs none.

It builds no sink; it names what it is given.
"""

from __future__ import annotations

from collections.abc import Mapping

from sinkgraph.compiler.assembly import Assembly
from sinkgraph.errors import SinkgraphError
from sinkgraph.sinks.base import Foreign, Link, Node, Sink
from sinkgraph.sinks.wiring import downstream
from sinkgraph.sources.base import Hosted, Source

__all__ = ["as_node", "assemble", "host", "name_nodes"]


def as_node(sink: Sink) -> Node:
    """Return our live node for a sink: itself, or one that accounts for a foreign sink."""
    return sink if isinstance(sink, Node) else Foreign(sink)


def name_nodes(nodes: list[Node], taken: set[str]) -> None:
    """Name what has no name yet: its kind, or `kind-2`, `kind-3` … where that is taken."""
    counted: dict[str, int] = {}  # how many of a kind were passed over: none of them is free again
    for node in nodes:
        if node.name and node.name in taken:
            raise ValueError(f"two nodes are named {node.name!r}")
        if not node.name:
            stem = node.kind
            if isinstance(node, Foreign):
                stem = getattr(node.sink, "name", "") or type(node.sink).__name__.lower()
            n = counted.get(stem, 1)
            name = stem if n == 1 else f"{stem}-{n}"
            while name in taken:
                n += 1
                name = f"{stem}-{n}"
            counted[stem] = n
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


def host(assembly: Assembly, sources: Mapping[str, Source]) -> Assembly:
    """Let each source feed the inlet of its name, or the root of a tree; return the assembly.

    Raises SinkgraphError for a source that no inlet is there for.
    """
    for name, source in sources.items():
        inlet = assembly.sources.get(name)
        if inlet is not None and inlet.kind == "inlet":
            hosted = Hosted(source, inlet.to.target)
            hosted.name = f"{name}.source"
        elif assembly.entries and name not in assembly.sinks and name not in assembly.sources:
            hosted = Hosted(source, next(iter(assembly.entries.values())).target)
            hosted.name = name
        else:
            inlets = ", ".join(n for n, one in assembly.sources.items() if one.kind == "inlet")
            raise SinkgraphError(
                f"the source {name!r} has no inlet of its name to feed; inlets: {inlets or 'none'}"
            )
        assembly.sources[hosted.name] = hosted
    return assembly
