"""Pairs of graphs that differ in one field of one node, for every kind and field."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

from sinkgraph.errors import DocumentError
from sinkgraph.graph.diff import NodeChange, diff
from sinkgraph.graph.load import load
from sinkgraph.graph.model import Graph
from sinkgraph.spec.kind import Kind, all_kinds
from sinkgraph.spec.schema import document_schema, snippet

__all__ = ["EACH", "KINDS", "changed", "document"]

KINDS = [one for one in all_kinds() if not one.composite]
EACH = pytest.mark.parametrize("kind", KINDS, ids=lambda one: f"{one.side}-{one.name}")

MORE: dict[str, tuple[Any, ...]] = {
    "url": ("http://127.0.0.1:9/a", "http://127.0.0.1:9/b", "http://127.0.0.2:9/a"),
    "listen": ("127.0.0.1:8701", "127.0.0.1:8702"),
    "paths": (["a.jsonl"], ["b.jsonl"]),
    "path": ("/a", "/b"),
    "capacity": (5, 9, 7),
    "where": ("true", "data.a"),
    "headers": ({"X-A": "1"}, {"X-A": "2"}),
    "target": ("provided:one", "provided:two"),
    "by": ("data.a", "data.b"),
    "follow": (True, False),
    "open": (True, False),
    "description": ("one", "other"),
}
"""Values of fields beyond those that the schema shows."""


def document(kind: Kind, fields: dict[str, Any]) -> Graph:
    """Return a graph with a node of a kind, called `node`, and others for its ports."""
    node = {**snippet(kind), **fields}
    node.pop("name", None)
    ends = ("audit", "hooks", "errors", "primary", "standby", "first", "second")
    sinks: dict[str, Any] = {end: {"kind": "blackhole"} for end in ends}
    sources: dict[str, Any] = {"node": {"to": "audit", **node}}
    if kind.side == "sink":
        sources = {"in": {"kind": "inlet", "to": "node"}}
        sinks["node"] = node
    return load({"sinkgraph": 1, "name": "t", "sources": sources, "sinks": sinks})


@cache
def _fields(kind: Kind) -> dict[str, Any]:
    made: dict[str, Any] = document_schema()["$defs"][kind.model.__name__]["properties"]
    return made


def versions(kind: Kind, field: str) -> Iterator[Graph]:
    """Yield graphs that differ in one field of one node, as far as they are valid alone."""
    shown = _fields(kind)[field]
    words = [word for one in (shown, *shown.get("anyOf", ())) for word in one.get("enum", ())]
    default = [shown["default"]] if shown.get("default") is not None else []
    values = [*MORE.get(field, ()), *shown.get("examples", ()), *words, *default]
    for value in values:
        try:
            yield document(kind, {field: value})
        except DocumentError:
            continue


def changed(kind: Kind, field: str) -> Iterator[tuple[Graph, Graph, NodeChange]]:
    """Yield pairs of graphs that differ in a field, and what the plan says of the node."""
    for before, after in pairwise(versions(kind, field)):
        change = diff(before, after).of("node")
        if change.changes:
            yield before, after, change
