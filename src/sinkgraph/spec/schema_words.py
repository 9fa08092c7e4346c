"""What an editor shows beside the models' own docstrings: examples, words of a choice, snippets.

A field is looked up as `Model.field`, then as `field`; the test of the schema says what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

__all__ = ["EXAMPLES", "SNIPPETS", "WORDS"]

EXAMPLES: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        # --- the top level
        "sinkgraph": (1,),
        "name": ("registry-notifications",),
        "vars": ({"hook_url": {"default": "http://127.0.0.1:9000/hook"}},),
        "sources": ({"lines": {"kind": "stdin", "to": "out"}},),
        "sinks": ({"out": {"kind": "stdout"}},),
        "defaults": ({"endpoint": {"timeout": "5s"}},),
        "promises": ([{"from": "lines", "to": "out", "delivery": "at_least_once"}],),
        "tests": ([],),
        "include": (["common.yaml"],),
        "templates": (
            {"hook": {"params": {"url": {"type": "url"}}, "node": {"kind": "http", "url": "…"}}},
        ),
        "egress": ({"allow": ["example.org"]},),
        "$schema": ("./sinkgraph.schema.json",),
        "ParamSpec.default": ("5s",),
        "choices": (["eu", "us"],),
        "min": (1,),
        "max": (100,),
        "fields": ({"actions": {"type": "list", "items": "string"}},),
        # --- every node
        "description": ("Pushes go to the audit trail.",),
        "group": ("eu/billing",),
        "was": ("old-name",),
        "to": ("audit", {"kind": "file", "path": "audit.jsonl"}),
        "node": ("audit",),
        "move_to": ("audit",),
        "overflow": ("spill",),
        "otherwise": ("others",),
        "dead_letter": ("dead-letters",),
        # --- fan and choose
        "Broadcast.to": (["audit", "hooks"], ["audit", {"node": "metrics", "required": False}]),
        "Fallback.to": (["primary", "standby"],),
        "Balance.to": (["first", "second"],),
        "where": ('data.action == "push"', "has(data.total) && data.total > 100"),
        "when": ('data.level == "error"',),
        "routes": ([{"when": 'data.level == "error"', "to": "errors"}],),
        "default": ("others",),
        "key": ("data.customer",),
        # --- change
        "set": ({"data.environment": "production"},),
        "compute": ({"data.size_mb": "data.target.size / 1000000"},),
        "remove": (["data.password"],),
        "rename": ({"data.msg": "data.message"},),
        "python": ("package.module:function",),
        "Dedupe.by": ("id", "data.customer"),
        "RateLimit.by": ("data.customer",),
        "ratio": (0.1,),
        "every": (10,),
        "rate": ("100/s", "10/h"),
        "burst": (200,),
        "max_bytes": ("64MiB", "1GiB"),
        # --- reliability
        "capacity": (10_000,),
        "order_by": ("data.customer",),
        "after": ("5s",),
        "backoff": ({"base": "200ms", "cap": "10s"},),
        "breaker": ({}, {"failure_threshold": 5, "open_for": "1s"}),
        "failure_rate": (0.5,),
        "slow_rate": (0.5,),
        "slow_after": ("2s",),
        "window": ("1m",),
        # --- where events enter and leave
        "schema": ("docker.registry",),
        "schemas": ({"docker.registry.push": "docker.registry", "default": "json"},),
        "listen": ("127.0.0.1:8700",),
        "HttpSourceSpec.path": ("/events",),
        "FileSinkSpec.path": ("audit.jsonl",),
        "paths": (["logs/*.log"],),
        "token": ("${env:INGEST_TOKEN}",),
        "tokens": (["${env:OLD_TOKEN}", "${env:NEW_TOKEN}"],),
        "count": (1000,),
        "event": ({"action": "push", "n": 1},),
        "url": ("https://example.org/hook", "${env:HOOK_URL}"),
        "headers": ({"Authorization": "Bearer ${env:HOOK_TOKEN}"},),
        "on_status": ({"404": "ok", "5xx": "retry"},),
        "max_batch": (100,),
        "rotate": ({"max_size": "100MB", "keep": 5},),
        "target": ("package.module:function", "provided:notify"),
        "ignore": ({"actions": ["pull", "mount"]},),
        "actions": (["pull", "mount"],),
        "media_types": (["application/octet-stream"],),
        # --- vars and promises
        "VarSpec.default": ("http://127.0.0.1:9000/hook",),
        "Promise.from": ("registry",),
        "Promise.to": ("audit.file",),
    }
)
"""`Model.field` or `field` → values a document may write there."""

_LINES = {
    "json": "One event a request, as JSON.",
    "ndjson": "One JSON value a line.",
    "lines": "Plain text, a line each.",
    "docker": "A Docker registry notification: `{events: […]}`.",
    "auto": "`docker` where only events of schema `docker.registry` come, else `json`.",
}

_PARAMS = {
    "string": "Text.",
    "integer": "A whole number.",
    "number": "A number.",
    "boolean": "`true` or `false`.",
    "duration": "A duration: `500ms`, `1h30m`.",
    "size": "A size: `64KiB`, `10MB`.",
    "url": "An http or https URL.",
    "path": "The path of a file.",
    "list": "A list; `items` says of what.",
    "mapping": "A mapping; `fields` says of what.",
    "node": "The name of a sink, or a node written in place.",
    "any": "Whatever the field takes that it is put into.",
}

WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "store": {
            "memory": "A kill loses what is pending; a stop saves it where there is a state dir.",
            "disk": "In the state dir: survives a kill, and a write returns when it is stored.",
        },
        "when_full": {
            "block": "The writer waits, at most `max_wait`.",
            "reject": "The write is refused before anything is stored.",
            "drop_oldest": "The oldest pending event is lost, and counted.",
            "drop_newest": "The new event is lost, and counted.",
            "overflow": "The new event goes to the sink named in `overflow`.",
        },
        "on_stop": {
            "save": "What is pending waits in the state dir for the next start.",
            "discard": "What is pending is counted, reported and lost.",
        },
        "on_remove": {
            "drain": "Pending events are delivered, then the node ends.",
            "dead_letter": "Pending events become dead letters.",
            "discard": "Pending events are counted and lost.",
        },
        "hold": {
            "lane": "All events of the lane wait: order is kept.",
            "key": "Only events of the same key wait: order is kept per key.",
            "event": "Only this event waits: order is not kept.",
        },
        "jitter": {
            "full": "Drawn from [0, wait).",
            "equal": "Drawn from [wait/2, wait).",
            "decorrelated": "Drawn between the base and three times the last wait.",
            "none": "Exactly the wait.",
        },
        "on_error": {
            "dead_letter": "The event becomes a dead letter, with the reason.",
            "drop": "The event is lost, and counted.",
            "pass": "The event goes on.",
        },
        "Balance.by": {
            "round_robin": "One target after the other.",
            "least_pending": "The target with the fewest pending events.",
            "key": "Events of one `key` always to the same target.",
        },
        "format": _LINES,
        "sync": {
            "none": "Left to the operating system.",
            "batch": "After each batch.",
            "each": "After each event.",
        },
        "readers": {
            "compete": "Readers share the events: each event goes to one.",
            "each": "Every reader gets every event.",
        },
        "method": {
            "POST": "The request is a POST.",
            "PUT": "The request is a PUT.",
            "PATCH": "The request is a PATCH.",
        },
        "on_status": {
            "ok": "The event is delivered.",
            "retry": "The event is tried again.",
            "reject": "The event is refused for good.",
            "dead_letter": "The event becomes a dead letter at once.",
        },
        "FileSourceSpec.from": {
            "start": "From the first line of each file.",
            "end": "Only lines written from now on.",
        },
        "validate": {
            "off": "Events unlike the schema pass.",
            "warn": "They pass, and are counted and logged.",
            "reject": "They are refused.",
        },
        "delivery": {
            "at_most_once": "An accepted event arrives once, or is lost.",
            "at_least_once": "An accepted event arrives, perhaps more than once.",
        },
        "accepted": {
            "memory": "Is in memory: a kill may lose it.",
            "durable": "Is on disk.",
            "delivered": "Has arrived.",
        },
        "order": {
            "not_kept": "Any order.",
            "per_key": "Events of one key arrive in their order.",
            "kept": "Events arrive in the order they were accepted.",
        },
        "ParamSpec.type": _PARAMS,
        "items": _PARAMS,
        "type": {
            "string": "Text.",
            "int": "A whole number.",
            "float": "A number.",
            "bool": "`true` or `false`.",
            "duration": "A duration: `500ms`, `1h30m`.",
            "size": "A size: `64KiB`, `10MB`.",
        },
    }
)
"""`Model.field` or `field` → each word of its choice and what it means."""

SNIPPETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "generate": {"count": 10},
        "sample": {"every": 10},
        "transform": {"set": {"data.environment": "production"}},
        "broadcast": {"to": ["audit", "hooks"]},
        "dead_letter": {},
    }
)
"""Kind → fields its snippet has beside, or other than, the required ones."""
