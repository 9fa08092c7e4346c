"""Proves that generated predicates and the library give the same answer to every event."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sinkgraph.event import Batch, Event, Json, LazyEvent, Meta
from sinkgraph.expr.check import check_expression, checked
from sinkgraph.expr.compile import Expression, compile_expression
from sinkgraph.expr.errors import ExpressionError
from sinkgraph.expr.fast import Fast, compile_fast
from sinkgraph.expr.values import needs

VARS = {"n": 2, "s": "x", "deep": {"f": 1.5}, "flag": True}

PLACES = st.sampled_from(
    ["data.a", "data.b", "data.b.c", 'data["x-y"]', "data.b.c.d", 'data.b["c"]', "meta.m", "type"]
)
TEXTS = ["", "x", "xy", "y", "é", "x😀", "push"]
NUMBERS = [
    "0", "1", "-1", "2", "1.0", "-0.0", "1.5", "9007199254740992", "9007199254740993",
    "9223372036854775807", "-9223372036854775808", "9007199254740993.0", "9.3e18", "1e300",
    "vars.n", "vars.deep.f",
]  # fmt: skip
QUOTED = [f'"{text}"' for text in TEXTS]
CONSTANTS = st.sampled_from([*QUOTED, *NUMBERS, "true", "false", "null", "vars.s", "vars.flag"])
COMPARISONS = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])


def _atoms() -> st.SearchStrategy[str]:
    texts = st.sampled_from(QUOTED)
    some = st.lists(texts, min_size=1, max_size=3) | st.lists(
        st.sampled_from(NUMBERS[:4]), min_size=1, max_size=3
    )
    return st.one_of(
        st.builds("{} {} {}".format, PLACES, COMPARISONS, CONSTANTS),
        st.builds("{} {} {}".format, CONSTANTS, COMPARISONS, PLACES),
        st.builds("has({})".format, st.sampled_from(["data.a", "data.b.c", "meta.m", "data.b"])),
        st.builds("{}.{}({})".format, PLACES, st.sampled_from(["startsWith", "endsWith"]), texts),
        st.builds("{}.contains({})".format, PLACES, texts),
        st.builds("{} in [{}]".format, PLACES, some.map(", ".join)),
        st.builds("{} in {}".format, texts, PLACES),
        PLACES.filter(lambda place: place != "type"),
        st.sampled_from(["true", "false", "vars.flag"]),
    )


EXPRESSIONS = st.recursive(
    _atoms(),
    lambda inner: st.one_of(
        st.builds("({} && {})".format, inner, inner),
        st.builds("({} || {})".format, inner, inner),
        st.builds("!({})".format, inner),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
    ),
    max_leaves=5,
)

EDGES = [
    0, 1, -1, 2, 3, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, 2**64 - 1, 0.0, -0.0, 1.0, 1.5,
    2.0**53, 2.0**63, 9.3e18, 1e300, float("inf"), float("-inf"), float("nan"),
]  # fmt: skip
SCALARS = st.none() | st.booleans() | st.sampled_from(TEXTS) | st.sampled_from(EDGES) | st.binary()
READABLE = st.recursive(
    SCALARS.filter(lambda held: not (isinstance(held, bytes) and 0 in held)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["c", "d", "x", ""]), inner, max_size=3)
    ),
    max_leaves=5,
)
UNREADABLE = st.sampled_from(
    ["\0", "x\0", "\ud800", 2**64, -(2**63) - 1, b"\0", object(), ["\0"], {"c": "\0"}, {"c": 2**70},
     ["x", "\ud800"], {"\0": 1}]
)  # fmt: skip
ODD = st.sampled_from(
    [(1, 2), {1: 2}, {"c": {1: 2}}, Json(b'{"c":1}'), Json(b"{"), Meta(c=True), {"x"},
     bytearray(b"x"),
     defaultdict(int), {"c": defaultdict(int, d=1)}]
)  # fmt: skip


def payloads(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keys = st.sampled_from(["a", "b", "x-y"])
    return st.dictionaries(keys, values, max_size=3) | values.filter(lambda held: held is not None)


def compiled(text: str) -> Fast | None:
    root = checked(text).tree.root
    return compile_fast(root, VARS, needs(root), "bool")


def answer(expression: Expression, event: Event) -> tuple[str, Any]:
    try:
        return "gives", expression.evaluate(event)
    except ExpressionError as error:
        return "fails", str(error)


def both(text: str) -> tuple[Expression, Expression]:
    return (
        compile_expression(text, vars=VARS, result="bool"),
        compile_expression(text, vars=VARS, result="bool", fast=False),
    )


def events(data: list[Any], held: Any) -> list[Event]:
    return [Event(f"i{n}", "push", "s", 1.0, one, Meta(m=held)) for n, one in enumerate(data)]


@given(EXPRESSIONS, st.lists(payloads(READABLE), min_size=1, max_size=6), READABLE)
def test_values_cel_can_hold_get_the_same_answer(text: str, data: list[Any], held: Any) -> None:
    assume(not check_expression(text, vars=VARS, result="bool"))
    fast, plain = both(text)
    given = events(data, held)
    assert [answer(fast, one) for one in given] == [answer(plain, one) for one in given]
    batch = Batch.of(given)
    matched, failed = fast.predicate(batch)
    expected, expected_failed = plain.predicate(batch)
    assert matched == expected
    assert [(i, str(error)) for i, error in failed] == [(i, str(e)) for i, e in expected_failed]


@given(EXPRESSIONS, st.lists(payloads(UNREADABLE | ODD | READABLE), min_size=1, max_size=6))
def test_a_value_cel_cannot_hold_is_never_answered_against_the_library(
    text: str, data: list[Any]
) -> None:
    # The library is handed every field the expression names, so it fails where a fast predicate
    # may have its answer without looking; where the library answers, both agree.
    assume(not check_expression(text, vars=VARS, result="bool"))
    fast, plain = both(text)
    for one in events(data, held=None):
        quick, slow = answer(fast, one), answer(plain, one)
        assert quick == slow or (quick[0] == "gives" and "cannot be read" in slow[1])


FLAT: list[Any] = [
    None, True, False, *TEXTS, *EDGES, "\0", "x\0", "\ud800", 2**64, -(2**63) - 1, b"x", b"\0", [],
    ["x"], [1, True, None, "y"], ["é", "x"], {}, {"x": 1}, {"y": None}, object(), (), Json(b"{}"),
    {1: 2}, {"x"}, Meta(x=1), bytearray(b"x"), [2**63, "x"], [[]], [{}, 1.0],
]  # fmt: skip
ALL_CONSTANTS = [*QUOTED, *NUMBERS, "true", "false", "null", "vars.s", "vars.flag"]


def agree(texts: list[str]) -> int:
    """Judge every flat value by every expression in both ways; return how many were compiled."""
    held = [Event(f"i{n}", data={"a": one}) for n, one in enumerate(FLAT)]
    count = 0
    for text in texts:
        if check_expression(text, vars=VARS, result="bool"):
            continue
        fast, plain = both(text)
        count += compiled(text) is not None
        for one in held:
            assert answer(fast, one) == answer(plain, one), (text, one.data)
    return count


@pytest.mark.parametrize("operator", ["==", "!=", "<", "<=", ">", ">="])
def test_every_comparison_of_every_value_agrees(operator: str) -> None:
    texts = [f"data.a {operator} {constant}" for constant in ALL_CONSTANTS]
    texts += [f"{constant} {operator} data.a" for constant in ALL_CONSTANTS]
    assert agree(texts) >= 44


def test_every_test_of_every_value_agrees() -> None:
    texts = [f"data.a.{how}({text})" for how in ("startsWith", "endsWith", "contains")
             for text in QUOTED]  # fmt: skip
    texts += [f"data.a in [{text}]" for text in (*QUOTED, *NUMBERS[:4], '"x", "é"', "1, 2")]
    texts += [f"{text} in data.a" for text in QUOTED]
    texts += ["data.a", "!data.a", "has(data.a)", "has(data.a.x)", "has(data.b)", "data.a.x == 1"]
    texts += ["data.a && true", "true && data.a", "data.a || false", "data.a ? true : false"]
    assert agree(texts) == len(texts)


COMMON = [
    'data.action == "push" && data.target.repository.startsWith("library/")',
    'data.action != "pull" || data.target.size > 1000',
    'has(data.target.tag) && data.target.tag == "latest"',
    'data.action in ["push", "mount"]',
    'type == "docker.registry.push" && !(data.x == true)',
    'data.level >= 3 ? data.name.endsWith(".log") : data.name.contains("/")',
    "data.flag",
    '"debug" in data.tags',
    "data.owner != null && data.size < vars.n",
    'meta.attempts > 3 && source == "a"',
    "data.status in [200, 201]",
]


@pytest.mark.parametrize("text", COMMON)
def test_common_predicates_are_compiled(text: str) -> None:
    assert compiled(text) is not None


OTHER = [
    "data.size + 1 == 13", "data.size > data.level", "data.tags.exists(t, t == \"a\")",
    "data.items.all(i, i.n > 0)", "data.items.map(i, i.n).exists(n, n == 2)",
    'data.name.matches("^x")', 'data.name.matches("[a-z]+[.]log$")', 'data.?nope.orValue("") == ""',
    "size(data.tags) == 2", 'data.action in ["x", 1] || "push" in [data.action]',
    "time > timestamp('1969-01-01T00:00:00Z') && time.getHours() == 0", "data.items[1].n == 2",
    "data[data.action] == 5", "int(data.digits) == 12", 'type(data.tags) == list',
    'data.name.lowerAscii().endsWith("log")', 'data.owner == "me" ? data.flag : data.level < 1',
]  # fmt: skip
HELD = {
    "action": "push", "target": {"repository": "library/x", "size": 12, "tag": "latest"}, "x": 1,
    "level": 3, "name": "x.log", "flag": True, "tags": ["debug", "a"], "owner": "me", "size": 12,
    "status": 200, "items": [{"n": 1}, {"n": 2}], "digits": "12", "push": 5,
}  # fmt: skip


@pytest.mark.parametrize("text", [*COMMON, *OTHER])
def test_what_is_compiled_needs_no_library(text: str) -> None:
    # A value, or a text read in part, is judged without anything being raised.
    fast = compiled(text)
    assert fast is not None
    raw = msgspec.json.encode(HELD)
    for data in (HELD, Json(raw), Json(raw, sound=True)):
        event = LazyEvent("i", "docker.registry.push", "a", 1.0, data, Meta(attempts=1))
        expected = compile_expression(text, vars=VARS, fast=False).evaluate(event)
        assert fast.one(event) is expected
        assert fast.judge([event]) == ([0] if expected else [], [])


@pytest.mark.parametrize(
    "text",
    [
        "data.a == 1u", "data == 1", 'data.a == "x\\u0000"', "true", "vars.deep == 1",
        "[1].exists(data, data == 1)", 'data.a == b"x"', "[1, ?data.?a] == data.b",
        'timestamp(data.a) < time', "time.getHours('CET') == 1", "data.?a == optional.none()",
        'data.a.exists(x, x == 1u)', "data.a == [1]", 'has(data.?a.b)', 'data.a.matches(data.b)',
        'time == timestamp("2026-01-01T00:00:00.123456789Z")', "data.a.split('').size() == 1",
        "math.greatest(data.a, 2) == 2", "type(data.a) == type(data.b)",
    ],
)  # fmt: skip
def test_what_is_not_known_whole_is_left_to_the_library(text: str) -> None:
    assert check_expression(text, vars=VARS) == []
    assert compiled(text) is None


def test_names_and_constants_of_a_document_are_never_python() -> None:
    text = "data[\"__import__('os')\"] == \"'); raise SystemExit #\" || data.__class__ == 'dict'"
    expression = compile_expression(text, result="bool")
    assert compiled(text) is not None
    held = {"__import__('os')": "'); raise SystemExit #"}
    assert expression.evaluate(Event(data=held)) is True
    assert expression.evaluate(Event(data={"__import__('os')": "", "__class__": "dict"})) is True


def test_a_missing_key_is_not_made() -> None:
    held: defaultdict[str, Any] = defaultdict(dict)
    expression = compile_expression('data.a.b == "x"', result="bool")
    with pytest.raises(ExpressionError, match="there is no field `b`"):
        expression.evaluate(Event(data={"a": held}))
    with pytest.raises(ExpressionError, match="there is no field `a`"):
        expression.evaluate(Event(data=held))
    assert not held


def test_json_text_is_read_and_decoded_once() -> None:
    expression = compile_expression("data.a == 1", result="bool")
    batch = Batch.of([LazyEvent("i", data=Json(b'{"a":1}')), LazyEvent("j", data=Json(b"{"))])
    matched, failed = expression.predicate(batch)
    assert matched == [0]
    assert [i for i, _ in failed] == [1]
    assert "not JSON" in str(failed[0][1])


def test_a_payload_that_is_no_json_is_an_error_in_both_ways() -> None:
    broken = LazyEvent("i", data=Json(b"{"))
    for text in ("data.a == 1", "data.a", "data", 'data.a == 1 && type == "t"'):
        for fast in (True, False):
            with pytest.raises(ExpressionError, match="not JSON"):
                compile_expression(text, fast=fast).evaluate(broken)


@pytest.mark.parametrize("place", ["data.a", "data.a.x", 'data["a"]', "meta.m", "meta.m.x"])
@pytest.mark.parametrize("result", ["any", "string"])
def test_reading_a_field_gives_the_same_value_in_both_ways(place: str, result: Any) -> None:
    fast = compile_expression(place, result=result)
    plain = compile_expression(place, result=result, fast=False)
    for held in [*FLAT, {"x": "deep"}, {"x": None}, {"x": 2**70}]:
        event = Event(data={"a": held}, meta=Meta(m=held))
        quick, slow = answer(fast, event), answer(plain, event)
        assert repr(quick) == repr(slow), held


def test_reading_the_head_gives_the_same_value_in_both_ways() -> None:
    odd: Any = 5
    for text in ("id", "type", "source", "ev.id", "time", "data", "meta"):
        for event in (Event("i", "t", "s", 1.0, "d"), Event("\0", odd, "\ud800", 1.0, [1])):
            given = [compile_expression(text, fast=fast) for fast in (True, False)]
            assert answer(given[0], event) == answer(given[1], event)


def test_a_predicate_over_payloads_builds_no_event() -> None:
    batch = Batch.from_payloads([{"a": 1}, {"a": 2}], "r", 0, source="", type="t", time=0.0)
    assert compile_expression("data.a == 2", result="bool").predicate(batch) == ([1], [])
    assert not any(isinstance(held, Event) for held in batch.page.values)


def test_an_event_whose_text_is_none_is_judged_by_the_library() -> None:
    odd: Any = 5
    expression = compile_expression('type != "x"', result="bool")
    with pytest.raises(ExpressionError):
        expression.evaluate(Event(type=odd, data=1))


@pytest.mark.parametrize("held", [["\ud800"], ["y", "\0"], [2**70], {"y": 1, 2: 3}, [b"\0"]])
def test_what_is_not_found_among_odd_things_is_left_to_the_library(held: Any) -> None:
    fast, plain = both('"x" in data.a')
    event = Event(data={"a": held})
    assert answer(fast, event) == answer(plain, event)


DEEP = [
    " && ".join(["data.n > 0"] * 290),
    "[1]" + ".filter(x, x > 0)" * 6 + ".size() == data.n",
    "data.l.exists(a, " * 7 + "a == 1" + ")" * 7,
    "data.n == " + "(" * 20 + "data.n" + " + 1)" * 20,
    "(" + "".join(f"data.n == {n} ? {n} : (" for n in range(12)) + "7" + ")" * 13 + " == 1",
    "data" + ".a" * 28 + " == 1",
    "!" * 1_001 + "(data.n > 0)",
    "data.n in [" + ", ".join(map(str, range(800))) + "]",
]  # fmt: skip


@pytest.mark.parametrize("text", DEEP)
def test_the_largest_expressions_are_compiled_or_left_and_agree(text: str) -> None:
    assert check_expression(text, result="any") == []
    fast, plain = compile_expression(text), compile_expression(text, fast=False)
    deep: Any = 1
    for _ in range(28):
        deep = {"a": deep}
    for data in ({"n": 1, "l": [1], **deep}, {"n": 0, "l": [0] * 40, "a": {}}):
        event = Event(data=data)
        assert answer(fast, event) == answer(plain, event)
        if check_expression(text, result="bool") == []:
            assert fast.predicate(Batch.of([event]))[0] == plain.predicate(Batch.of([event]))[0]


@pytest.mark.parametrize("elements", [20, 94, 95, 100, 3_000, 3_001, 9_000, 9_999, 10_001])
@pytest.mark.parametrize(
    "text",
    [
        "data.l.all(x, x == 1)",
        "data.l.all(x, data.l.all(y, x == y))",
        "data.l.all(x, x == 1) && data.l.exists(x, x == 1) && data.l.exists_one(x, x == 2)",
    ],
)
def test_a_loop_the_library_stops_is_stopped(text: str, elements: int) -> None:
    fast, plain = both(text)
    event = Event(data={"l": [1] * elements})
    assert answer(fast, event) == answer(plain, event)
