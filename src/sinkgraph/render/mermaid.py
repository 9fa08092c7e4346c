"""A graph in Mermaid's language, for pages that draw it themselves; it says what `dot` says.

Nodes are numbered, so no name can be taken for a keyword, and every character of the document that
Mermaid could read as its own is written as a number.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from sinkgraph.graph.model import Graph
from sinkgraph.render.drawing import Box, Drawing, DrawnEdge, DrawnNode, Form, LineStyle, draw
from sinkgraph.render.style import DARK, LIGHT, Theme, paint_of

__all__ = ["to_mermaid"]

_SHAPES: dict[Form, tuple[str, str]] = {
    "source": (">", "]"),
    "fan": ("{{", "}}"),
    "change": ("[/", "/]"),
    "reliability": ("(", ")"),
    "terminal": ("[", "]"),
    "memory_queue": ("[[", "]]"),
    "durable_queue": ("[(", ")]"),
    "dead": ("[\\", "\\]"),
}
_ARROWS: dict[LineStyle, str] = {"plain": "-->", "optional": "-.->", "dead": "-.->"}
_PLAIN = frozenset(" .,:/-_+=·…→×()'?!")


def to_mermaid(graph: Graph, *, dark: bool = False, dead_letters: bool = False) -> str:
    """Return a graph as a Mermaid flowchart; equal graphs give equal text.

    `dark` and `dead_letters` are as in `sinkgraph.render.dot.to_dot`.
    """
    drawing = draw(graph, dead_letters=dead_letters)
    ids: dict[str, str] = {}
    body = list(_inside(drawing.frame, ids, "  ", [0]))
    body += [_edge(edge, ids) for edge in drawing.edges]
    theme = DARK if dark else LIGHT
    lines = ["---", f"title: {json.dumps(_title(drawing))}", "---", "flowchart LR", *body]
    return "\n".join([*lines, *_styles(drawing, ids, theme)]) + "\n"


def _title(drawing: Drawing) -> str:
    return ": ".join(one for one in (drawing.name, drawing.description) if one)


def _inside(box: Box, ids: dict[str, str], indent: str, count: list[int]) -> Iterator[str]:
    """Yield the lines of what is in a box, and give every node its number."""
    for inner in box.boxes.values():
        number = count[0]
        count[0] += 1
        kind = "g" if inner.kind == "group" else "c"
        yield f'{indent}subgraph {kind}{number}["{_text(inner.label)}"]'
        yield from _inside(inner, ids, indent + "  ", count)
        yield f"{indent}end"
    for node in box.nodes:
        ids[node.name] = f"n{len(ids)}"
        opening, closing = _SHAPES[node.form]
        rows = "<br>".join([f"<b>{_text(node.title)}</b>", *map(_text, node.lines)])
        yield f'{indent}{ids[node.name]}{opening}"{rows}"{closing}'


def _edge(edge: DrawnEdge, ids: dict[str, str]) -> str:
    label = f'|"{"<br>".join(map(_text, edge.label))}"|' if edge.label else ""
    return f"  {ids[edge.source]} {_ARROWS[edge.line]}{label} {ids[edge.target]}"


def _styles(drawing: Drawing, ids: dict[str, str], theme: Theme) -> Iterator[str]:
    """Yield the colours: a class for each look that occurs, and faint lines to dead letters."""
    looks: dict[tuple[str, str], list[str]] = {}
    for node in _nodes(drawing.frame):
        paint = paint_of(node.kind, node.form, theme)
        looks.setdefault((paint.fill, paint.border), []).append(ids[node.name])
    for index, ((fill, border), members) in enumerate(looks.items()):
        yield f"  classDef k{index} fill:{fill},stroke:{border},color:{theme.text}"
        yield f"  class {','.join(members)} k{index}"
    faint = [str(index) for index, edge in enumerate(drawing.edges) if edge.line == "dead"]
    if faint:
        yield f"  linkStyle {','.join(faint)} stroke:{theme.faint},stroke-dasharray:4 4"


def _nodes(box: Box) -> Iterator[DrawnNode]:
    for inner in box.boxes.values():
        yield from _nodes(inner)
    yield from box.nodes


def _text(text: str) -> str:
    """Return text for a quoted label: letters, digits and a few marks; the rest as numbers."""
    return "".join(one if one.isalnum() or one in _PLAIN else f"#{ord(one)};" for one in text)
