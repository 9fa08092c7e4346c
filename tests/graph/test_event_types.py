"""Types flow along the edges: conditions narrow them, transforms change them, Python ends them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sinkgraph.graph.load import check

SCHEMA = {
    "type": "object",
    "required": ["n"],
    "additionalProperties": False,
    "properties": {"n": {"type": "integer"}, "tag": {"type": "string"}},
}


@dataclass
class Order:
    """Is what the tests below name as `python:`."""

    number: int
    note: str | None = None


@pytest.fixture
def codes(tmp_path: Path) -> Any:
    (tmp_path / "one.json").write_text(json.dumps(SCHEMA))
    (tmp_path / "two.json").write_text(json.dumps({**SCHEMA, "required": ["n", "tag"]}))

    def found(sinks: str, schema: str = "one.json", more: str = "") -> list[str]:
        path = tmp_path / "graph.yaml"
        path.write_text(
            "sinkgraph: 1\nname: x\nsources:\n"
            f"  in: {{kind: stdin, schema: '{schema}', to: a}}\n{more}sinks:\n{sinks}"
            "  out: {kind: stdout}\n"
        )
        return [f"{one.code} {one.span.text if one.span else ''}" for one in check(path)]

    return found


def filter(name: str, where: str, to: str, more: str = "") -> str:
    return f"  {name}: {{kind: filter, where: '{where}', to: {to}{more}}}\n"


def test_a_filter_above_guards_what_is_below(codes: Any) -> None:
    below = filter("b", 'data.tag == "x"', "out")
    assert codes(filter("a", "has(data.tag)", "b") + below) == []
    assert codes(filter("a", "data.n > 1", "b") + below) == ["SG404 data.tag"]
    assert codes(filter("a", "!has(data.tag)", "out", ", otherwise: b") + below) == []
    passing = filter("a", "has(data.tag)", "b", ", on_error: pass")
    assert codes(passing + below) == ["SG404 data.tag"]


def test_a_route_tells_what_its_conditions_leave(codes: Any) -> None:
    route = (
        "  a: {kind: route, routes: [{when: '!has(data.tag)', to: out}, {when: data.n > 1, to: b}],"
        " default: b}\n"
    )
    assert codes(route + filter("b", 'data.tag == "x"', "out")) == []


def test_a_transform_changes_the_type(codes: Any) -> None:
    made = (
        "  a: {kind: transform, rename: {n: m}, set: {data.env: prod}, remove: [tag],"
        " compute: {data.size: 'string(data.n)'}, to: b}\n"
    )
    assert (
        codes(made + filter("b", 'data.m > 1 && data.env == "prod" && data.size == "1"', "out"))
        == []
    )
    assert codes(made + filter("b", "data.n > 1", "out")) == ["SG401 data.n"]
    assert codes(made + filter("b", "has(data.tag)", "out")) == ["SG401 data.tag"]
    assert codes(made + filter("b", "data.size > 1", "out")) == ["SG403 >"]


def test_python_may_make_anything(codes: Any) -> None:
    made = "  a: {kind: transform, python: 'json:dumps', to: b}\n"
    assert codes(made + filter("b", "data.nothing > 1", "out")) == []


def test_several_sources_give_the_union(codes: Any) -> None:
    below = filter("a", 'data.tag == "x"', "out")
    two = "  also: {kind: file, paths: [x], schema: two.json, to: a}\n"
    assert codes(below, "two.json") == []
    assert codes(below, "two.json", two) == []
    assert codes(below, "one.json", two) == ["SG404 data.tag"]
    assert codes(filter("a", "data.x > 1", "out"), "one.json", two) == ["SG401 data.x"]
    anything = "  also: {kind: file, paths: [x], to: a}\n"
    assert codes(filter("a", "data.x > 1", "out"), "one.json", anything) == []
    chosen = filter("a", 'source == "in" && data.x > 1', "out")
    assert codes(chosen, "one.json", two) == [], "the condition chooses in ways that are not known"


def test_a_dead_letter_has_the_payload_as_it_came(codes: Any) -> None:
    made = "  a: {kind: transform, rename: {n: m}, to: out, dead_letter: b}\n"
    assert codes(made + filter("b", "data.n > 1", "out")) == []
    assert codes(made + filter("b", "data.m > 1", "out")) == ["SG401 data.m"]


def test_a_type_of_python_is_a_schema(codes: Any) -> None:
    schema = "python:tests.graph.test_event_types:Order"
    assert codes(filter("a", "data.number > 1", "out"), schema) == []
    assert codes(filter("a", "data.number.x > 1", "out"), schema) == ["SG403 data.number.x"]
    assert codes(filter("a", "data.note.size() == 1", "out"), schema) == [
        "SG404 data.note",
        "SG403 size",
    ]
    assert codes(filter("a", "data.n > 1", "out"), f"{schema}s")[0].startswith("SG406")


def test_keys_are_judged_as_conditions_are(codes: Any) -> None:
    keyed = "  a: {kind: queue, order_by: data.tga, to: out}\n"
    assert codes(keyed) == ["SG401 data.tga"]


def test_a_schema_from_outside_the_document_is_refused(
    codes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCHEMA", "one.json")
    assert codes(filter("a", "data.x > 1", "out"), "${env:SCHEMA}")[0].startswith("SG406")


@pytest.fixture
def by_type(tmp_path: Path) -> Any:
    order = {**SCHEMA, "properties": {"total": {"type": "integer"}, "id": {"type": "string"}}}
    bill = {**SCHEMA, "properties": {"sum": {"type": "integer"}, "id": {"type": "string"}}}
    (tmp_path / "order.json").write_text(json.dumps({**order, "required": ["total", "id"]}))
    (tmp_path / "bill.json").write_text(json.dumps({**bill, "required": ["sum", "id"]}))

    def found(sinks: str, *, default: str = "order.json", more: str = "") -> list[str]:
        path = tmp_path / "graph.yaml"
        others = f", default: {default}" if default else ""
        path.write_text(
            "sinkgraph: 1\nname: x\nsources:\n"
            "  in: {kind: inlet, to: a, schemas: {order.created: order.json, "
            f'"bill.*": bill.json{others}}}}}\n{more}sinks:\n{sinks}  out: {{kind: stdout}}\n'
        )
        return [
            f"{one.code} {one.severity} {one.span.text if one.span else ''}"
            + (f": {one.headline}" if "not a field" in one.headline else "")
            for one in check(path)
        ]

    return found


@pytest.mark.parametrize(
    "where",
    [
        'type == "order.created" && data.total > 3',
        'type in ["order.created"] && data.total > 3',
        'type == "bill.sent" && data.sum > 3',
        'type.startsWith("bill.") && data.sum > 3',
        'type.startsWith("bill.sent") && data.sum > 3',
        '!type.startsWith("bill.") || data.sum > 3',
        'type != "order.created" || data.total > 3',
        'type == "bill.sent" ? data.sum > 3 : type == "x" && data.total > 1',
        'data.id == "x"',
    ],
)
def test_a_known_type_of_event_tells_which_schema_holds(where: str, by_type: Any) -> None:
    assert by_type(filter("a", where, "out")) == []


@pytest.mark.parametrize(
    ("where", "field", "schema"),
    [
        ('type == "order.created" && data.sum > 3', "data.sum", "order.json"),
        ('type == "bill.sent" && data.total > 3', "data.total", "bill.json"),
        ('type.startsWith("bill.") && data.total > 3', "data.total", "bill.json"),
        ('type == "unlisted" && data.sum > 3', "data.sum", "order.json"),
        ("data.nothing > 3", "data.nothing", "the schemas of `in`"),
    ],
)
def test_a_field_that_no_schema_of_the_type_has_is_an_error(
    where: str, field: str, schema: str, by_type: Any
) -> None:
    said = f"SG401 error {field}: `{field}` is not a field of {schema}"
    assert by_type(filter("a", where, "out")) == [said]


def test_a_field_that_some_schemas_have_may_be_missing(by_type: Any) -> None:
    assert by_type(filter("a", "data.total > 3", "out")) == ["SG404 warning data.total"]
    chosen = filter("a", 'type.startsWith("order") && data.total > 3', "out")
    assert by_type(chosen) == [], "of the default, of an order: both have it"
    assert by_type(filter("a", "data.sum > 3", "out")) == ["SG404 warning data.sum"]


def test_a_filter_on_the_type_tells_what_is_below(by_type: Any) -> None:
    below = filter("b", "data.sum > 3", "out")
    assert by_type(filter("a", 'type.startsWith("bill.")', "b") + below) == []
    other = filter("a", 'type == "order.created"', "out", ", otherwise: b")
    assert by_type(other + below) == ["SG404 warning data.sum"]
    only = filter("a", 'type == "order.created"', "b")
    assert by_type(only + below) == [
        "SG401 error data.sum: `data.sum` is not a field of order.json"
    ]


def test_without_a_default_other_types_are_anything(by_type: Any) -> None:
    assert by_type(filter("a", "data.nothing > 3", "out"), default="") == []
    wrong = filter("a", 'type == "bill.x" && data.nothing > 3', "out")
    assert [one.partition(":")[0] for one in by_type(wrong, default="")] == [
        "SG401 error data.nothing"
    ]


def test_another_type_that_is_set_leaves_every_schema_possible(by_type: Any) -> None:
    made = "  a: {kind: transform, set: {type: mine}, to: b}\n"
    assert by_type(made + filter("b", 'type == "mine" && data.id == "x"', "out")) == []
    said = "`data.nothing` is not a field of the schemas of `in` behind transform `a`"
    found = by_type(made + filter("b", "data.nothing > 1", "out"))
    assert found == [f"SG401 error data.nothing: {said}"]


def test_a_schema_of_a_type_that_cannot_be_used_is_told_at_its_place(by_type: Any) -> None:
    found = by_type(filter("a", "data.nothing > 3", "out"), default="./none.json")
    assert found == ["SG406 error ./none.json"]


def test_a_schema_file_that_is_not_there_is_told_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "shapes").mkdir()
    (tmp_path / "shapes" / "order.schema.json").write_text("{}")
    text = (
        "sinkgraph: 1\nname: x\n"
        "sources: {in: {kind: stdin, schema: SCHEMA, to: out}}\n"
        "sinks: {out: {kind: stdout}}\n"
    )
    for named, help in [
        ("shapes/orders.schema.json", "the nearest is `shapes/order.schema.json`"),
        ("shapes/bill.json", "a path is relative to the document that writes it"),
    ]:
        (tmp_path / "g.yaml").write_text(text.replace("SCHEMA", named))
        (found,) = check(tmp_path / "g.yaml")
        assert (found.code, found.help) == ("SG406", (help,))
