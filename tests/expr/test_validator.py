"""Events held against JSON Schema say what the reference implementation says."""

from __future__ import annotations

from random import Random
from typing import Any

import jsonschema
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from sinkgraph.expr.schema import schema_problems
from sinkgraph.expr.validator import unsupported, validator

SCALARS: list[Any] = [None, True, False, 0, 1, 1.0, 2.5, -3, 12, "", "a", "ab", "abc", "1"]
NAMES = ["a", "b", "ab"]


def value(rng: Random, depth: int = 2) -> Any:
    kind = rng.randint(0, 4) if depth else 0
    if kind < 2:
        return rng.choice(SCALARS)
    if kind == 2:
        return [value(rng, depth - 1) for _ in range(rng.randint(0, 3))]
    return {name: value(rng, depth - 1) for name in rng.sample(NAMES, rng.randint(0, 3))}


def schema(rng: Random, depth: int = 2) -> Any:
    if not depth:
        return rng.choice([True, False, {}, {"type": "string"}, {"type": ["integer", "null"]}])
    words: dict[str, Any] = {
        "type": rng.choice(["object", "array", "string", "number", "integer", "boolean", "null"]),
        "const": value(rng, 1),
        "enum": [value(rng, 1), value(rng, 1)],
        "minimum": rng.randint(-3, 3), "exclusiveMaximum": 2, "multipleOf": rng.choice([2, 0.5]),
        "minLength": 1, "maxLength": 2, "pattern": rng.choice(["^a", "b$", "^[a-c]+$", "(a|b)c"]),
        "required": rng.sample(NAMES, rng.randint(0, 2)),
        "properties": {name: schema(rng, depth - 1) for name in rng.sample(NAMES, 2)},
        "patternProperties": {"^a": schema(rng, depth - 1)},
        "additionalProperties": schema(rng, depth - 1),
        "propertyNames": {"maxLength": 1}, "minProperties": 1, "maxProperties": 2,
        "dependentRequired": {"a": ["b"]}, "dependentSchemas": {"b": schema(rng, depth - 1)},
        "items": schema(rng, depth - 1), "prefixItems": [schema(rng, depth - 1)],
        "minItems": 1, "maxItems": 2, "uniqueItems": True, "contains": schema(rng, depth - 1),
        "anyOf": [schema(rng, depth - 1), schema(rng, depth - 1)],
        "oneOf": [schema(rng, depth - 1), schema(rng, depth - 1)],
        "allOf": [schema(rng, depth - 1)], "not": schema(rng, depth - 1),
        "$ref": "#/$defs/d",
    }  # fmt: skip
    made = {word: words[word] for word in rng.sample(sorted(words), rng.randint(1, 3))}
    if rng.random() < 0.2:
        made |= {"if": schema(rng, depth - 1), "then": schema(rng, depth - 1)}
    return made


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 2**32))
def test_it_agrees_with_the_reference(seed: int) -> None:
    rng = Random(seed)
    one = {**schema(rng), "$defs": {"d": schema(rng, 0)}}
    assert schema_problems(one) == []
    ours, theirs = validator(one), jsonschema.Draft202012Validator(one)
    for _ in range(8):
        given_value = value(rng)
        note(f"{given_value!r} under {one!r}: {ours(given_value)}")
        assert (ours(given_value) is None) == theirs.is_valid(given_value)


@pytest.mark.parametrize(
    ("one", "given_value", "why"),
    [
        ({"required": ["id"]}, {}, "the event has no `id`"),
        ({"properties": {"n": {"type": "integer"}}}, {"n": "1"}, "n is not of type integer"),
        ({"items": {"enum": [1, "a"]}}, [2], '0 is none of 1, "a"'),
        ({"additionalProperties": False}, {"x": 1}, "x may not be there"),
        ({"properties": {"a": {"maxLength": 1}}}, {"a": "ab"}, "a has 2 characters"),
    ],
)
def test_the_reason_names_the_place_and_what_is_wrong(one: Any, given_value: Any, why: str) -> None:
    assert validator(one)(given_value) == why


def test_a_schema_that_holds_itself_ends() -> None:
    one = {"properties": {"next": {"$ref": "#"}}, "required": ["n"]}
    assert validator(one)({"n": 1, "next": {"n": 2, "next": {}}}) == "next/next has no `n`"
    endless = {"$ref": "#"}
    assert validator(endless)(1) == "it is nested too deeply to be held against the schema"


def test_a_pattern_takes_time_bounded_by_the_text() -> None:
    assert validator({"pattern": "^(a+)+$"})("a" * 50_000 + "b") is not None


def test_what_is_not_supported_is_named() -> None:
    one = {
        "properties": {"unevaluatedItems": {"unevaluatedProperties": False}},
        "items": {"pattern": "(?=x)"},
        "enum": [{"unevaluatedItems": 1}],
    }
    assert sorted(unsupported(one)) == [
        (("items", "pattern"), "pattern"),
        (("properties", "unevaluatedItems", "unevaluatedProperties"), "unevaluatedProperties"),
    ]
