"""Kinds of installed packages are kinds like any other, and a broken one breaks nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest

from sinkgraph.graph.load import load_graph
from sinkgraph.spec import kind as registry
from sinkgraph.spec.kind import Kind, Port, all_kinds
from sinkgraph.spec.kinds.base import NodeSpec, Target


class Ring(NodeSpec):
    """Keeps the newest events."""

    kind: Literal["ring"]
    """`ring`."""
    to: Target
    """Where events go."""
    size: int = 10
    """How many it keeps."""
    loud: bool = False
    """Whether it says so."""


RING = Kind("ring", "change", (Port("to"),), Ring, build="rings:make", stateful=True)


class _Point:
    def __init__(self, name: str, value: object) -> None:
        self.name = name
        self._value = value

    def load(self) -> object:
        if isinstance(self._value, Exception):
            raise self._value
        return self._value


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[_Point]]:
    points: list[_Point] = []
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    registry._loaded.cache_clear()
    yield points
    registry._loaded.cache_clear()


def _document(**fields: object) -> dict[str, object]:
    return {
        "sinkgraph": 1,
        "name": "x",
        "sources": {"in": {"kind": "stdin", "to": "keep"}},
        "sinks": {"keep": {"kind": "ring", "to": {"kind": "stdout"}, **fields}},
    }


def test_a_kind_of_a_package_is_a_kind(plugins: list[_Point]) -> None:
    plugins.append(_Point("ring", RING))
    graph, found = load_graph(_document(size=5))
    assert graph is not None, found
    assert RING in all_kinds()
    spec = graph.nodes["keep"].spec
    assert isinstance(spec, Ring)
    assert spec.size == 5


def test_plain_types_of_a_package_take_interpolated_text(plugins: list[_Point]) -> None:
    plugins.append(_Point("ring", RING))
    env = {"SIZE": "7", "LOUD": "true"}
    graph, found = load_graph(_document(size="${env:SIZE}", loud="${env:LOUD}"), env=env)
    assert graph is not None, found
    spec = graph.nodes["keep"].spec
    assert isinstance(spec, Ring)
    assert (spec.size, spec.loud) == (7, True)
    _, found = load_graph(_document(size="${env:SIZE}"), env={"SIZE": "many"})
    assert [(one.code, one.path) for one in found] == [("SG123", "sinks.keep.size")]


def test_a_broken_package_is_named_where_a_kind_is_missed(plugins: list[_Point]) -> None:
    plugins.extend([_Point("bad", ImportError("no module")), _Point("odd", object())])
    graph, found = load_graph(_document())
    assert graph is None
    assert [one.code for one in found] == ["SG124"]
    assert [note.split(" ")[3] for note in found[0].notes] == ["`bad`", "`odd`"]


def test_a_package_never_replaces_a_built_in_kind(plugins: list[_Point]) -> None:
    plugins.append(_Point("queue", Kind("queue", "reliability", (Port("to"),), Ring)))
    found = registry.find_kind("sink", "queue")
    assert found is not None
    assert found.model is not Ring
    assert [one.name for one in all_kinds()].count("queue") == 1
