"""An expression without a finding about types never fails by one, whatever valid event comes.

Schemas, events valid under them, and expressions over their fields are drawn. Each schema says its
kinds outright; a map of any names (`type: object` alone) is left out, as nothing is said of it.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from sinkgraph.event import Event
from sinkgraph.expr.check import checked
from sinkgraph.expr.compile import compile_expression
from sinkgraph.expr.errors import BadExpression, ExpressionError
from sinkgraph.expr.judge import judge
from sinkgraph.expr.roots import Root
from sinkgraph.expr.schema import schema_problems, type_of_schema

NAMES = ["a", "b", "c"]
SCALARS: list[dict[str, Any]] = [
    {"type": "integer"},
    {"type": "number"},
    {"type": "string"},
    {"type": "boolean"},
    {"type": ["string", "null"]},
    {"type": ["integer", "string"]},
    {"enum": ["x", "y"]},
    {"enum": [1, "x", None]},
    {"const": "x"},
]
OF_TYPES = (
    "there is no field", "does not take", "there is no such method", "needs true or false",
    "a field is read from a value that has none", "is neither true nor false",
    "true or false is needed", "Index error", "Invalid container",
)  # fmt: skip


def a_schema(rng: Random, depth: int = 2) -> dict[str, Any]:
    fields = {}
    for name in rng.sample(NAMES, rng.randint(1, 3)):
        kind = rng.randint(0, 9) if depth else 0
        if kind < 5:
            fields[name] = rng.choice(SCALARS)
        elif kind < 6:
            fields[name] = {"type": "array", "items": rng.choice(SCALARS)}
        elif kind < 7:
            fields[name] = {"type": "array", "items": a_schema(rng, depth - 1)}
        elif kind < 8:
            inner = rng.choice(SCALARS)
            fields[name] = {"type": "object", "additionalProperties": inner}
        else:
            fields[name] = a_schema(rng, depth - 1)
    made: dict[str, Any] = {"type": "object", "properties": fields}
    made["required"] = rng.sample(sorted(fields), rng.randint(0, len(fields)))
    made["additionalProperties"] = rng.choice([False, False, True])
    return made


def a_root(rng: Random) -> dict[str, Any]:
    if rng.randint(0, 3):
        return a_schema(rng)
    word = rng.choice(["anyOf", "oneOf"])
    options = []
    for kind in ("x", "y"):
        one = a_schema(rng, 1)
        one["properties"]["k"] = {"const": kind}
        one["required"] = [*one["required"], "k"]
        options.append(one)
    return {word: options}


def value_of(rng: Random, schema: dict[str, Any]) -> Any:
    """Draw a value that is valid under a schema."""
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return value_of(rng, rng.choice(schema[word]))
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return rng.choice(schema["enum"])
    kind = schema["type"]
    if isinstance(kind, list):
        kind = rng.choice(kind)
    match kind:
        case "integer":
            return rng.choice([0, 1, -3, 7])
        case "number":
            return rng.choice([0, 1, 1.5, -2.0])
        case "string":
            return rng.choice(["", "x", "y", "xyz"])
        case "boolean":
            return rng.random() < 0.5
        case "null":
            return None
        case "array":
            return [value_of(rng, schema["items"]) for _ in range(rng.randint(0, 2))]
    made = {}
    for name, each in schema.get("properties", {}).items():
        if name in schema["required"] or rng.random() < 0.5:
            made[name] = value_of(rng, each)
    rest = schema.get("additionalProperties")
    names = [name for name in [*NAMES, "k"] if name not in schema.get("properties", {})]
    if isinstance(rest, dict):
        made |= {name: value_of(rng, rest) for name in names if rng.random() < 0.5}
    elif rest is True:
        made |= {name: rng.choice([1, "x", None]) for name in names[:1]}
    return made


class Maker:
    """Draws the text of an expression, at most so deep."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.loops: list[str] = []

    def pick(self, *values: str) -> str:
        return self.rng.choice(values)

    def path(self) -> str:
        steps = self.rng.choices([*NAMES, "k"], k=self.rng.randint(1, 2))
        start = self.pick("data", "data", "data", *self.loops)
        made = start if start != "data" and self.rng.random() < 0.5 else ""
        return made or start + "".join(
            self.pick(f".{step}", f".{step}", f'["{step}"]') for step in steps
        )

    def value(self, depth: int) -> str:
        if depth <= 0:
            return self.pick(self.path(), self.path(), "1", '"x"', "1.5", "true", "null")
        one, two = self.value(depth - 1), self.value(depth - 1)
        return self.pick(
            self.path(), f"({one} + {two})", f"({one} * {two})", f"-{self.path()}",
            f"size({one})", f"{self.path()}[0]", f"{self.path()}[{one}]",
            f"({self.condition(depth - 1)} ? {one} : {two})",
            f"{self.dotted()}.?{self.pick(*NAMES)}.orValue({two})", f"string({one})",
            f"[{one}, {two}]", f"{self.path()}.lowerAscii()", f'{{"a": {one}}}.a', "vars.n",
        )  # fmt: skip

    def dotted(self) -> str:
        return self.pick("data", f"data.{self.pick(*NAMES)}")

    def condition(self, depth: int) -> str:
        path = self.path()
        tests = (
            f"has({self.dotted()}.{self.pick(*NAMES)})", f"{path} == {self.value(0)}",
            f"{path} != null", f'data.k == {self.pick(chr(34) + "x" + chr(34), "1")}',
            f'"{self.pick(*NAMES)}" in {self.dotted()}', f"{path} in [1, null]",
            f"type({path}) == {self.pick('string', 'int', 'map', 'list', 'bool')}", path,
        )  # fmt: skip
        if depth <= 0:
            return self.pick(*tests)
        one, two = self.condition(depth - 1), self.condition(depth - 1)
        loop = f"l{len(self.loops)}"
        over = self.path()
        self.loops.append(loop)
        inner = self.condition(depth - 1)
        mapped = self.value(depth - 1)
        self.loops.pop()
        return self.pick(
            *tests, f"({one} && {two})", f"({one} && {two})", f"({one} || {two})", f"!{one}",
            f"({one} ? {two} : {inner})" if loop not in inner else one,
            f"{self.value(depth - 1)} {self.pick('<', '>=', '==', '!=')} {self.value(depth - 1)}",
            f"{path}.startsWith({self.value(0)})",
            f"{over}.{self.pick('exists', 'all')}({loop}, {inner})",
            f"{over}.filter({loop}, {inner}).map({loop}, {mapped}) == [1]",
        )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_an_expression_without_a_finding_never_fails_by_types(seed: int) -> None:
    rng = Random(seed)
    schema = a_root(rng)
    assert schema_problems(schema) == []
    held = type_of_schema(schema)
    events = [value_of(rng, schema) for _ in range(5)]
    for _ in range(12):
        text = Maker(rng).condition(rng.randint(0, 3))
        try:
            tree = checked(text, vars={"n": 1}).tree
        except BadExpression:
            continue
        found, _ = judge(tree, text, [Root(held)], {}, condition=True)
        if found:
            continue
        run = compile_expression(text, vars={"n": 1}, result="bool", fast=False)
        for payload in events:
            try:
                run.evaluate(Event("1", "t", "s", 0.0, payload))
            except ExpressionError as error:
                note(f"{text!r} on {payload!r} under {schema!r}: {error}")
                assert not any(said in str(error) for said in OF_TYPES)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32))
def test_what_is_said_to_fail_always_never_succeeds(seed: int) -> None:
    rng = Random(seed)
    schema = a_schema(rng)
    held = type_of_schema(schema)
    name = rng.choice(NAMES)
    texts = (
        f"data.{name} > 1", f'data.{name}.startsWith("x")', f"data.{name}.a > 1",
        f"data.{name} + 1 == 2", f"-data.{name} == 1", f"data.{name} && true",
        f"data.{name}.exists(x, true)", f"size(data.{name}) == 1", f"data.{name}[0] > 1",
    )  # fmt: skip
    for text in texts:
        tree = checked(text).tree
        found, _ = judge(tree, text, [Root(held)], {})
        if not any(one.severity == "error" for one in found):
            continue
        run = compile_expression(text, result="any", fast=False)
        for _ in range(4):
            payload = value_of(rng, schema)
            note(f"{text!r} on {payload!r} under {schema!r}")
            with pytest.raises(ExpressionError):
                run.evaluate(Event("1", "t", "s", 0.0, payload))
