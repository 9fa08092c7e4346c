"""The schema refuses nothing the loader takes, and what it shows as an example is taken.

`jsonschema` judges here; what an editor makes of it is in `test_schema_in_an_editor.py`.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import sinkgraph
from sinkgraph.spec.kind import Kind, all_kinds, find_kind
from sinkgraph.spec.schema import document_schema, snippet
from tests.support.program import GRAPHS

SHIPPED = sorted(
    path
    for path in GRAPHS.iterdir()
    if path.suffix in {".yaml", ".json"} and not path.name.endswith(".schema.json")
)
BLACKHOLE = {"kind": "blackhole"}


@cache
def _judge() -> Draft202012Validator:
    Draft202012Validator.check_schema(_schema())
    return Draft202012Validator(_schema())


@cache
def _schema() -> dict[str, Any]:
    return document_schema()


def refused(document: Any) -> list[str]:
    """Return why the schema refuses a document."""
    return [error.message for error in _judge().iter_errors(document)]


def around(kind: Kind, node: dict[str, Any]) -> dict[str, Any]:
    """Return a document that holds a node of a kind."""
    source, sinks = {"kind": "stdin", "to": "node"}, {"node": node}
    if kind.side == "source":
        source, sinks = {"to": "node", **node}, {"node": BLACKHOLE}
    return {
        "sinkgraph": 1,
        "name": "made",
        "sources": {"in": source},
        "sinks": {**sinks, "audit": BLACKHOLE},
    }


_ARITY = ("SG205", "SG211")
"""The findings on edges that are about the shape of a field: one target or a list."""


def mistakes(document: dict[str, Any]) -> list[str]:
    """Return what the loader says against the fields of a document; edges are its own affair."""
    found = sinkgraph.check(json.loads(json.dumps(document)))
    wrong = [one for one in found if one.severity == "error"]
    return [str(one) for one in wrong if one.code in _ARITY or not one.code.startswith("SG2")]


def offered(kind: Kind) -> dict[str, tuple[Any, ...]]:
    """Return what the schema shows for each field of a kind: examples, default, words."""
    model = _schema()["$defs"][kind.model.__name__]
    made: dict[str, tuple[Any, ...]] = {}
    for name, field in model["properties"].items():
        words = [word for one in (field, *field.get("anyOf", ())) for word in one.get("enum", ())]
        default = [field["default"]] if "default" in field else []
        made[name] = (*field.get("examples", ()), *words, *default)
    return {name: values for name, values in made.items() if values and name != "kind"}


KINDS = pytest.mark.parametrize("kind", all_kinds(), ids=lambda one: f"{one.side}-{one.name}")


@KINDS
def test_the_snippet_of_a_kind_is_taken(kind: Kind) -> None:
    document = around(kind, snippet(kind))
    assert mistakes(document) == []
    assert refused(document) == []


@KINDS
def test_every_example_of_a_field_is_taken(kind: Kind) -> None:
    """Those that need another field beside them are found by what they say."""
    for name, values in offered(kind).items():
        if name in ("name", "was"):
            continue
        for value in values:
            document = around(kind, {**snippet(kind), name: value})
            assert refused(document) == [], (name, value)
            wrong = [one for one in mistakes(document) if "SG142" not in one and "SG140" not in one]
            assert wrong == [], (name, value)


_HEAD = {"$schema": "./x.json", "description": "text", "vars": {"a": {"default": 1}}}


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_what_the_loader_takes_the_schema_takes(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(all_kinds()))
    fields = offered(kind)
    chosen = data.draw(st.lists(st.sampled_from(sorted(fields)), max_size=6, unique=True))
    node = {**snippet(kind), **{name: data.draw(st.sampled_from(fields[name])) for name in chosen}}
    for name in chosen:
        odd: list[Any] = [None, "${var:a}", "x", 3, True, 0.5, "1s", "1MB", [], {}, ["x"]]
        if data.draw(st.booleans()):
            node[name] = data.draw(st.sampled_from(odd))
    node.pop("name", None)
    heads: list[dict[str, Any]] = [{}, _HEAD, {"defaults": {kind.name: {}}}, {"tests": []}]
    head = data.draw(st.sampled_from(heads))
    document = {**around(kind, node), **head}
    assume(not mistakes(document))
    assert refused(document) == [], node


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_a_shipped_document_is_taken(path: Any) -> None:
    assert refused(yaml.safe_load(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "node",
    [
        {"kind": "que", "to": "audit"},
        {"kind": "stdin"},
        {"to": "audit"},
        {"kind": "queue"},
        {"kind": "queue", "to": "audit", "capcity": 3},
        {"kind": "queue", "to": "audit", "capacity": "many"},
        {"kind": "queue", "to": "audit", "capacity": 0},
        {"kind": "queue", "to": "audit", "linger": 5},
        {"kind": "queue", "to": "audit", "linger": "5 seconds"},
        {"kind": "queue", "to": "audit", "store": "tape"},
        {"kind": "queue", "to": {"kind": "file", "pth": "x"}},
        {"kind": "queue", "to": {"kind": "queue", "to": {"kind": "file"}}},
        {"kind": "broadcast", "to": [{"node": "audit", "requierd": True}]},
        {"kind": "broadcast", "to": [{"kind": "fil", "path": "x"}]},
        {"kind": "route", "routes": [{"when": "true", "to": {"kind": "file"}}]},
        {"kind": "route", "routes": [{"wen": "true", "to": "audit"}]},
        {"kind": "filter", "to": "audit", "where": "data.a == ${var:a}"},
        {"kind": "http", "url": "ftp://example.org/"},
        {"kind": "retry", "to": "audit", "backoff": {"kind": "linear"}},
        {"kind": "retry", "to": "audit", "backoff": {"bse": "1s"}},
        "audit",
    ],
    ids=str,
)
def test_what_is_wrong_is_refused_by_both(node: Any) -> None:
    kind = find_kind("sink", "queue")
    assert kind is not None
    document = around(kind, node)
    assert mistakes(document)
    assert refused(document)
