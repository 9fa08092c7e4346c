"""A write waits for what stands before the next queue, and for nothing behind it."""

from __future__ import annotations

from sinkgraph.graph.inference.conclude import conclude
from sinkgraph.render.drawing import draw
from sinkgraph.render.guarantees import guarantees
from sinkgraph.render.isolation import stretches, waits_for
from sinkgraph.render.parts import boxes_in
from tests.render.drawn import BLACKHOLE, by_name, edge, graph_of

HOOK = {"kind": "http", "url": "http://127.0.0.1:9/"}
GRAPH = graph_of(
    {
        "fan": {"kind": "broadcast", "to": ["kept", "direct"]},
        "direct": {"kind": "filter", "where": "data.x", "to": "hook"},
        "hook": HOOK,
        "kept": {"kind": "queue", "dead_letter": "bad", "to": "file"},
        "file": BLACKHOLE,
        "bad": {"kind": "dead_letter"},
    }
)


def test_a_write_waits_up_to_the_next_queue() -> None:
    assert waits_for(GRAPH, "in") == ("fan", "direct", "hook")
    assert waits_for(GRAPH, "kept") == ("file",)


def test_who_writes_to_a_full_queue_waits_for_what_overflows() -> None:
    spilling = {"kind": "queue", "when_full": "overflow", "overflow": "spill", "to": "end"}
    graph = graph_of({"q": spilling, "spill": HOOK, "end": BLACKHOLE})
    assert waits_for(graph, "in") == ("spill",)
    assert waits_for(graph, "q") == ("end",)


def test_a_graph_falls_apart_in_front_of_every_queue() -> None:
    found = {one.members: one.drivers for one in stretches(GRAPH) if len(one.members) > 1}
    assert found == {
        ("in", "fan", "direct", "hook"): ("in",),
        ("kept", "file"): ("kept",),
    }


def test_what_two_writers_share_holds_up_both() -> None:
    graph = graph_of(
        {
            "fan": {"kind": "broadcast", "to": ["a", "b"]},
            "a": {"kind": "queue", "to": "end"},
            "b": {"kind": "queue", "to": "end"},
            "end": HOOK,
        }
    )
    (shared,) = [one for one in stretches(graph) if "end" in one.members]
    assert shared.drivers == ("a", "b")


def test_with_isolation_frames_say_who_waits_and_groups_are_in_the_names() -> None:
    graph = graph_of({"eu/q": {"kind": "queue", "to": "eu/end"}, "eu/end": BLACKHOLE})
    (box,) = boxes_in(draw(graph, isolation=True).frame)
    assert (box.kind, box.label) == ("write", "eu/q waits for these")
    assert [node.title for node in box.nodes] == ["eu/q", "eu/end"]


def test_edges_into_queues_and_dead_letters_let_the_writer_go() -> None:
    drawing = draw(GRAPH)
    assert edge(drawing, "fan", "kept").hands_over
    assert edge(drawing, "kept", "bad").hands_over
    assert not edge(drawing, "fan", "direct").hands_over
    assert "does not wait" in edge(drawing, "fan", "kept").about


def test_guarantees_stand_on_sources_and_ends_with_their_reasons() -> None:
    nodes = by_name(draw(GRAPH, guarantees=guarantees(conclude(GRAPH))))
    said = {name: [chip.text for chip in node.chips] for name, node in nodes.items()}
    assert said["in"] == ["accepted = memory"]
    assert said["file"] == ["at most once · in order"]
    assert said["hook"] == ["at least once · in order", "can stall in"]
    assert said["fan"] == said["kept"] == []
    assert any("`memory`: a kill loses what it holds" in line for line in nodes["in"].about)
    assert any("holds at most 10,000 events" in line for line in nodes["kept"].about)
    assert any("single point" in line for line in nodes["fan"].about)
    assert nodes["hook"].chips[1].tone == "poor"
