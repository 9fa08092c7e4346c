"""What an editor is told of a document, whole or broken, agrees with the layers that load it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.api.documents import DrawnEdge, Place, examine, kinds
from sinkgraph.graph.load import check, load
from sinkgraph.spec.document import Syntax, syntax_of
from sinkgraph.spec.kind import all_kinds

GRAPHS = Path(__file__).parents[2] / "graphs"
SHIPPED = sorted(one for one in GRAPHS.glob("*.yaml"))
BROKEN = sorted(one for one in (GRAPHS / "broken").glob("*.yaml"))
HERE = Path("here.yaml")

GOOD = """\
sinkgraph: 1
name: good
sources:
  in: {kind: stdin, to: hold}
sinks:
  hold: {kind: queue, to: out}  # kept
  out: {kind: stdout}
"""


def text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda one: one.name)
def test_a_shipped_document_is_drawn_as_it_loads(path: Path) -> None:
    graph = load(path)
    told = examine(text_of(path), "yaml", path)
    assert told.valid
    assert told.read
    assert [(one.name, one.kind, one.role, one.group) for one in told.graph.nodes] == [
        (one.name, one.kind, one.role, one.group) for one in graph.nodes.values()
    ]
    assert [(e.source, e.port, e.target, e.index) for e in told.graph.edges] == [
        (e.source, e.port, e.target, e.index) for e in graph.edges
    ]
    assert "From each source to each end" in told.conclusions


@pytest.mark.parametrize("path", BROKEN, ids=lambda one: one.name)
def test_a_broken_document_has_the_findings_of_check(path: Path) -> None:
    told = examine(text_of(path), "yaml", path)
    found = check(path)
    if b"\xff" not in path.read_bytes():
        assert [(one.code, one.where) for one in told.findings] == [
            (one.code, one.where) for one in found
        ]
    names = {one.name for one in told.graph.nodes}
    assert all({edge.source, edge.target} <= names for edge in told.graph.edges)


def test_an_edge_to_nothing_leaves_the_rest_drawn_and_names_its_node() -> None:
    told = examine(GOOD.replace("to: out", "to: uot"), "yaml", HERE)
    assert not told.valid
    assert told.read
    assert told.conclusions == ""
    assert [one.name for one in told.graph.nodes] == ["in", "hold", "out"]
    assert told.graph.edges == (DrawnEdge("in", "to", "hold", 0, Place(4, 25, 4, 29)),)
    wrong = next(one for one in told.findings if one.code == "SG204")
    assert wrong.nodes == ("hold",)
    assert wrong.place == Place(6, 27, 6, 30)
    assert wrong.help


def test_a_node_of_unknown_kind_is_drawn_without_a_role() -> None:
    told = examine(GOOD.replace("queue", "queeu"), "yaml", HERE)
    hold = next(one for one in told.graph.nodes if one.name == "hold")
    assert (hold.kind, hold.role, hold.ports) == ("queeu", "", ())
    assert len(told.graph.edges) == 2


def test_text_that_does_not_parse_is_not_read() -> None:
    told = examine("sinks: {a: [", "yaml", HERE)
    assert not told.read
    assert not told.valid
    assert told.graph.nodes == ()
    assert told.findings


@given(st.text(max_size=60), st.integers(0, len(GOOD)), st.sampled_from(["yaml", "toml", "json"]))
def test_no_text_makes_it_raise(noise: str, at: int, syntax: Syntax) -> None:
    told = examine(GOOD[:at] + noise + GOOD[at:], syntax, HERE)
    assert told.valid == (not any(one.severity == "error" for one in told.findings))


@pytest.mark.parametrize("name", ["pipe.toml", "fanout.json"])
def test_the_other_syntaxes_are_drawn_too(name: str) -> None:
    path = GRAPHS / name
    syntax = syntax_of(name)
    assert syntax is not None
    assert examine(text_of(path), syntax, path).valid


def test_the_templates_a_document_uses_are_kinds_of_its_own() -> None:
    path = GRAPHS / "templates.yaml"
    told = examine(text_of(path), "yaml", path)
    assert told.templates
    assert all(one.own and one.fields for one in told.templates)


def test_every_kind_is_there_with_its_ports_and_fields() -> None:
    told = kinds()
    assert [(one.side, one.name) for one in told] == [(one.side, one.name) for one in all_kinds()]
    queue = next(one for one in told if one.name == "queue")
    assert [(one.name, one.shape, one.optional) for one in queue.ports] == [
        ("to", "one", False),
        ("overflow", "one", True),
        ("dead_letter", "one", True),
    ]
    assert next(one for one in queue.fields if one.name == "to").required
    assert all(one.description for one in told)
