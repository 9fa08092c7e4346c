"""What is told for certain of a condition is what the library then finds on every event."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinkgraph.event import Event
from sinkgraph.expr.check import checked
from sinkgraph.expr.compile import compile_expression
from sinkgraph.expr.errors import BadExpression, ExpressionError
from sinkgraph.expr.foregone import Foregone, foregone


def judged(text: str) -> Foregone | None:
    return foregone(text, checked(text, result="bool").tree)


@pytest.mark.parametrize(
    "text",
    ["true", "!false", "1 < 2", "'a' == 'a'", "true || data.a == 1", "data.a == 1 || true",
     "true && !(1 > 2)", "true ? 2 > 1 : data.a", "(1 == 1) && ('a' < 'b')", "1 != 2"],
)  # fmt: skip
def test_it_always_holds(text: str) -> None:
    assert judged(text) == Foregone(True)


@pytest.mark.parametrize(
    "text",
    ["false", "!true", "1 > 2", "data.a == 1 && false", "data.a in []", "false || !true",
     "false ? data.a : 1 == 2"],
)  # fmt: skip
def test_its_literals_let_it_never_hold(text: str) -> None:
    assert judged(text) == Foregone(False)


@pytest.mark.parametrize(
    ("text", "one", "other"),
    [
        ("data.a == 'x' && data.a == 'y'", "'x'", "'y'"),
        ("data.a == 'x' && data.a == 1", "'x'", "1"),
        ("data.a == 1 && data.b == 2 && data.a == 3", "1", "3"),
        ("data.a == 2 && data.a != 2", "2", "2"),
        ("data.a != 'x' && data.a == 'x'", "'x'", "'x'"),
        ("data.a > 9 && data.a < 5", "9", "5"),
        ("data.a >= 5 && data.a < 5", "5", "5"),
        ("data.a > 5 && data.a <= 5", "5", "5"),
        ("9 < data.a && 5 > data.a", "9", "5"),
        ("data.a == 7 && data.a > 7", "7", "7"),
        ("type == 'a' && (data.b || data.c) && type == 'b'", "'a'", "'b'"),
        ("size(data.a) == 1 && size(data.a) == 2", "1", "2"),
    ],
)
def test_two_literals_exclude_each_other(text: str, one: str, other: str) -> None:
    found = judged(text)
    assert found is not None
    assert not found.holds
    assert found.clash is not None
    assert [text[start:end] for start, end in found.clash] == [one, other]


@pytest.mark.parametrize(
    "text",
    ["data.a && !data.a", "!has(data.a) && has(data.a)", "!has(data.a) && data.a == 1",
     "data.a in ['x', 'y'] && data.a == 'z'", "data.a in [1, 2] && data.a in [3]",
     "!(data.a > 1 && data.b) && (data.a > 1 && data.b) == true && false",
     "data.l.exists(x, x > 1) && !data.l.exists(x, x > 1)"],
)  # fmt: skip
def test_parts_exclude_each_other(text: str) -> None:
    found = judged(text)
    assert found is not None
    assert not found.holds


@pytest.mark.parametrize(
    "text",
    ["data.a", "data.a == 1 && data.a == 1.0", "data.a > 5 && data.a < 6", "data.a != 'x'",
     "data.a == 'x' || data.a == 'y'", "data.a == 'x' && data.b == 'y'", "data.a || !data.a",
     "vars.on == true", "vars.on == true && data.a", "!has(data.a) || data.a == 1",
     "data.a >= 5 && data.a <= 5", "data.a != 1 && data.a != 2", "data.a > 'a' && data.a < 5",
     "data.a in ['x', 'y'] && data.a == 'x'", "data.a == data.b && data.a == data.c",
     "has(data.a) && !has(data.b)", "data.l.exists(x, x == 1 && x == 2)"],
)  # fmt: skip
def test_what_is_not_certain_is_not_told(text: str) -> None:
    assert judged(text) is None


LITERALS = st.sampled_from(["0", "1", "2", "1.0", "1.5", "-1", "'a'", "'b'", "true", "null", "1u"])
FIELDS = st.sampled_from(["data.a", "data.b", "type", "data.m.a", "data['a']"])
SIGNS = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
ATOMS = st.one_of(
    st.tuples(FIELDS, SIGNS, LITERALS).map(" ".join),
    st.tuples(LITERALS, SIGNS, FIELDS).map(" ".join),
    st.tuples(FIELDS, st.lists(LITERALS, max_size=3)).map(
        lambda x: f"{x[0]} in [{', '.join(x[1])}]"
    ),
    st.sampled_from(["has(data.a)", "has(data.m.a)", "data.a", "true", "false", "1 < 2", "2 == 3"]),
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        inner.map(lambda x: f"!({x})"),
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(lambda x: f"({' '.join(x)})"),
        st.tuples(inner, inner, inner).map(lambda x: f"({x[0]} ? {x[1]} : {x[2]})"),
    ),
    max_leaves=6,
)
VALUES = st.sampled_from([0, 1, 2, 1.0, 1.5, -1, "a", "b", "", True, False, None, [1], {"a": 1}])
DATA = st.dictionaries(st.sampled_from(["a", "b", "m"]), VALUES, max_size=3)


@settings(max_examples=1500, deadline=None)
@given(text=CONDITIONS, payloads=st.lists(DATA, min_size=1, max_size=6))
def test_the_library_finds_the_same_on_every_event(text: str, payloads: list[Any]) -> None:
    try:
        found = judged(text)
    except BadExpression:
        return
    if found is None:
        return
    condition = compile_expression(text, result="bool")
    for data in payloads:
        try:
            value = condition.evaluate(Event("1", "a", data=data))
        except ExpressionError:
            value = None
        if found.holds:
            assert value is True
        else:
            assert value is not True
