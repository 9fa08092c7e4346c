"""Proves that an expression gives one plain value or one clear error for every event."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
import uuid
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.errors import Rejected
from sinkgraph.event import Batch, Event, Json, LazyEvent, Meta
from sinkgraph.expr.compile import compile_expression
from sinkgraph.expr.errors import BadExpression, ExpressionError


def event(data: Any = None, **meta: Any) -> Event:
    return Event("id-1", "docker.push", "registry", 1_500_000_000.25, data, Meta(meta))


def value(text: str, data: Any = None, **meta: Any) -> Any:
    return compile_expression(text).evaluate(event(data, **meta))


def failure(text: str, data: Any = None) -> str:
    with pytest.raises(ExpressionError) as caught:
        value(text, data)
    return str(caught.value)


def batch(*payloads: Any) -> Batch:
    return Batch.from_payloads(list(payloads), "run", 0, source="src", type="t", time=1.0)


def test_every_variable_can_be_read() -> None:
    text = "[id, type, source, string(time), meta.n, data.a]"
    assert value(text, {"a": 1}, n=7) == [
        "id-1", "docker.push", "registry", "2017-07-14T02:40:00.250Z", 7, 1,
    ]  # fmt: skip


def test_fields_are_the_variables_it_reads() -> None:
    assert compile_expression("data.a == 1 && meta.x == id").fields == {"data", "meta", "id"}
    assert compile_expression("ev.type == source").fields == {"type", "source"}
    assert compile_expression("[1].exists(data, data == 1)").fields == frozenset()
    assert compile_expression("vars.n == data", vars={"n": 1}).fields == {"vars", "data"}


def test_a_loop_variable_hides_the_variable_of_its_name() -> None:
    assert value("[1, 2].map(data, data + 1)", {"a": 1}) == [2, 3]
    assert value("[[3]].map(ev, ev[0])") == [3]


def test_vars_are_values_fixed_at_compile_time() -> None:
    over = compile_expression("data.n > vars.limit", vars={"limit": 5, "unused": 2**70})
    assert over.evaluate(event({"n": 6})) is True
    assert over.evaluate(event({"n": 5})) is False
    with pytest.raises(BadExpression, match="beyond 64 bit"):
        compile_expression("data.n > vars.limit", vars={"limit": 2**70})
    with pytest.raises(BadExpression, match="limt` is not declared"):
        compile_expression("data.n > vars.limt", vars={"limit": 5})


def test_a_bad_expression_carries_every_finding() -> None:
    with pytest.raises(BadExpression) as caught:
        compile_expression("nope == 1 && other(2)", result="bool")
    assert [one.start for one in caught.value.errors] == [0, 13]
    assert "`nope` is not a variable at column 1" in str(caught.value)
    assert isinstance(caught.value, ValueError)


# failures ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "data", "said"),
    [
        ("data.a.c == 1", {"a": {}}, "there is no field `c`; guard it with `has(data.a.c)`"),
        ("data.a.c == 1", {}, "there is no field `a`; guard it with `has(data.a)`"),
        ('data["x-y"] == 1', {}, "there is no field `x-y`; guard it with `has(data.`x-y`)`"),
        ("data.a.c == 1", {"a": "x"}, "a field is read from a value that has none"),
        ("data.a.c == 1", {"a": [1]}, "a field is read from a value that has none"),
        ('data.a < "x"', {"a": 1}, "`<` does not take (int64, string)"),
        ("data.a < 1", {"a": True}, "`<` does not take (bool, int64)"),
        ("data.a < 1", {"a": None}, "`<` does not take (null_type, int64)"),
        ("data.a + 1 == 2", {"a": 1.0}, "`+` does not take (double, int64)"),
        ("!data.a", {"a": 1}, "`!` needs true or false"),
        ("data.a && true", {"a": 1}, "`&&` needs true or false"),
        ("data.a ? 1 : 2", {"a": 1}, "the condition before `?` is neither true nor false"),
        ('data.a.startsWith("x")', {"a": 1}, "no such method: (int64).startsWith(string)"),
        ("1 / data.a == 1", {"a": 0}, "divide by zero"),
        ("1 % data.a == 1", {"a": 0}, "modulus by zero"),
        ("data.a + 1 > 0", {"a": 2**63 - 1}, "integer overflow"),
        ("data.a[5] == 1", {"a": [1]}, "Index error: index=5 size=1"),
        ("id.matches(data.a)", {"a": "("}, "invalid regular expression: missing ): ("),
        ("data.a.all(a, data.a.all(b, true))", {"a": [0] * 200}, "more steps than an expression"),
        ('{data.a: 1, "k": 2}.size() == 2', {"a": "k"}, "duplicate key in map"),
        ("[data.?a]", {}, "the result holds an optional"),
        ('{"a": data.?a}', {}, "the result holds an optional"),
        ("{1: 2, true: 3}", {}, "the result has a key that is not text"),
    ],
)
def test_a_failure_shows_the_expression_and_the_reason(text: str, data: Any, said: str) -> None:
    message = failure(text, data)
    assert message.startswith("the expression `")
    assert text in message
    assert said in message


def test_a_failure_is_the_events_fault() -> None:
    with pytest.raises(Rejected):
        value("data.a", {})


def test_a_long_expression_is_cut_in_its_message() -> None:
    assert len(failure("data.a == 1 || data.b == '" + "x" * 3_000 + "'", {})) < 400


def test_control_characters_of_an_event_cannot_reach_a_terminal() -> None:
    assert "\x1b" not in failure("{}[data.a]", {"a": "\x1b]52;c;aGk=\x07"})


def test_and_or_absorb_errors_as_cel_says() -> None:
    assert value("data.a == 1 || true", {}) is True
    assert value("data.a == 1 && false", {}) is False
    assert value("false && data.a == 1", {}) is False
    assert "there is no field `a`" in failure("data.a == 1 || false", {})


def test_a_field_that_is_not_read_cannot_hurt() -> None:
    hurtful = {"big": 2**70, "nul": "a\0b", "sur": "\ud800", "odd": object(), "ok": 1}
    assert value("data.ok == 1", hurtful) is True
    assert value("has(data.big) && has(data.nul) && !has(data.none)", hurtful) is True


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (2**64, "`data.a.b` cannot be read: it is an integer beyond 64 bit"),
        (-(2**63) - 1, "it is an integer beyond 64 bit"),
        ("a\0b", "its text holds a NUL character"),
        ("\ud800", "its text holds a lone surrogate"),
        (b"a\0b", "its bytes hold a NUL"),
        ({"a\0b": 1}, "its text holds a NUL character"),
        ([[["\ud800"]]], "its text holds a lone surrogate"),
        (object(), "a object is not a JSON value"),
        ({(1, 2): 1}, "a tuple cannot be a key"),
        (Json(b"{nonsense"), "it is not JSON"),
    ],
)
def test_a_value_cel_cannot_hold_is_an_error_where_it_is_read(held: Any, said: str) -> None:
    assert said in failure("data.a.b == 1", {"a": {"b": held}})


def test_values_at_the_edge_of_64_bit_are_read() -> None:
    for edge in (2**63 - 1, -(2**63), 2**64 - 1):
        assert value("data", edge) == edge
    assert value("data > 9223372036854775807", 2**64 - 1) is True


@pytest.mark.parametrize("depth", [100, 199])
def test_deep_values_are_read(depth: int) -> None:
    assert value("size(data)", json.loads("[" * depth + "]" * depth)) == 1


@pytest.mark.parametrize("depth", [202, 500, 50_000])
def test_values_too_deep_are_an_error_and_no_crash(depth: int) -> None:
    deep: list[Any] = []
    for _ in range(depth):
        deep = [deep]
    assert "nests deeper than 200 levels" in failure("size(data) == 1", deep)


def test_a_payload_that_holds_itself_is_an_error() -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    assert "nests deeper" in failure("size(data) == 1", cycle)


@pytest.mark.parametrize("time", [float("nan"), float("inf"), 1e18, -1e18])
def test_a_time_outside_the_calendar_is_an_error_only_when_read(time: float) -> None:
    odd = Event("i", "t", "s", time, {"a": 1})
    assert compile_expression("data.a == 1").evaluate(odd) is True
    with pytest.raises(ExpressionError, match="`time` cannot be read"):
        compile_expression("time > timestamp('2020-01-01T00:00:00Z')").evaluate(odd)


# values -----------------------------------------------------------------------------------------


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Text(str):
    __slots__ = ()


@dataclasses.dataclass
class Point:
    x: int
    tags: tuple[str, ...] = ("a",)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (Json(b'{"a": [1, null]}'), {"a": [1, None]}),
        ((1, (2,)), [1, [2]]),
        (Colour.RED, "red"),
        (Level.HIGH, 3),
        (Text("x"), "x"),
        (Decimal("1.5"), "1.5"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (dt.datetime(2026, 1, 2, tzinfo=dt.UTC), "2026-01-02T00:00:00Z"),
        (Point(1), {"x": 1, "tags": ["a"]}),
        (Meta(a=1), {"a": 1}),
        ({1: 2}, {"1": 2}),
        (bytearray(b"x"), b"x"),
        ({"a"}, ["a"]),
    ],
)
def test_other_values_are_read_as_they_would_be_written(given: Any, read: Any) -> None:
    for text, data in (("data", given), ("data.a", {"a": given}), ("data[0]", [given])):
        got = value(text, data)
        assert got == read
        assert type(got) is type(read)


def test_a_field_of_another_mapping_is_read() -> None:
    assert value("data.a.x == 1 && data.b.y == 2", {"a": Point(1), "b": Meta(y=2)}) is True
    assert value("data.a.x", LazyEvent("i", data=Json(b'{"a":{"x":5}}')).data) == 5


def test_true_and_one_are_different_and_one_and_one_point_zero_are_not() -> None:
    assert value("data.a == 1", {"a": True}) is False
    assert value("data.a == true", {"a": 1}) is False
    assert value("data.a in [1, 2]", {"a": True}) is False
    assert value("data.a == 1", {"a": 1.0}) is True
    assert value("data.a in [1]", {"a": 1.0}) is True


def test_nan_equals_nothing() -> None:
    assert value("data.a == data.a", {"a": float("nan")}) is False
    assert value("data.a < 1.0 || data.a >= 1.0", {"a": float("nan")}) is False


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("time", "2017-07-14T02:40:00.250000Z"),
        ('timestamp("2020-01-01T00:00:00Z")', "2020-01-01T00:00:00Z"),
        ('duration("90s")', "90s"),
        ('duration("-1.5s")', "-1.5s"),
        ('duration("1m30s250us")', "90.00025s"),
        ("type(1)", "int"),
        ("type(data)", "map"),
        ("1u", 1),
        ("null", None),
        ('b"a\\000b"', b"a\0b"),
        ('"a\\u0000b"', "a\0b"),
        ('{"a": [1.5, null, {"x": b"y"}]}', {"a": [1.5, None, {"x": b"y"}]}),
        ("{1: 2, true: 3}[true]", 3),
        ("[type, type(type)]", ["docker.push", "string"]),
        ("optional.of(data.a).orValue(1)", 2),
        ('google.protobuf.Struct{fields: {"a": 1}}', {"a": 1.0}),
        ('"%s-%d".format(["a", 2])', "a-2"),
        ("math.least(3, 2)", 2),
        ('" x ".trim().upperAscii()', "X"),
    ],
)
def test_results_are_plain_json_values(text: str, plain: Any) -> None:
    got = value(text, {"a": 2})
    assert got == plain
    assert type(got) is type(plain)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


def same(a: Any, b: Any) -> bool:
    """Compare with types, so that True is not 1 and 1 is not 1.0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


@given(JSON)
def test_a_json_value_comes_back_as_it_went_in(payload: Any) -> None:
    assert same(value("data", payload), payload)
    assert same(value("data.x", {"x": payload, "y": "\0"}), payload)


def test_a_result_is_the_callers_own() -> None:
    payload = {"a": [1]}
    got = value("data", payload)
    got["a"].append(2)
    assert payload == {"a": [1]}


# what must be given -----------------------------------------------------------------------------


def test_a_bool_is_never_guessed() -> None:
    flag = compile_expression("data.a", result="bool")
    assert flag.evaluate(event({"a": True})) is True
    others: tuple[Any, ...] = (1, 0, "", "true", None, [], {})
    for held in others:
        with pytest.raises(ExpressionError, match="true or false is needed"):
            flag.evaluate(event({"a": held}))


def test_text_is_never_guessed() -> None:
    key = compile_expression("data.a", result="string")
    assert key.evaluate(event({"a": "x"})) == "x"
    others: tuple[Any, ...] = (1, True, None, [], b"x")
    for held in others:
        with pytest.raises(ExpressionError, match="text is needed"):
            key.evaluate(event({"a": held}))


# batches ----------------------------------------------------------------------------------------


def test_a_predicate_splits_a_batch_into_true_false_and_failed() -> None:
    where = compile_expression("data.n > 1", result="bool")
    matched, failed = where.predicate(
        batch({"n": 2}, {"n": 1}, {}, Json(b'{"n": 9}'), {"n": "x"}, Json(b"{"), {"n": 3})
    )
    assert matched == [0, 3, 6]
    assert [i for i, _ in failed] == [2, 4, 5]
    assert all(isinstance(error, ExpressionError) for _, error in failed)


def test_a_predicate_over_data_builds_no_event() -> None:
    for text in ("data.n > vars.x", "has(data.n)"):
        given = batch({"n": 2}, {"n": 1})
        compile_expression(text, vars={"x": 1}).predicate(given)
        assert not any(isinstance(held, Event) for held in given.page.values)


def test_a_predicate_over_the_head_sees_the_events() -> None:
    where = compile_expression('id == "run-1" && type == "t" && data == 2', result="bool")
    assert where.predicate(batch(1, 2, 3)) == ([1], [])


def test_a_predicate_counts_from_the_start_of_the_batch() -> None:
    where = compile_expression("data == 2", result="bool")
    assert where.predicate(batch(1, 2, 3)[1:]) == ([0], [])
    assert where.predicate(batch()) == ([], [])


def test_a_predicate_that_gives_no_bool_fails_each_event() -> None:
    matched, failed = compile_expression("data").predicate(batch(1, True, False))
    assert matched == [1]
    assert [i for i, _ in failed] == [0]


@given(st.lists(JSON.filter(lambda payload: payload is not None), max_size=5))
def test_a_predicate_agrees_with_evaluate(payloads: list[Any]) -> None:
    where = compile_expression("data.a == 1 || data > 2", result="bool")
    given = batch(*payloads)
    matched, failed = where.predicate(given)
    for i, one in enumerate(given):
        try:
            assert where.evaluate(one) is (i in matched)
        except ExpressionError as error:
            assert (i, str(error)) in [(j, str(other)) for j, other in failed]
