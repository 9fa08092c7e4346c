"""What expressions do wrong with values of a known type, and what is right and not found."""

from __future__ import annotations

from typing import Any

import pytest

from sinkgraph.expr.built_in import BUILT_IN
from sinkgraph.expr.check import checked
from sinkgraph.expr.found import Found
from sinkgraph.expr.judge import judge
from sinkgraph.expr.roots import Root
from sinkgraph.expr.schema import schema_problems, type_of_schema
from sinkgraph.expr.types import Type, of_value

ORDER: dict[str, Any] = {
    "type": "object",
    "required": ["kind", "total", "n", "note", "lines", "open", "labels"],
    "additionalProperties": False,
    "properties": {
        "kind": {"enum": ["card", "cash"]},
        "card": {"type": "object", "required": ["pan"], "properties": {"pan": {"type": "string"}}},
        "total": {"type": "number"},
        "n": {"type": "integer"},
        "tag": {"type": "string"},
        "flag": {"type": "boolean"},
        "a-b": {"type": "string"},
        "note": {"type": ["string", "null"]},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
        "open": {"type": "object", "required": ["x"], "properties": {"x": {"type": "integer"}}},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "wild": {"type": "object"},
    },
    "$defs": {
        "line": {
            "type": "object",
            "additionalProperties": False,
            "required": ["count"],
            "properties": {"count": {"type": "integer"}, "part": {"$ref": "#/$defs/line"}},
        }
    },
}


def found(text: str, schema: Any = ORDER, *, condition: bool = False) -> list[Found]:
    tree = checked(text, vars={"limit": 5}).tree
    roots = [Root(type_of_schema(schema))]
    vars = {"limit": of_value(5)}
    return judge(tree, text, roots, vars, schema="orders", condition=condition)[0]


def codes(text: str, schema: Any = ORDER) -> list[str]:
    return [f"{one.code} {text[one.start : one.end]}" for one in found(text, schema)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('data.knd == "card"', ["SG401 data.knd"]),
        ("has(data.knd)", ["SG401 data.knd"]),
        ('data["knd"] == "x"', ['SG401 data["knd"]']),
        ('data.?knd.orValue("") == "x"', ["SG401 data.?knd"]),
        ("data . knd . foo == 1", ["SG401 data . knd"]),
        ("data.lines.exists(l, l.cont > 1)", ["SG401 l.cont"]),
        ("data.lines.map(l, l.count)[0].foo", ["SG403 ."]),
        ("data.open.y == 1", ["SG401 data.open.y"]),
        ('data.tag == "x"', ["SG404 data.tag"]),
        ('data.`a-b` == "x"', ["SG404 data.`a-b`"]),
        ('data.labels.env == "x"', ["SG404 data.labels.env"]),
        ("data.lines[0].part.count > 1", ["SG404 data.lines[0].part"]),
        ("has(data.card.pan)", ["SG404 data.card"]),
        ('data.total > "5"', ["SG403 >"]),
        ('data.n == "5"', ["SG403 =="]),
        ("data.n.foo == 1", ["SG403 data.n.foo"]),
        ("data.note.size() > 1", ["SG403 size"]),
        ("data.total * 2.0 > 1.0", ["SG403 *"]),
        ("data.n && true", ["SG403 &&"]),
        ("data.n ? 1 : 2", ["SG403 data.n"]),
        ('data.kind in ["car", "bus"]', []),
        ('data.kind == "car"', ['SG405 "car"']),
        ('"x" in data.n', ["SG403 in"]),
        ("data.n.exists(x, x == 1)", ["SG403 data.n"]),
        ('data.lines["a"].count == 1', ['SG403 data.lines["a"]']),
        ('vars.limit > data.kind && data.kind == "card"', ["SG403 >"]),
        ("type.size() + data.kind == 1", ["SG403 +"]),
    ],
)
def test_what_is_wrong_is_found_at_its_place(text: str, expected: list[str]) -> None:
    assert codes(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        'data.kind == "card"',
        'has(data.tag) && data.tag == "x"',
        'data.tag == "x" && has(data.tag)',
        '!has(data.tag) || data.tag == "x"',
        'has(data.tag) ? data.tag == "x" : false',
        '"tag" in data && data.tag == "x"',
        'has(data.card) && has(data.card.pan) && data.card.pan == "1"',
        'data.?tag.orValue("") == "x"',
        'data.?card.?pan.orValue("") == "x"',
        'data.note != null && data.note.startsWith("x")',
        'data.note == null || data.note.startsWith("x")',
        'type(data.note) == string && data.note.startsWith("x")',
        "type(data.total) == double && data.total * 2.0 > 1.0",
        "double(data.total) * 2.0 > 1.0",
        "data.total > 5 && data.n > 1.5",
        "data.lines.all(l, l.count > 1) && data.lines[0].count > 1",
        "data.lines.exists(l, has(l.part) && l.part.count > 1)",
        "data.lines.filter(l, has(l.part)).map(l, l.count).exists(n, n > 1)",
        '"env" in data.labels && data.labels.env == "x"',
        'data.labels.exists(k, k == "x")',
        "has(data.open.y)",
        "has(data.wild) && data.wild.anything == 1",
        'meta.x == 1 && type == "a" && source == "b" && time > timestamp("2026-01-31T00:00:00Z")',
        "has(data.flag) && (data.flag || data.n > 1)",
        'data.kind in ["card", "bus"]',
        "data.n < vars.limit",
        "size(data.lines) > 1 && size(data.labels) > 0 && data.kind.size() > 1",
    ],
)
def test_what_is_right_is_not_found(text: str) -> None:
    assert codes(text) == []


def test_the_nearest_field_is_named_as_it_would_be_written() -> None:
    (one,) = found("data.lines[0].cuont > 1")
    assert one.headline == "`data.lines[0].cuont` is not a field of orders"
    assert one.help == "the nearest field is `data.lines[0].count`"


def test_an_open_schema_only_warns() -> None:
    (one,) = found("data.open.y == 1")
    assert one.severity == "warning"
    (two,) = found("data.y == 1")
    assert two.severity == "error"


def test_what_fails_for_some_events_is_a_warning() -> None:
    (one,) = found("data.total * 2.0 > 1.0")
    assert (one.severity, one.label) == ("warning", "fails for int, double")
    (two,) = found("data.kind * 2.0 > 1.0")
    assert two.severity == "error"


def test_the_fix_of_an_optional_field_is_shown() -> None:
    (one,) = found('data.tag == "x"')
    assert one.help == (
        'write `has(data.tag) && …`, or say what stands for it: `data.?tag.orValue("")`'
    )
    (two,) = found('data["a-b"] == "x"')
    assert two.help == (
        'write `"a-b" in data && …`, or say what stands for it: `data[?"a-b"].orValue("")`'
    )


def test_a_condition_gives_true_or_false() -> None:
    (one,) = found("data.kind", condition=True)
    assert (one.code, one.severity) == ("SG403", "error")
    assert found("has(data.flag) && data.flag", condition=True) == []


def test_alternatives_are_told_apart_by_what_a_condition_says() -> None:
    def shape(kind: str, field: str) -> dict[str, Any]:
        fields = {"kind": {"const": kind}, field: {"type": "string"}}
        return {"type": "object", "properties": fields, "required": ["kind", field],
                "additionalProperties": False}  # fmt: skip

    both = {"oneOf": [shape("a", "x"), shape("b", "y")]}
    assert codes('data.kind == "a" && data.x == "1"', both) == []
    assert codes('data.kind == "a" ? data.x == "1" : data.y == "1"', both) == []
    assert codes('data.kind == "b" && data.x == "1"', both) == ["SG401 data.x"]
    assert codes('data.x == "1"', both) == ["SG404 data.x"]
    assert codes('data.z == "1"', both) == ["SG401 data.z"]


def test_all_of_joins_fields_and_unevaluated_closes_them() -> None:
    base = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    more = {"type": "object", "properties": {"b": {"type": "integer"}}, "required": ["b"]}
    schema = {"allOf": [base, more], "unevaluatedProperties": False}
    assert codes('data.a == "x" && data.b > 1', schema) == []
    assert codes("data.c > 1", schema) == ["SG401 data.c"]
    assert found("data.c > 1", {"allOf": [base, more]})[0].severity == "warning"


def test_a_schema_that_is_only_itself_says_nothing() -> None:
    assert codes("data.a.b > 1", {"$ref": "#"}) == []
    assert codes("data.a.b > 1", {"allOf": [{"$ref": "#"}]}) == []


def test_the_fields_of_the_registry_that_documents_use_are_known() -> None:
    schema = BUILT_IN["docker.registry"]
    text = 'data.action == "push" && data.target.repository.startsWith("library/")'
    assert codes(text, schema) == []
    assert codes("has(data.target.size) && data.target.size > 1", schema) == []


def test_an_expression_of_many_branches_is_given_up_without_a_finding() -> None:
    part = "(has(data.tag) ? data.n > 1 : data.n > 2)"
    assert codes(" && ".join([part] * 60)) == []


@pytest.mark.parametrize(
    ("schema", "at"),
    [
        ([], ()),
        ({"type": "strng"}, ("type",)),
        ({"type": ["string", 5]}, ("type", 1)),
        ({"properties": []}, ("properties",)),
        ({"properties": {"a": 5}}, ("properties", "a")),
        ({"items": [{"type": "x"}]}, ("items", 0, "type")),
        ({"anyOf": []}, ("anyOf",)),
        ({"required": [1]}, ("required",)),
        ({"$ref": "other.json"}, ("$ref",)),
        ({"$ref": "#anchor"}, ("$ref",)),
        ({"$ref": "#/$defs/none"}, ("$ref",)),
        ({"$ref": 5}, ("$ref",)),
        ({"enum": {}}, ("enum",)),
    ],
)
def test_what_is_no_schema_is_found_at_its_place(schema: Any, at: tuple[Any, ...]) -> None:
    assert [one.at for one in schema_problems(schema)] == [at]


def test_a_value_has_the_type_of_its_parts() -> None:
    held: Type = of_value({"a": [1, "x"], "b": 1.5, "c": None})
    assert held.kinds == ("map",)
    assert of_value([True]).kinds == ("list",)
    assert of_value(object()).alts is None
