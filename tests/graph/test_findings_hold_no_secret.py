"""What came from the environment or a file is in no finding, wherever the document put it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sinkgraph.diagnostics.report import render_human, render_json
from sinkgraph.graph.load import check, load_graph

CANARY = "CANARYx7q9"
HEAD = "sinkgraph: 1\nname: x\n"
SINK = "sinks: {z: {kind: blackhole}}\n"
DOCUMENTS = {
    "a target": HEAD + "sinks: {a: {kind: queue, to: '${env:CAN}'}}",
    "a target in a list": HEAD + "sinks: {a: {kind: queue, to: ['${env:CAN}']}}",
    "a target for a list": HEAD + "sinks: {a: {kind: broadcast, to: 'x${env:CAN}'}}",
    "a target twice": HEAD + "sinks: {a: {kind: broadcast, to: ['${env:CAN}', '${env:CAN}']}}",
    "a kind": HEAD + "sinks: {a: {kind: '${env:CAN}'}}",
    "a kind in place": HEAD + "sinks: {a: {kind: queue, to: {kind: '${env:CAN}'}}}",
    "a kind of backoff": HEAD
    + "sinks: {a: {kind: retry, backoff: {kind: '${env:CAN}'}, to: z}, z: {kind: blackhole}}",
    "a schema": HEAD + "sources: {s: {kind: stdin, schema: '${env:CAN}', to: z}}\n" + SINK,
    "a schema of one's own": HEAD
    + "sources: {s: {kind: stdin, schema: '${env:CAN}.json', to: z}}\n"
    + SINK,
    "a version": "sinkgraph: '${env:CAN}'\nname: x\n" + SINK,
    "a name": "sinkgraph: 1\nname: '${env:CAN} !'\n" + SINK,
    "a var": HEAD + "vars: {v: '${env:CAN}'}\n" + SINK,
    "a list of sinks": HEAD + "sinks: ['${env:CAN}']",
    "a URL": HEAD + "sinks: {a: {kind: http, url: 'x://there/${env:CAN}'}}",
}


@pytest.mark.parametrize("text", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_no_finding_shows_what_came_from_outside(tmp_path: Path, text: str) -> None:
    (tmp_path / "can").write_text(CANARY + "\n")
    path = tmp_path / "graph.yaml"
    for written in (text, text.replace("${env:CAN}", "${file:can}")):
        path.write_text(written)
        found = check(path, env={"CAN": CANARY})
        assert any(one.severity == "error" for one in found)
        assert CANARY not in render_human(found) + render_json(found) + repr(found)


def test_a_description_from_outside_is_not_drawn(tmp_path: Path) -> None:
    path = tmp_path / "graph.yaml"
    path.write_text(HEAD + "description: '${env:CAN}'\n" + SINK)
    graph, _ = load_graph(path, env={"CAN": CANARY})
    assert graph is not None
    assert graph.description == "***"
