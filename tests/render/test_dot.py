"""DOT says what the document says, in Graphviz' own reading of it."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from typing import Any

import pygraphviz  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinkgraph.graph.load import load
from sinkgraph.graph.model import Graph
from sinkgraph.render.dot import to_dot
from sinkgraph.render.drawing import draw
from sinkgraph.render.mermaid import to_mermaid
from sinkgraph.render.style import ThemeName


def graph_of(sinks: dict[str, Any], **top: Any) -> Graph:
    first = next(iter(sinks))
    whole: dict[str, Any] = {
        "sinkgraph": 1,
        "name": "drawn",
        "sources": {"in": {"kind": "generate", "rate": "1/s", "to": first}},
        "sinks": sinks,
    }
    return load(whole | top, env={})


@dataclass(frozen=True)
class Read:
    """Is a drawing as Graphviz reads it, as plain values."""

    settings: dict[str, str]
    nodes: dict[str, dict[str, str]]
    edges: dict[tuple[str, str], dict[str, str]]
    frames: dict[str, tuple[dict[str, str], list[str]]]


def read(graph: Graph, *, dead_letters: bool = False) -> Read:
    return read_text(to_dot(draw(graph, dead_letters=dead_letters)))


def read_text(dot: str) -> Read:
    whole = pygraphviz.AGraph(string=dot)  # what it hands out is only valid while it lives
    frames: dict[str, tuple[dict[str, str], list[str]]] = {}
    todo = list(whole.subgraphs_iter())
    while todo:
        one = todo.pop()
        frames[str(one.name)] = (attributes(one.graph_attr), [str(node) for node in one.nodes()])
        todo.extend(one.subgraphs_iter())
    made = Read(
        attributes(whole.graph_attr),
        {str(node): attributes(node.attr) for node in whole.nodes()},
        {(str(edge[0]), str(edge[1])): attributes(edge.attr) for edge in whole.edges()},
        frames,
    )
    whole.close()
    return made


def attributes(held: Any) -> dict[str, str]:
    return {str(key): str(value) for key, value in held.items() if value}


def text_in(label: str) -> str:
    """Return what can be read of an HTML-like label."""
    return html.unescape(re.sub("<[^>]*>", "", label.replace("<BR/>", " ")))


BLACKHOLE = {"kind": "blackhole"}


def test_it_reads_from_left_to_right() -> None:
    assert read(graph_of({"end": BLACKHOLE})).settings["rankdir"] == "LR"


def test_every_node_has_a_label_of_its_own() -> None:
    drawn = read(graph_of({"q": {"kind": "queue", "to": "end"}, "end": BLACKHOLE}))
    assert sorted(drawn.nodes) == ["end", "in", "q"]
    for name, held in drawn.nodes.items():
        assert f"<B>{name}</B>" in held["label"]


def test_each_role_has_a_shape() -> None:
    drawn = read(
        graph_of(
            {
                "f": {"kind": "filter", "where": "true", "to": "t"},
                "t": {"kind": "transform", "remove": ["data.x"], "to": "q"},
                "q": {"kind": "queue", "to": "r"},
                "r": {"kind": "retry", "to": "end"},
                "end": BLACKHOLE,
            }
        )
    )
    shapes = {name: held["shape"] for name, held in drawn.nodes.items()}
    assert shapes == {
        "in": "cds",
        "f": "hexagon",
        "t": "component",
        "q": "plain",
        "r": "box",
        "end": "box",
    }
    assert "rounded" in drawn.nodes["r"]["style"]
    assert "rounded" not in drawn.nodes["end"]["style"]


def test_a_durable_queue_is_a_cylinder_and_a_memory_queue_is_not() -> None:
    graph = graph_of({"q": {"kind": "queue", "to": "end"}, "end": BLACKHOLE})
    assert read(graph).nodes["q"]["shape"] == "plain"
    on_disk = graph_of({"q": {"kind": "queue", "store": "disk", "to": "end"}, "end": BLACKHOLE})
    durable = read(on_disk).nodes["q"]
    assert durable["shape"] == "cylinder"
    assert "disk" in durable["label"]
    assert '[("<b>q</b>' in to_mermaid(on_disk)
    assert "max_bytes" not in to_dot(on_disk), "it is as by default"


def test_ports_label_their_edges() -> None:
    drawn = read(
        graph_of(
            {
                "r": {
                    "kind": "route",
                    "routes": [{"when": 'data.a == "x"', "to": "q"}],
                    "default": "f",
                    "dead_letter": "dead",
                },
                "q": {"kind": "queue", "when_full": "overflow", "overflow": "spill", "to": "end"},
                "f": {"kind": "filter", "where": "data.b", "to": "end", "otherwise": "other"},
                **dict.fromkeys(("end", "spill", "other", "dead"), BLACKHOLE),
            }
        )
    )

    def label(source: str, target: str) -> str:
        return text_in(drawn.edges[source, target].get("label", ""))

    assert label("r", "q") == 'data.a == "x"'
    assert label("r", "f") == "default"
    assert label("r", "dead") == "dead_letter"
    assert label("q", "spill") == "overflow"
    assert label("f", "other") == "otherwise"
    assert label("f", "end") == "data.b"
    assert not label("q", "end")


def test_a_long_condition_is_shortened_on_the_edge_and_whole_in_the_tooltip() -> None:
    where = " && ".join(f"data.field_number_{n} > {n}" for n in range(9))
    graph = graph_of({"f": {"kind": "filter", "where": where, "to": "end"}, "end": BLACKHOLE})
    edge = read(graph).edges["f", "end"]
    assert text_in(edge["label"]).endswith("…")
    assert len(text_in(edge["label"])) < 100
    assert where in edge["tooltip"]


def test_the_targets_of_a_fallback_are_numbered() -> None:
    sinks = {"f": {"kind": "fallback", "to": ["a", "b"]}, "a": BLACKHOLE, "b": BLACKHOLE}
    drawn = read(graph_of(sinks))
    assert [text_in(drawn.edges["f", one]["label"]) for one in "ab"] == ["1", "2"]


def test_dead_letter_edges_are_dashed_and_do_not_bend_the_others() -> None:
    sinks = {"r": {"kind": "retry", "to": "a", "dead_letter": "b"}, "a": BLACKHOLE, "b": BLACKHOLE}
    drawn = read(graph_of(sinks))
    dead, plain = drawn.edges["r", "b"], drawn.edges["r", "a"]
    assert (dead["style"], dead["weight"]) == ("dashed", "0")
    assert "style" not in plain


def test_optional_edges_are_dotted() -> None:
    to = ["a", {"node": "b", "required": False}]
    drawn = read(graph_of({"f": {"kind": "broadcast", "to": to}, "a": BLACKHOLE, "b": BLACKHOLE}))
    assert drawn.edges["f", "b"]["style"] == "dotted"
    assert text_in(drawn.edges["f", "b"]["label"]) == "optional"
    assert "style" not in drawn.edges["f", "a"]


def test_implied_dead_letters_are_drawn_only_when_asked_for() -> None:
    graph = graph_of({"q": {"kind": "queue", "to": "end"}, "end": BLACKHOLE})
    assert "dead-letters" not in read(graph).nodes
    drawn = read(graph, dead_letters=True)
    assert drawn.edges["q", "dead-letters"]["style"] == "dashed"
    assert drawn.nodes["dead-letters"]["shape"] == "folder"


def test_declared_dead_letters_are_drawn_without_the_edges_nobody_wrote() -> None:
    nodes = {"q": {"kind": "queue", "to": "end"}, "end": BLACKHOLE}
    graph = graph_of({**nodes, "dead-letters": {"kind": "dead_letter", "max_age": "7d"}})
    drawn = read(graph)
    assert drawn.nodes["dead-letters"]["shape"] == "folder"
    assert ("q", "dead-letters") not in drawn.edges


def test_disabled_nodes_are_absent() -> None:
    graph = graph_of(
        {
            "f": {"kind": "broadcast", "to": ["a", "b"]},
            "a": BLACKHOLE,
            "b": BLACKHOLE | {"enabled": False},
        }
    )
    assert sorted(read(graph).nodes) == ["a", "f", "in"]
    assert "<b>b</b>" not in to_mermaid(graph)


def test_groups_are_nested_frames_and_their_names_are_not_repeated() -> None:
    graph = graph_of({"eu/billing/out": {"kind": "queue", "to": "end"}, "end": BLACKHOLE})
    drawn = read(graph)
    eu, inside_eu = drawn.frames["cluster_0"]
    billing, inside_billing = drawn.frames["cluster_0_0"]
    assert inside_eu == inside_billing == ["eu/billing/out"]
    assert ">eu<" in eu["label"]
    assert ">billing<" in billing["label"]
    assert "<B>out</B>" in drawn.nodes["eu/billing/out"]["label"]


def test_the_nodes_of_a_composite_stand_in_a_light_frame() -> None:
    graph = graph_of({"hooks": {"kind": "endpoint", "url": "http://127.0.0.1:9/"}})
    frame, inside = read(graph).frames["cluster_0"]
    assert sorted(inside) == ["hooks", "hooks.http", "hooks.retry"]
    assert "hooks · endpoint" in frame["label"]
    assert frame["style"] == "rounded,dashed"


def test_the_branches_of_a_group_stand_in_the_order_of_the_document() -> None:
    names = [f"g/{name}" for name in "cafebd"]
    graph = graph_of(
        {"g/fan": {"kind": "broadcast", "to": names}, **dict.fromkeys(names, BLACKHOLE)}
    )
    plain = render_plain(to_dot(graph))
    rows = [line.split(" ") for line in plain.splitlines() if line.startswith("node ")]
    height = {row[1].strip('"'): float(row[3]) for row in rows}
    assert sorted(names, key=lambda name: -height[name]) == names


def render_plain(dot: str) -> str:
    whole = pygraphviz.AGraph(string=dot)
    drawn: bytes = whole.draw(format="plain", prog="dot")
    whole.close()
    return drawn.decode()


def test_many_branches_are_straight_lines() -> None:
    def fan(count: int) -> Read:
        names = [f"n{number}" for number in range(count)]
        return read(
            graph_of({"f": {"kind": "broadcast", "to": names}, **dict.fromkeys(names, BLACKHOLE)})
        )

    assert fan(40).settings["splines"] == "polyline"
    assert "splines" not in fan(4).settings
    assert float(fan(40).settings["ranksep"]) > float(fan(4).settings["ranksep"])


def test_the_tooltip_tells_kind_and_fields_that_were_set() -> None:
    queue = {"kind": "queue", "capacity": 7, "linger": "1h30m", "to": "end"}
    tooltip = read(graph_of({"q": queue, "end": BLACKHOLE})).nodes["q"]["tooltip"]
    assert tooltip == r"q\nkind: queue\ncapacity: 7\nlinger: 1h30m\none write waits for: end"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_description_of_a_node_stands_in_it(theme: ThemeName) -> None:
    graph = graph_of({"end": BLACKHOLE | {"description": "keeps nothing"}})
    drawn = read_text(to_dot(graph, theme=theme))
    assert "keeps nothing" in drawn.nodes["end"]["label"]


HOSTILE = st.text(
    st.one_of(
        st.characters(exclude_categories=()),
        st.sampled_from('"\\<>&\n\r\t\x00\x1b\x07\x9b\u202e\u2028{}|[]`#;:%'),
    ),
    min_size=1,
    max_size=40,
)


@given(HOSTILE)
@settings(max_examples=60)
def test_any_description_is_drawn_as_text_and_nothing_else(text: str) -> None:
    graph = graph_of({"end": BLACKHOLE | {"description": text}}, description=text)
    drawing = draw(graph, dead_letters=True, against=graph_of({"end": BLACKHOLE}))
    dot, mermaid = to_dot(drawing), to_mermaid(drawing)
    for written in (dot, mermaid):
        steering = [c for c in written if not c.isprintable() and c not in "\n\t\xa0\u3000"]
        assert steering == []
        written.encode("utf-8")
    drawn = read_text(dot)
    assert sorted(drawn.nodes) == ["dead-letters", "end", "in"]
    assert list(drawn.edges) == [("in", "end")]
    old = graph_of({"end": BLACKHOLE | {"description": "x"}})
    changed = graph_of({"end": BLACKHOLE | {"description": "y"}})
    plain = to_mermaid(draw(changed, dead_letters=True, against=old))
    assert json.loads(mermaid.splitlines()[1].removeprefix("title: ")).startswith("drawn")
    body, plain_body = mermaid.splitlines()[2:], plain.splitlines()[2:]
    assert [line.count('"') for line in body] == [line.count('"') for line in plain_body]


@pytest.mark.parametrize(
    "text", ['"', "\\", "\\N", "<b>", "&amp;", "<<b>>", "end", 'a"] ; x -> y [label="']
)
def test_awkward_text_comes_back_as_written(text: str) -> None:
    graph = graph_of({"end": BLACKHOLE | {"description": text}})
    tooltip = read(graph).nodes["end"]["tooltip"]
    assert tooltip == r"end\nkind: blackhole\n" + text.replace("\\", "\\\\")


@pytest.mark.parametrize("name", ["node", "graph", "1.10", "-", "edge", "eu/digraph", "n0"])
def test_a_name_that_means_something_to_graphviz_is_only_a_name(name: str) -> None:
    drawn = read(graph_of({name: {"kind": "queue", "to": "x"}, "x": BLACKHOLE}))
    assert sorted(drawn.edges) == sorted([("in", name), (name, "x")])
