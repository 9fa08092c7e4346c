"""What is drawn of a graph, whatever draws it: nodes, edges, and the boxes around nodes.

It chooses and words; colours and shapes are `sinkgraph.render.style`, languages `dot` and
`mermaid`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sinkgraph.diagnostics.safe import clip
from sinkgraph.diagnostics.safe import width as columns
from sinkgraph.graph.model import DEAD_LETTERS, Graph, GraphEdge, GraphNode
from sinkgraph.render.facts import Facts, one_line
from sinkgraph.spec.kinds.fan import Fallback, Filter, Route

__all__ = [
    "Box",
    "Drawing",
    "DrawnEdge",
    "DrawnNode",
    "Form",
    "draw",
    "visible_edges",
    "visible_nodes",
]

Form = Literal[
    "source", "fan", "change", "reliability", "terminal", "memory_queue", "durable_queue", "dead"
]
"""How a node is drawn: by its role, but queues and the dead letters have forms of their own."""

LineStyle = Literal["plain", "optional", "dead"]

MAX_ROWS = 2
CONDITION_WIDTH = 36
CAPTION_WIDTH = 40
DESCRIPTION_WIDTH = 42


@dataclass(frozen=True, slots=True)
class DrawnNode:
    """Is a node as drawn. `title` is its name without the groups its boxes already say.

    `lines` stand below the title: what it is, its condition, what it is for. `about` is every fact
    about it, a line each.
    """

    name: str
    kind: str
    form: Form
    title: str
    lines: tuple[str, ...]
    about: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DrawnEdge:
    """Is an edge as drawn; its label may have several rows.

    `chain`: it is the only one between two nodes that have no other.
    """

    source: str
    target: str
    label: tuple[str, ...]
    line: LineStyle
    about: str
    chain: bool


@dataclass(slots=True)
class Box:
    """Is a frame around nodes and other boxes: a group, or a composite's nodes."""

    kind: Literal["group", "composite"]
    label: str
    about: str = ""
    nodes: list[DrawnNode] = field(default_factory=list)
    boxes: dict[tuple[str, str], Box] = field(default_factory=dict)

    def inner(self, kind: Literal["group", "composite"], label: str, about: str) -> Box:
        """Return the box directly inside that has this label, made when it is first asked for."""
        return self.boxes.setdefault((kind, label), Box(kind, label, about))


@dataclass(frozen=True, slots=True)
class Drawing:
    """Is a whole picture; `frame` holds what is in no box."""

    name: str
    description: str
    frame: Box
    edges: tuple[DrawnEdge, ...]


def draw(graph: Graph, *, dead_letters: bool = False) -> Drawing:
    """Return the picture of a graph.

    The implied `dead-letters` is in it when a port names it, or with `dead_letters`.
    """
    facts = Facts(graph)
    edges = visible_edges(graph, dead_letters=dead_letters)
    frame = Box("group", "")
    for node in visible_nodes(graph, edges, dead_letters=dead_letters):
        _box_of(frame, node, graph, facts).nodes.append(_node(node, facts))
    return Drawing(
        one_line(graph.name),
        one_line(graph.description or ""),
        frame,
        tuple(_edges(graph, edges, facts)),
    )


def visible_edges(graph: Graph, *, dead_letters: bool = False) -> tuple[GraphEdge, ...]:
    """Return the edges that are drawn: all but those implied by having no `dead_letter`."""
    if dead_letters:
        return graph.edges
    return tuple(edge for edge in graph.edges if not _implied(graph, edge))


def visible_nodes(
    graph: Graph, edges: tuple[GraphEdge, ...], *, dead_letters: bool = False
) -> Iterator[GraphNode]:
    """Yield the nodes that are drawn: the implied `dead-letters` only when an edge leads there."""
    reached = {edge.target for edge in edges}
    for name, node in graph.nodes.items():
        kept = node.implied and name == DEAD_LETTERS
        if not kept or name in reached or dead_letters:
            yield node


def _implied(graph: Graph, edge: GraphEdge) -> bool:
    """Tell whether an edge is there only because its node has no `dead_letter` of its own."""
    if not (edge.port == "dead_letter" and edge.target == DEAD_LETTERS):
        return False
    return getattr(graph.nodes[edge.source].spec, "dead_letter", None) is None


def _box_of(frame: Box, node: GraphNode, graph: Graph, facts: Facts) -> Box:
    box, path = frame, ""
    for part in (node.group or "").split("/"):
        if part:
            path = f"{path}/{part}" if path else part
            box = box.inner("group", one_line(part), f"group {one_line(path)}")
    if node.origin is not None and node.origin in graph.nodes:
        kind = facts.composite(node) or "composite"
        title = _title(node.origin, node.group)
        box = box.inner("composite", f"{title} · {kind}", f"{kind} {one_line(node.origin)}")
    return box


def _title(name: str, group: str | None) -> str:
    """Return a name without its group, when a box says the group."""
    return one_line(name.removeprefix(f"{group}/") if group else name)


def _node(node: GraphNode, facts: Facts) -> DrawnNode:
    description = facts.description(node)
    about = [one_line(node.name), f"kind: {one_line(node.kind)}"]
    about += [f"{name}: {value}" for name, value in facts.fields(node)]
    about += [description] if description else []
    title = _title(node.name, node.group)
    return DrawnNode(
        node.name,
        node.kind,
        _form(node),
        title,
        (
            *_rows(facts.caption(node), " · ", CAPTION_WIDTH),
            *_rows(description.split(), " ", DESCRIPTION_WIDTH),
        ),
        tuple(about),
    )


def _rows(parts: Sequence[str], between: str, width: int) -> tuple[str, ...]:
    """Return parts as a few rows of at most `width` columns; what has no room is cut."""
    rows = [""]
    for part in parts:
        row = rows[-1]
        joined = f"{row}{between}{part}" if row else part
        if row and columns(joined) > width:
            rows.append(part)
        else:
            rows[-1] = joined
    kept = rows[:MAX_ROWS]
    if len(rows) > MAX_ROWS:
        kept[-1] = f"{clip(kept[-1], width - 1).removesuffix('…')}…"
    return tuple(clip(row, width) for row in kept if row)


def _form(node: GraphNode) -> Form:
    if node.kind == "dead_letter":
        return "dead"
    if node.kind == "queue" and node.role == "reliability":
        return "durable_queue" if node.on_disk else "memory_queue"
    return node.role


def _edges(graph: Graph, edges: tuple[GraphEdge, ...], facts: Facts) -> Iterator[DrawnEdge]:
    out: dict[str, int] = {}
    into: dict[str, int] = {}
    for edge in edges:
        if edge.port != "dead_letter":
            out[edge.source] = out.get(edge.source, 0) + 1
            into[edge.target] = into.get(edge.target, 0) + 1
    for edge in edges:
        line: LineStyle = "plain" if edge.required else "optional"
        if edge.port == "dead_letter":
            line = "dead"
        alone = out.get(edge.source) == 1 and into.get(edge.target) == 1
        label, condition = _label(graph, edge)
        about = f"{one_line(edge.source)} {edge.port} → {one_line(edge.target)}"
        about += f", when {condition}" if condition else ""
        about += "" if edge.required else ", not required"
        chain = alone and line == "plain"
        yield DrawnEdge(edge.source, edge.target, label, line, about, chain)


def _label(graph: Graph, edge: GraphEdge) -> tuple[tuple[str, ...], str]:
    """Return what stands on an edge, and its whole condition; either may be empty."""
    spec = graph.nodes[edge.source].spec
    condition = ""
    if isinstance(spec, Route) and edge.port.startswith("routes."):
        condition = one_line(spec.routes[int(edge.port.removeprefix("routes."))].when)
    elif isinstance(spec, Filter) and edge.port == "to":
        condition = one_line(spec.where)
    if condition:
        return _rows(condition.split(), " ", CONDITION_WIDTH), condition
    if edge.port == "dead_letter" and _implied(graph, edge):
        return (), ""
    if edge.port != "to":
        return (edge.port,), ""
    if isinstance(spec, Fallback):
        return (str(edge.index + 1),), ""
    return (() if edge.required else ("optional",)), ""
