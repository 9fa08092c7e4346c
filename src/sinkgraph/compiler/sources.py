"""Builders of the source kinds."""

from __future__ import annotations

from collections.abc import Callable

from sinkgraph.compiler.build import Parts
from sinkgraph.expr.validator import validator
from sinkgraph.graph.inference.accepted import accepted
from sinkgraph.graph.schemas import read_schema
from sinkgraph.sinks.base import Node
from sinkgraph.sources.file import FileSource
from sinkgraph.sources.generate import Generate
from sinkgraph.sources.http import HttpSource
from sinkgraph.sources.http_listener import Listeners
from sinkgraph.sources.inlet import Inlet
from sinkgraph.sources.schema_gate import SchemaGate
from sinkgraph.sources.stdin import Stdin

__all__ = ["MAKERS"]


def _is_registry(parts: Parts) -> bool:
    return bool(parts.spec.schema_ == "docker.registry")


def _gate(parts: Parts) -> SchemaGate | None:
    """Return what holds events against the schema, where the source asks for it."""
    spec = parts.spec
    if spec.validate_ == "off" or spec.schema_ is None:
        return None
    schema, found = read_schema(spec.schema_, parts.graph.base)
    if schema is None:
        parts.refuse("; ".join(one.headline for one in found))
        return None
    return SchemaGate(validator(schema.value), refuse=spec.validate_ == "reject")


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
    )


def _stdin(parts: Parts) -> Node:
    return Stdin(
        parts.one(),
        format=parts.spec.format,
        registry=_is_registry(parts),
        gate=_gate(parts),
    )


def _file(parts: Parts) -> Node:
    spec = parts.spec
    node = FileSource(
        parts.one(),
        [parts.input(path) for path in spec.paths],
        follow=spec.follow,
        start=spec.from_,
        format=spec.format,
        registry=_is_registry(parts),
        gate=_gate(parts),
    )
    node.was = spec.was
    return node


def _generate(parts: Parts) -> Node:
    spec = parts.spec
    return Generate(parts.one(), rate=spec.rate, count=spec.count, event=spec.event)


def _inlet(parts: Parts) -> Node:
    return Inlet(parts.one())


MAKERS: dict[str, Callable[[Parts], Node]] = {
    "http": _http,
    "stdin": _stdin,
    "file": _file,
    "generate": _generate,
    "inlet": _inlet,
}
