"""The schema asks a part of other documents for nothing that those may say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import sinkgraph
from sinkgraph.spec.document import read
from sinkgraph.spec.leaves import plain, unwrap
from sinkgraph.spec.schema import document_schema
from tests.support.language_server import missing, open_editor
from tests.support.program import GRAPHS

HEAD = {"sinkgraph": 1, "name": "whole"}
SINKS = {"sinks": {"out": {"kind": "stdout"}}}
PARTS = sorted(
    path
    for path in (GRAPHS / "site").rglob("*")
    if path.suffix in {".yaml", ".toml", ".json"} and not path.name.endswith(".schema.json")
)


@pytest.fixture(scope="module")
def judge() -> Draft202012Validator:
    return Draft202012Validator(document_schema())


@pytest.mark.parametrize("path", PARTS, ids=lambda path: path.name)
def test_a_shipped_part_is_refused_by_nothing(judge: Draft202012Validator, path: Path) -> None:
    tree, _ = read(path)
    assert tree is not None
    assert [one.message for one in judge.iter_errors(unwrap(plain(tree)))] == []


@pytest.mark.parametrize(
    "document",
    [
        SINKS,
        {"vars": {"x": {"default": 1}}},
        {"sinks": {"out": {"kind": "queue"}, "own": {"kind": "of_a_template"}}},
        {"include": "more.yaml"},
        {**HEAD, "include": ["a.yaml", "parts/*.toml"]},
        {**HEAD, "include": "a.yaml", "sinks": {}},
        {**HEAD, "include": "a.yaml", "sinks": None},
        {**HEAD, "include": "a.yaml", "sinks": {"out": {"kind": "queue"}}},
    ],
)
def test_what_others_may_say_is_not_asked_for(
    judge: Draft202012Validator, document: dict[str, Any]
) -> None:
    assert [one.message for one in judge.iter_errors(document)] == []


@pytest.mark.parametrize(
    "document",
    [
        HEAD,
        {**HEAD, "sinks": {}},
        {**HEAD, "sinks": {"out": {"kind": "queue"}}},
        {"sinkgraph": 1, **SINKS},
        {"name": "x", **SINKS},
        {"sinks": {"out": {"kind": "stdout", "colour": "red"}}},
        {"include": 3, **SINKS},
        {"snks": {}},
    ],
)
def test_a_whole_document_is_asked_for_all_and_a_part_for_what_it_says(
    judge: Draft202012Validator, document: dict[str, Any]
) -> None:
    assert list(judge.iter_errors(document))
    found = sinkgraph.check(document)
    assert any(one.severity == "error" for one in found)


@pytest.mark.skipif(bool(missing()), reason=missing())
def test_a_part_has_nothing_underlined_in_an_editor() -> None:
    with open_editor() as editor:
        for path in PARTS:
            if path.suffix == ".yaml":
                assert editor.findings(path, path.read_text(encoding="utf-8")) == []
        text = "# yaml-language-server: $schema=./sinkgraph.schema.json\nsinks: {a: {kind: fil}}\n"
        assert editor.findings(GRAPHS / "new.yaml", text) == []
        found = editor.findings(GRAPHS / "new.yaml", text + "name: x\n")
        assert found
