"""Places boxes and wires: from a graph, a zoom and a width to what stands where.

Live numbers do not move anything; `paint` draws them into what is arranged here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from sinkgraph_tui.layout.channels import Channel, Pin, routed
from sinkgraph_tui.layout.folding import folded_branches, folded_groups
from sinkgraph_tui.layout.forms import GROWTH, TRIMS, Form, Trim, Zoom, form_of
from sinkgraph_tui.layout.graph import MapEdge, MapGraph, MapNode
from sinkgraph_tui.layout.lanes import Block, Chart, chart
from sinkgraph_tui.layout.order import ordered
from sinkgraph_tui.layout.ranks import Layers, Segment, layered
from sinkgraph_tui.layout.rows import placed_rows
from sinkgraph_tui.layout.wires import Arrow, Run, drawn, pitch

__all__ = ["Arrangement", "Box", "arrange", "fitted"]

_GAP = {"map": 0, "lanes": 0, "cards": 1}


@dataclass(frozen=True, slots=True)
class Box:
    """Is a block at its place. `form` says how it is divided."""

    block: Block
    x: int
    y: int
    width: int
    height: int
    form: Form


@dataclass(frozen=True)
class Arrangement:
    """Is a placed map. `rows` are its items' rows by name, for the next one to be like it.

    `unrouted` are edges that lead nowhere or close a circle: they have no wire.
    """

    zoom: Zoom
    width: int
    height: int
    nodes: Mapping[str, MapNode]
    edges: tuple[MapEdge, ...]
    boxes: tuple[Box, ...]
    runs: tuple[Run, ...]
    arrows: tuple[Arrow, ...]
    unrouted: tuple[int, ...]
    rows: Mapping[str, int]

    @cached_property
    def homes(self) -> Mapping[str, int]:
        """Return the number of the box each node stands in."""
        return {name: n for n, box in enumerate(self.boxes) for name in box.block.members}

    @cached_property
    def unrouted_nodes(self) -> frozenset[str]:
        """Return the nodes that an edge without a wire leaves or enters."""
        edges = [self.edges[number] for number in self.unrouted]
        return frozenset(name for edge in edges for name in (edge.source, edge.target))


def arrange(
    graph: MapGraph,
    *,
    zoom: Zoom = "lanes",
    width: int = 80,
    errors: bool = False,
    loud: Collection[str] | None = None,
    groups: Collection[str] = (),
    previous: Arrangement | None = None,
) -> Arrangement:
    """Place a graph; names and bars are shortened until it fits `width`, if it can.

    `errors`: draw the edges of dead letters. `loud`: fold branches without one of these nodes;
    None folds none. `groups` are folded into one box each. `previous`: keep its order.
    """
    found = chart(graph)
    if groups:
        found = folded_groups(found, graph.edges, groups)
    if loud is not None:
        found = folded_branches(found, graph.edges, loud)
    layers = layered(found, errors=errors)
    columns = ordered(layers, previous.rows if previous else None)
    plan = _Plan(graph, zoom, found, layers, columns)
    return plan.arranged(width)


def fitted(
    graph: MapGraph,
    width: int,
    height: int,
    *,
    errors: bool = False,
    loud: Collection[str] = (),
    previous: Arrangement | None = None,
) -> Arrangement:
    """Place a graph at the largest zoom that fits, folding healthy branches before the smallest.

    What fits nowhere is folded lanes when they are narrow enough, else the folded map.
    """
    zooms: tuple[tuple[Zoom, bool], ...] = (
        ("cards", False),
        ("lanes", False),
        ("lanes", True),
        ("map", True),
    )
    narrow: Arrangement | None = None
    for zoom, folds in zooms:
        made = arrange(
            graph,
            zoom=zoom,
            width=width,
            errors=errors,
            loud=loud if folds else None,
            previous=previous,
        )
        if made.width <= width and made.height <= height:
            return made
        if folds and made.width <= width and narrow is None:
            narrow = made
    return narrow or made


class _Plan:
    """Has everything but the columns of cells, which depend on the width."""

    def __init__(
        self,
        graph: MapGraph,
        zoom: Zoom,
        found: Chart,
        layers: Layers,
        columns: list[list[int]],
    ) -> None:
        self.graph, self.zoom, self.chart = graph, zoom, found
        self.layers, self.columns = layers, columns
        blocks = found.blocks
        form = Form(zoom, 1)
        passages = len(layers.names) - len(blocks)
        self.heights = [form.height(block) for block in blocks] + [1] * passages
        self.inlets = [form.inlet(block) for block in blocks] + [0] * passages
        self.form = form
        self.rows = placed_rows(layers, columns, self.heights, self.inlets, self.exit, _GAP[zoom])
        self.segments: list[dict[tuple[Pin, Pin], list[Segment]]] = [
            defaultdict(list) for _ in columns
        ]
        for segment in layers.segments:
            source = segment.source, self.rows[segment.source] + self.exit(segment)
            target = segment.target, self.rows[segment.target] + self.inlets[segment.target]
            self.segments[layers.column_of[segment.source]][source, target].append(segment)
        self.channels = [routed(list(ends)) for ends in self.segments]

    def exit(self, segment: Segment) -> int:
        """Return how far below the top of its item a segment leaves."""
        if segment.source >= len(self.chart.blocks):
            return 0
        block = self.chart.blocks[segment.source]
        return self.form.exit(block, segment.exit, error=segment.error)

    def arranged(self, width: int) -> Arrangement:
        """Choose the roomiest trim that fits, let it grow, and place everything."""
        for trim in TRIMS:
            forms, wide = self._sized(trim)
            if wide <= width:
                break
        if trim is not TRIMS[0] and wide <= width:
            for field, cells in GROWTH:
                if getattr(trim, field) < cells:
                    larger = replace(trim, **{field: cells})
                    grown, more = self._sized(larger)
                    if more <= width:
                        trim, forms, wide = larger, grown, more
        return self._placed(trim, forms, wide)

    def _sized(self, trim: Trim) -> tuple[list[Form], int]:
        forms = [self._form(column, trim) for column in self.columns]
        return forms, self._wide(trim, forms)

    def _form(self, column: list[int], trim: Trim) -> Form:
        blocks = [self.chart.blocks[item] for item in column if item < len(self.chart.blocks)]
        return form_of(self.zoom, trim, blocks, self.chart.nodes)

    def _wide(self, trim: Trim, forms: list[Form]) -> int:
        boxes = sum(self._column_width(n, form) for n, form in enumerate(forms))
        return boxes + sum(
            _channel_width(self.channels[n], self._room(trim, n)) for n in range(len(forms) - 1)
        )

    def _room(self, trim: Trim, number: int) -> int:
        """Return how many cells a channel has for rates: none for dead letters and passages."""
        if self.zoom == "map":
            return 0
        blocks = len(self.chart.blocks)
        labelled = any(
            target[0] < blocks and not all(part.error for part in parts)
            for (_, target), parts in self.segments[number].items()
        )
        return trim.wire_rate if labelled else 0

    def _column_width(self, number: int, form: Form) -> int:
        blocks = len(self.chart.blocks)
        return form.width if any(item < blocks for item in self.columns[number]) else 1

    def _placed(self, trim: Trim, forms: list[Form], wide: int) -> Arrangement:
        boxes: dict[int, Box] = {}
        runs: list[Run] = []
        arrows: list[Arrow] = []
        count = len(self.chart.blocks)
        x = 0
        for number, (column, form) in enumerate(zip(self.columns, forms, strict=True)):
            right = x + self._column_width(number, form)
            for item in column:
                if item < count:
                    block = self.chart.blocks[item]
                    boxes[item] = Box(
                        block, x, self.rows[item], form.width, self.heights[item], form
                    )
                else:
                    runs += self._passage(item, x, right)
            after = right + _channel_width(self.channels[number], self._room(trim, number))
            made = drawn(
                self.channels[number], self.segments[number], right, after, count,
                self._room(trim, number), self.graph.edges,
            )  # fmt: skip
            runs += made[0]
            arrows += made[1]
            x = after
        runs.sort(key=lambda run: run.layer)
        lowest = [box.y + box.height for box in boxes.values()]
        lowest += [run.y + run.height for run in runs]
        return Arrangement(
            self.zoom, wide, max(lowest, default=0), self.chart.nodes, self.graph.edges,
            tuple(boxes[item] for item in range(count)), tuple(runs), tuple(arrows),
            self.chart.unrouted,
            {name: self.rows[item] for item, name in enumerate(self.layers.names)},
        )  # fmt: skip

    def _passage(self, item: int, left: int, right: int) -> list[Run]:
        edges = {n for one in self.layers.segments if one.source == item for n in one.edges}
        error = all(self.graph.edges[number].error for number in edges)
        return [Run(left, self.rows[item], right - left, 1, 10, tuple(sorted(edges)), error)]


def _channel_width(channel: Channel, room: int) -> int:
    if not channel.wires:
        return 2
    places = channel.fan_places + channel.join_places
    return 2 + places * pitch(channel) + room
