"""What the map of the terminal interface costs: to arrange a graph anew, and to draw one frame.

No terminal is involved: cells are made, and nobody is shown them.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from time import process_time
from typing import Any

from benchmarks.figures import Effort, EventsLost, Row, Table, measure
from sinkgraph_tui.layout import (
    Look,
    Looks,
    MapEdge,
    MapGraph,
    MapNode,
    Zoom,
    arrange,
    painted,
)

__all__ = ["TERMINAL_MAP"]

_TARGET_MS = 20.0
_HELD = 200
_WINDOW = (0, 0, 168, 44)


def _regions(heads: int, lanes: int) -> MapGraph:
    """Return heads of 4 nodes that fan out to lanes of 4 nodes; one place for dead letters."""
    nodes: list[MapNode] = []
    edges: list[MapEdge] = []

    def chain(name: str, kinds: tuple[str, ...], role: str = "") -> list[str]:
        names = [name, *(f"{name}.{kind}" for kind in kinds[1:])]
        for at, (one, kind) in enumerate(zip(names, kinds, strict=True)):
            nodes.append(MapNode(one, kind, role if at == 0 else ""))
            if at:
                edges.append(MapEdge(names[at - 1], one))
        return names

    for head in range(heads):
        fan = chain(f"in{head}", ("http", "filter", "transform", "broadcast"), "source")[-1]
        for lane in range(lanes):
            names = chain(f"out{head}-{lane}", ("queue", "retry", "breaker", "http"))
            edges.append(MapEdge(fan, names[0], index=lane))
            edges.append(MapEdge(names[1], "dead", "dead_letter", error=True))
    nodes.append(MapNode("dead", "dead_letter"))
    return MapGraph.of(nodes, edges)


def _by_lot(nodes: int, edges: int) -> MapGraph:
    lot = random.Random(1)
    pairs: dict[tuple[int, int], None] = {}
    while len(pairs) < edges:
        one, other = sorted(lot.sample(range(nodes), 2))
        pairs[one, other] = None
    return MapGraph.of(
        (MapNode(f"n{number}", "broadcast") for number in range(nodes)),
        (MapEdge(f"n{one}", f"n{other}") for one, other in pairs),
    )


_GRAPHS: dict[str, tuple[str, Callable[[], MapGraph]]] = {
    "41": ("41 nodes", lambda: _regions(2, 4)),
    "177": ("177 nodes", lambda: _regions(4, 10)),
    "201": ("201 nodes", lambda: _regions(5, 9)),
    "993": ("993 nodes", lambda: _regions(8, 30)),
    "lot": ("200 nodes, 400 edges by lot", lambda: _by_lot(200, 400)),
}
_ZOOMS: tuple[Zoom, ...] = ("cards", "lanes", "map")


async def _row(name: str, zoom: Zoom, effort: Effort, *, frame: bool) -> Row:
    label, make = _GRAPHS[name]
    graph = make()
    made = arrange(graph, zoom=zoom, width=168, errors=True)
    if len(made.homes) != len(graph.nodes) or made.unrouted:
        raise EventsLost(f"the map of {label} lacks nodes or edges")
    looks = Looks(
        {
            node.name: Look(entering="312/s", leaving="312/s", fill=0.4, fact="198ms")
            for node in graph.nodes
        }
    )

    async def once(n: int) -> float:
        began = process_time()
        for _ in range(n):
            if frame:
                painted(made, looks, window=_WINDOW)
            else:
                arrange(graph, zoom=zoom, width=168, errors=True)
        return process_time() - began

    least = Effort(effort.budget_s, effort.repeats, min(effort.most, 1_000), 1)
    figure = await measure(once, least)
    took = figure.ns_median / 1e6
    note = f"{took:.2f} ms"
    if not frame and len(graph.nodes) <= _HELD + 1 and name != "lot":
        note += f"; target ≤ {_TARGET_MS:.0f} ms: {'reached' if took <= _TARGET_MS else 'MISSED'}"
    extra: dict[str, Any] = {"nodes": float(len(graph.nodes)), "milliseconds": took}
    row = f"frame_{name}" if frame else name
    return Row(row, label, f"{'a frame' if frame else 'arrange'}, {zoom}", figure, note, extra)


async def _measured(effort: Effort, wanted: Callable[[str], bool]) -> list[Row]:
    rows = [
        await _row(name, zoom, effort, frame=False)
        for name in _GRAPHS
        for zoom in _ZOOMS
        if wanted(name)
    ]
    for zoom in _ZOOMS:
        if wanted("frame_201"):
            rows.append(await _row("201", zoom, effort, frame=True))
    return rows


TERMINAL_MAP = Table(
    "terminal_map",
    "The map of the terminal interface: columns, order, rows, wires; and one frame of it",
    (*_GRAPHS, "frame_201"),
    (
        "An event here is a map. Dead-letter edges are drawn too. A frame is 168×44 cells of an",
        "arranged map, drawn whole; the terminal's own work comes on top.",
    ),
    _measured,
)
