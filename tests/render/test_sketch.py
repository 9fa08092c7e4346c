"""What can be read of a broken document is drawn, and no text of it breaks the drawing."""

from __future__ import annotations

from pathlib import Path

import pygraphviz  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinkgraph.render.dot import to_dot
from sinkgraph.render.mermaid import to_mermaid
from sinkgraph.render.parts import Drawing
from sinkgraph.render.sketch import MAX_SKETCHED, sketch
from sinkgraph.spec.document import from_python, read
from tests.render.drawn import by_name, edge

BROKEN = sorted((Path(__file__).parents[2] / "graphs" / "broken").glob("*.yaml"))


def sketched(sinks: object, **top: object) -> Drawing | None:
    tree, _ = from_python({"sinkgraph": 1, "name": "sketched", "sinks": sinks, **top})
    assert tree is not None
    return sketch(tree, "graph.yaml")


@pytest.mark.parametrize("document", BROKEN, ids=lambda path: path.stem)
def test_every_broken_document_can_be_sketched_or_has_nothing_to_draw(document: Path) -> None:
    tree, _ = read(document)
    drawing = None if tree is None else sketch(tree, document.name)
    if drawing is not None:
        pygraphviz.AGraph(string=to_dot(drawing)).close()
        assert to_mermaid(drawing).startswith("---\n")


def test_an_undeclared_target_is_drawn_as_missing() -> None:
    drawing = sketched({"fan": {"kind": "broadcast", "to": ["a", "b"]}, "a": {"kind": "blackhol"}})
    assert drawing is not None
    nodes = by_name(drawing)
    assert (nodes["b"].form, nodes["b"].lines) == ("missing", ("not declared",))
    assert nodes["a"].lines == ("blackhol?",)
    assert nodes["fan"].form == "fan"
    assert edge(drawing, "fan", "b").line == "plain"


def test_a_cycle_and_an_edge_to_itself_are_drawn() -> None:
    drawing = sketched({"a": {"kind": "retry", "to": "b"}, "b": {"kind": "retry", "to": "a"}})
    assert drawing is not None
    assert [(one.source, one.target) for one in drawing.edges] == [("a", "b"), ("b", "a")]
    alone = sketched({"a": {"kind": "retry", "to": "a"}})
    assert alone is not None
    assert [(one.source, one.target) for one in alone.edges] == [("a", "a")]


def test_ports_and_nodes_in_place_are_read() -> None:
    drawing = sketched(
        {
            "r": {
                "kind": "route",
                "routes": [{"when": "data.a", "to": {"kind": "stdout"}}],
                "default": "x",
                "dead_letter": {"kind": "file", "name": "bad", "path": 3},
            },
            "x": {"kind": "filter", "where": "data.b", "to": [{"node": "r", "required": False}]},
        }
    )
    assert drawing is not None
    assert sorted(by_name(drawing)) == ["bad", "r", "r.stdout", "x"]
    assert edge(drawing, "r", "r.stdout").label == ("data.a",)
    assert edge(drawing, "r", "x").label == ("default",)
    assert edge(drawing, "r", "bad").line == "dead"
    assert edge(drawing, "x", "r").label == ("data.b",)


@pytest.mark.parametrize("sinks", [None, [], "text", {}, {"a": 1}])
def test_without_nodes_there_is_no_sketch(sinks: object) -> None:
    assert sketched(sinks) is None


def test_a_huge_document_is_not_sketched() -> None:
    sinks = {f"n{number}": {"kind": "blackhole"} for number in range(MAX_SKETCHED + 2)}
    assert sketched(sinks) is None


WORDS = st.text(
    st.one_of(st.characters(), st.sampled_from('"\\<>&:/\n\x00{}|[]')), min_size=0, max_size=12
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), WORDS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["kind", "to", "name", "routes", "when", "default", "node"]),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@given(st.dictionaries(WORDS, VALUES, max_size=5))
@settings(max_examples=80, deadline=None)
def test_whatever_stands_in_a_document_the_sketch_is_a_drawing(sinks: dict[str, object]) -> None:
    drawing = sketched(sinks)
    if drawing is None:
        return
    graph = pygraphviz.AGraph(string=to_dot(drawing))
    assert sorted(str(node) for node in graph.nodes()) == sorted(by_name(drawing))
    assert len(graph.edges()) == len(drawing.edges)
    graph.close()
