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

_VALUES: dict[str, tuple[Any, ...]] = {
    "url": ("http://127.0.0.1:9/a", "http://127.0.0.1:9/b", "http://127.0.0.2:9/a"),
    "listen": ("127.0.0.1:8701", "127.0.0.1:8702"),
    "paths": (["a.jsonl"], ["b.jsonl"]),
    "path": ("/a", "/b"),
    "capacity": (5, 9, 7),
    "where": ("true", "data.a"),
    "headers": ({"X-A": "1"}, {"X-A": "2"}),
    "target": ("provided:one", "provided:two"),
    "by": ("data.a", "data.b"),
    "key": ("data.a", "data.b"),
    "order_by": ("data.a", "data.b"),
    "group": ("one", "other"),
    "description": ("one", "other"),
    "schema": ("docker.registry", "json"),
    "schemas": ({"event": "docker.registry"}, {"event": "json"}),
    "set": ({"data.a": 1}, {"data.a": 2}, {"data.b": 2}),
    "compute": ({"data.a": "data.b"}, {"data.a": "data.c"}),
    "rename": ({"data.a": "data.b"}, {"data.a": "data.c"}),
    "python": ("json:dumps", "json:loads"),
    "event": ({"n": 1}, {"n": 2}),
    "routes": (
        [{"when": "data.a", "to": "hooks"}],
        [{"when": "data.b", "to": "hooks"}],
        [{"when": "data.b", "to": "errors"}],
    ),
    "backoff": ({"base": "1s"}, {"base": "2s"}, {"kind": "go_events"}),
    "on_status": ({404: "ok"}, {404: "retry"}),
    "rotate": ({"max_size": "1MB"}, {"max_size": "2MB"}),
    **dict.fromkeys(("otherwise", "dead_letter", "default", "overflow"), ("hooks", "errors")),
    **dict.fromkeys(("follow", "open"), (True, False)),
    **dict.fromkeys(("ratio", "failure_rate", "slow_rate", "jitter"), (0.25, 0.5)),
    **dict.fromkeys(("slow_after", "window", "after"), ("1s", "2s")),
    **dict.fromkeys(("count", "burst", "probes", "min_calls", "every", "reopen_factor"), (3, 4)),
    **dict.fromkeys(("concurrency", "max_batch", "max_events", "max_attempts"), (3, 4)),
    **dict.fromkeys(("max_ids", "failure_threshold"), (3, 4)),
}
"""Values of fields beyond those that the schema shows."""

_BESIDE: dict[str, dict[str, Any]] = {
    "validate": {"schema": "docker.registry"},
    "overflow": {"when_full": "overflow"},
    "key": {"by": "key"},
    "ratio": {"every": None},
    "failure_rate": {"window": "1m"},
    "slow_after": {"window": "1m", "slow_rate": 0.5},
    "slow_rate": {"window": "1m", "slow_after": "1s"},
    "token": {"tokens": ["t"]},
}
"""Fields that others need beside them."""

_ENDS = ("audit", "hooks", "errors", "primary", "standby", "first", "second")


def document(kind: Kind, fields: dict[str, Any]) -> Graph:
    """Return a graph with a node of a kind, called `node`, and others for its ports."""
    node = {**snippet(kind), **fields}
    node = {key: value for key, value in node.items() if value is not None and key != "name"}
    sinks: dict[str, Any] = {end: {"kind": "blackhole"} for end in _ENDS}
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
    """Yield graphs that differ in one field of one node, as far as they are valid."""
    shown = _fields(kind)[field]
    words = [word for one in (shown, *shown.get("anyOf", ())) for word in one.get("enum", ())]
    default = [shown["default"]] if shown.get("default") is not None else []
    values = [*_VALUES.get(field, ()), *shown.get("examples", ()), *words, *default, None]
    if field == "to":
        many = any(port.name == "to" and port.many for port in kind.ports)
        values = [["audit", "hooks"], ["errors", "audit"]] if many else ["audit", "hooks"]
    beside = _BESIDE.get(field, {})
    if field == "max_batch" and kind.name == "http":
        beside = {"format": "ndjson"}
    for value in values:
        try:
            yield document(kind, {**beside, field: value})
        except DocumentError:
            continue


def changed(kind: Kind, field: str) -> Iterator[tuple[Graph, Graph, NodeChange]]:
    """Yield pairs of graphs that differ in a field, and what the plan says of the node."""
    for before, after in pairwise(versions(kind, field)):
        if _meaning(before) != _meaning(after):
            yield before, after, diff(before, after).of("node")


def _meaning(graph: Graph) -> object:
    edges = [(one.port, one.target, one.required) for one in graph.downstream("node")]
    return graph.nodes["node"].spec, sorted(edges)
