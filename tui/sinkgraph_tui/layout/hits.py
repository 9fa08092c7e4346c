"""Which node, edge or port is drawn in a cell, and which node lies beside another.

It answers for the mouse and the keys; it changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sinkgraph_tui.layout.arrange import Arrangement, Box

__all__ = ["Hit", "Way", "hit", "step"]

Way = Literal["upstream", "downstream", "above", "below"]


@dataclass(frozen=True, slots=True)
class Hit:
    """Is what was hit. `port` is of `node`, and "" for the way in; `edges` are all that pass."""

    kind: Literal["node", "fold", "edge", "port"]
    node: str | None = None
    port: str | None = None
    edges: tuple[int, ...] = ()


def hit(arrangement: Arrangement, x: int, y: int) -> Hit | None:
    """Return what is drawn in a cell of the map; None of an empty one."""
    for box in arrangement.boxes:
        if box.x <= x < box.x + box.width and box.y <= y < box.y + box.height:
            return _inside(arrangement, box, x - box.x, y - box.y)
    for arrow in arrangement.arrows:
        if (arrow.x, arrow.y) == (x, y):
            return Hit("port", arrangement.boxes[arrow.target].block.key, "", arrow.edges)
    for run in reversed(arrangement.runs):
        if run.x <= x < run.x + run.width and run.y <= y < run.y + run.height:
            return _port(arrangement, x, y, run.edges) or Hit("edge", edges=run.edges)
    return None


def _inside(arrangement: Arrangement, box: Box, x: int, y: int) -> Hit:
    if box.block.folded:
        return Hit("fold", box.block.key)
    for spot in box.form.spots(box.block, arrangement.nodes):
        if spot.x <= x < spot.x + spot.width and spot.y == y:
            return Hit("node", spot.node)
    return Hit("node", box.block.key)


def _port(arrangement: Arrangement, x: int, y: int, edges: tuple[int, ...]) -> Hit | None:
    """Return the port whose first cell this is."""
    for number in edges:
        edge = arrangement.edges[number]
        box = arrangement.boxes[arrangement.homes[edge.source]]
        if x == box.x + box.width and box.y <= y < box.y + box.height:
            return Hit("port", edge.source, edge.port, edges)
    return None


def step(arrangement: Arrangement, node: str, way: Way) -> str | None:
    """Return the node one step away: along the edges, or in the box above or below."""
    home = arrangement.homes.get(node)
    if home is None:
        return None
    if way in ("upstream", "downstream"):
        return _along(arrangement, node, down=way == "downstream")
    box = arrangement.boxes[home]
    column = sorted((one.y, one.block.key) for one in arrangement.boxes if one.x == box.x)
    at = column.index((box.y, box.block.key)) + (1 if way == "below" else -1)
    return column[at][1] if 0 <= at < len(column) else None


def _along(arrangement: Arrangement, node: str, *, down: bool) -> str | None:
    """Return the neighbour along an edge that has a wire; one of dead letters comes last."""
    hidden = set(arrangement.unrouted)
    found = [
        (edge.error, number, edge.target if down else edge.source)
        for number, edge in enumerate(arrangement.edges)
        if (edge.source if down else edge.target) == node and number not in hidden
    ]
    return min(found)[2] if found else None
