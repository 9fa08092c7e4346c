"""A drawing against an older document marks what is not as it was, and says why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sinkgraph.graph.load import load
from sinkgraph.graph.model import Graph
from sinkgraph.render.drawing import draw
from sinkgraph.render.parts import Drawing, Mark
from tests.render.drawn import BLACKHOLE, by_name, edge, graph_of


def marks(drawing: Drawing) -> dict[str, Mark]:
    return {name: node.mark for name, node in by_name(drawing).items()}


def test_equal_documents_have_no_difference() -> None:
    sinks = {"q": {"kind": "queue", "to": "end"}, "end": BLACKHOLE}
    drawing = draw(graph_of(sinks), against=graph_of(sinks))
    assert set(marks(drawing).values()) == {"same"}
    assert {one.mark for one in drawing.edges} == {"same"}
    assert [chip.text for chip in drawing.chips] == ["no difference"]


def test_added_and_removed_nodes_and_edges_are_marked() -> None:
    old = graph_of({"f": {"kind": "broadcast", "to": ["a", "b"]}, "a": BLACKHOLE, "b": BLACKHOLE})
    new = graph_of({"f": {"kind": "broadcast", "to": ["a", "c"]}, "a": BLACKHOLE, "c": BLACKHOLE})
    drawing = draw(new, against=old)
    assert marks(drawing) == {
        "in": "same",
        "f": "same",
        "a": "same",
        "b": "removed",
        "c": "added",
    }
    assert edge(drawing, "f", "b").mark == "removed"
    assert edge(drawing, "f", "c").mark == "added"
    assert edge(drawing, "f", "a").mark == "same"
    assert [chip.text for chip in drawing.chips] == [
        "+ 1 added",
        "− 1 removed",
        "2 edges not as before",
    ]


def test_a_changed_field_is_told_with_both_values() -> None:
    def sinks(**more: Any) -> Graph:
        return graph_of({"q": {"kind": "queue", "to": "end", **more}, "end": BLACKHOLE})

    drawing = draw(sinks(capacity=20_000, linger="1s"), against=sinks(capacity=500))
    node = by_name(drawing)["q"]
    assert node.mark == "changed"
    assert node.chips[0].text == "~ changed\ncapacity: 500 → 20,000\nlinger: 0s → 1s"
    assert "capacity: 500 → 20,000" in node.about


def test_many_reasons_are_counted_and_all_in_the_tooltip() -> None:
    more = {"capacity": 5, "linger": "1s", "concurrency": 2, "max_batch": 7, "max_wait": "3s"}
    queue = {"kind": "queue", "to": "end"}
    new = graph_of({"q": {**queue, **more}, "end": BLACKHOLE})
    node = by_name(draw(new, against=graph_of({"q": queue, "end": BLACKHOLE})))["q"]
    assert node.chips[0].text.endswith("\nand 2 more")
    assert sum(" → " in line and line.partition(":")[0] in more for line in node.about) == 5


def test_a_reason_without_room_is_named_and_whole_in_the_tooltip() -> None:
    def sinks(where: str) -> Graph:
        return graph_of({"f": {"kind": "filter", "where": where, "to": "end"}, "end": BLACKHOLE})

    drawing = draw(sinks('data.action == "push"'), against=sinks('data.action == "pull"'))
    node = by_name(drawing)["f"]
    assert node.chips[0].text == "~ changed\nwhere …"
    assert 'where: data.action == "pull" → data.action == "push"' in node.about
    line = edge(drawing, "f", "end")
    assert line.mark == "changed"
    assert 'when: data.action == "pull" → data.action == "push"' in line.about


def test_nested_fields_are_told_one_by_one() -> None:
    def retry(**breaker: Any) -> Graph:
        node = {"kind": "retry", "to": "end", "breaker": breaker}
        return graph_of({"r": node, "end": BLACKHOLE})

    node = by_name(draw(retry(open_for="2s"), against=retry(open_for="1s")))["r"]
    assert node.chips[0].text == "~ changed\nbreaker.open_for: 1s → 2s"


def test_another_var_marks_the_nodes_that_read_it() -> None:
    def reads(limit: int, second: str) -> Graph:
        rules = [{"when": "data.n > vars.limit", "to": "end"}, {"when": second, "to": "end"}]
        sinks = {
            "f": {"kind": "filter", "where": "data.n > vars.limit", "to": "r"},
            "r": {"kind": "route", "routes": rules},
            "end": BLACKHOLE,
        }
        return graph_of(sinks, vars={"limit": {"default": limit}})

    for second in ("data.a", "data.b"):
        drawn = by_name(draw(reads(4, second), against=reads(3, "data.a")))
        assert [drawn[name].mark for name in ("f", "r", "end")] == ["changed", "changed", "same"]
        assert "where: vars.limit = 3 → vars.limit = 4" in drawn["f"].about
        assert "routes.0.when: vars.limit = 3 → vars.limit = 4" in drawn["r"].about


def test_a_breaker_that_begins_anew_marks_its_node() -> None:
    def hook(port: int) -> Graph:
        url = f"http://127.0.0.1:{port}/"
        sinks = {
            "r": {"kind": "retry", "breaker": {}, "to": "h"},
            "h": {"kind": "http", "url": url},
        }
        return graph_of(sinks)

    node = by_name(draw(hook(1), against=hook(2)))["r"]
    assert node.mark == "changed"
    assert any("its breaker begins closed" in line for line in node.about)


def test_a_version_that_was_put_aside_reads_the_same_files(tmp_path: Path) -> None:
    text = "sinkgraph: 1\nname: t\nsources: {in: {kind: file, paths: [x], to: out}}\n"
    made = []
    for folder in ("here", "aside"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "g.yaml").write_text(f"{text}sinks: {{out: {{kind: stdout}}}}\n")
        made.append(load(tmp_path / folder / "g.yaml"))
    assert set(marks(draw(made[0], against=made[1])).values()) == {"same"}


def test_another_kind_is_a_change() -> None:
    new = graph_of({"end": BLACKHOLE})
    node = by_name(draw(new, against=graph_of({"end": {"kind": "stdout"}})))["end"]
    assert (node.mark, node.kind) == ("changed", "blackhole")
    assert "kind: stdout → blackhole" in node.chips[0].text


def test_a_stated_rename_keeps_its_edges() -> None:
    old = graph_of({"q": {"kind": "queue", "to": "end"}, "end": BLACKHOLE})
    new = graph_of({"r": {"kind": "queue", "was": "q", "to": "end"}, "end": BLACKHOLE})
    drawing = draw(new, against=old)
    assert marks(drawing) == {"in": "same", "r": "renamed", "end": "same"}
    assert by_name(drawing)["r"].chips[0].text == "→ renamed, was q"
    assert {one.mark for one in drawing.edges} == {"same"}


def test_a_rename_that_is_long_done_is_none() -> None:
    graph = graph_of({"r": {"kind": "queue", "was": "q", "to": "end"}, "end": BLACKHOLE})
    assert set(marks(draw(graph, against=graph)).values()) == {"same"}


def test_routes_tell_a_new_turn_and_a_new_condition() -> None:
    def routes(*whens: str) -> Graph:
        listed = [{"when": when, "to": f"t{n}"} for n, when in enumerate(whens)]
        ends = {f"t{n}": BLACKHOLE for n in range(len(whens))}
        return graph_of({"r": {"kind": "route", "routes": listed, "default": "t0"}, **ends})

    drawing = draw(routes("data.a", "data.c"), against=routes("data.a", "data.b"))
    assert edge(drawing, "r", "t1").mark == "changed"
    assert edge(drawing, "r", "t1").label == ("data.c",)
    assert "when: data.b → data.c" in edge(drawing, "r", "t1").about


def test_the_order_of_a_fallback_counts_and_that_of_a_broadcast_does_not() -> None:
    def two(kind: str, *to: str) -> Graph:
        return graph_of({"f": {"kind": kind, "to": list(to)}, "a": BLACKHOLE, "b": BLACKHOLE})

    turned = draw(two("fallback", "b", "a"), against=two("fallback", "a", "b"))
    assert [edge(turned, "f", one).mark for one in "ab"] == ["changed", "changed"]
    same = draw(two("broadcast", "b", "a"), against=two("broadcast", "a", "b"))
    assert [edge(same, "f", one).mark for one in "ab"] == ["same", "same"]


def test_dead_letters_that_only_one_document_names_are_added_or_removed() -> None:
    retry = {"kind": "retry", "to": "end"}
    silent = graph_of({"r": retry, "end": BLACKHOLE})
    letters = {"dead-letters": {"kind": "dead_letter"}}
    named = graph_of({"r": {**retry, "dead_letter": "dead-letters"}, "end": BLACKHOLE, **letters})
    assert marks(draw(named, against=silent))["dead-letters"] == "added"
    gone = draw(silent, against=named)
    assert marks(gone)["dead-letters"] == "removed"
    assert edge(gone, "r", "dead-letters").mark == "removed"


@st.composite
def chains(draw_from: st.DrawFn) -> Graph:
    names = draw_from(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6, unique=True))
    sinks: dict[str, Any] = {}
    for index, name in enumerate(names):
        below = names[index + 1 :]
        if below:
            to = draw_from(st.lists(st.sampled_from(below), min_size=1, max_size=3, unique=True))
            sinks[name] = {"kind": "broadcast", "to": to}
        else:
            sinks[name] = dict(BLACKHOLE)
    return graph_of(sinks)


@given(chains(), chains())
@settings(max_examples=60, deadline=None)
def test_every_node_and_edge_of_both_documents_is_drawn_once(old: Graph, new: Graph) -> None:
    drawing = draw(new, against=old)
    found = marks(drawing)
    for name, mark in found.items():
        assert (mark == "added") == (name not in old.nodes)
        assert (mark == "removed") == (name not in new.nodes)

    def ends(graph: Graph) -> list[tuple[str, str]]:
        return sorted((e.source, e.target) for e in graph.edges if e.port != "dead_letter")

    def drawn(*without: Mark) -> list[tuple[str, str]]:
        return sorted((e.source, e.target) for e in drawing.edges if e.mark not in without)

    assert drawn("removed") == ends(new)
    assert drawn("added") == ends(old)
