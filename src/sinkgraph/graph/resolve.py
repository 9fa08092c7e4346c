"""From checked, connected declarations to the frozen graph: composites, implied nodes, order.

It is called only when nothing is wrong; what is wrong is found by `sinkgraph.graph.rules`.
"""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.composite import expand
from sinkgraph.graph.model import DEAD_LETTERS, INLET, Graph, GraphEdge, GraphNode
from sinkgraph.graph.view import View
from sinkgraph.spec.declared import NodeDecl
from sinkgraph.spec.kind import Kind, find_kind
from sinkgraph.spec.kinds.endpoint import Endpoint
from sinkgraph.spec.kinds.reliability import DeadLetter
from sinkgraph.spec.kinds.source import Inlet, SourceSpec
from sinkgraph.spec.kinds.terminal import batch_of_json
from sinkgraph.spec.locate import Owner, from_problem

__all__ = ["docker_only", "endpoint_findings", "resolve"]


def resolve(view: View) -> Graph:
    """Return the graph of a view without errors."""
    if view.order is None:
        raise ValueError("a graph with a cycle has no order")
    docker = docker_only(view, view.order)
    nodes: dict[str, GraphNode] = {}
    edges: list[GraphEdge] = []
    order: list[str] = []
    _add_inlet(view, nodes, edges, order)
    for name in view.order:
        made, inner = _nodes_of(view.nodes[name], docker=name in docker)
        order.extend(one.name for one in made)
        nodes.update((one.name, one) for one in made)
        edges.extend(inner)
        edges.extend(_edges_of(view, name, made))
    declared = _document_order(view, nodes)
    _add_dead_letters(declared, edges, order)
    return Graph(view.spec, declared, edges, order, view.base)


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


def endpoint_findings(view: View) -> Iterator[Diagnostic]:
    """Yield endpoints whose inferred format carries one event though they ask for more."""
    if view.order is None:
        return
    docker = docker_only(view, view.order)
    for name, decl in view.nodes.items():
        spec = decl.spec
        if type(spec) is not Endpoint or spec.format is not None or name in docker:
            continue
        if (spec.max_batch or 1) > 1:
            owner = Owner(decl.label, f"sinks.{name}", decl.tree, decl.at)
            yield from_problem(batch_of_json(), owner)


def _nodes_of(decl: NodeDecl, *, docker: bool) -> tuple[list[GraphNode], list[GraphEdge]]:
    kind, spec = decl.kind, decl.spec
    if kind is None or spec is None:
        raise ValueError(f"node {decl.name!r} is not valid")
    group = spec.group or decl.name.rpartition("/")[0] or None
    if type(spec) is Endpoint:
        return expand(decl, spec, group, docker=docker)
    return [GraphNode(decl.name, kind.name, kind.role, spec, group, decl.at)], []


def _edges_of(view: View, name: str, made: list[GraphNode]) -> Iterator[GraphEdge]:
    """Yield a node's declared edges; an endpoint's dead letter is its queue's and its retry's."""
    for link in view.out[name]:
        edge = link.edge
        target = link.target.name
        yield GraphEdge(name, edge.port, target, edge.required, edge.index, edge.span)
        if edge.port == "dead_letter":
            for inner in made[1:]:
                if inner.kind == "retry":
                    yield GraphEdge(inner.name, edge.port, target, True, 0, edge.span)


def _document_order(view: View, nodes: dict[str, GraphNode]) -> dict[str, GraphNode]:
    """Return the nodes as the document has them, each composite's together."""
    inner: dict[str, list[GraphNode]] = {}
    for node in nodes.values():
        if node.origin is not None:
            inner.setdefault(node.origin, []).append(node)
    made: dict[str, GraphNode] = {}
    if INLET in nodes and INLET not in view.nodes:
        made[INLET] = nodes[INLET]
    for name in view.nodes:
        for node in inner.get(name) or (nodes[name],):
            made[node.name] = node
    return made


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
    kind: Kind | None = find_kind("source" if node.role == "source" else "sink", node.kind)
    if kind is None or not kind.dead_letters:
        return False
    return getattr(node.spec, "on_error", "dead_letter") == "dead_letter"
