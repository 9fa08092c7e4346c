"""A sketch of a document that has errors: what can be read of its nodes and of who writes to whom.

It reads names, kinds and ports from the text and judges nothing; a graph without errors is drawn
by `sinkgraph.render.drawing`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sinkgraph.diagnostics.safe import clip
from sinkgraph.render.facts import one_line
from sinkgraph.render.parts import Box, Drawing, DrawnEdge, DrawnNode, Form, LineStyle
from sinkgraph.spec import document_tree as tree
from sinkgraph.spec.kind import Side, find_kind

__all__ = ["MAX_SKETCHED", "sketch"]

MAX_SKETCHED = 500
"""More nodes than these are not sketched."""
_PORTS = ("to", "otherwise", "default", "overflow", "dead_letter")
_WIDTH = 40
_NAME = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")
_FORMS: dict[str, Form] = {
    "source": "source",
    "fan": "fan",
    "change": "change",
    "reliability": "reliability",
    "terminal": "terminal",
}


@dataclass(frozen=True, slots=True)
class _Edge:
    source: str
    port: str
    target: str
    label: str


def sketch(root: tree.Mapping, name: str) -> Drawing | None:
    """Return a drawing of what a document seems to mean, or None when there is nothing to draw.

    Targets that nothing declares are drawn as `missing`. `name` stands in for one it has not.
    """
    nodes: dict[str, DrawnNode] = {}
    edges: list[_Edge] = []
    sides: tuple[tuple[str, Side], ...] = (("sources", "source"), ("sinks", "sink"))
    for section, side in sides:
        held = root.get(section)
        for entry in held if isinstance(held, tree.Mapping) else ():
            if isinstance(entry.value, tree.Mapping):
                _read(entry.key.text, side, entry.value, nodes, edges)
    for edge in edges:
        nodes.setdefault(edge.target, _missing(edge.target))
    if not nodes or len(nodes) > MAX_SKETCHED:
        return None
    ids = {one: one if _NAME.fullmatch(one) else f"?{at}" for at, one in enumerate(nodes)}
    frame = Box("group", "", "")
    for written, drawn in nodes.items():
        box = _box(frame, written) if ids[written] == written else frame
        box.nodes.append(replace(drawn, name=ids[written]))
    return Drawing(
        clip(_said(root.get("name")) or one_line(name), _WIDTH),
        _said(root.get("description")),
        frame,
        tuple(_drawn(edge, ids) for edge in edges),
    )


def _read(
    name: str, side: Side, held: tree.Mapping, nodes: dict[str, DrawnNode], edges: list[_Edge]
) -> None:
    """Take in a node, and those written in place inside of it."""
    todo = [(name, side, held)]
    while todo and len(nodes) <= MAX_SKETCHED:
        name, side, held = todo.pop(0)
        if not name or name in nodes or _said(held.get("enabled")) == "false":
            continue
        kind = _said(held.get("kind")) or "no kind"
        nodes[name] = _node(name, side, kind)
        for port, value, label in _ports(held):
            if isinstance(value, tree.Mapping):
                inner = _said(value.get("kind"))
                target = _said(value.get("name")) or f"{name}.{inner}"
                if inner:
                    todo.append((target, "sink", value))
                else:
                    target = _said(value.get("node"))
            else:
                target = _said(value)
            if target:
                edges.append(_Edge(name, port, target, label))


def _ports(held: tree.Mapping) -> Iterator[tuple[str, tree.Node, str]]:
    """Yield each port, what stands there, and what an edge of it says."""
    for port in _PORTS:
        value = held.get(port)
        label = "" if port == "to" else port
        if port == "to" and _said(held.get("kind")) == "filter":
            label = _said(held.get("where"))
        if isinstance(value, tree.Sequence):
            yield from ((port, one, label) for one in value)
        elif value is not None:
            yield port, value, label
    routes = held.get("routes")
    for one in routes if isinstance(routes, tree.Sequence) else ():
        target = one.get("to") if isinstance(one, tree.Mapping) else None
        if target is not None and isinstance(one, tree.Mapping):
            yield "routes", target, _said(one.get("when"))


def _said(node: tree.Node | None) -> str:
    """Return a scalar's text, safe to show; "" for anything else."""
    if not isinstance(node, tree.Scalar) or node.value is None or node.secret:
        return ""
    return one_line(node.text)


def _node(name: str, side: Side, kind: str) -> DrawnNode:
    known = find_kind(side, kind)
    form: Form = "source" if side == "source" else "terminal"
    if known is not None:
        form = _FORMS.get(known.role, "reliability")
    if kind == "queue":
        form = "memory_queue"
    elif kind == "dead_letter":
        form = "dead"
    said = kind if known is not None else f"{kind}?"
    title = one_line(name.rpartition("/")[2])
    about = (one_line(name), f"kind: {said}")
    return DrawnNode(name, kind, form, clip(title, _WIDTH), (clip(said, _WIDTH),), about)


def _missing(name: str) -> DrawnNode:
    title = clip(one_line(name), _WIDTH)
    return DrawnNode(name, "missing", "missing", title, ("not declared",), (title, "not declared"))


def _box(frame: Box, name: str) -> Box:
    box, path = frame, ""
    for part in name.split("/")[:-1]:
        path = f"{path}/{part}" if path else part
        box = box.inner("group", path, clip(one_line(part), _WIDTH), f"group {one_line(path)}")
    return box


def _drawn(edge: _Edge, ids: Mapping[str, str]) -> DrawnEdge:
    about = f"{one_line(edge.source)} {edge.port} → {one_line(edge.target)}"
    label = (clip(edge.label, _WIDTH),) if edge.label else ()
    line: LineStyle = "dead" if edge.port == "dead_letter" else "plain"
    return DrawnEdge(ids[edge.source], ids[edge.target], label, line, about)
