"""The sample document of the design, read as the design says."""

from __future__ import annotations

from sinkgraph.spec.kinds.reliability import Queue, Retry
from sinkgraph.spec.kinds.terminal import FileSinkSpec, HttpSinkSpec
from tests.graph.documents import SAMPLE, TOKEN, codes, graph_of, read


def test_the_sample_only_has_parts_that_are_not_checked_yet() -> None:
    graph, found = read(SAMPLE, env=TOKEN)
    assert graph is not None
    assert codes(found) == ["SG151"]
    assert {one.severity for one in found} == {"warning"}


def test_the_sample_becomes_its_nodes() -> None:
    graph = graph_of(SAMPLE, env=TOKEN)
    assert [(one.name, one.kind, one.role) for one in graph.nodes.values()] == [
        ("registry", "http", "source"),
        ("fanout", "broadcast", "fan"),
        ("audit", "queue", "reliability"),
        ("audit.file", "file", "terminal"),
        ("pushes", "filter", "fan"),
        ("hooks", "queue", "reliability"),
        ("hooks.retry", "retry", "reliability"),
        ("hooks.http", "http", "terminal"),
        ("dead-letters", "dead_letter", "reliability"),
    ]
    assert graph.nodes["dead-letters"].implied
    assert graph.nodes["hooks.retry"].origin == graph.nodes["hooks"].origin == "hooks"
    assert graph.nodes["audit"].origin is None
    audit = graph.nodes["audit"].spec
    assert isinstance(audit, Queue)
    assert (audit.store, audit.capacity, audit.max_bytes) == ("disk", 1_000_000, 1024**3)


def test_the_sample_has_these_edges() -> None:
    graph = graph_of(SAMPLE, env=TOKEN)
    edges = {(one.source, one.port, one.target) for one in graph.edges}
    assert edges == {
        ("registry", "to", "fanout"),
        ("fanout", "to", "audit"),
        ("fanout", "to", "pushes"),
        ("audit", "to", "audit.file"),
        ("audit", "dead_letter", "dead-letters"),
        ("pushes", "to", "hooks"),
        ("pushes", "dead_letter", "dead-letters"),
        ("hooks", "to", "hooks.retry"),
        ("hooks", "dead_letter", "dead-letters"),
        ("hooks.retry", "to", "hooks.http"),
        ("hooks.retry", "dead_letter", "dead-letters"),
    }
    assert [edge.target for edge in graph.downstream("fanout")] == ["audit", "pushes"]
    assert [edge.source for edge in graph.upstream("hooks.http")] == ["hooks.retry"]


def test_the_samples_fields_reach_the_nodes_they_belong_to() -> None:
    graph = graph_of(SAMPLE, env=TOKEN)
    http, retry = graph.nodes["hooks.http"].spec, graph.nodes["hooks.retry"].spec
    queue, file = graph.nodes["hooks"].spec, graph.nodes["audit.file"].spec
    assert isinstance(http, HttpSinkSpec)
    assert isinstance(retry, Retry)
    assert isinstance(queue, Queue)
    assert isinstance(file, FileSinkSpec)
    assert http.url == "http://127.0.0.1:9000/hook"
    assert http.timeout == 0.5
    assert http.headers["Authorization"].reveal() == "Bearer open-sesame"
    assert http.format == "docker"
    assert http.batch_limit == 100
    assert retry.breaker is not None
    assert (retry.breaker.failure_threshold, retry.breaker.open_for) == (5, 1.0)
    assert queue.capacity == 10_000
    assert file.path == "audit.jsonl"


def test_a_var_can_be_set_from_outside() -> None:
    graph = graph_of(SAMPLE, env=TOKEN, set_vars={"hook_url": "https://example.org/h"})
    spec = graph.nodes["hooks.http"].spec
    assert isinstance(spec, HttpSinkSpec)
    assert spec.url == "https://example.org/h"


def test_an_unset_secret_is_an_error_only_when_strict() -> None:
    graph, found = read(SAMPLE, secrets="strict")
    assert graph is None
    assert codes([one for one in found if one.severity == "error"]) == ["SG501"]
    graph, found = read(SAMPLE, secrets="placeholder")
    assert graph is not None
    assert {one.severity for one in found} == {"warning"}


def test_a_secret_is_nowhere_in_what_is_shown() -> None:
    graph = graph_of(SAMPLE, env=TOKEN)
    spec = graph.nodes["hooks.http"].spec
    assert "open-sesame" not in repr(spec)
    assert "open-sesame" not in spec.model_dump_json()
