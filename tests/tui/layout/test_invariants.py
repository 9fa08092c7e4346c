"""What holds for every map, whatever the graph: it can be read, and nothing of it is lost."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph_tui.layout import (
    ASCII,
    UNICODE,
    ZOOMS,
    Arrangement,
    Box,
    MapEdge,
    MapGraph,
    MapNode,
    Zoom,
    arrange,
    fitted,
    hit,
    painted,
)
from sinkgraph_tui.layout.glyphs import E, N, S, W
from tests.tui.layout import shapes

KINDS = ("http", "broadcast", "queue", "retry", "filter", "dead_letter", "blackhole")
Cell = tuple[int, int]
SIDES = {E: (1, 0), W: (-1, 0), N: (0, -1), S: (0, 1)}
OPPOSITE = {E: W, W: E, N: S, S: N}


@st.composite
def graphs(draw: st.DrawFn, *, circles: bool = False) -> MapGraph:
    """Make a graph; with `circles` it may lead back, to itself, or to nothing."""
    count = draw(st.integers(0, 12))
    nodes = [
        MapNode(
            f"n{number}",
            draw(st.sampled_from(KINDS)),
            group=draw(st.sampled_from((None, None, "eu", "us"))),
        )
        for number in range(count)
    ]
    ends = st.integers(0, max(count - 1, 0))
    pairs = draw(st.lists(st.tuples(ends, ends), max_size=20, unique=True))
    edges = []
    for one, other in pairs:
        if not circles and one == other:
            continue
        if not circles and one > other:
            one, other = other, one
        error = draw(st.booleans()) and draw(st.booleans())
        port = "dead_letter" if error else draw(st.sampled_from(("to", "otherwise")))
        edges.append(MapEdge(f"n{one}", f"n{other}", port, error=error))
    if circles:
        edges.append(MapEdge("n0", "nowhere"))
    order = draw(st.permutations(nodes))
    return MapGraph.of(order, edges)


zooms = st.sampled_from(ZOOMS)
widths = st.sampled_from((20, 80, 200))


class Wires:
    """Answers which cells hold which edges, and what a reader sees there."""

    def __init__(self, made: Arrangement) -> None:
        self.made = made
        self.cells: dict[Cell, list[tuple[int, frozenset[int]]]] = defaultdict(list)
        for run in made.runs:
            for x in range(run.x, run.x + run.width):
                for y in range(run.y, run.y + run.height):
                    self.cells[x, y].append((run.bits, frozenset(run.edges)))
        self.arrows = {(one.x, one.y): one for one in made.arrows}

    def exits(self, number: int) -> list[Cell]:
        edge = self.made.edges[number]
        box = self.made.boxes[self.made.homes[edge.source]]
        return [
            (box.x + box.width, y)
            for y in range(box.y, box.y + box.height)
            for _, edges in self.cells.get((box.x + box.width, y), ())
            if number in edges
        ]

    def followed(self, start: Cell) -> set[str]:
        """Return the boxes that an eye arrives at from an exit, never going back left."""
        found: set[str] = set()
        seen = set()
        ways = [(start, W)]
        while ways:
            cell, came = ways.pop()
            if (cell, came) in seen:
                continue
            seen.add((cell, came))
            if cell in self.arrows:
                found.add(self.made.boxes[self.arrows[cell].target].block.key)
                continue
            bits = next((bits for bits, _ in self.cells[cell] if bits & came), None)
            assert bits is not None, f"the wire ends at {cell}"
            for side, (dx, dy) in SIDES.items():
                if bits & side and side not in (came, W):
                    ways.append(((cell[0] + dx, cell[1] + dy), OPPOSITE[side]))
        return found


def routed_edges(made: Arrangement, *, errors: bool) -> list[int]:
    homes = made.homes
    return [
        number
        for number, edge in enumerate(made.edges)
        if number not in made.unrouted
        and homes[edge.source] != homes[edge.target]
        and (errors or not edge.error)
    ]


def inside(box: Box) -> set[Cell]:
    return {(box.x + x, box.y + y) for x in range(box.width) for y in range(box.height)}


def check(made: Arrangement, *, errors: bool) -> None:
    """Hold everything that must hold for a map."""
    taken: set[Cell] = set()
    for box in made.boxes:
        own = inside(box)
        assert not own & taken, f"{box.block.key} stands on another"
        taken |= own
    wires = Wires(made)
    lines = set(wires.cells) | set(wires.arrows)
    assert not lines & taken, "a wire runs through a box"
    assert all(0 <= x < made.width and 0 <= y < made.height for x, y in lines | taken)
    for cell, found in wires.cells.items():
        assert len(found) <= 2, f"three wires in {cell}"
        if len(found) == 2:
            assert {bits for bits, _ in found} == {E | W, N | S}, f"two wires meet in {cell}"
            assert not found[0][1] & found[1][1]
        assert cell not in wires.arrows
    goals: dict[Cell, set[str]] = defaultdict(set)
    drawn = routed_edges(made, errors=errors)
    for number in drawn:
        exits = wires.exits(number)
        assert len(exits) == 1, f"edge {number} leaves {len(exits)} times"
        goals[exits[0]].add(made.boxes[made.homes[made.edges[number].target]].block.key)
    for start, expected in goals.items():
        assert wires.followed(start) == expected
    carried = {number for run in made.runs for number in run.edges}
    assert carried == set(drawn)


@given(graphs(), zooms, st.booleans(), widths)
def test_every_edge_leads_from_its_exit_to_its_target_and_nowhere_else(
    graph: MapGraph, zoom: Zoom, errors: bool, width: int
) -> None:
    made = arrange(graph, zoom=zoom, errors=errors, width=width)
    assert sorted(made.homes) == sorted(node.name for node in graph.nodes)
    assert made.unrouted == ()
    check(made, errors=errors)


@given(graphs(circles=True), zooms)
def test_a_broken_graph_is_drawn_without_the_edges_that_break_it(
    graph: MapGraph, zoom: Zoom
) -> None:
    made = arrange(graph, zoom=zoom, errors=True)
    assert len(graph.edges) - 1 in made.unrouted
    check(made, errors=True)


@given(graphs(), zooms, st.sets(st.sampled_from([f"n{k}" for k in range(12)]), max_size=3))
def test_what_is_folded_is_still_there_and_what_is_loud_stands_alone(
    graph: MapGraph, zoom: Zoom, loud: set[str]
) -> None:
    made = arrange(graph, zoom=zoom, errors=True, loud=loud)
    assert sorted(made.homes) == sorted(node.name for node in graph.nodes)
    assert not any(box.block.folded and loud & set(box.block.members) for box in made.boxes)
    check(made, errors=True)


@given(graphs(), zooms, st.sets(st.sampled_from(("eu", "us"))))
def test_folding_groups_closes_no_circle(graph: MapGraph, zoom: Zoom, groups: set[str]) -> None:
    check(arrange(graph, zoom=zoom, errors=True, groups=groups), errors=True)


@given(graphs(), zooms, st.booleans())
def test_the_same_graph_is_drawn_the_same(graph: MapGraph, zoom: Zoom, errors: bool) -> None:
    one = arrange(graph, zoom=zoom, errors=errors)
    other = arrange(graph, zoom=zoom, errors=errors)
    assert one == other
    assert painted(one).text() == painted(other).text()


@given(graphs(), zooms, st.lists(st.integers(0, 11), max_size=3, unique=True), st.booleans())
def test_a_new_node_leaves_the_others_in_their_order(
    graph: MapGraph, zoom: Zoom, near: list[int], upstream: bool
) -> None:
    names = [node.name for node in graph.nodes]
    ends = [f"n{number}" for number in near if f"n{number}" in names]
    edges = [MapEdge("new", end) if upstream else MapEdge(end, "new") for end in ends]
    first = arrange(graph, zoom=zoom)
    larger = MapGraph.of([*graph.nodes, MapNode("new", "queue")], [*graph.edges, *edges])
    then = arrange(larger, zoom=zoom, previous=first)
    assert_same_order(first, then)
    check(then, errors=False)
    assert_same_order(then, arrange(graph, zoom=zoom, previous=then))


def assert_same_order(first: Arrangement, then: Arrangement) -> None:
    """Hold the order of boxes that share a column before and after."""
    places = {box.block.key: box for box in then.boxes}
    kept = [(box, places[box.block.key]) for box in first.boxes if box.block.key in places]
    for was, now in kept:
        for other_was, other_now in kept:
            if was.x == other_was.x and now.x == other_now.x and was.y < other_was.y:
                assert now.y < other_now.y, f"{was.block.key} and {other_was.block.key}"


@given(graphs(), st.integers(1, 120), st.integers(1, 40))
def test_a_map_is_drawn_for_a_terminal_of_any_size(
    graph: MapGraph, width: int, height: int
) -> None:
    made = fitted(graph, width, height)
    grid = painted(made, window=(0, 0, width, height))
    assert len(grid.chars) == height
    assert all(len(row) == width for row in grid.chars)
    check(made, errors=False)


@given(graphs(), zooms)
def test_ascii_is_ascii_and_as_large(graph: MapGraph, zoom: Zoom) -> None:
    made = arrange(graph, zoom=zoom, errors=True)
    plain = painted(made, glyphs=ASCII)
    assert plain.text().isascii()
    assert plain.styles == painted(made, glyphs=UNICODE).styles


@given(graphs(), zooms)
def test_every_line_that_is_drawn_can_be_hit(graph: MapGraph, zoom: Zoom) -> None:
    made = arrange(graph, zoom=zoom, errors=True)
    chars = painted(made).chars
    for y, row in enumerate(chars):
        for x, char in enumerate(row):
            found = hit(made, x, y)
            if char != " ":
                assert found is not None, (x, y)


@pytest.mark.parametrize("zoom", ZOOMS)
@pytest.mark.parametrize("errors", [False, True])
@pytest.mark.parametrize(
    "graph",
    [
        shapes.eighteen(),
        shapes.regions(("eu", "us", "ap", "sa"), 10),
        shapes.ladder(30),
        shapes.dense(60, 120),
        shapes.dense(40, 200),
        shapes.star(300),
    ],
    ids=["18", "176", "ladder", "dense", "denser", "star"],
)
def test_large_graphs_can_be_read_too(graph: MapGraph, errors: bool, zoom: Zoom) -> None:
    check(arrange(graph, zoom=zoom, errors=errors, width=120), errors=errors)
