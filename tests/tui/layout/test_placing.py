"""Lanes, columns, order and rows: each decision by itself."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph_tui.layout import Arrangement, MapEdge, MapGraph, MapNode, arrange, fitted
from sinkgraph_tui.layout.lanes import LONGEST, chart
from sinkgraph_tui.layout.rows import pooled
from tests.tui.layout import shapes
from tests.tui.layout.test_invariants import assert_same_order


def graph(*edges: str, kinds: str = "queue", groups: str = "") -> MapGraph:
    """Read edges such as `a>b` and `a!b`, the latter of dead letters; `groups` such as `a:eu`."""
    of = dict(one.split(":") for one in groups.split())
    pairs = [(one.replace("!", ">").split(">"), "!" in one) for one in edges]
    names = dict.fromkeys(name for ends, _ in pairs for name in ends)
    return MapGraph.of(
        [MapNode(name, kinds, group=of.get(name)) for name in names],
        [MapEdge(one, other, error=error) for (one, other), error in pairs],
    )


def lanes(of: MapGraph) -> list[str]:
    return ["".join(block.members) for block in chart(of).blocks]


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        (("a>b", "b>c"), ["abc"]),
        (("a>b", "a>c"), ["a", "b", "c"]),
        (("a>c", "b>c"), ["a", "c", "b"]),
        (("a>b", "a!d"), ["ab", "d"]),
        (("a!b",), ["a", "b"]),
        (("a>b", "b>c", "a!c"), ["ab", "c"]),
        (("a>b", "b>a"), ["ab"]),
    ],
)
def test_only_nodes_between_which_nothing_else_goes_are_one_lane(
    edges: tuple[str, ...], expected: list[str]
) -> None:
    assert lanes(graph(*edges)) == expected


def test_a_lane_ends_where_a_group_does() -> None:
    assert lanes(graph("a>b", "b>c", groups="b:eu c:eu")) == ["a", "bc"]


def test_a_long_chain_goes_on_in_another_lane() -> None:
    found = chart(shapes.chain(30)).blocks
    assert [len(block.members) for block in found] == [LONGEST, LONGEST, 30 - 2 * LONGEST]


def test_a_node_that_is_written_twice_has_one_box() -> None:
    twice = MapGraph.of([MapNode("a", "queue"), MapNode("a", "file")], [])
    assert [box.block.members for box in arrange(twice).boxes] == [("a",)]


def test_an_edge_that_closes_a_circle_is_named_and_not_drawn() -> None:
    made = arrange(graph("a>b", "a>c", "b>a"))
    assert made.unrouted == (2,)
    assert made.unrouted_nodes == {"a", "b"}


def places(made: Arrangement) -> dict[str, tuple[int, int]]:
    return {box.block.key: (box.x, box.y) for box in made.boxes}


def test_a_source_stands_right_before_what_it_feeds() -> None:
    at = places(arrange(graph("a>b", "a>c", "b>d", "c>d", "late>d")))
    assert at["late"][0] == at["b"][0]


def test_what_takes_dead_letters_stands_last_even_when_they_are_not_drawn() -> None:
    at = places(arrange(shapes.eighteen(), zoom="cards"))
    assert at["dead"][0] == max(x for x, _ in at.values())
    shown = places(arrange(shapes.eighteen(), zoom="cards", errors=True))
    assert shown["dead"][0] > shown["billing"][0]


def test_crossings_are_taken_out_where_that_is_possible() -> None:
    at = places(arrange(graph("a>x", "a>w", "b>y", "b>z", "c>z", "c>x", "a>y", "x>e", "w>e")))
    straight = places(arrange(graph("a>x", "a>y", "b>y", "b>z")))
    assert at
    assert straight["x"][1] < straight["y"][1] < straight["z"][1]
    crossed = places(arrange(graph("a>r", "a>q", "b>p", "b>t")))
    assert sorted(("r", "q", "p", "t"), key=lambda name: crossed[name][1]) == ["r", "q", "p", "t"]


def test_one_lane_more_moves_the_others_a_little_and_swaps_none() -> None:
    """Forty nodes, one branch more: as measured for the design, by two rows at most."""
    before = shapes.regions(("eu", "us"), 4, dead=False)
    first = arrange(before, width=132)
    then = arrange(shapes.one_more(before, "eu/fan"), width=132, previous=first)
    assert_same_order(first, then)
    was, now = places(first), places(then)
    assert max(abs(was[name][1] - now[name][1]) for name in was) <= 2
    assert {was[name][0] - now[name][0] for name in was} == {0}


def test_without_an_earlier_map_order_is_the_documents() -> None:
    before = shapes.regions(("eu", "us"), 4, dead=False)
    assert_same_order(arrange(before), arrange(shapes.one_more(before, "eu/fan")))


@pytest.mark.parametrize(
    ("width", "height", "zoom"),
    [(168, 48, "cards"), (130, 24, "lanes"), (80, 24, "lanes"), (40, 24, "map"), (10, 3, "map")],
)
def test_the_largest_zoom_that_fits_is_taken(width: int, height: int, zoom: str) -> None:
    assert fitted(shapes.eighteen(), width, height).zoom == zoom


def test_176_nodes_fit_a_small_terminal_with_what_is_wrong_in_sight() -> None:
    loud = {"us/billing.breaker", "ap/sms.breaker", "eu/search", "sa/push"}
    made = fitted(shapes.regions(("eu", "us", "ap", "sa"), 10), 80, 24, loud=loud)
    assert (made.zoom, made.width <= 80, made.height <= 13) == ("lanes", True, True)
    alone = {box.block.key for box in made.boxes if not box.block.folded}
    assert {"us/billing", "ap/sms", "eu/search", "sa/push"} <= alone


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        (("a>x", "a>y", "a>z"), ["a", "xyz"]),
        (("x>a", "y>a", "z>a"), ["a", "xyz"]),
        (("a>x", "a>y", "x>b", "y>b", "b>c", "b>d"), ["a", "b", "cd", "xy"]),
        (("a>x", "a>y", "b>y", "b>z"), ["a", "b", "x", "y", "z"]),
        (("a>x", "a>y", "x!d", "y!d", "a!d"), ["a", "d", "xy"]),
    ],
)
def test_branches_between_the_same_ends_are_folded(
    edges: tuple[str, ...], expected: list[str]
) -> None:
    made = arrange(graph(*edges), loud=(), errors=True)
    assert sorted("".join(box.block.members) for box in made.boxes) == expected


def test_a_group_is_folded_into_one_box() -> None:
    made = arrange(shapes.regions(("eu", "us"), 4), groups={"eu"}, errors=True)
    box = made.boxes[made.homes["eu"]]
    assert (box.block.label, len(box.block.members)) == ("eu/… 20 nodes", 20)


def test_a_group_that_would_lead_back_to_itself_stays_open() -> None:
    made = arrange(graph("a>b", "b>c", groups="a:eu c:eu"), groups={"eu"})
    assert not any(box.block.folded for box in made.boxes)


def test_a_map_is_arranged_without_a_toolkit_and_without_sinkgraph() -> None:
    probe = (
        "import sys, sinkgraph_tui.layout\n"
        "print([name for name in ('textual', 'rich', 'networkx', 'sinkgraph')"
        " if name in sys.modules])"
    )
    root = Path(__file__).parents[3] / "tui"
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=root, capture_output=True, text=True, check=True,
        timeout=30,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"


numbers = st.lists(st.tuples(st.integers(-20, 20), st.integers(1, 9)), min_size=1, max_size=8)


@given(numbers, st.lists(st.integers(-25, 25), min_size=8, max_size=8))
def test_no_rising_sequence_is_nearer_than_the_pooled_one(
    wished: list[tuple[int, int]], other: list[int]
) -> None:
    values, weights = [float(one) for one, _ in wished], [float(two) for _, two in wished]
    found = pooled(values, weights)
    assert all(one <= two for one, two in pairwise(found))

    def cost(rows: list[float]) -> float:
        return sum(
            w * (row - value) ** 2 for row, value, w in zip(rows, values, weights, strict=True)
        )

    rival = [float(one) for one in sorted(other)[: len(values)]]
    assert cost(found) <= cost(rival) + 1e-6
