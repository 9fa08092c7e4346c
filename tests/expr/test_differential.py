"""Proves that compiled expressions and the library agree: on values, their types, and errors.

They are tried with 20 times the profile's number of examples, each an expression over up to eight
events: 2,000 expressions with every change, and with `HYPOTHESIS_PROFILE=soak SINKGRAPH_SOAK=…` any
number (10 make 20,000).
"""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sinkgraph.event import Batch, Event, Json, LazyEvent, Meta
from sinkgraph.expr.check import Result, check_expression
from sinkgraph.expr.compile import Expression, compile_expression
from sinkgraph.expr.errors import ExpressionError
from tests.expr.grammar import JSON, MORE, UNREADABLE, VARS, expressions, payloads

HELD: list[Any] = [None, True, 1, 2.5, "x", "é", ["x"], {"c": 1}, {"c": "x"}, {}]


def exact(value: Any) -> Any:
    """Return a value that differs wherever type or value do."""
    if isinstance(value, dict):
        return {"dict": sorted((key, exact(held)) for key, held in value.items())}
    if isinstance(value, list):
        return [exact(one) for one in value]
    return type(value).__name__, repr(value)


def answer(expression: Expression, event: Event) -> tuple[str, Any]:
    try:
        return "gives", exact(expression.evaluate(event))
    except ExpressionError as error:
        return "fails", str(error)


def both(text: str, result: Result) -> tuple[Expression, Expression]:
    assume(not check_expression(text, vars=VARS, result=result))
    fast = compile_expression(text, vars=VARS, result=result)
    return fast, compile_expression(text, vars=VARS, result=result, fast=False)


def head(n: int, held: Any) -> dict[str, Any]:
    return {"id": f"i{n}", "type": "Push", "source": "s", "time": 1e9 + n / 8, "meta": Meta(m=held)}


def many(times: int) -> settings:
    return settings(max_examples=times * settings.default.max_examples)  # type: ignore[union-attr]


@many(8)
@given(expressions(), payloads(MORE), st.sampled_from(HELD))
def test_an_expression_gives_the_librarys_answer_to_every_payload(
    made: tuple[str, Result], data: list[Any], held: Any
) -> None:
    text, result = made
    fast, plain = both(text, result)
    events = [Event(data=one, **head(n, held)) for n, one in enumerate(data)]
    assert [answer(fast, one) for one in events] == [answer(plain, one) for one in events]
    if result == "bool":
        matched, failed = fast.predicate(Batch.of(events))
        expected, expected_failed = plain.predicate(Batch.of(events))
        assert matched == expected
        assert [(i, str(e)) for i, e in failed] == [(i, str(e)) for i, e in expected_failed]


@many(7)
@given(expressions(), payloads(JSON), st.sampled_from(HELD))
def test_a_text_read_in_part_gives_the_librarys_answer(
    made: tuple[str, Result], data: list[Any], held: Any
) -> None:
    text, result = made
    fast, plain = both(text, result)
    texts = [msgspec.json.encode(one) for one in data]

    def events(*, sound: bool) -> list[Event]:
        return [
            LazyEvent(data=Json(one, sound=sound), **head(n, held)) for n, one in enumerate(texts)
        ]

    expected = [answer(plain, one) for one in events(sound=False)]
    for sound in (True, False):
        assert [answer(fast, one) for one in events(sound=sound)] == expected
    if result == "bool":
        for sound in (True, False):
            given_events = events(sound=sound)
            matched, failed = fast.predicate(Batch.of(given_events))
            assert matched == [i for i, one in enumerate(expected) if one == ("gives", exact(True))]
            assert [(i, str(error)) for i, error in failed] == [
                (i, said) for i, (how, said) in enumerate(expected) if how == "fails"
            ]


@many(5)
@given(expressions(), payloads([*UNREADABLE, *MORE]))
def test_a_value_cel_cannot_hold_is_never_answered_against_the_library(
    made: tuple[str, Result], data: list[Any]
) -> None:
    # The library is handed every field the expression names, so it fails where a compiled
    # expression may have its answer without looking; where the library answers, both agree.
    fast, plain = both(*made)
    for n, one in enumerate(data):
        event = Event(data=one, **head(n, None))
        quick, slow = answer(fast, event), answer(plain, event)
        assert quick == slow or (quick[0] == "gives" and "cannot be read" in slow[1]), one


@pytest.mark.parametrize("value", [1, True, 1.0, math.nan, -0.0, [1], {"a": [True]}])
def test_the_comparison_of_answers_tells_types_apart(value: Any) -> None:
    others = [1, True, 1.0, math.nan, -0.0, 0.0, [1], [1.0], {"a": [True]}, {"a": [1]}]
    assert sum(exact(one) == exact(value) for one in others) == 1
