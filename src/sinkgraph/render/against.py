"""The difference of two graphs, part by part, with reasons: what a drawing of both marks.

It compares what documents say. What a running graph would do about it is another question.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from sinkgraph.graph.model import Graph, GraphEdge, GraphNode
from sinkgraph.render.facts import Facts, one_line
from sinkgraph.render.parts import Mark
from sinkgraph.spec.kinds.fan import Fallback, Filter, Route

__all__ = ["Difference", "EdgeChange", "NodeChange", "Seen", "condition_of", "difference"]

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
    before, now = Facts(old.graph), Facts(new.graph)
    nodes: dict[str, NodeChange] = {}
    renamed: dict[str, str] = {}
    for name, node in new.nodes.items():
        was = getattr(node.spec, "was", None)
        moved = was is not None and was in old.nodes and was not in new.nodes
        old_name = was if moved and name not in old.nodes else name
        held = old.nodes.get(old_name or name)
        if held is None:
            nodes[name] = NodeChange("added")
            continue
        reasons = tuple(now.changes(node, before, held))
        if held.name != name:
            renamed[held.name] = name
            nodes[name] = NodeChange("renamed", reasons, one_line(held.name))
        else:
            nodes[name] = NodeChange("changed" if reasons else "same", reasons)
    gone = {
        name: NodeChange("removed")
        for name in old.nodes
        if name not in new.nodes and name not in renamed
    }
    edges = _edges(old, new, renamed)
    return Difference(nodes, gone, edges, renamed)


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
