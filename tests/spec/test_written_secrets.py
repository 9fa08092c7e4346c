"""Secrets written into a document are masked in every excerpt, whatever is wrong beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sinkgraph.diagnostics.report import render_human, render_json
from sinkgraph.graph.load import check

CANARY = "CANARYx7q9"
YAML = """\
sinkgraph: 1
name: x
vars:
  one: {default: CANARYx7q9, secret: true, type: int}
sources:
  in: {kind: http, listen: "127.0.0.1:0", token: CANARYx7q9, nosuch: 1, to: h}
  more: {kind: http, listen: "127.0.0.1:0", path: /m, tokens: ["${env:A}", CANARYx7q9, 5], to: h}
sinks:
  h:
    kind: http
    url: "http://u:CANARYx7q9@there/?key=CANARYx7q9"
    headers: {Authorization: "Bearer CANARYx7q9", X-Api-Key: "CANARYx7q9\\t\\x01", Bad Name: x}
"""
TOML = """\
sinkgraph = 1
name = "x"
sources.in = {kind = "http", listen = "127.0.0.1:0", token = "CANARYx7q9", nosuch = 1, to = "h"}
[sinks.h]
kind = "http"
url = "http://there/hook?key=CANARYx7q9#part"
headers = {Cookie = "CANARYx7q9", "Bad Name" = "x"}
"""
JSON = """{"sinkgraph": 1, "name": "x", "nosuch": {}, "sinks": {"h": {"kind": "endpoint",
 "url": ["http://there/?key=CANARYx7q9", "nowhere"], "nosuch": 1,
 "headers": {"X-Signature": "CANARYx7q9"}}}}"""


@pytest.mark.parametrize(("suffix", "text"), [("yaml", YAML), ("toml", TOML), ("json", JSON)])
def test_no_finding_shows_a_secret_the_document_holds(
    tmp_path: Path, suffix: str, text: str
) -> None:
    path = tmp_path / f"graph.{suffix}"
    path.write_text(text)
    found = check(path, env={})
    assert len(found) >= 3
    shown = render_human(found)
    assert "*" * len(CANARY) in shown
    assert CANARY not in shown + render_json(found) + repr(found)


def test_where_a_secret_comes_from_stays_readable(tmp_path: Path) -> None:
    path = tmp_path / "graph.yaml"
    path.write_text(
        "sinkgraph: 1\nname: x\nsinks:\n"
        '  h: {kind: http, url: "http://h/?k=${env:K}", headers: {Cookie: "a ${env:C}"}, nosuch: 1}'
    )
    shown = render_human(check(path, env={}))
    assert "?k=${env:K}" in shown
    assert "a ${env:C}" in shown
