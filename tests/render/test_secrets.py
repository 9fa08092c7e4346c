"""Nothing secret is drawn: not from a field, not from the environment, not from a URL."""

from __future__ import annotations

from pathlib import Path

import pytest

from sinkgraph.graph.load import load
from sinkgraph.graph.model import Graph
from sinkgraph.render.dot import to_dot
from sinkgraph.render.drawing import draw
from sinkgraph.render.mermaid import to_mermaid
from sinkgraph.render.output import made

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


def test_no_drawing_holds_a_secret(graph: Graph) -> None:
    drawing = draw(graph, dead_letters=True)
    assert CANARY not in to_dot(drawing)
    assert CANARY not in to_mermaid(drawing)
    assert CANARY.encode() not in made(drawing, "svg")


def test_no_difference_holds_a_secret(graph: Graph, tmp_path: Path) -> None:
    older = tmp_path / "older.yaml"
    text = DOCUMENT.replace(f'"Bearer {CANARY}"', '"Bearer 0ld-5ecret"')
    older.write_text(text.replace(f"token: {CANARY}", "token: 0ld-t0ken"), encoding="utf-8")
    old = load(older, env={"CANARY": "0ld-env", "URL": "https://old.example.com/0ld-url"})
    for drawing in (draw(graph, against=old), draw(old, against=graph)):
        written = to_dot(drawing) + to_mermaid(drawing)
        for secret in (CANARY, "0ld-5ecret", "0ld-t0ken", "0ld-env", "0ld-url"):
            assert secret not in written
        assert "token: another value" in written
        assert "headers.Authorization: another value" in written


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
