"""What a live node carries of each field of its kind.

For every kind: a document with every field set to something that is no default, and for each field
how to read it back from the live node. `test_build.py` holds that no kind and no field is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sinkgraph.event import Event
from sinkgraph.spec.secret import Secret

__all__ = ["CARRIED", "Carried", "event_of", "function_for_tests"]

Reads = Callable[[Any], Any]


@dataclass(frozen=True)
class Carried:
    """Is one kind: its `fields` in a document, and `reads`: field → how its live value is read.

    A read gives the value as the spec has it. `judged` names fields that only the checker or the
    loader follows, with why; `inner` names the node of a composite that carries a field. `more`
    are further documents, for fields that exclude one another; `least` completes what is required.
    """

    fields: Mapping[str, Any] = field(default_factory=dict)
    reads: Mapping[str, Reads] = field(default_factory=dict)
    judged: Mapping[str, str] = field(default_factory=dict)
    inner: Mapping[str, str] = field(default_factory=dict)
    more: tuple[Mapping[str, Any], ...] = ()
    least: Mapping[str, Any] = field(default_factory=dict)


def function_for_tests(event: Event) -> dict[str, Any]:
    """Return a payload: what `python:` names in the documents below."""
    return {"seen": event.data}


def event_of(data: Any) -> Event:
    """Return an event with a payload."""
    return Event("e1", "event", "here", 0.0, data)


def _name(port: str) -> Reads:
    def read(node: Any) -> Any:
        link = getattr(node, port)
        return None if link is None else link.target.name

    return read


def _attr(path: str) -> Reads:
    def read(node: Any) -> Any:
        for part in path.split("."):
            node = getattr(node, part)
        return node

    return read


def _key(path: str) -> Reads:
    """Read back which expression a key function follows, by what it says of an event."""

    def read(node: Any) -> Any:
        key_of = _attr(path)(node)
        return None if key_of is None else f"data.{key_of(event_of({'k': 'k', 'j': 'j'}))[1]}"

    return read


def _queue_key(node: Any) -> Any:
    return None if node.lanes.keys is None else _key("lanes.keys._key_of")(node)


_QUEUE_READS: dict[str, Reads] = {
    "to": _name("to"),
    "store": _attr("store"),
    "on_stop": _attr("on_stop"),
    "capacity": _attr("capacity"),
    "max_bytes": _attr("max_bytes"),
    "when_full": _attr("when_full"),
    "overflow": _name("overflow"),
    "max_wait": _attr("max_wait"),
    "concurrency": _attr("lanes.concurrency"),
    "order_by": _queue_key,
    "max_batch": _attr("_own_batch"),
    "linger": _attr("lanes.linger"),
    "dead_letter": _name("dead_letter"),
}
_RETRY_READS: dict[str, Reads] = {
    "to": _name("to"),
    "max_attempts": _attr("max_attempts"),
    "give_up_after": _attr("give_up_after"),
    "hold": _attr("hold"),
    "retry_after_cap": _attr("retry_after_cap"),
    "dead_letter": _name("dead_letter"),
    "backoff": lambda node: _backoff(node.backoff),
    "breaker": lambda node: _breaker(node.breaker),
}
_BREAKER = {
    "failure_threshold": 3,
    "open_for": "2s",
    "open_for_max": "40s",
    "reopen_factor": 3,
    "jitter": 0.1,
    "probes": 2,
    "half_open_max": "30s",
    "window": "20s",
    "min_calls": 7,
    "failure_rate": 0.25,
    "slow_after": "900ms",
    "slow_rate": 0.75,
}
_EXPONENTIAL = {
    "kind": "exponential", "base": "2s", "factor": 3, "cap": "50s", "jitter": "equal",
}  # fmt: skip
_GO_EVENTS = {"kind": "go_events", "base": "2s", "factor": "3s", "cap": "45s"}
_HTTP_READS: dict[str, Reads] = {
    "url": _attr("url"),
    "method": _attr("method"),
    "headers": lambda node: {
        name: Secret(value)
        for name, value in node._headers.items()
        if name not in ("Content-Type", "User-Agent")
    },
    "timeout": _attr("timeout"),
    "format": _attr("format"),
    "concurrency": _attr("slots.ramp.most"),
    "max_batch": _attr("max_batch"),
    "on_status": _attr("on_status"),
}
_HELD = {
    "schemas": "of the types of events; tests/sources/test_validate.py shows them at work",
    "validate_": "needs a schema; tests/sources/test_validate.py shows it at work",
}
_SCHEMA = {
    "schema_": "tells stdin and file how to read a line; http goes by the content type",
    **_HELD,
}


def _backoff(live: Any) -> dict[str, Any]:
    kind = {"ExponentialBackoff": "exponential", "GoEventsBackoff": "go_events"}
    made = {"kind": kind[type(live).__name__], "base": live.base, "factor": live.factor}
    if made["kind"] == "go_events":
        return {**made, "cap": live.max}
    return {**made, "cap": live.cap, "jitter": live.jitter}


def _breaker(live: Any) -> dict[str, Any] | None:
    return None if live is None else {name: getattr(live, name) for name in _BREAKER}


def _line_source(**more: Reads) -> dict[str, Reads]:
    return {
        "to": _name("to"),
        "format": _attr("format"),
        "schema_": lambda node: "docker.registry" if node.registry else None,
        **more,
    }


_ENDPOINT_INNER = {
    **dict.fromkeys(
        ("max_attempts", "give_up_after", "hold", "retry_after_cap", "backoff", "breaker"),
        ".retry",
    ),
    **dict.fromkeys(("url", "method", "headers", "timeout", "format", "on_status", "max_batch"),
                    ".http"),
    "ignore": ".filter",
}  # fmt: skip

CARRIED: dict[tuple[str, str], Carried] = {
    ("source", "http"): Carried(
        {
            "listen": "127.0.0.2:8765",
            "path": "/in",
            "token": "one",
            "tokens": ["two", "three"],
            "max_body": "2MiB",
            "max_wait": "3s",
            "open": True,
            "to": "target",
        },
        {
            "to": _name("to"),
            "listen": lambda node: f"{node.host}:{node.port}",
            "path": _attr("mount"),
            "token": lambda node: Secret(node._tokens[0].decode()) if node._tokens else None,
            "tokens": lambda node: tuple(Secret(one.decode()) for one in node._tokens[1:]),
            "max_body": _attr("limits.max_body"),
            "max_wait": _attr("max_wait"),
        },
        {"open": "the checker asks for it", **_SCHEMA},
    ),
    ("source", "stdin"): Carried(
        {"format": "lines", "schema": "docker.registry", "to": "target"},
        _line_source(),
        _HELD,
    ),
    ("source", "file"): Carried(
        {
            "paths": ["/one", "/two"],
            "follow": True,
            "from": "end",
            "format": "lines",
            "schema": "docker.registry",
            "to": "target",
        },
        _line_source(paths=_attr("paths"), follow=_attr("follow"), from_=_attr("begin")),
        _HELD,
    ),
    ("source", "generate"): Carried(
        {"rate": "7/s", "count": 9, "event": {"a": [1]}, "to": "target"},
        {
            "to": _name("to"),
            "rate": _attr("rate"),
            "count": _attr("count"),
            "event": lambda node: None if node._payload is None else node._payload.value,
        },
        _SCHEMA,
        least={"count": 1},
    ),
    ("source", "inlet"): Carried({"to": "target"}, {"to": _name("to")}, _SCHEMA),
    ("sink", "broadcast"): Carried(
        {"to": ["target", {"node": "spare", "required": False}]},
        {
            "to": lambda node: [
                {"node": one.link.target.name, "required": one.link.required}
                for one in node.targets
            ]
        },
    ),
    ("sink", "filter"): Carried(
        {
            "where": "data.k == 1",
            "to": "target",
            "otherwise": "spare",
            "on_error": "drop",
            "dead_letter": "other",
        },
        {
            "where": _attr("where.text"),
            "to": _name("to"),
            "otherwise": _name("otherwise"),
            "on_error": _attr("on_error"),
            "dead_letter": _name("dead_letter"),
        },
    ),
    ("sink", "route"): Carried(
        {
            "routes": [{"when": "data.k == 1", "to": "target"}, {"when": "true", "to": "spare"}],
            "default": "other",
            "on_error": "pass",
            "dead_letter": "more",
        },
        {
            "routes": lambda node: [
                {"when": when.text, "to": link.target.name} for when, link in node.routes
            ],
            "default": _name("default"),
            "on_error": _attr("on_error"),
            "dead_letter": _name("dead_letter"),
        },
    ),
    ("sink", "fallback"): Carried(
        {"to": ["target", "spare"]},
        {"to": lambda node: tuple(link.target.name for link in node.links())},
    ),
    ("sink", "balance"): Carried(
        {"to": ["target", "spare"], "by": "key", "key": "data.k"},
        {
            "to": lambda node: tuple(link.target.name for link in node.links()),
            "by": _attr("by"),
            "key": _key("_key_of"),
        },
    ),
    ("sink", "transform"): Carried(
        {
            "to": "target",
            "set": {"data.a": 1},
            "compute": {"data.b": "data.k + data.k"},
            "remove": ["data.j"],
            "rename": {"data.c": "data.d"},
            "python": "tests.compiler.carried:function_for_tests",
            "on_error": "drop",
            "dead_letter": "other",
        },
        {
            "to": _name("to"),
            "set": lambda node: _changes(node)[0],
            "compute": lambda node: _changes(node)[1],
            "remove": lambda node: _changes(node)[2],
            "rename": lambda node: _changes(node)[3],
            "python": lambda node: (
                None if node.python is None
                else f"{node.python.__module__}:{node.python.__qualname__}"
            ),
            "on_error": _attr("on_error"),
            "dead_letter": _name("dead_letter"),
        },
        least={"set": {"data.a": 1}},
    ),
    ("sink", "dedupe"): Carried(
        {"to": "target", "by": "data.k", "window": "90s", "max_ids": 12},
        {
            "to": _name("to"),
            "by": lambda node: "id" if node._key_of is None else _key("_key_of")(node),
            "window": _attr("window"),
            "max_ids": _attr("max_ids"),
        },
    ),
    ("sink", "sample"): Carried(
        {"to": "target", "ratio": 0.25},
        {"to": _name("to"), "ratio": _attr("ratio"), "every": _attr("every")},
        more=({"to": "target", "every": 5},),
        least={"every": 2},
    ),
    ("sink", "rate_limit"): Carried(
        {"to": "target", "rate": "40/s", "burst": 9, "by": "data.k", "max_wait": "7s"},
        {
            "to": _name("to"),
            "rate": _attr("rate"),
            "burst": _attr("burst"),
            "by": _key("_key_of"),
            "max_wait": _attr("max_wait"),
        },
    ),
    ("sink", "batch"): Carried(
        {"to": "target", "max_events": 7, "max_bytes": "2KiB", "max_wait": "3s"},
        {
            "to": _name("to"),
            "max_events": _attr("max_events"),
            "max_bytes": _attr("max_bytes"),
            "max_wait": _attr("max_wait"),
        },
    ),
    ("sink", "queue"): Carried(
        {
            "to": "target",
            "store": "disk",
            "capacity": 77,
            "max_bytes": "3KiB",
            "when_full": "overflow",
            "overflow": "spare",
            "max_wait": "1500ms",
            "concurrency": 3,
            "order_by": "data.k",
            "max_batch": 9,
            "linger": "40ms",
            "dead_letter": "other",
        },
        _QUEUE_READS,
        more=({"to": "target", "on_stop": "discard"},),
    ),
    ("sink", "retry"): Carried(
        {
            "to": "target",
            "backoff": _EXPONENTIAL,
            "breaker": _BREAKER,
            "max_attempts": 4,
            "give_up_after": "5m",
            "hold": "event",
            "retry_after_cap": "9m",
            "dead_letter": "other",
        },
        _RETRY_READS,
        more=({"to": "target", "backoff": _GO_EVENTS},),
    ),
    ("sink", "breaker"): Carried(
        {"to": "target", **_BREAKER},
        {
            "to": _name("to"),
            **{name: _attr(f"machine.policy.{name}") for name in _BREAKER},
        },
    ),
    ("sink", "timeout"): Carried(
        {"to": "target", "after": "4s"}, {"to": _name("to"), "after": _attr("after")}
    ),
    ("sink", "dead_letter"): Carried(
        {"capacity": 5, "max_bytes": "1MiB", "max_age": "7d"},
        {"capacity": _attr("capacity"), "max_bytes": _attr("max_bytes")},
        {"max_age": "means something only where letters outlive the process"},
    ),
    ("sink", "http"): Carried(
        {
            "url": "http://127.0.0.1:9/x",
            "method": "PUT",
            "headers": {"X-Team": "blue"},
            "timeout": "3s",
            "format": "ndjson",
            "concurrency": 5,
            "max_batch": 12,
            "on_status": {"404": "ok", "5xx": "reject"},
        },
        _HTTP_READS,
    ),
    ("sink", "file"): Carried(
        {
            "path": "out.txt",
            "format": "lines",
            "rotate": {"max_size": "5MB", "keep": 2},
            "sync": "each",
        },
        {
            "path": _attr("given"),
            "format": _attr("format"),
            "rotate": lambda node: (
                None if node.max_size is None else {"max_size": node.max_size, "keep": node.keep}
            ),
            "sync": _attr("sync"),
        },
    ),
    ("sink", "stdout"): Carried(),
    ("sink", "channel"): Carried(
        {"capacity": 5, "readers": "each"},
        {"capacity": _attr("capacity"), "readers": _attr("readers")},
    ),
    ("sink", "call"): Carried({"target": "provided:notify"}, {"target": _attr("target")}),
    ("sink", "blackhole"): Carried(),
    ("sink", "endpoint"): Carried(
        {
            "url": "http://127.0.0.1:9/x",
            "method": "PATCH",
            "headers": {"X-Team": "red"},
            "timeout": "3s",
            "format": "ndjson",
            "on_status": {"404": "ok"},
            "max_batch": 11,
            "ignore": {"actions": ["pull"], "media_types": ["a/b"]},
            "store": "disk",
            "capacity": 77,
            "max_bytes": "3KiB",
            "when_full": "overflow",
            "overflow": "spare",
            "max_wait": "1500ms",
            "concurrency": 3,
            "order_by": "data.k",
            "linger": "40ms",
            "dead_letter": "other",
            "backoff": _EXPONENTIAL,
            "breaker": _BREAKER,
            "max_attempts": 4,
            "give_up_after": "5m",
            "hold": "event",
            "retry_after_cap": "9m",
        },
        {
            **{name: _QUEUE_READS[name] for name in (
                "store", "on_stop", "capacity", "max_bytes", "when_full", "overflow", "max_wait",
                "concurrency",
                "order_by", "linger", "dead_letter",
            )},
            **{name: _RETRY_READS[name] for name in (
                "max_attempts", "give_up_after", "hold", "retry_after_cap", "backoff", "breaker",
            )},
            **_HTTP_READS,
            "concurrency": _QUEUE_READS["concurrency"],
            "url": lambda node: (node.url,),
            "ignore": lambda node: {
                "actions": ("pull",) if '"pull"' in node.where.text else (),
                "media_types": ("a/b",) if '"a/b"' in node.where.text else (),
            },
        },
        {},
        _ENDPOINT_INNER,
        more=({"url": "http://127.0.0.1:9/x", "on_stop": "discard"},),
    ),
}  # fmt: skip


def _changes(node: Any) -> tuple[dict[str, Any], dict[str, Any], tuple[str, ...], dict[str, str]]:
    """Read a transform's changes back from what becomes of an event without its function."""
    python, node.python = node.python, None
    try:
        before = {"k": "x", "j": 2, "c": 3}
        node_made = node.apply(event_of(dict(before)))
    finally:
        node.python = python
    after = node_made.data
    return (
        {"data.a": after["a"]} if "a" in after else {},
        {"data.b": "data.k + data.k"} if after.get("b") == "xx" else {},
        () if "j" in after else ("data.j",),
        {"data.c": "data.d"} if after.get("d") == 3 and "c" not in after else {},
    )
