"""What is drawn of a graph, whatever draws it: which nodes, edges and frames, and in which words.

It chooses and words; colours and shapes are `sinkgraph.render.style`, languages `dot` and
`mermaid`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from sinkgraph.diagnostics.safe import clip
from sinkgraph.diagnostics.safe import width as columns
from sinkgraph.graph.model import DEAD_LETTERS, Graph, GraphEdge, GraphNode
from sinkgraph.render.against import (
    Difference,
    EdgeChange,
    NodeChange,
    Seen,
    condition_of,
    difference,
)
from sinkgraph.render.facts import Facts, one_line
from sinkgraph.render.guarantees import Guarantee
from sinkgraph.render.isolation import Stretch, hands_over, stretch_of, stretches, waits_for
from sinkgraph.render.parts import Box, Chip, Drawing, DrawnEdge, DrawnNode, Form, LineStyle, Mark
from sinkgraph.spec.kinds.fan import Fallback

__all__ = ["draw", "visible_edges", "visible_nodes"]

MAX_ROWS = 2
MAX_REASONS = 3
MAX_WAITED = 12
REASON_WIDTH = 38
FAN_WIDTH = 22
CONDITION_WIDTH = 36
CAPTION_WIDTH = 40
DESCRIPTION_WIDTH = 42
_SIGNS: dict[Mark, str] = {"added": "+", "removed": "−", "changed": "~", "renamed": "→"}


def draw(
    graph: Graph,
    *,
    dead_letters: bool = False,
    isolation: bool = False,
    guarantees: Iterable[Guarantee] = (),
    against: Graph | None = None,
) -> Drawing:
    """Return the picture of a graph.

    The implied `dead-letters` is in it when a port names it, or with `dead_letters`. `isolation`
    frames what one write waits for, in place of groups and composites. `guarantees` are written on
    their nodes. `against`: what is not as in this older graph is marked, what is gone is there too.
    """
    seen = _seen(graph, dead_letters=dead_letters)
    notes: dict[str, list[Guarantee]] = {}
    for one in guarantees:
        notes.setdefault(one.node, []).append(one)
    frame = Box("group", "", "")
    drawer = _Nodes(graph, frame, stretch_of(stretches(graph)) if isolation else None)
    if against is None:
        for node in seen.nodes.values():
            drawer.add(node, notes.get(node.name, ()))
        alone = [EdgeChange(edge, "", edge.source, edge.target) for edge in seen.edges]
        return Drawing(*_head(graph), frame, tuple(_chained(_edges(graph, alone, None))))
    past = _seen(against, dead_letters=dead_letters)
    found = difference(past, seen)
    for node in seen.nodes.values():
        drawer.add(node, notes.get(node.name, ()), found.nodes[node.name])
    before = _Nodes(against, frame, {} if isolation else None)
    for name, change in found.removed.items():
        before.add(past.nodes[name], (), change)
    lines = _edges(graph, found.edges, against)
    return Drawing(*_head(graph), frame, tuple(_chained(lines)), _summary(found))


def _seen(graph: Graph, *, dead_letters: bool) -> Seen:
    edges = visible_edges(graph, dead_letters=dead_letters)
    nodes = visible_nodes(graph, edges, dead_letters=dead_letters)
    return Seen(graph, {node.name: node for node in nodes}, edges)


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


def _head(graph: Graph) -> tuple[str, str]:
    return one_line(graph.name), one_line(graph.description or "")


def _summary(found: Difference) -> tuple[Chip, ...]:
    """Return what stands beside the name of a picture of two documents."""
    marks: tuple[Mark, ...] = ("added", "removed", "changed", "renamed")
    counted = {mark: found.count(mark) for mark in marks}
    chips = [
        Chip(f"{_SIGNS[mark]} {counted[mark]:,} {mark}", mark)  # type: ignore[arg-type]
        for mark in marks
        if counted[mark]
    ]
    edges = sum(one.mark not in ("same", "") for one in found.edges)
    if edges:
        chips.append(Chip(f"{edges:,} {'edge' if edges == 1 else 'edges'} not as before", "calm"))
    return tuple(chips) or (Chip("no difference", "calm"),)


# --- nodes ---------------------------------------------------------------------------------------


class _Nodes:
    """Puts nodes of one graph into frames; with `stretches`, into those of what stalls together."""

    def __init__(self, graph: Graph, frame: Box, stretches: dict[str, Stretch] | None) -> None:
        self._graph = graph
        self._frame = frame
        self._facts = Facts(graph)
        self._stretches = stretches

    def add(
        self, node: GraphNode, notes: Sequence[Guarantee] = (), change: NodeChange | None = None
    ) -> None:
        """Draw a node, with what is promised about it and what became of it."""
        box, title = self._box(node)
        drawn = self._drawn(node, title)
        if change is not None:
            drawn = _changed(drawn, change)
        if notes:
            chips = tuple(
                replace(one.chip, text=one_line(one.chip.text)) for one in notes if one.chip
            )
            why = tuple(one_line(line) for one in notes for line in one.why)
            drawn = replace(drawn, chips=(*drawn.chips, *chips), about=(*drawn.about, *why))
        box.nodes.append(drawn)

    def _box(self, node: GraphNode) -> tuple[Box, str]:
        """Return where a node is drawn, and under which title: frames say the rest of its name."""
        box = self._frame
        if self._stretches is not None:
            held = self._stretches.get(node.name)
            if held is not None and len(held.members) > 1:
                box = box.inner("write", held.members[0], *_waiting(held))
            return box, one_line(node.name)
        path = ""
        for part in (node.group or "").split("/"):
            if part:
                path = f"{path}/{part}" if path else part
                box = box.inner("group", path, one_line(part), f"group {one_line(path)}")
        if node.origin is not None and node.origin in self._graph.nodes:
            kind = self._facts.composite(node) or "composite"
            title = _title(node.origin, node.group)
            about = f"{kind} {one_line(node.origin)}"
            box = box.inner("composite", node.origin, f"{title} · {kind}", about)
        return box, _title(node.name, node.group)

    def _drawn(self, node: GraphNode, title: str) -> DrawnNode:
        facts = self._facts
        description = facts.description(node)
        about = [one_line(node.name), f"kind: {one_line(node.kind)}"]
        about += [f"{name}: {value}" for name, value in facts.fields(node)]
        if node.role == "source" or node.kind == "queue":
            waited = waits_for(self._graph, node.name)
            more = f" and {len(waited) - MAX_WAITED:,} more" if len(waited) > MAX_WAITED else ""
            said = f"{', '.join(map(one_line, waited[:MAX_WAITED]))}{more}"
            about += [f"one write waits for: {said}"] if waited else []
        about += [description] if description else []
        caption = _rows(facts.caption(node), " · ", CAPTION_WIDTH)
        lines = (*caption, *_rows(description.split(), " ", DESCRIPTION_WIDTH))
        form = _form(node)
        return DrawnNode(node.name, node.kind, form, title, lines, tuple(about), caption=caption)


def _waiting(held: Stretch) -> tuple[str, str]:
    """Return what a frame says of the nodes that stall together, in short and at length."""
    drivers = [one_line(name) for name in held.drivers]
    first = drivers[0] if drivers else one_line(held.members[0])
    if len(drivers) > 1:
        said = f"{first} and {len(drivers) - 1:,} more wait for these"
    else:
        said = f"{first} waits for these"
    return said, f"a slow node in here holds up {', '.join(drivers[:MAX_WAITED]) or first}"


def _changed(drawn: DrawnNode, change: NodeChange) -> DrawnNode:
    sign = _SIGNS.get(change.mark)
    if sign is None:
        return replace(drawn, mark=change.mark)
    told = list(change.reasons)
    first = f"{sign} {change.mark}" + (f", was {change.was}" if change.was else "")
    width = FAN_WIDTH if drawn.form == "fan" else REASON_WIDTH
    rows = [_row(one, width) for one in told[:MAX_REASONS]]
    if len(told) > MAX_REASONS:
        rows.append(f"and {len(told) - MAX_REASONS} more")
    tone = change.mark
    chip = Chip("\n".join([first, *rows]), tone)  # type: ignore[arg-type]
    return replace(drawn, mark=change.mark, chips=(chip,), about=(*drawn.about, first, *told))


def _row(reason: str, width: int) -> str:
    """Return a reason, or only the name of its field where it has no room."""
    return reason if columns(reason) <= width else clip(f"{reason.partition(':')[0]} …", width)


def _title(name: str, group: str | None) -> str:
    """Return a name without its group, when a box says the group."""
    return one_line(name.removeprefix(f"{group}/") if group else name)


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


# --- edges ---------------------------------------------------------------------------------------


def _edges(
    graph: Graph, changes: Iterable[EdgeChange], before: Graph | None
) -> Iterator[DrawnEdge]:
    """Yield edges as drawn; those that were removed are worded by the graph they were in."""
    for change in changes:
        edge = change.edge
        holder = before if before is not None and change.mark == "removed" else graph
        label, condition = _label(holder, edge)
        line: LineStyle = "plain" if edge.required else "optional"
        if edge.port == "dead_letter":
            line = "dead"
        about = f"{one_line(change.source)} {edge.port} → {one_line(change.target)}"
        about += f", when {condition}" if condition else ""
        about += "" if edge.required else ", not required"
        over = hands_over(holder, edge)
        about += "; the writer does not wait for what is behind it" if over else ""
        if change.mark in _SIGNS:
            about = "; ".join([f"{_SIGNS[change.mark]} {change.mark}: {about}", *change.reasons])
        yield DrawnEdge(
            change.source, change.target, label, line, about, hands_over=over, mark=change.mark
        )


def _chained(edges: Iterable[DrawnEdge]) -> Iterator[DrawnEdge]:
    """Yield the edges, those marked that are alone between two nodes."""
    edges = list(edges)
    out: dict[str, int] = {}
    into: dict[str, int] = {}
    for edge in edges:
        if edge.line != "dead":
            out[edge.source] = out.get(edge.source, 0) + 1
            into[edge.target] = into.get(edge.target, 0) + 1
    for edge in edges:
        alone = out.get(edge.source) == 1 and into.get(edge.target) == 1
        yield replace(edge, chain=alone and edge.line == "plain")


def _label(graph: Graph, edge: GraphEdge) -> tuple[tuple[str, ...], str]:
    """Return what stands on an edge, and its whole condition; either may be empty."""
    condition = condition_of(graph, edge)
    if condition:
        return _rows(condition.split(), " ", CONDITION_WIDTH), condition
    if edge.port == "dead_letter" and _implied(graph, edge):
        return (), ""
    if edge.port != "to":
        return (edge.port,), ""
    if isinstance(graph.nodes[edge.source].spec, Fallback):
        return (str(edge.index + 1),), ""
    return (() if edge.required else ("optional",)), ""
