"""From checked, connected declarations to the frozen graph: what is inferred, implied, in order.

It is called only when nothing is wrong; what is wrong is found by `sinkgraph.graph.rules`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, cached_property
from typing import Any

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.model import DEAD_LETTERS, INLET, Graph, GraphEdge, GraphNode
from sinkgraph.graph.view import View
from sinkgraph.spec.declared import NodeDecl
from sinkgraph.spec.kind import Kind, Side, find_kind
from sinkgraph.spec.kinds.base import NodeSpec
from sinkgraph.spec.kinds.reliability import DeadLetter, Queue
from sinkgraph.spec.kinds.source import Inlet, SourceSpec
from sinkgraph.spec.kinds.terminal import HttpSinkSpec, batch_of_json
from sinkgraph.spec.locate import Owner, from_problem

__all__ = ["docker_only", "format_findings", "resolve"]


def resolve(view: View) -> Graph:
    """Return the graph of a view without errors."""
    if view.order is None:
        raise ValueError("a graph with a cycle has no order")
    inferred = _Inferred(view, view.order)
    made: dict[str, GraphNode] = {}
    edges: list[GraphEdge] = []
    order: list[str] = []
    _add_inlet(view, made, edges, order)
    for name, decl in view.nodes.items():
        made[name] = _node_of(decl, inferred)
    for name in view.order:
        order.append(name)
        edges.extend(
            GraphEdge(name, one.edge.port, one.target.name, one.edge.required, one.edge.index,
                      one.edge.span)
            for one in view.out[name]
        )  # fmt: skip
    _add_dead_letters(made, edges, order)
    return Graph(view.spec, made, edges, order, view.base)


class _Inferred:
    """Is what http sinks take from the nodes above them, where their document leaves it open."""

    def __init__(self, view: View, order: list[str]) -> None:
        self._view = view
        self._order = order

    @cached_property
    def docker(self) -> set[str]:
        """The names reached by registry events only."""
        return docker_only(self._view, self._order)

    @cached_property
    def lanes(self) -> dict[str, int]:
        """Each node → what the nearest queue above delivers at once, the most of several."""
        found: dict[str, int] = {}
        for name in self._order:
            spec = self._view.nodes[name].spec
            here = spec.concurrency if isinstance(spec, Queue) else found.get(name, 1)
            if here > 1:
                for link in self._view.out[name]:
                    if link.edge.port not in {"dead_letter", "overflow"}:
                        found[link.target.name] = max(here, found.get(link.target.name, 1))
        return found

    def of(self, name: str, spec: HttpSinkSpec) -> HttpSinkSpec:
        """Return the fields of an http sink with what is inferred."""
        update: dict[str, Any] = {}
        if spec.format == "auto":
            update["format"] = "docker" if name in self.docker else "json"
        if "concurrency" not in spec.model_fields_set:
            lanes = self.lanes.get(name, 1)
            if lanes > spec.concurrency:
                update["concurrency"] = lanes
        return spec.with_values(update) if update else spec


def docker_only(view: View, order: list[str]) -> set[str]:
    """Return the names reached by events, all of which come from `docker.registry` sources."""
    found: set[str] = set()
    for name in order:
        spec = view.nodes[name].spec
        above = view.into[name]
        if isinstance(spec, SourceSpec):
            if spec.schema_ == "docker.registry":
                found.add(name)
        elif above and all(link.source.name in found for link in above):
            found.add(name)
    return found


def format_findings(view: View) -> Iterator[Diagnostic]:
    """Yield http sinks whose inferred format carries one event though they ask for more."""
    if view.order is None:
        return
    docker: set[str] | None = None
    for name, decl in view.nodes.items():
        spec = decl.spec
        if not isinstance(spec, HttpSinkSpec) or spec.format != "auto" or (spec.max_batch or 1) < 2:
            continue
        docker = docker_only(view, view.order) if docker is None else docker
        if name not in docker:
            owner = Owner(decl.label, f"sinks.{decl.written.shown}", decl.tree, decl.at)
            yield from_problem(batch_of_json(), owner)


def _node_of(decl: NodeDecl, inferred: _Inferred) -> GraphNode:
    kind, spec = decl.kind, decl.spec
    if kind is None or spec is None:
        raise ValueError(f"node {decl.name!r} is not valid")
    origin = decl.name if decl.use is None else decl.use.name
    group = spec.group
    if group is None and "/" in origin:
        group = origin.rpartition("/")[0]
    held: NodeSpec = inferred.of(decl.name, spec) if type(spec) is HttpSinkSpec else spec
    whole = None if decl.use is None else origin
    return GraphNode(decl.name, kind.name, kind.role, held, group, decl.at, False, whole)


def _add_inlet(
    view: View, nodes: dict[str, GraphNode], edges: list[GraphEdge], order: list[str]
) -> None:
    if view.sources:
        return
    to = view.roots[0]
    spec = Inlet.model_construct(kind="inlet", to=to)
    nodes[INLET] = GraphNode(INLET, "inlet", "source", spec, implied=True)
    edges.append(GraphEdge(INLET, "to", to))
    order.append(INLET)


def _add_dead_letters(
    nodes: dict[str, GraphNode], edges: list[GraphEdge], order: list[str]
) -> None:
    """Add an edge to `dead-letters` from whatever has no dead letter of its own.

    The sink itself is added too, unless the document declares it.
    """
    own = {edge.source for edge in edges if edge.port == "dead_letter"}
    for name in order:
        node = nodes[name]
        if name not in own and can_dead_letter(node):
            edges.append(GraphEdge(name, "dead_letter", DEAD_LETTERS))
    if DEAD_LETTERS in nodes:
        order.remove(DEAD_LETTERS)
    else:
        spec = DeadLetter.model_construct(kind="dead_letter")
        nodes[DEAD_LETTERS] = GraphNode(
            DEAD_LETTERS, "dead_letter", "reliability", spec, implied=True
        )
    order.append(DEAD_LETTERS)


def can_dead_letter(node: GraphNode) -> bool:
    """Tell whether an event may go from a node to a dead letter."""
    if not _has_dead_letters("source" if node.role == "source" else "sink", node.kind):
        return False
    return getattr(node.spec, "on_error", "dead_letter") == "dead_letter"


@cache
def _has_dead_letters(side: Side, kind: str) -> bool:
    found: Kind | None = find_kind(side, kind)
    return found is not None and found.dead_letters
