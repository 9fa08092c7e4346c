"""The graph: what a document means, resolved and frozen.

It is a value. networkx is imported only when `to_networkx` is called; drawing is
`sinkgraph.render`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from sinkgraph.diagnostics.source import Span
from sinkgraph.spec.declared import GraphSpec
from sinkgraph.spec.kind import Role
from sinkgraph.spec.kinds.base import NodeSpec
from sinkgraph.spec.secret import MASK, Secret

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["DEAD_LETTERS", "INLET", "Graph", "GraphEdge", "GraphNode"]

DEAD_LETTERS = "dead-letters"
"""The implied sink that keeps what no port claims."""
INLET = "inlet"
"""The implied source of a document without sources."""


class GraphNode(msgspec.Struct, frozen=True):
    """Is one node. `declared_at`: where its name stands. `implied`: no document wrote it.

    `origin` is the composite it came from; the composite's first node carries the same name.
    """

    name: str
    kind: str
    role: Role
    spec: NodeSpec
    group: str | None = None
    declared_at: Span | None = None
    implied: bool = False
    origin: str | None = None

    @property
    def on_disk(self) -> bool:
        """Whether it is a queue that keeps its events on disk."""
        return self.kind == "queue" and getattr(self.spec, "store", "memory") == "disk"


class GraphEdge(msgspec.Struct, frozen=True):
    """Is one edge. `port` is `to`, `otherwise`, `overflow`, `dead_letter`, `default`, `routes.0`…

    `index` counts the targets of one port. `required` False: a broadcast does not wait for it.
    """

    source: str
    port: str
    target: str
    required: bool = True
    index: int = 0
    span: Span | None = None


class Graph:
    """Is a resolved, checked, frozen graph.

    `order`: every name, topologically, sources first. `base`: the directory that relative inputs
    start from. `vars`: what expressions see; secrets are `Secret`. `files`: every document and
    schema it was read from, absolute, the document itself first.
    """

    name: str
    description: str | None
    nodes: Mapping[str, GraphNode]
    edges: tuple[GraphEdge, ...]
    order: tuple[str, ...]
    vars: Mapping[str, Any]
    spec: GraphSpec
    base: Path
    files: tuple[str, ...]

    def __init__(
        self,
        spec: GraphSpec,
        nodes: Mapping[str, GraphNode],
        edges: Iterable[GraphEdge],
        order: Iterable[str],
        base: Path,
    ) -> None:
        values: dict[str, Any] = {
            "name": spec.name,
            "description": spec.description,
            "nodes": MappingProxyType(dict(nodes)),
            "edges": tuple(edges),
            "order": tuple(order),
            "vars": MappingProxyType(dict(spec.vars)),
            "spec": spec,
            "base": base,
            "files": spec.files,
        }
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a graph is frozen: cannot set {name!r}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a graph is frozen: cannot delete {name!r}")

    def __repr__(self) -> str:
        return f"<Graph {self.name!r}: {len(self.nodes)} nodes, {len(self.edges)} edges>"

    def __eq__(self, other: object) -> bool:
        return self.digest == other.digest if isinstance(other, Graph) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)

    def upstream(self, name: str) -> tuple[GraphEdge, ...]:
        """Return the edges into a node."""
        return self._into.get(name, ()) if name in self.nodes else _unknown(name)

    def downstream(self, name: str) -> tuple[GraphEdge, ...]:
        """Return the edges out of a node, port by port in the order of its kind."""
        return self._out.get(name, ()) if name in self.nodes else _unknown(name)

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of its sources, in the order of the document."""
        return tuple(name for name, node in self.nodes.items() if node.role == "source")

    @cached_property
    def on_disk(self) -> tuple[str, ...]:
        """The names of its queues on disk: without a state dir it cannot run."""
        return tuple(name for name, node in self.nodes.items() if node.on_disk)

    @cached_property
    def needs_state(self) -> tuple[str, ...]:
        """The names of the nodes that want a state dir, in the order of the document.

        Queues on disk; declared dead letters; file sources that follow, for their position. All
        but the first run without one too, and then forget what they hold when the run ends.
        """
        return tuple(
            name
            for name, node in self.nodes.items()
            if node.on_disk
            or (node.kind == "dead_letter" and not node.implied)
            or (node.kind == "file" and getattr(node.spec, "follow", False))
        )

    @cached_property
    def digest(self) -> str:
        """Return the SHA-256 of what it means, as hex.

        Names, kinds, fields, edges and vars count; places, descriptions and the order of the
        document do not. A secret counts by the field it stands in, never by its text.
        """
        nodes = {
            name: node.spec.model_dump(mode="json", by_alias=True, exclude={"description"})
            for name, node in self.nodes.items()
        }
        edges = [(e.source, e.port, e.index, e.target, e.required) for e in self.edges]
        plain = {k: MASK if isinstance(v, Secret) else v for k, v in self.vars.items()}
        whole = {"name": self.name, "nodes": nodes, "edges": sorted(edges), "vars": plain}
        text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def to_networkx(self) -> nx.MultiDiGraph[str]:
        """Return it as a networkx MultiDiGraph: `node` on nodes, `edge` on edges keyed by port."""
        import networkx as nx

        made: nx.MultiDiGraph[str] = nx.MultiDiGraph(name=self.name)
        for name in self.order:
            made.add_node(name, node=self.nodes[name])
        for edge in self.edges:
            made.add_edge(edge.source, edge.target, key=f"{edge.port}#{edge.index}", edge=edge)
        return made

    def to_dot(self) -> str:
        """Return it in Graphviz' language."""
        text: str = import_module("sinkgraph.render.dot").to_dot(self)
        return text

    @cached_property
    def _into(self) -> Mapping[str, tuple[GraphEdge, ...]]:
        return _grouped((edge.target, edge) for edge in self.edges)

    @cached_property
    def _out(self) -> Mapping[str, tuple[GraphEdge, ...]]:
        return _grouped((edge.source, edge) for edge in self.edges)


def _grouped(pairs: Iterable[tuple[str, GraphEdge]]) -> dict[str, tuple[GraphEdge, ...]]:
    made: dict[str, list[GraphEdge]] = {}
    for name, edge in pairs:
        made.setdefault(name, []).append(edge)
    return {name: tuple(edges) for name, edges in made.items()}


def _unknown(name: str) -> tuple[GraphEdge, ...]:
    raise KeyError(f"no node is named {name!r}")
