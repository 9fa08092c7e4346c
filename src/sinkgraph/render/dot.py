"""A graph in Graphviz' language: left to right, groups as frames, ports as labels of edges.

It writes text and runs nothing; `sinkgraph.render.image` makes pictures of it. Every text of the
document is escaped on its way in, and every node has a label of its own.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from sinkgraph.graph.model import Graph
from sinkgraph.render.drawing import Box, Drawing, DrawnEdge, DrawnNode, Form, draw
from sinkgraph.render.style import DARK, FONT, LIGHT, SHAPES, Theme, paint_of

if TYPE_CHECKING:
    import graphviz  # type: ignore[import-untyped]

__all__ = ["to_dot"]

_CHAIN_WEIGHT = "8"
_SLOTS = 3
_GAP = '<FONT POINT-SIZE="4"> <BR ALIGN="LEFT"/></FONT>'
_EXTRA: dict[Form, dict[str, str]] = {
    "source": {"margin": "0.2,0.15"},
    "fan": {"margin": "0.02,0.01"},
    "change": {"sides": "4", "skew": "0.22", "margin": "0.04,0"},
}
"""What shapes with slanted sides need."""


def to_dot(graph: Graph, *, dark: bool = False, dead_letters: bool = False) -> str:
    """Return a graph as DOT; equal graphs give equal text.

    `dark` is for dark pages. The implied `dead-letters` is drawn when a port names it, or with
    `dead_letters`, and then with every edge that leads there.
    """
    import graphviz

    theme = DARK if dark else LIGHT
    drawing = draw(graph, dead_letters=dead_letters)
    made = graphviz.Digraph(drawing.name)
    _settings(made, drawing, theme)
    _fill(made, drawing.frame, "", theme)
    for edge in drawing.edges:
        _edge(made, edge, theme)
    text: str = made.source
    return text


def _settings(made: graphviz.Digraph, drawing: Drawing, theme: Theme) -> None:
    title = f'<FONT POINT-SIZE="15"><B>{_html(drawing.name)}</B></FONT>'
    if drawing.description:
        small = f'<FONT POINT-SIZE="10" COLOR="{theme.dim}">{_html(drawing.description)}</FONT>'
        title += f'<BR ALIGN="LEFT"/>{_GAP}{small}'
    made.attr(
        "graph",
        rankdir="LR",
        charset="UTF-8",
        bgcolor=theme.ground,
        fontname=FONT,
        fontcolor=theme.text,
        label=f'<{title}<BR ALIGN="LEFT"/>>',
        labelloc="t",
        labeljust="l",
        tooltip=_tip(drawing.name),
        nodesep="0.26",
        ranksep="0.5",
        pad="0.3",
        outputorder="edgesfirst",
    )
    made.attr(
        "node",
        label=r"\N",
        fontname=FONT,
        fontsize="12",
        fontcolor=theme.text,
        penwidth="1.2",
        margin="0.14,0.07",
    )
    made.attr(
        "edge",
        fontname=FONT,
        fontsize="9",
        fontcolor=theme.dim,
        color=theme.line,
        penwidth="1.1",
        arrowsize="0.65",
        headport="w",
        tailport="e",
    )


def _fill(made: graphviz.Digraph, box: Box, path: str, theme: Theme) -> None:
    """Write the boxes and nodes of a box."""
    for index, inner in enumerate(box.boxes.values()):
        below = f"{path}_{index}" if path else str(index)
        with made.subgraph(name=f"cluster_{below}") as cluster:
            _frame(cluster, inner, theme)
            _fill(cluster, inner, below, theme)
    for node in box.nodes:
        _node(made, node, theme)


def _frame(cluster: graphviz.Digraph, box: Box, theme: Theme) -> None:
    composite = box.kind == "composite"
    cluster.attr(
        label=f'<<FONT POINT-SIZE="10" COLOR="{theme.dim}">{_html(box.label)}</FONT>>',
        tooltip=_tip(box.about),
        style="rounded,dashed" if composite else "rounded,filled",
        color=theme.faint if composite else theme.group_line,
        fillcolor=theme.group_fill,
        penwidth="0.8",
        margin="12",
        labeljust="l",
        labelloc="t",
    )


def _node(made: graphviz.Digraph, node: DrawnNode, theme: Theme) -> None:
    paint = paint_of(node.kind, node.form, theme)
    style = "rounded,filled" if node.form == "reliability" else "filled"
    label = _label(node, theme)
    if node.form == "memory_queue":
        label = _slots(label, paint.border, paint.fill)
        style = "solid"
    extra = _EXTRA.get(node.form, {})
    made.node(
        node.name,
        label=f"<{label}>",
        tooltip=_tip(*node.about),
        shape=SHAPES[node.form],
        style=style,
        color=paint.border,
        fillcolor=paint.fill,
        **extra,
    )


def _label(node: DrawnNode, theme: Theme) -> str:
    """Return the lines of a node as a table without lines, for an HTML-like label."""
    rows = [f"<B>{_html(node.title)}</B>"]
    for text in node.lines:
        rows.append(f'<FONT POINT-SIZE="9" COLOR="{theme.dim}">{_html(text)}</FONT>')
    cells = "".join(f"<TR><TD>{row}</TD></TR>" for row in rows)
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="2" CELLPADDING="0">{cells}</TABLE>'


def _slots(label: str, border: str, fill: str) -> str:
    """Return a table: the label, and on its right the slots that events wait in."""
    slots = f'<TD SIDES="L" WIDTH="5" COLOR="{border}"></TD>' * _SLOTS
    return (
        f'<TABLE BORDER="1" CELLBORDER="1" CELLSPACING="0" CELLPADDING="6" COLOR="{border}"'
        f' BGCOLOR="{fill}"><TR><TD BORDER="0">{label}</TD>{slots}</TR></TABLE>'
    )


def _edge(made: graphviz.Digraph, edge: DrawnEdge, theme: Theme) -> None:
    attributes = {"tooltip": _tip(edge.about)}
    if edge.label:
        attributes["label"] = f"<{'<BR/>'.join(map(_html, edge.label))}>"
        attributes["labeltooltip"] = attributes["tooltip"]
    match edge.line:
        case "dead":
            attributes |= {"style": "dashed", "color": theme.faint, "penwidth": "0.9"}
            attributes |= {"weight": "0", "arrowsize": "0.5", "fontcolor": theme.dim}
        case "optional":
            attributes |= {"style": "dotted", "penwidth": "1.4"}
        case "plain" if edge.chain:
            attributes |= {"weight": _CHAIN_WEIGHT}
    made.edge(edge.source, edge.target, **attributes)


def _html(text: str) -> str:
    """Return text for an HTML-like label; a backslash would be an escape of Graphviz' own."""
    return html.escape(text).replace("\\", "&#92;")


def _tip(*lines: str) -> str:
    """Return a tooltip of several lines; quotes are escaped where it is written out."""
    import graphviz

    escaped = [line.replace("\\", "\\\\") for line in lines]
    quoted: str = graphviz.nohtml("\\n".join(escaped))
    return quoted
