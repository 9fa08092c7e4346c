"""The difference of two graphs, part by part, with reasons: what a drawing of both marks.

What differs of nodes is what a plan says; here it is set beside what is drawn of them, and edges
are paired.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from sinkgraph.diagnostics.safe import clip
from sinkgraph.graph.diff import FieldChange, beside, diff
from sinkgraph.graph.diff import NodeChange as Planned
from sinkgraph.graph.model import Graph, GraphEdge, GraphNode
from sinkgraph.graph.shown import one_line
from sinkgraph.render.parts import Mark
from sinkgraph.spec.kind import find_kind
from sinkgraph.spec.kinds.fan import Fallback, Filter, Route

__all__ = ["Difference", "EdgeChange", "NodeChange", "Seen", "condition_of", "difference"]

MAX_REASON = 200  # columns
_Ends: TypeAlias = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class NodeChange:
    """Is what became of a node. `was` is its old name when that is another; "" otherwise."""

    mark: Mark
    reasons: tuple[str, ...] = ()
    was: str = ""


@dataclass(frozen=True, slots=True)
class EdgeChange:
    """Is what became of an edge: of the new graph, or of the old one where it was removed.

    `source` and `target` are the names its nodes have now, or had last.
    """

    edge: GraphEdge
    mark: Mark
    source: str
    target: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """Is all that differs. Nodes and ends of edges have their new names, if they have one."""

    nodes: Mapping[str, NodeChange]
    removed: Mapping[str, NodeChange]
    edges: tuple[EdgeChange, ...]
    renamed: Mapping[str, str]

    def count(self, mark: Mark) -> int:
        """Return how many nodes have a mark."""
        every = (*self.nodes.values(), *self.removed.values())
        return sum(one.mark == mark for one in every)


@dataclass(frozen=True, slots=True)
class Seen:
    """Is a graph and what of it is drawn."""

    graph: Graph
    nodes: Mapping[str, GraphNode]
    edges: tuple[GraphEdge, ...]


def difference(old: Seen, new: Seen) -> Difference:
    """Return how `new` differs from `old`; only what is drawn is compared.

    A node is the one of the same name, or the one that its `was` names, if that is gone.
    """
    plan = diff(beside(old.graph, new.graph), new.graph)
    renamed = {one.was: one.name for one in plan.changes if one.was and one.was in old.nodes}
    edges = _edges(old, new, renamed)
    told = {one.source for one in edges if one.mark != "same"}
    nodes: dict[str, NodeChange] = {}
    for one in plan.changes:
        if one.name not in new.nodes or one.action == "remove":
            continue
        if (one.was or one.name) not in old.nodes:
            nodes[one.name] = NodeChange("added")
            continue
        reasons = _of_node(new.graph.nodes[one.name], one, told=one.name in told)
        if one.was is not None:
            nodes[one.name] = NodeChange("renamed", reasons, one_line(one.was))
        else:
            nodes[one.name] = NodeChange("changed" if reasons else "same", reasons)
    gone = {
        name: NodeChange("removed")
        for name in old.nodes
        if name not in new.nodes and name not in renamed
    }
    return Difference(nodes, gone, edges, renamed)


def _of_node(node: GraphNode, planned: Planned, *, told: bool) -> tuple[str, ...]:
    """Return what is not as before, edges left out where their own marks tell of them."""
    kind = find_kind("source" if node.role == "source" else "sink", node.kind)
    ports = {port.name for port in kind.ports} if kind is not None else set()
    own = [one for one in planned.changes if not _of_edge(one, ports)]
    shown = own or ([] if told else planned.changes)
    reasons = [clip(f"{one.field}: {one.told}", MAX_REASON) for one in shown]
    if not reasons and not planned.changes and planned.action == "retune":
        return (planned.reason,)
    return tuple(reasons)


def _of_edge(change: FieldChange, ports: Container[str]) -> bool:
    """Tell whether a field is drawn as an edge; that a condition reads another var no edge says."""
    return change.field.partition(".")[0] in ports and not change.before.startswith("vars.")


def condition_of(graph: Graph, edge: GraphEdge) -> str:
    """Return the condition under which an event takes an edge; "" for always."""
    spec = graph.nodes[edge.source].spec
    if isinstance(spec, Route) and edge.port.startswith("routes."):
        return one_line(spec.routes[int(edge.port.removeprefix("routes."))].when)
    if isinstance(spec, Filter) and edge.port == "to":
        return one_line(spec.where)
    return ""


def _edges(old: Seen, new: Seen, renamed: Mapping[str, str]) -> tuple[EdgeChange, ...]:
    """Pair the edges between the same nodes: equal ones first, then in order."""
    left: dict[_Ends, list[tuple[GraphEdge, dict[str, str]]]] = {}
    for edge in old.edges:
        left.setdefault(_ends(edge, renamed), []).append((edge, _terms(old.graph, edge)))
    made: dict[int, EdgeChange] = {}
    unlike = []
    for index, edge in enumerate(new.edges):
        terms = _terms(new.graph, edge)
        rest = left.get(_ends(edge, {}), [])
        equal = next((at for at, one in enumerate(rest) if one[1] == terms), None)
        if equal is None:
            unlike.append((index, edge, terms))
        else:
            del rest[equal]
            made[index] = EdgeChange(edge, "same", edge.source, edge.target)
    for index, edge, terms in unlike:
        rest = left.get(_ends(edge, {}), [])
        reasons = _reasons(rest.pop(0)[1], terms) if rest else ()
        mark: Mark = "changed" if reasons else "added"
        made[index] = EdgeChange(edge, mark, edge.source, edge.target, reasons)
    gone = [
        EdgeChange(edge, "removed", source, target)
        for (source, _, target), rest in left.items()
        for edge, _ in rest
    ]
    return (*(made[index] for index in sorted(made)), *gone)


def _ends(edge: GraphEdge, renamed: Mapping[str, str]) -> _Ends:
    """Return what makes it the same edge: its nodes and its port, the number of a route aside."""
    source = renamed.get(edge.source, edge.source)
    return source, edge.port.partition(".")[0], renamed.get(edge.target, edge.target)


def _terms(graph: Graph, edge: GraphEdge) -> dict[str, str]:
    """Return what else an edge says, by name."""
    made = {"required": "true" if edge.required else "false"}
    if edge.port.startswith("routes."):
        made["route"] = str(int(edge.port.removeprefix("routes.")) + 1)
    if isinstance(graph.nodes[edge.source].spec, Fallback):
        made["turn"] = str(edge.index + 1)
    condition = condition_of(graph, edge)
    return made | ({"when": condition} if condition else {})


def _reasons(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    keys = dict.fromkeys([*before, *now])
    return tuple(
        f"{key}: {before.get(key, '(none)')} → {now.get(key, '(none)')}"
        for key in keys
        if before.get(key) != now.get(key)
    )
