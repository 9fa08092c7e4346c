"""The schema beside the shipped documents is today's, and every one of them names it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

import sinkgraph
from sinkgraph.spec.schema import schema_text
from tests.support.program import GRAPHS

SHIPPED = GRAPHS / "sinkgraph.schema.json"
NAMED = f"./{SHIPPED.name}"


def test_the_shipped_schema_is_todays() -> None:
    assert SHIPPED.read_text(encoding="utf-8") == schema_text(), "write it with `make schema`"


@pytest.mark.parametrize("path", sorted(GRAPHS.glob("*.yaml")), ids=lambda path: path.name)
def test_a_yaml_document_names_it_in_its_first_line(path: Path) -> None:
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    assert first == f"# yaml-language-server: $schema={NAMED}"


@pytest.mark.parametrize("path", sorted(GRAPHS.glob("*.toml")), ids=lambda path: path.name)
def test_a_toml_document_names_it_in_its_first_line(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.partition("\n")[0] == f"#:schema {NAMED}"
    assert tomllib.loads(text)


def test_a_json_document_names_it_under_a_key_of_its_own() -> None:
    (path,) = (one for one in GRAPHS.glob("*.json") if one != SHIPPED)
    assert json.loads(path.read_text(encoding="utf-8"))["$schema"] == NAMED


@pytest.mark.parametrize(
    "text",
    [
        '{"$schema": "./x.json", "sinkgraph": 1, "name": "a", %s}',
        '$schema: ./x.json\nsinkgraph: 1\nname: a\n"sources": %s',
    ],
)
def test_the_loader_passes_over_the_name_of_a_schema(text: str, tmp_path: Path) -> None:
    nodes = '{"in": {"kind": "stdin", "to": "out"}}'
    sinks = '{"out": {"kind": "stdout"}}'
    as_json = text.startswith("{")
    held = f'"sources": {nodes}, "sinks": {sinks}' if as_json else f"{nodes}\nsinks: {sinks}\n"
    document = tmp_path / ("a.json" if as_json else "a.yaml")
    document.write_text(text % held)
    assert sinkgraph.check(str(document)) == []


def test_no_other_key_with_a_dollar_is_passed_over(tmp_path: Path) -> None:
    document = tmp_path / "a.yaml"
    document.write_text(
        "$id: x\nsinkgraph: 1\nname: a\nsources: {in: {kind: stdin, to: out}}\n"
        "sinks: {out: {kind: stdout}}\n"
    )
    assert [one.code for one in sinkgraph.check(str(document))] == ["SG120"]
