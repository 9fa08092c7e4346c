"""Folding makes a picture small without hiding what was marked, promised or connected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sinkgraph.graph.load import load
from sinkgraph.graph.model import Graph
from sinkgraph.render.drawing import draw
from sinkgraph.render.fold import MAX_DRAWN, fold, fold_to_fit, groups_of
from sinkgraph.render.guarantees import Guarantee
from sinkgraph.render.parts import Chip, names_in, nodes_in
from tests.render.drawn import BLACKHOLE, by_name, edge, graph_of

LARGE = Path(__file__).parent / "golden" / "large.yaml"
TWO: dict[str, Any] = {
    "f": {"kind": "broadcast", "to": ["eu/a", "eu/b", "eu/deep/c", "out"]},
    "eu/a": {"kind": "queue", "to": "out"},
    "eu/b": {"kind": "queue", "to": "out"},
    "eu/deep/c": BLACKHOLE,
    "out": BLACKHOLE,
}


def test_a_folded_group_is_one_node_that_counts_its_members() -> None:
    found = fold(draw(graph_of(TWO)), groups=["eu"])
    assert found.groups == ("eu",)
    nodes = by_name(found.drawing)
    assert sorted(nodes) == ["eu/", "f", "in", "out"]
    assert nodes["eu/"].lines == ("group · 3 nodes", "2 queue · 1 blackhole")
    assert [one.name for one in nodes["eu/"].members] == ["eu/deep/c", "eu/a", "eu/b"]
    assert "eu/a: queue" in nodes["eu/"].about


def test_edges_of_folded_nodes_become_one_and_are_counted() -> None:
    drawing = fold(draw(graph_of(TWO)), groups=["eu"]).drawing
    assert len(drawing.edges) == 4
    assert edge(drawing, "f", "eu/").about.count("\n") == 2
    assert edge(drawing, "eu/", "out").line == "plain"


def test_only_the_inner_group_is_folded_when_only_it_is_named() -> None:
    drawing = draw(graph_of(TWO))
    assert groups_of(drawing) == ["eu", "eu/deep"]
    nodes = by_name(fold(drawing, groups=["eu/deep"]).drawing)
    assert sorted(nodes) == ["eu/a", "eu/b", "eu/deep/", "f", "in", "out"]


def test_a_folded_group_tells_what_became_different_in_it() -> None:
    changed = {**TWO, "eu/a": {"kind": "queue", "capacity": 5, "to": "out"}}
    changed["f"] = {"kind": "broadcast", "to": ["eu/a", "eu/b", "eu/deep/c", "eu/d", "out"]}
    changed["eu/d"] = BLACKHOLE
    drawing = draw(graph_of(changed), against=graph_of(TWO))
    node = by_name(fold(drawing, groups=["eu"]).drawing)["eu/"]
    assert node.mark == "changed"
    assert sorted(chip.text for chip in node.chips) == ["1 added", "1 changed"]


def test_a_folded_group_tells_the_weakest_promises_in_it() -> None:
    notes = [
        Guarantee("eu/a", Chip("can stall in", "poor"), ()),
        Guarantee("eu/b", Chip("at least once", "good"), ()),
    ]
    drawing = draw(graph_of(TWO), guarantees=notes)
    node = by_name(fold(drawing, groups=["eu"]).drawing)["eu/"]
    assert [chip.text for chip in node.chips] == ["can stall in"]


def test_a_chain_is_one_lane_with_a_row_a_node() -> None:
    graph = graph_of(
        {
            "f": {"kind": "filter", "where": "data.x > 1", "to": "hooks"},
            "hooks": {"kind": "endpoint", "url": "http://127.0.0.1:9/"},
        }
    )
    drawing = fold(draw(graph), lanes=True).drawing
    nodes = by_name(drawing)
    assert sorted(nodes) == ["f", "in"]
    assert [one.name for one in nodes["f"].members] == ["f", "hooks", "hooks.retry", "hooks.http"]
    assert nodes["f"].members[0].lines == ("filter", "data.x > 1")
    assert [(one.source, one.target) for one in drawing.edges] == [("in", "f")]


def test_a_long_chain_is_several_lanes_in_a_row() -> None:
    names = [f"t{n:02d}" for n in range(30)]
    sinks: dict[str, Any] = {
        name: {"kind": "timeout", "after": "1s", "to": below}
        for name, below in zip(names, [*names[1:], "end"], strict=True)
    }
    drawing = fold(draw(graph_of({**sinks, "end": BLACKHOLE})), lanes=True).drawing
    found = by_name(drawing)
    assert {name: len(node.members) for name, node in found.items()} == {
        "in": 0,
        "t00": 12,
        "t12": 12,
        "t24": 7,
    }
    assert [(one.source, one.target) for one in drawing.edges] == [
        ("in", "t00"),
        ("t00", "t12"),
        ("t12", "t24"),
    ]


def test_a_chain_ends_where_ways_part_or_meet_or_frames_begin() -> None:
    drawing = fold(draw(graph_of(TWO)), lanes=True).drawing
    assert sorted(by_name(drawing)) == ["eu/a", "eu/b", "eu/deep/c", "f", "in", "out"]


def test_edges_of_dead_letters_leave_a_lane_once() -> None:
    graph = graph_of(
        {
            "q": {"kind": "queue", "dead_letter": "bad", "to": "r"},
            "r": {"kind": "retry", "dead_letter": "bad", "to": "end"},
            "end": BLACKHOLE,
            "bad": BLACKHOLE,
        }
    )
    drawing = fold(draw(graph), lanes=True).drawing
    assert sorted(by_name(drawing)) == ["bad", "in", "q"]
    assert edge(drawing, "q", "bad").label == ("dead_letter",)


def test_a_small_drawing_is_left_alone() -> None:
    drawing = draw(graph_of(TWO))
    found = fold_to_fit(drawing)
    assert (found.drawing, found.lanes, found.groups) == (drawing, False, ())


def test_two_hundred_nodes_become_few_enough_to_read() -> None:
    drawing = draw(load(LARGE, env={}))
    assert sum(1 for _ in nodes_in(drawing.frame)) == 200
    found = fold_to_fit(drawing)
    assert sum(1 for _ in nodes_in(found.drawing.frame)) <= MAX_DRAWN
    assert (found.lanes, found.groups) == (True, ("eu", "us", "apac", "latam"))
    members = {one.name for node in nodes_in(found.drawing.frame) for one in node.members}
    alone = {node.name for node in nodes_in(found.drawing.frame) if not node.members}
    assert members | alone == {node.name for node in nodes_in(drawing.frame)}


def tenants(count: int) -> Graph:
    ends = {
        f"t{n:02d}": {"kind": "endpoint", "url": f"http://127.0.0.1:9/{n}"} for n in range(count)
    }
    routes = [{"when": f"data.tenant == {n}", "to": name} for n, name in enumerate(ends)]
    return graph_of(
        {"r": {"kind": "route", "routes": routes, "default": "rest"}, **ends, "rest": BLACKHOLE}
    )


def test_without_groups_alike_branches_become_rows_of_a_card() -> None:
    found = fold_to_fit(draw(tenants(70)))
    assert (found.lanes, found.groups, found.alike) == (True, (), 70)
    nodes = by_name(found.drawing)
    assert sorted(nodes) == ["in", "r", "rest", "t00"]
    card = nodes["t00"]
    assert card.title == "70 alike: queue → retry → http"
    assert card.members[7].title == "t07"
    assert card.members[7].lines == ("data.tenant == 7", "http · http://127.0.0.1:9/7")
    assert edge(found.drawing, "r", "t00").label == ("×70",)
    assert "t07.http" in names_in(card)


def test_few_branches_are_drawn_one_by_one_though_alike() -> None:
    found = fold(draw(tenants(6)), lanes=True, alike=True)
    assert (found.alike, len(by_name(found.drawing))) == (0, 9)


def test_branches_that_lead_elsewhere_or_changed_stand_apart() -> None:
    def fan(**more: Any) -> Graph:
        names = [f"q{n}" for n in range(9)]
        sinks: dict[str, Any] = {"f": {"kind": "broadcast", "to": names}}
        sinks |= {name: {"kind": "queue", "to": "end"} for name in names}
        sinks["q8"] = {"kind": "queue", "to": "other"}
        sinks["q0"] |= more
        return graph_of({**sinks, "end": BLACKHOLE, "other": BLACKHOLE})

    nodes = by_name(fold(draw(fan()), alike=True).drawing)
    assert sorted(nodes) == ["end", "f", "in", "other", "q0", "q8"]
    assert len(nodes["q0"].members) == 8
    changed = by_name(fold(draw(fan(capacity=5), against=fan()), alike=True).drawing)
    assert sorted(changed) == ["end", "f", "in", "other", "q0", "q1", "q8"]
    assert len(changed["q1"].members) == 7
