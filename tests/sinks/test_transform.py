"""Proves that a transform makes one event or none of each, and says what became of the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, cast

import pytest

from sinkgraph.clock import LoopClock
from sinkgraph.errors import Rejected, SinkClosed
from sinkgraph.event import Batch, Event, Json, LazyEvent, Meta
from sinkgraph.expr.compile import compile_expression
from sinkgraph.expr.errors import BadExpression, ExpressionError
from sinkgraph.log.turnstile import Turnstile
from sinkgraph.sinks.base import Context, Link
from sinkgraph.sinks.burial import DeadLetters
from sinkgraph.sinks.transform import Transform


class Recorder:
    """Is a sink that keeps what it is given."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def write(self, events: Sequence[Event]) -> None:
        self.events.extend(events)

    async def close(self) -> None:
        pass


def event(data: Any = None, **meta: Any) -> Event:
    return Event("id-1", "t", "s", 1.5, data, Meta(meta))


def transform(**options: Any) -> Transform:
    return Transform(Recorder(), **options)


def bind(node: Transform) -> tuple[DeadLetters, list[str]]:
    """Lend a transform what a topology would; return its dead letters and its journal."""
    dead, journal = DeadLetters(), list[str]()
    context = Context(
        clock=LoopClock(),
        random=Random(1),
        network=cast(Any, None),
        spawn=lambda work, name: asyncio.create_task(work, name=name),
        journal=lambda kind, **facts: journal.append(kind),
        run_sync=asyncio.to_thread,
        dead_letters=Link(dead),
        turnstile=Turnstile(),
    )
    for one in (node, dead, *(link.target for link in node.links())):
        one.bind(context)
    return dead, journal


async def through(node: Transform, *payloads: Any) -> list[Event]:
    batch = Batch.from_payloads(list(payloads), "run", 0, source="s", type="t", time=1.0)
    await node.write(batch)
    return cast(Any, node.to.target).sink.events  # type: ignore[no-any-return]


# apply ------------------------------------------------------------------------------------------


def test_everything_is_done_in_order() -> None:
    node = transform(
        rename={"old": "data.new", "kind": "type"},
        remove=["secret", "data.a.b"],
        set={"data.env": "prod", "meta.team": "x"},
        compute={"data.sum": "data.n + 1", "old": "data.old + '!'"},
    )
    made = node.apply(
        event({"old": "o", "kind": "push", "secret": 1, "a": {"b": 1, "c": 2}, "n": 1})
    )
    assert made is not None
    assert made.id == "id-1"
    assert made.type == "push"
    assert made.meta == {"team": "x"}
    assert made.data == {"new": "o", "a": {"c": 2}, "n": 1, "env": "prod", "sum": 2, "old": "o!"}


def test_every_expression_sees_the_event_as_it_came() -> None:
    node = transform(compute={"a": "data.b", "b": "data.a", "type": "string(data.a)"}, remove=["a"])
    made = node.apply(event({"a": 1, "b": 2}))
    assert made is not None
    assert (made.data, made.type) == ({"a": 2, "b": 1}, "1")


def test_the_given_event_stays_as_it_was() -> None:
    def spoil(given: Event) -> Event:
        given.data["list"].append(3)
        given.data["new"] = 1
        given.meta["inner"].append(1)
        return given

    payload = {"list": [1], "x": 1}
    given = event(payload, inner=[])
    made = transform(set={"y": 2}, remove=["x"], python=spoil).apply(given)
    assert payload == {"list": [1], "x": 1}
    assert given.meta == {"inner": []}
    assert made is not None
    assert made.data == {"list": [1, 3], "y": 2, "new": 1}


def test_a_literal_is_private_to_the_transform() -> None:
    literal = {"a": [1]}
    node = transform(set={"x": literal, "x.b": 2})
    literal["a"].append(2)
    for _ in range(2):
        made = node.apply(event({}))
        assert made is not None
        assert made.data == {"x": {"a": [1], "b": 2}}


@pytest.mark.parametrize(
    ("python", "data", "type"),
    [
        (lambda e: {"n": e.data["n"] + 1}, {"n": 2}, "t"),
        (lambda e: e, {"n": 1}, "t"),
        (lambda e: Event(type="new", data=[1]), [1], "new"),
        (lambda e: e.with_data({2}), [2], "t"),
        (lambda e: Meta(a=1), {"a": 1}, "t"),
    ],
)
def test_what_python_returns_is_the_new_event(
    python: Callable[[Event], Any], data: Any, type: str
) -> None:
    made = transform(python=python).apply(event({"n": 1}))
    assert made is not None
    assert (made.id, made.data, made.type) == ("id-1", data, type)


def test_python_may_end_an_event() -> None:
    assert transform(python=lambda e: None).apply(event({})) is None


def _exit(_: Event) -> Mapping[str, Any]:
    raise SystemExit(3)


async def _later(event: Event) -> Event:
    return event


@pytest.mark.parametrize(
    ("python", "said"),
    [
        (lambda e: 1 / 0, "raised ZeroDivisionError"),
        (_exit, "_exit raised SystemExit(3)"),
        (lambda e: True, "gave bool, and an event, a dict or None is needed"),
        (lambda e: [e], "gave list"),
        (lambda e: _later(e), "gave coroutine"),
        (lambda e: Event(id="other", data=1), "changed the id: 'other' instead of 'id-1'"),
        (lambda e: Event(data=None), "without a payload"),
        (lambda e: Event(data=object()), "without a payload"),
    ],
)
def test_what_python_must_not_do_is_the_events_fault(
    python: Callable[[Event], Any], said: str
) -> None:
    node = transform(python=python)
    node.name = "shape"
    with pytest.raises(Rejected) as caught:
        node.apply(event({}))
    assert said in str(caught.value)
    assert "transform shape" in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"compute": {"x": "data.none"}},
        {"compute": {"type": "data.n"}},
        {"compute": {"data": "null"}},
        {"set": {"n.x": 1}},
        {"rename": {"n": "type"}},
    ],
)
def test_an_event_that_cannot_be_changed_is_rejected(options: dict[str, Any]) -> None:
    with pytest.raises(Rejected):
        transform(**options).apply(event({"n": 1}))


@pytest.mark.parametrize(
    "expression", ["data.n * 1e308", "[1.0, data.n * -1e308]", "{'a': [data.n * 1e308]}"]
)
def test_a_number_json_cannot_write_is_an_error_and_no_null(expression: str) -> None:
    node = transform(compute={"x": expression})
    with pytest.raises(Rejected, match=r"gives -?inf, which is no JSON number"):
        node.apply(event({"n": 1e10}))
    assert node.apply(event({"n": 1.0})) is not None


def test_a_text_that_is_changed_is_decoded_once_and_no_part_of_it_before() -> None:
    text = Json(b'{"a":1,"b":2}', sound=True)
    made = transform(compute={"data.c": "data.a + 1"}).apply(LazyEvent("i", data=text))
    assert made is not None
    assert made.data == {"a": 1, "b": 2, "c": 2}
    assert text.value == {"a": 1, "b": 2}
    assert text.looks == 0
    kept = Json(b'{"a":"x"}', sound=True)
    retyped = transform(compute={"type": "data.a"}).apply(LazyEvent("i", data=kept))
    assert retyped is not None
    assert (retyped.type, kept._value) == ("x", None)


def test_a_head_is_changed_without_decoding() -> None:
    made = transform(set={"type": "x"}, compute={"meta.id": "id"}).apply(
        LazyEvent("i", data=Json(b"not json"))
    )
    assert made is not None
    assert (made.type, made.meta, made.payload.raw) == ("x", {"id": "i"}, b"not json")


# construction -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"on_error": "explode"}, ValueError, "on_error is one of"),
        ({"set": {"id": 1}}, ValueError, "never changes"),
        ({"set": {"a": object()}}, ValueError, "set a: the payload cannot be encoded"),
        ({"set": {"type": 5}}, ValueError, "set type: `type` of an event is text"),
        ({"set": {"data": None}}, ValueError, "null is not a payload"),
        ({"set": {"a": 1}, "compute": {"data.a": "1"}}, ValueError, "both set and computed"),
        ({"compute": {"a": "nope"}}, BadExpression, "`nope` is not a variable"),
        ({"remove": "abc"}, TypeError, "a list of paths"),
        ({"remove": ["type"]}, ValueError, "cannot be removed"),
        ({"rename": {"data": "x"}}, ValueError, "cannot be removed"),
        ({"python": 5}, TypeError, "python is a function"),
        ({"python": _later}, TypeError, "is async"),
    ],
)
def test_a_transform_that_cannot_work_is_refused(
    options: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as caught:
        transform(**options)
    assert said in str(caught.value)


def test_a_compiled_expression_with_vars_is_taken() -> None:
    expression = compile_expression("vars.env", vars={"env": "prod"})
    made = transform(compute={"env": expression}).apply(event({}))
    assert made is not None
    assert made.data == {"env": "prod"}


# in a graph -------------------------------------------------------------------------------------


async def test_one_in_is_one_or_none_out_and_the_ledger_agrees() -> None:
    node = transform(
        set={"ok": True}, python=lambda e: None if e.data["n"] % 2 else e, on_error="drop"
    )
    bind(node)
    written = await through(node, {"n": 0}, {"n": 1}, {"n": 2}, {}, [])
    assert [(one.id, one.data) for one in written] == [
        ("run-0", {"n": 0, "ok": True}),
        ("run-2", {"n": 2, "ok": True}),
    ]
    counted = node.account()
    assert (counted.entered, counted.delivered, counted.filtered) == (5, 2, {"transform": 1})
    assert sum(counted.dropped.values()) == 2
    assert counted.residue == 0


async def test_a_failed_event_becomes_a_dead_letter_with_its_reason() -> None:
    node = transform(compute={"x": "data.a"})
    dead, journal = bind(node)
    node.name = "shape"
    written = await through(node, {"a": 1}, {"b": 1})
    assert [one.data for one in written] == [{"a": 1, "x": 1}]
    (letter,) = dead.events
    assert (letter.id, letter.data) == ("run-1", {"b": 1})
    assert "guard it with `has(data.a)`" in letter.meta["errors"][0]
    assert node.account().dead_lettered == 1
    assert node.account().residue == 0
    assert journal == ["expression_failed"]
    assert "there is no field `a`" in node.facts()["last_error"]


async def test_a_dead_letter_port_of_its_own_is_used() -> None:
    kept = Recorder()
    node = transform(compute={"x": "data.a"}, dead_letter=kept)
    dead, _ = bind(node)
    assert await through(node, {"b": 1}) == []
    assert [one.data for one in kept.events] == [{"b": 1}]
    assert dead.events == []


async def test_a_failed_event_passes_unchanged_when_told_so() -> None:
    node = transform(set={"seen": True}, compute={"x": "data.a"}, on_error="pass")
    bind(node)
    written = await through(node, {"a": 1}, {"b": 1}, {"a": 2})
    assert [one.data for one in written] == [
        {"a": 1, "seen": True, "x": 1},
        {"b": 1},
        {"a": 2, "seen": True, "x": 2},
    ]
    assert node.account().residue == 0


async def test_a_closed_transform_refuses() -> None:
    node = transform(set={"a": 1})
    bind(node)
    await node.close()
    await node.close()
    with pytest.raises(SinkClosed):
        await node.write([event({})])


async def test_none_is_a_type_error() -> None:
    node = transform(set={"a": 1})
    bind(node)
    with pytest.raises(TypeError):
        await node.write(cast(Any, None))


def test_expression_errors_are_rejections() -> None:
    with pytest.raises(ExpressionError, match="there is no field"):
        transform(compute={"x": "data.a"}).apply(event({}))
