"""The composite `endpoint` becomes NAME (queue) → NAME.filter → NAME.retry → NAME.http.

NAME.filter is there only with `ignore`; several URLs make NAME.failover over NAME.http,
NAME.http-2, … What the fields mean is `sinkgraph.spec.kinds.endpoint`.
"""

from __future__ import annotations

import json
from typing import Any

from sinkgraph.graph.model import GraphEdge, GraphNode
from sinkgraph.spec.declared import NodeDecl
from sinkgraph.spec.kinds.base import NodeSpec, Section
from sinkgraph.spec.kinds.endpoint import Endpoint, Ignore
from sinkgraph.spec.kinds.fan import Fallback, Filter
from sinkgraph.spec.kinds.reliability import Queue, QueueFields, Retry, RetryFields
from sinkgraph.spec.kinds.terminal import HttpFields, HttpSinkSpec

__all__ = ["expand", "ignore_expression", "inner_names"]

_QUEUE = Queue.model_construct(kind="queue", to="")
_FILTER = Filter.model_construct(kind="filter", where="true", to="", on_error="pass")
_RETRY = Retry.model_construct(kind="retry", to="")
_FALLBACK = Fallback.model_construct(kind="fallback", to=())
_HTTP = HttpSinkSpec.model_construct(kind="http", url="")
"""What each inner node starts from: copying is cheaper than constructing, and values are valid."""
_HTTP_CONCURRENCY: int = HttpSinkSpec.model_fields["concurrency"].default


def expand(
    decl: NodeDecl, spec: Endpoint, group: str | None, *, docker: bool
) -> tuple[list[GraphNode], list[GraphEdge]]:
    """Return the nodes and inner edges of an endpoint; its first node bears its name.

    `docker`: every source above has schema `docker.registry`, so that is the format it defaults to.
    """
    name = decl.name
    nodes: list[GraphNode] = []
    edges: list[GraphEdge] = []

    def add(suffix: str, kind: str, role: Any, made: NodeSpec) -> str:
        own = f"{name}{suffix}"
        nodes.append(GraphNode(own, kind, role, made, group, decl.at, False, name))
        return own

    def link(source: str, target: str, index: int = 0) -> None:
        edges.append(GraphEdge(source, "to", target, True, index, decl.at))

    several = len(spec.url) > 1
    ends = _ends(name, spec)
    last = f"{name}.failover" if several else ends[0]
    shared = _shared(spec)
    first = f"{name}.filter" if spec.ignore else f"{name}.retry"
    add("", "queue", "reliability", _queue(spec, first))
    link(name, first)
    if spec.ignore:
        where = ignore_expression(spec.ignore)
        made = _FILTER.model_copy(update={**shared, "where": where, "to": f"{name}.retry"})
        link(add(".filter", "filter", "fan", made), f"{name}.retry")
    was = f"{spec.was}.retry" if spec.was else None
    own = _taken(spec, RetryFields)
    retry = _RETRY.model_copy(update={**shared, **own, "to": last, "was": was})
    link(add(".retry", "retry", "reliability", retry), last)
    if several:
        made_fallback = _FALLBACK.model_copy(update={**shared, "to": tuple(ends)})
        add(".failover", "fallback", "fan", made_fallback)
        for index, end in enumerate(ends):
            link(last, end, index)
    for end, url in zip(ends, spec.url, strict=True):
        add(end[len(name) :], "http", "terminal", _http(spec, url, end, docker=docker))
    return nodes, edges


def inner_names(name: str, spec: Endpoint) -> list[str]:
    """Return the names of the nodes an endpoint becomes, without its own."""
    middle = [f"{name}.filter"] if spec.ignore else []
    failover = [f"{name}.failover"] if len(spec.url) > 1 else []
    return [*middle, f"{name}.retry", *failover, *_ends(name, spec)]


def _ends(name: str, spec: Endpoint) -> list[str]:
    count = len(spec.url)
    return [f"{name}.http" if n == 1 else f"{name}.http-{n}" for n in range(1, count + 1)]


def _shared(spec: Endpoint) -> dict[str, Any]:
    return {"group": spec.group, "on_remove": spec.on_remove}


def _taken(spec: Endpoint, fields: type[Section]) -> dict[str, Any]:
    values = spec.__dict__
    return {name: values[name] for name in fields.model_fields}


def _queue(spec: Endpoint, to: str) -> Queue:
    own = {
        **_shared(spec),
        **_taken(spec, QueueFields),
        "to": to,
        "concurrency": spec.concurrency,
        "description": spec.description,
        "was": spec.was,
    }
    return _QUEUE.model_copy(update=own)


def _http(spec: Endpoint, url: str, end: str, *, docker: bool) -> HttpSinkSpec:
    own = {
        **_shared(spec),
        **_taken(spec, HttpFields),
        "url": url,
        "format": spec.format or ("docker" if docker else "json"),
        "concurrency": max(_HTTP_CONCURRENCY, spec.concurrency),
        "max_batch": spec.max_batch,
        "was": f"{spec.was}{end[end.rindex('.') :]}" if spec.was else None,
    }
    return _HTTP.model_copy(update=own)


def ignore_expression(ignore: Ignore) -> str:
    """Return the condition under which an event is sent.

    As in a registry's own configuration: an event is not sent when its action, or the media type
    of its target, is listed. An event without these fields is sent.
    """
    listed = []
    if ignore.actions:
        listed.append(f"(has(data.action) && data.action in {_list(ignore.actions)})")
    if ignore.media_types:
        types = _list(ignore.media_types)
        listed.append(
            f"(has(data.target) && has(data.target.mediaType) && data.target.mediaType in {types})"
        )
    return f"!({' || '.join(listed)})"


def _list(words: tuple[str, ...]) -> str:
    return json.dumps(list(words), ensure_ascii=True)
