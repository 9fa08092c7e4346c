"""Every kind of version 1 exists, with the fields and defaults of the design."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from sinkgraph.sinks.edits import read_path
from sinkgraph.spec.descriptions import describe
from sinkgraph.spec.kind import (
    EXPRESSION_FIELDS,
    LATER_KINDS,
    Kind,
    all_kinds,
    find_kind,
    kind_names,
)
from sinkgraph.spec.kinds.base import NodeSpec
from sinkgraph.spec.kinds.change import path_problem
from sinkgraph.spec.kinds.reliability import DeadLetter
from sinkgraph.spec.policies import Breaker, ExponentialBackoff

SOURCES = {"http", "stdin", "file", "generate", "inlet"}
SINKS = {
    *("broadcast", "route", "filter", "fallback", "balance"),
    *("transform", "dedupe", "sample", "rate_limit", "batch"),
    *("queue", "retry", "breaker", "timeout", "dead_letter"),
    *("http", "file", "stdout", "channel", "call", "blackhole", "endpoint"),
}
LATER = {"nats", "redis", "kafka", "subscribers"}

KINDS = all_kinds()
ids = [f"{one.side}-{one.name}" for one in KINDS]


def _kind(side: Any, name: str) -> Kind:
    found = find_kind(side, name)
    assert found is not None
    return found


def test_the_kinds_are_those_of_the_design() -> None:
    assert set(kind_names("source")) == SOURCES
    assert set(kind_names("sink")) == SINKS
    assert {name for _, name in LATER_KINDS} == LATER


@pytest.mark.parametrize("kind", KINDS, ids=ids)
def test_every_field_of_a_kind_says_what_it_is(kind: Kind) -> None:
    describe([kind.model])
    todo: list[type[BaseModel]] = [kind.model]
    while todo:
        model = todo.pop()
        assert model.__doc__
        for name, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{name}"
            assert field.description.endswith((".", "]", "`")), field.description
            todo.extend(
                one
                for one in getattr(field.annotation, "__args__", ())
                if isinstance(one, type) and issubclass(one, BaseModel)
            )
    assert kind.summary


@pytest.mark.parametrize("kind", KINDS, ids=ids)
def test_every_port_of_a_kind_is_a_field_of_it(kind: Kind) -> None:
    fields = kind.model.model_fields
    for port in kind.ports:
        assert port.name in fields
        assert fields[port.name].is_required() is not port.optional


@pytest.mark.parametrize("kind", KINDS, ids=ids)
def test_every_expression_of_a_kind_is_left_alone_by_interpolation(kind: Kind) -> None:
    for field in kind.expressions:
        assert field.rpartition(".")[2] in EXPRESSION_FIELDS
        assert field.partition(".")[0] in kind.model.model_fields


@pytest.mark.parametrize("kind", KINDS, ids=ids)
def test_no_help_proposes_a_word_that_is_not_in_this_version(kind: Kind) -> None:
    later = {(one.field, one.value) for one in kind.model.later if isinstance(one.value, str)}
    for field, word in later:
        with pytest.raises(ValidationError) as caught:
            kind.model.model_validate({field: "nonsense"})
        (said,) = [one["ctx"] for one in caught.value.errors() if one["loc"] == (field,)]
        assert f"`{word}`" not in said["message"] + said["help"]


def test_every_node_has_the_common_fields() -> None:
    for kind in KINDS:
        assert set(NodeSpec.model_fields) <= set(kind.model.model_fields)
        assert kind.model.model_fields["enabled"].default is True
        assert kind.model.model_fields["on_remove"].default == "drain"


@pytest.mark.parametrize(
    ("side", "name", "fields", "wanted"),
    [
        (
            "sink",
            "queue",
            {"to": "x"},
            {
                "store": "memory",
                "capacity": 10_000,
                "max_bytes": None,
                "when_full": "block",
                "max_wait": None,
                "concurrency": 1,
                "max_batch": 1_000,
                "linger": 0.0,
                "on_stop": "save",
            },
        ),
        (
            "sink",
            "retry",
            {"to": "x"},
            {
                "backoff": None,
                "breaker": None,
                "max_attempts": 20,
                "give_up_after": 3600.0,
                "hold": "lane",
            },
        ),
        (
            "sink",
            "http",
            {"url": "http://x/"},
            {
                "method": "POST",
                "timeout": 10.0,
                "format": "json",
                "concurrency": 64,
                "max_batch": None,
                "batch_limit": 1,
            },
        ),
        ("sink", "http", {"url": "http://x/", "format": "ndjson"}, {"batch_limit": 100}),
        ("sink", "filter", {"where": "true", "to": "x"}, {"on_error": "dead_letter"}),
        ("sink", "balance", {"to": ["x"]}, {"by": "round_robin", "key": None}),
        ("sink", "dedupe", {"to": "x"}, {"by": "id", "window": 600.0, "max_ids": 100_000}),
        ("sink", "batch", {"to": "x"}, {"max_events": 1_000, "max_bytes": None, "max_wait": 1.0}),
        ("sink", "channel", {}, {"capacity": 1_000, "readers": "compete"}),
        (
            "sink",
            "file",
            {"path": "x"},
            {"format": "ndjson", "rotate": None, "sync": "batch"},
        ),
        (
            "source",
            "http",
            {"listen": "127.0.0.1:0", "to": "x"},
            {
                "path": "/",
                "schema_": None,
                "validate_": "off",
                "max_body": 1024**2,
                "max_wait": 2.0,
                "open": False,
            },
        ),
        (
            "source",
            "file",
            {"paths": ["x"], "to": "x"},
            {"follow": False, "from_": "start", "format": "ndjson"},
        ),
    ],
)
def test_defaults_are_those_of_the_design(
    side: str, name: str, fields: dict[str, Any], wanted: dict[str, Any]
) -> None:
    spec = _kind(side, name).model.model_validate({"kind": name, **fields})
    assert {field: getattr(spec, field) for field in wanted} == wanted
    assert not list(spec.problems())


def test_the_policies_defaults_are_those_of_the_design() -> None:
    backoff = ExponentialBackoff()
    assert (backoff.base, backoff.factor, backoff.cap, backoff.jitter) == (1.0, 2.0, 30.0, "full")
    assert Breaker().model_dump() == {
        "failure_threshold": 5,
        "open_for": 5.0,
        "open_for_max": 300.0,
        "reopen_factor": 2.0,
        "jitter": 0.2,
        "probes": 1,
        "half_open_max": 60.0,
        "window": None,
        "min_calls": 20,
        "failure_rate": None,
        "slow_after": None,
        "slow_rate": None,
    }
    dead = _kind("sink", "dead_letter").model.model_validate({"kind": "dead_letter"})
    assert isinstance(dead, DeadLetter)
    assert (dead.capacity, dead.max_bytes, dead.max_age) == (100_000, 1024**3, 30 * 86_400.0)


@pytest.mark.parametrize(
    ("kind", "fields"), [("queue", {"to": "x"}), ("endpoint", {"url": "http://x/"})]
)
def test_the_bounds_of_a_queue_depend_on_its_store(kind: str, fields: dict[str, Any]) -> None:
    def bounds(**more: Any) -> tuple[int, int | None]:
        spec: Any = _kind("sink", kind).model.model_validate({"kind": kind, **fields, **more})
        assert not list(spec.problems())
        return spec.capacity, spec.max_bytes

    assert bounds() == bounds(store="memory") == (10_000, None)
    assert bounds(store="disk") == (1_000_000, 1024**3)
    assert bounds(store="disk", capacity=7) == (7, 1024**3)
    assert bounds(store="disk", max_bytes="1MiB") == (1_000_000, 1024**2)
    assert bounds(store="disk", max_bytes=None) == (1_000_000, 1024**3)
    if kind == "endpoint":
        return  # what a graph has is the queue it becomes
    spec: Any = _kind("sink", kind).model.model_validate({"kind": kind, **fields, "store": "disk"})
    assert [spec.default_of(name) for name in ("capacity", "max_bytes")] == [1_000_000, 1024**3]
    assert spec.default_of("when_full") == "block"


def test_a_backoff_may_be_that_of_go_events() -> None:
    spec: Any = _kind("sink", "retry").model.model_validate(
        {"kind": "retry", "to": "x", "backoff": {"kind": "go_events", "factor": "2s"}}
    )
    assert (spec.backoff.base, spec.backoff.factor, spec.backoff.cap) == (1.0, 2.0, 20.0)
    assert _kind("sink", "retry").model.model_validate(spec.model_dump(mode="json")) == spec


@pytest.mark.parametrize("kind", KINDS, ids=ids)
def test_a_spec_is_frozen_and_knows_no_other_keys(kind: Kind) -> None:
    required = {
        "url": "http://x/",
        "listen": "127.0.0.1:0",
        "path": "x",
        "paths": ["x"],
        "where": "true",
        "routes": [{"when": "true", "to": "x"}],
        "rate": "1/s",
        "after": "1s",
        "target": "a:b",
    }
    fields: dict[str, Any] = {"kind": kind.name}
    for name, field in kind.model.model_fields.items():
        if field.is_required() and name != "kind":
            many = any(port.name == name and port.many for port in kind.ports)
            fields[name] = required.get(name) or (["x"] if many else "x")
    spec = kind.model.model_validate(fields)
    with pytest.raises(ValidationError):
        setattr(spec, "description", "changed")  # noqa: B010
    with pytest.raises(ValidationError):
        kind.model.model_validate({**fields, "no_such_key": 1})


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("data", ""),
        ("data.a.b", ""),
        ("a", ""),
        ("meta.note", ""),
        ("type", ""),
        ("data.`odd.name`.x", ""),
        ("data..a", "is no path"),
        (".a", "is no path"),
        ("id", "would change the id, which an event keeps"),
        ("meta", "would replace `meta` as a whole"),
        ("type.x", "reads into `type`, which has no fields"),
    ],
)
def test_a_path_of_a_transform_is_judged_as_the_sink_reads_it(path: str, why: str) -> None:
    assert path_problem(path) == why
    if why:
        with pytest.raises(ValueError, match=r"path|id|meta|fields"):
            read_path(path)
    else:
        read_path(path)
