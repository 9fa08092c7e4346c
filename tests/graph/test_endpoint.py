"""The composite `endpoint`: what it becomes, and where its fields and edges go."""

from __future__ import annotations

from typing import Any

import pytest

from sinkgraph.event import Event
from sinkgraph.expr.check import check_expression
from sinkgraph.expr.compile import compile_expression
from sinkgraph.graph.model import Graph
from sinkgraph.spec.kinds.fan import Filter
from sinkgraph.spec.kinds.reliability import Queue, Retry
from sinkgraph.spec.kinds.terminal import HttpSinkSpec
from tests.graph.documents import codes, of_nodes

URL = "https://example.org/hook"


def _schema(schema: str | None) -> dict[str, str]:
    return {"schema": schema} if schema else {}


def _graph(fields: dict[str, Any], schemas: tuple[str | None, ...] = (None,)) -> Graph:
    sources = {
        f"in{i}": {"kind": "file", "paths": ["in"], "to": "hook", **_schema(schema)}
        for i, schema in enumerate(schemas)
    }
    sinks = {
        "hook": {"kind": "endpoint", "url": URL, **fields},
        "rest": {"kind": "stdout"},
        "lost": {"kind": "file", "path": "lost.jsonl"},
    }
    made: Graph | None
    made, found = of_nodes(sinks, sources)
    assert made is not None, found
    return made


def _to(graph: Graph, name: str) -> list[tuple[str, str]]:
    return [(edge.port, edge.target) for edge in graph.downstream(name)]


def test_an_endpoint_is_queue_retry_http() -> None:
    graph = _graph({})
    assert _to(graph, "hook") == [("to", "hook.retry"), ("dead_letter", "dead-letters")]
    assert _to(graph, "hook.retry") == [("to", "hook.http"), ("dead_letter", "dead-letters")]
    assert _to(graph, "hook.http") == []
    assert _to(graph, "in0")[0] == ("to", "hook")


def test_several_urls_fail_over_in_order() -> None:
    graph = _graph({"url": [URL, "https://two.example.org/", "https://three.example.org/"]})
    assert graph.nodes["hook.failover"].kind == "fallback"
    assert _to(graph, "hook.retry")[0] == ("to", "hook.failover")
    ends = ["hook.http", "hook.http-2", "hook.http-3"]
    assert [edge.target for edge in graph.downstream("hook.failover")] == ends
    specs = [graph.nodes[end].spec for end in ends]
    assert [one.url for one in specs if isinstance(one, HttpSinkSpec)][1] == (
        "https://two.example.org/"
    )


def test_ignore_adds_a_filter_above_the_retry() -> None:
    graph = _graph({"ignore": {"actions": ["pull", "mount"], "media_types": ["a/b"]}})
    assert _to(graph, "hook")[0] == ("to", "hook.filter")
    assert _to(graph, "hook.filter") == [("to", "hook.retry")]
    spec = graph.nodes["hook.filter"].spec
    assert isinstance(spec, Filter)
    assert spec.on_error == "pass"
    assert check_expression(spec.where, result="bool") == []


@pytest.mark.parametrize(
    ("event", "sent"),
    [
        ({"action": "push"}, True),
        ({"action": "pull"}, False),
        ({"action": "push", "target": {"mediaType": 'odd"type'}}, False),
        ({"action": "push", "target": {"mediaType": "other"}}, True),
        ({"action": "delete", "target": {}}, True),
        ({}, True),
    ],
)
def test_the_ignore_condition_is_that_of_a_registry(event: dict[str, Any], sent: bool) -> None:
    graph = _graph({"ignore": {"actions": ["pull"], "media_types": ['odd"type']}})
    text = graph.nodes["hook.filter"].spec.where  # type: ignore[attr-defined]
    assert compile_expression(text, result="bool").evaluate(Event(data=event)) is sent


def test_fields_go_to_the_node_they_belong_to() -> None:
    graph = _graph(
        {
            "capacity": 5,
            "when_full": "overflow",
            "overflow": "rest",
            "concurrency": 100,
            "max_batch": 7,
            "format": "ndjson",
            "max_attempts": 3,
            "timeout": "3s",
            "dead_letter": "lost",
            "was": "old",
        }
    )
    queue, retry, http = (graph.nodes[n].spec for n in ("hook", "hook.retry", "hook.http"))
    assert isinstance(queue, Queue)
    assert isinstance(retry, Retry)
    assert isinstance(http, HttpSinkSpec)
    assert (queue.capacity, queue.concurrency, queue.max_batch) == (5, 100, 1_000)
    assert (http.concurrency, http.max_batch, http.timeout) == (100, 7, 3.0)
    assert retry.max_attempts == 3
    assert (queue.was, retry.was, http.was) == ("old", "old.retry", "old.http")
    assert ("overflow", "rest") in _to(graph, "hook")
    assert ("dead_letter", "lost") in _to(graph, "hook")
    assert ("dead_letter", "lost") in _to(graph, "hook.retry")
    assert all(edge.target != "dead-letters" for edge in graph.downstream("hook.retry"))


@pytest.mark.parametrize(
    ("schemas", "wanted"),
    [
        (("docker.registry",), "docker"),
        (("docker.registry", "docker.registry"), "docker"),
        (("docker.registry", None), "json"),
        ((None,), "json"),
    ],
)
def test_the_format_follows_the_sources_above(schemas: tuple[str | None, ...], wanted: str) -> None:
    spec = _graph({}, schemas).nodes["hook.http"].spec
    assert isinstance(spec, HttpSinkSpec)
    assert spec.format == wanted
    assert spec.batch_limit == (100 if wanted == "docker" else 1)


def test_a_batch_of_json_is_refused_also_when_json_is_inferred() -> None:
    sinks = {"hook": {"kind": "endpoint", "url": URL, "max_batch": 5}}
    graph, found = of_nodes(sinks, {"in": {"kind": "stdin", "to": "hook"}})
    assert graph is None
    assert codes(found) == ["SG142"]
