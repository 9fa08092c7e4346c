"""Nothing secret is drawn: not from a field, not from the environment, not from a URL."""

from __future__ import annotations

from pathlib import Path

import pytest

from sinkgraph.graph.load import load
from sinkgraph.graph.model import Graph
from sinkgraph.render.dot import to_dot
from sinkgraph.render.mermaid import to_mermaid

CANARY = "c4n4ry-5ecret"

DOCUMENT = """
sinkgraph: 1
name: secrets
vars:
  key: {secret: true, default: c4n4ry-5ecret}
defaults:
  http: {headers: {X-Key: "${env:CANARY}"}}
sources:
  web:
    kind: http
    listen: 127.0.0.1:8700
    token: c4n4ry-5ecret
    tokens: ["${env:CANARY}", c4n4ry-5ecret]
    to: change
sinks:
  change:
    kind: transform
    description: "sent with ${env:CANARY} on board"
    set: {data.key: "${env:CANARY}", data.more: "is ${var:key}"}
    to: all
  all: {kind: broadcast, to: [a, b, c, d, e]}
  a:
    kind: endpoint
    url: "https://a.example.com/${env:CANARY}/x"
    headers: {Authorization: "Bearer c4n4ry-5ecret"}
  b: {kind: endpoint, url: "https://b.example.com/x?token=c4n4ry-5ecret"}
  c: {kind: endpoint, url: ["${env:URL}", "https://c.example.com/${env:CANARY:-none}"]}
  d: {kind: queue, to: {kind: http, url: "${env:URL}"}}
  e: {kind: file, path: "${file:secret.txt}"}
"""


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    document = tmp_path / "secrets.yaml"
    document.write_text(DOCUMENT, encoding="utf-8")
    (tmp_path / "secret.txt").write_text(CANARY, encoding="utf-8")
    env = {"CANARY": CANARY, "URL": f"https://hooks.example.com/services/{CANARY}"}
    return load(document, env=env, secrets="strict")


@pytest.mark.parametrize("dark", [False, True])
def test_no_drawing_holds_a_secret(graph: Graph, dark: bool) -> None:
    assert CANARY not in to_dot(graph, dark=dark, dead_letters=True)
    assert CANARY not in to_mermaid(graph, dark=dark, dead_letters=True)


def test_what_came_from_outside_is_shown_as_the_document_writes_it(graph: Graph) -> None:
    drawn = to_dot(graph)
    assert "https://a.example.com/${env:CANARY}/x" in drawn
    assert "http · ${env:URL}" in drawn
    assert "file · ${file:secret.txt}" in drawn
    assert "https://c.example.com/${env:CANARY}" in drawn
    assert "Authorization: ***" in drawn


def test_a_url_has_no_query(graph: Graph) -> None:
    assert "https://b.example.com/x?…" in to_dot(graph)


def test_an_unset_variable_is_shown_by_its_name() -> None:
    document = {
        "sinkgraph": 1,
        "name": "unset",
        "sinks": {"hook": {"kind": "http", "url": "${env:HOOK_URL}"}},
    }
    assert "http · ${env:HOOK_URL}" in to_dot(load(document, env={}))


def test_a_secret_in_a_document_without_places_is_masked() -> None:
    document = {
        "sinkgraph": 1,
        "name": "masked",
        "sinks": {"hook": {"kind": "http", "url": "${env:HOOK_URL}"}},
    }
    drawn = to_dot(load(document, env={"HOOK_URL": f"https://example.com/{CANARY}"}))
    assert CANARY not in drawn
    assert "http · ***" in drawn
