"""A drawing in Graphviz' language: left to right, groups as frames, ports as labels of edges.

It writes text and runs nothing; `sinkgraph.render.image` makes pictures of it. Every text of the
document is escaped on its way in; labels of nodes are in `sinkgraph.render.labels`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sinkgraph.graph.model import Graph
from sinkgraph.render.drawing import draw
from sinkgraph.render.labels import GAP, chips_of, edge_label, label_of, text_of
from sinkgraph.render.parts import Box, BoxKind, Drawing, DrawnEdge, DrawnNode, Form, nodes_in
from sinkgraph.render.style import (
    FONT,
    SHAPES,
    THEMES,
    Paint,
    Theme,
    ThemeName,
    paint_of,
    quiet,
    tone_paint,
)

if TYPE_CHECKING:
    import graphviz  # type: ignore[import-untyped]

__all__ = ["to_dot"]

_CHAIN_WEIGHT = "8"
_NEAR, _PER_EDGE, _FEW, _MANY = 0.55, 0.09, 5, 16
"""How far ranks stand apart, in inches: edges that fan out far need room."""
_BENT = 10
"""Of more edges than these, curves swing over each other: they are drawn straight."""
_EXTRA: dict[Form, dict[str, str]] = {
    "source": {"margin": "0.2,0.15"},
    "fan": {"margin": "0.02,0.01"},
    "change": {"margin": "0.2,0.09"},
    "folded": {"margin": "0.2,0.12"},
}
"""What shapes need whose text has less room than their outline."""
_FRAMES: dict[BoxKind, str] = {
    "group": "rounded,filled",
    "composite": "rounded,dashed",
    "write": "rounded,filled",
}


def to_dot(drawn: Graph | Drawing, *, theme: ThemeName = "light") -> str:
    """Return a graph, or a drawing of one, as DOT; equal ones give equal text."""
    import graphviz

    drawing = draw(drawn) if isinstance(drawn, Graph) else drawn
    colours = THEMES[theme]
    made = graphviz.Digraph(drawing.name)
    _settings(made, drawing, colours)
    out: dict[str, list[str]] = {}
    for edge in drawing.edges:
        out.setdefault(edge.source, []).append(edge.target)
    _fill(made, drawing.frame, "", colours, out)
    for edge in drawing.edges:
        _edge(made, edge, colours)
    text: str = made.source
    return text


def _settings(made: graphviz.Digraph, drawing: Drawing, theme: Theme) -> None:
    title = f'<FONT POINT-SIZE="15"><B>{text_of(drawing.name)}</B></FONT>'
    if drawing.description:
        small = f'<FONT POINT-SIZE="10" COLOR="{theme.dim}">{text_of(drawing.description)}</FONT>'
        title += f'<BR ALIGN="LEFT"/>{GAP}{small}'
    title += '<BR ALIGN="LEFT"/>'
    if drawing.chips:
        row = "".join(f"<TD>{chip}</TD>" for chip in chips_of(drawing.chips, theme))
        lines = f'<TR><TD ALIGN="LEFT" COLSPAN="{len(drawing.chips) + 1}">{title}</TD></TR>'
        chips = f"<TR>{row}<TD></TD></TR>"
        title = f'<TABLE BORDER="0" CELLPADDING="0" CELLSPACING="4">{lines}{chips}</TABLE>'
    widest = _widest(drawing)
    made.attr(
        "graph",
        rankdir="LR",
        charset="UTF-8",
        bgcolor=theme.ground,
        fontname=FONT,
        fontcolor=theme.text,
        label=f"<{title}>",
        labelloc="t",
        labeljust="l",
        tooltip=_tip(drawing.name),
        nodesep="0.26",
        ranksep=f"{_NEAR + _PER_EDGE * min(max(widest - _FEW, 0), _MANY):.2f}",
        pad="0.3",
        outputorder="edgesfirst",
        **({"splines": "polyline"} if widest > _BENT else {}),
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


def _fill(
    made: graphviz.Digraph, box: Box, path: str, theme: Theme, out: dict[str, list[str]]
) -> None:
    """Write the frames and nodes of a frame; `out` holds the targets of each node.

    In a cluster from one of whose nodes several others of it are reached, they are written
    backwards: there, from left to right, `dot` puts at the top what was declared last.
    """
    step = -1 if path and _fans_out(box, out) else 1
    for index, inner in list(enumerate(box.boxes.values()))[::step]:
        below = f"{path}_{index}" if path else str(index)
        with made.subgraph(name=f"cluster_{below}") as cluster:
            _frame(cluster, inner, theme)
            _fill(cluster, inner, below, theme, out)
    for node in box.nodes[::step]:
        _node(made, node, theme)


def _fans_out(box: Box, out: dict[str, list[str]]) -> bool:
    inside = {node.name for node in nodes_in(box)}
    return any(sum(target in inside for target in out.get(name, ())) > 1 for name in inside)


def _widest(drawing: Drawing) -> int:
    """Return how many edges the busiest node sends, or gets."""
    out = Counter(edge.source for edge in drawing.edges)
    into = Counter(edge.target for edge in drawing.edges)
    return max([*out.values(), *into.values()], default=0)


def _frame(cluster: graphviz.Digraph, box: Box, theme: Theme) -> None:
    cluster.attr(
        label=f'<<FONT POINT-SIZE="10" COLOR="{theme.dim}">{text_of(box.label)}</FONT>>',
        tooltip=_tip(box.about),
        style=_FRAMES[box.kind],
        color=theme.quiet if box.kind == "composite" else theme.group_line,
        fillcolor=theme.group_fill,
        penwidth="0.8",
        margin="12",
        labeljust="l",
        labelloc="t",
    )


def _node(made: graphviz.Digraph, node: DrawnNode, theme: Theme) -> None:
    paint = _paint(node, theme)
    shape = SHAPES[node.form]
    style = "rounded,filled" if node.form == "reliability" else "filled"
    if shape == "plain":
        style = "solid"
    elif node.mark == "removed" or node.form == "missing":
        style += ",dashed"
    made.node(
        node.name,
        label=f"<{label_of(node, paint, theme)}>",
        tooltip=_tip(*node.about),
        shape=shape,
        style=style,
        color=paint.border,
        fillcolor=paint.fill,
        **_EXTRA.get(node.form, {}),
    )


def _paint(node: DrawnNode, theme: Theme) -> Paint:
    match node.mark:
        case "":
            return paint_of(node.kind, node.form, theme)
        case "same":
            return quiet(theme)
        case mark:
            return tone_paint(mark, theme)


def _edge(made: graphviz.Digraph, edge: DrawnEdge, theme: Theme) -> None:
    attributes = {"tooltip": _tip(*edge.about.split("\n"))}
    if edge.label:
        attributes["label"] = f"<{edge_label(edge.label)}>"
        attributes["labeltooltip"] = attributes["tooltip"]
    if edge.hands_over:
        attributes["arrowhead"] = "teenormal"
    match edge.line:
        case "dead":
            attributes |= {"style": "dashed", "color": theme.faint, "penwidth": "0.9"}
            attributes |= {"weight": "0", "fontcolor": theme.faint}
        case "optional":
            attributes |= {"style": "dotted", "penwidth": "1.4"}
        case "plain" if edge.chain:
            attributes |= {"weight": _CHAIN_WEIGHT}
    match edge.mark:
        case "same":
            attributes["color"] = theme.quiet
        case "added" | "changed" | "renamed" | "removed":
            attributes["color"] = attributes["fontcolor"] = tone_paint(edge.mark, theme).border
            attributes["penwidth"] = "1.8"
            if edge.mark == "removed":
                attributes["style"] = "dashed"
    made.edge(edge.source, edge.target, **attributes)


def _tip(*lines: str) -> str:
    """Return a tooltip of several lines; quotes are escaped where it is written out."""
    import graphviz

    escaped = [line.replace("\\", "\\\\") for line in lines]
    quoted: str = graphviz.nohtml("\\n".join(escaped))
    return quoted
