"""`defaults:` is judged where it stands, once, and what is wrong reaches no node."""

from __future__ import annotations

from tests.graph.documents import read

HEAD = "sinkgraph: 1\nname: d\nsources:\n  in: {kind: stdin, to: all}\n"
SINKS = """\
sinks:
  all: {kind: broadcast, to: [a, b]}
  a: {kind: queue, to: {kind: http, url: "http://127.0.0.1:9/"}}
  b: {kind: queue, to: {kind: http, url: "http://127.0.0.1:9/"}}
"""


def test_a_wrong_value_is_told_once_whether_or_not_a_node_takes_it() -> None:
    _, found = read(f"{HEAD}defaults:\n  http: {{timeout: 5}}\n  file: {{sync: never}}\n{SINKS}")
    assert [(one.code, one.path, one.span and one.span.line) for one in found] == [
        ("SG127", "defaults.http.timeout", 6),
        ("SG123", "defaults.file.sync", 7),
    ]


def test_a_field_of_source_and_sink_need_fit_only_one_of_them() -> None:
    graph, found = read(f"{HEAD}defaults:\n  file: {{path: a.jsonl, paths: [x]}}\n{SINKS}")
    assert graph is not None, found


def test_a_missing_field_of_defaults_is_none() -> None:
    graph, found = read(f"{HEAD}defaults:\n  http: {{method: PUT}}\n{SINKS}")
    assert graph is not None, found
    assert graph.nodes["a.http"].spec.method == "PUT"  # type: ignore[attr-defined]


def test_a_section_is_taken_whole() -> None:
    text = f"{HEAD}defaults:\n  retry: {{backoff: {{base: 3s, cap: 9s}}}}\n"
    text += "sinks:\n  all: {kind: retry, backoff: {cap: 20s}, to: {kind: stdout}}\n"
    graph, found = read(text)
    assert graph is not None, found
    backoff = graph.nodes["all"].spec.backoff  # type: ignore[attr-defined]
    assert (backoff.base, backoff.cap) == (1.0, 20.0)
