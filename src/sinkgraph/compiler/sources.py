"""Builders of the source kinds."""

from __future__ import annotations

from collections.abc import Callable

from sinkgraph.compiler.build import Parts
from sinkgraph.expr.validator import validator
from sinkgraph.graph.inference.accepted import accepted
from sinkgraph.graph.schemas import named_schemas, read_schema
from sinkgraph.sinks.base import Node
from sinkgraph.sources.file import FileSource
from sinkgraph.sources.generate import Generate
from sinkgraph.sources.http import HttpSource
from sinkgraph.sources.http_listener import Listeners
from sinkgraph.sources.inlet import Inlet
from sinkgraph.sources.schema_gate import Check, SchemaGate
from sinkgraph.sources.stdin import Stdin

__all__ = ["MAKERS"]


def _cloud_events(parts: Parts) -> bool:
    return bool(parts.spec.schema_ == "cloudevents")


def _is_registry(parts: Parts) -> bool:
    return bool(parts.spec.schema_ == "docker.registry")


def _gate(parts: Parts) -> SchemaGate | None:
    """Return what holds events against the schema, where the source asks for it."""
    spec = parts.spec
    named = named_schemas(spec)
    if spec.validate_ == "off" or not named:
        return None
    checks: dict[str | None, Check] = {}
    for one in named:
        schema, found = read_schema(one.text, parts.graph.base)
        if schema is None:
            parts.refuse("; ".join(each.headline for each in found))
            return None
        if schema.value is not True:
            checks[one.pattern] = validator(schema.value)
    whole = checks.pop(None, None)
    by_type = {one.pattern: checks.get(one.pattern) for one in named if one.pattern is not None}
    return SchemaGate(whole, refuse=spec.validate_ == "reject", by_type=by_type)


def _http(parts: Parts) -> Node:
    spec = parts.spec
    listeners = parts.shared.setdefault("listeners", Listeners())
    tokens = [*([spec.token] if spec.token is not None else []), *spec.tokens]
    return HttpSource(
        parts.one(),
        host=spec.listen.host,
        port=spec.listen.port,
        path=spec.path,
        tokens=tokens,
        max_body=spec.max_body,
        max_wait=spec.max_wait,
        listeners=listeners,
        worth=accepted(parts.graph, parts.node.name, state=parts.state_dir is not None).worth,
        gate=_gate(parts),
        cloud_events=_cloud_events(parts),
    )


def _stdin(parts: Parts) -> Node:
    return Stdin(
        parts.one(),
        format=parts.spec.format,
        registry=_is_registry(parts),
        cloud_events=_cloud_events(parts),
        gate=_gate(parts),
    )


def _file(parts: Parts) -> Node:
    spec = parts.spec
    return FileSource(
        parts.one(),
        [parts.input(path) for path in spec.paths],
        follow=spec.follow,
        start=spec.from_,
        format=spec.format,
        registry=_is_registry(parts),
        cloud_events=_cloud_events(parts),
        gate=_gate(parts),
    )


def _generate(parts: Parts) -> Node:
    spec = parts.spec
    return Generate(
        parts.one(), rate=spec.rate, count=spec.count, event=spec.event, gate=_gate(parts)
    )


def _inlet(parts: Parts) -> Node:
    return Inlet(parts.one(), gate=_gate(parts))


MAKERS: dict[str, Callable[[Parts], Node]] = {
    "http": _http,
    "stdin": _stdin,
    "file": _file,
    "generate": _generate,
    "inlet": _inlet,
}
