"""A graph in Mermaid's language, for pages that draw it themselves; it says what `dot` says.

Nodes are numbered, so no name can be taken for a keyword, and every character of the document that
Mermaid could read as its own is written as a number.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from sinkgraph.graph.model import Graph
from sinkgraph.render.drawing import draw
from sinkgraph.render.parts import (
    Box,
    BoxKind,
    Drawing,
    DrawnEdge,
    DrawnNode,
    Form,
    LineStyle,
    nodes_in,
)
from sinkgraph.render.style import THEMES, Paint, Theme, ThemeName, paint_of, quiet, tone_paint

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
    "lane": ("[", "]"),
    "folded": ("[[", "]]"),
    "missing": ("[", "]"),
}
_ARROWS: dict[LineStyle, str] = {"plain": "-->", "optional": "-.->", "dead": "-.->"}
_NUMBERS = {"\\": "#92;#8203;"}
"""With a space of no width behind it, a backslash and an `n` are no line break."""
_ANGLES = str.maketrans("<>", "\u2039\u203a")
"""A title is taken for HTML, and has no way to write these."""
_PLAIN = frozenset(" .,:/-_+=·…→×()'?!")


def to_mermaid(drawn: Graph | Drawing, *, theme: ThemeName = "light") -> str:
    """Return a graph, or a drawing of one, as a Mermaid flowchart; equal ones give equal text."""
    drawing = draw(drawn) if isinstance(drawn, Graph) else drawn
    ids: dict[str, str] = {}
    frames: list[tuple[str, BoxKind]] = []
    body = list(_inside(drawing.frame, ids, "  ", frames))
    body += [_edge(edge, ids) for edge in drawing.edges]
    lines = ["---", f"title: {json.dumps(_title(drawing))}", "---", "flowchart LR", *body]
    lines += [_frame(name, kind, THEMES[theme]) for name, kind in frames]
    return "\n".join([*lines, *_styles(drawing, ids, THEMES[theme])]) + "\n"


def _title(drawing: Drawing) -> str:
    chips = ", ".join(chip.text for chip in drawing.chips)
    named = f"{drawing.name} ({chips})" if chips else drawing.name
    whole = ": ".join(one for one in (named, drawing.description) if one)
    return whole.translate(_ANGLES)


def _inside(
    box: Box, ids: dict[str, str], indent: str, frames: list[tuple[str, BoxKind]]
) -> Iterator[str]:
    """Yield the lines of what is in a box, and give every node and frame its number."""
    for inner in box.boxes.values():
        name = f"{inner.kind[0]}{len(frames)}"
        frames.append((name, inner.kind))
        yield f'{indent}subgraph {name}["{_text(inner.label)}"]'
        yield from _inside(inner, ids, indent + "  ", frames)
        yield f"{indent}end"
    for node in box.nodes:
        ids[node.name] = f"n{len(ids)}"
        opening, closing = _SHAPES[node.form]
        yield f'{indent}{ids[node.name]}{opening}"{"<br>".join(_rows(node))}"{closing}'


def _rows(node: DrawnNode) -> Iterator[str]:
    if node.form == "lane":
        if node.title != node.members[0].title:
            yield f"<b>{_text(node.title)}</b>"
        for one in node.members:
            yield f"<b>{_text(one.title)}</b> {_text(' · '.join(one.lines))}"
    else:
        yield f"<b>{_text(node.title)}</b>"
        yield from map(_text, node.lines)
    for chip in node.chips:
        for row in chip.text.split("\n"):
            yield f"<i>{_text(row)}</i>"


def _edge(edge: DrawnEdge, ids: dict[str, str]) -> str:
    label = f'|"{"<br>".join(map(_text, edge.label))}"|' if edge.label else ""
    return f"  {ids[edge.source]} {_ARROWS[edge.line]}{label} {ids[edge.target]}"


def _frame(name: str, kind: BoxKind, theme: Theme) -> str:
    if kind == "composite":
        look = f"fill:none,stroke:{theme.quiet},stroke-dasharray:4 4"
    else:
        look = f"fill:{theme.group_fill},stroke:{theme.group_line}"
    return f"  style {name} {look},color:{theme.dim}"


def _styles(drawing: Drawing, ids: dict[str, str], theme: Theme) -> Iterator[str]:
    """Yield the colours: a class for each look that occurs, and lines that are not plain."""
    looks: dict[tuple[str, str, str], list[str]] = {}
    for node in nodes_in(drawing.frame):
        paint = _paint(node, theme)
        dashes = ",stroke-dasharray:4 4" if node.mark == "removed" else ""
        looks.setdefault((paint.fill, paint.border, dashes), []).append(ids[node.name])
    for index, ((fill, border, dashes), members) in enumerate(looks.items()):
        yield f"  classDef k{index} fill:{fill},stroke:{border},color:{theme.text}{dashes}"
        yield f"  class {','.join(members)} k{index}"
    lines: dict[str, list[str]] = {}
    for index, edge in enumerate(drawing.edges):
        if style := _line(edge, theme):
            lines.setdefault(style, []).append(str(index))
    for style, indices in lines.items():
        yield f"  linkStyle {','.join(indices)} {style}"


def _paint(node: DrawnNode, theme: Theme) -> Paint:
    if node.form == "lane" and not node.mark:
        return quiet(theme)
    if node.mark:
        return tone_paint(node.mark, theme)
    return paint_of(node.kind, node.form, theme)


def _line(edge: DrawnEdge, theme: Theme) -> str:
    """Return how an edge is drawn that is not drawn as most are; "" for the others."""
    if edge.mark == "same":
        return f"stroke:{theme.quiet}"
    dashed = ",stroke-dasharray:4 4"
    if edge.mark:
        colour = tone_paint(edge.mark, theme).border
        return f"stroke:{colour},stroke-width:2px{dashed if edge.mark == 'removed' else ''}"
    return f"stroke:{theme.faint}{dashed}" if edge.line == "dead" else ""


def _text(text: str) -> str:
    """Return text for a quoted label: letters, digits and a few marks; the rest as numbers."""
    return "".join(
        one if one.isalnum() or one in _PLAIN else _NUMBERS.get(one) or f"#{ord(one)};"
        for one in text
    )
