"""Every document in `graphs/` is without findings, and has a test here that runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

import sinkgraph
from tests.support.program import GRAPHS

DOCUMENTS = sorted(
    path
    for path in GRAPHS.iterdir()
    if path.suffix in {".yaml", ".yml", ".toml", ".json"} and path.suffixes[:1] != [".schema"]
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_has_no_findings(document: Path) -> None:
    assert sinkgraph.check(str(document)) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_has_a_test_that_runs_it(document: Path) -> None:
    test = Path(__file__).with_name(f"test_{document.stem}.py")
    assert test.exists(), f"add tests/graphs/{test.name}: run {document.name}, see what it does"
    text = test.read_text()
    assert f'GRAPHS / "{document.name}"' in text
    assert "def test_" in text


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_says_what_it_is_for(document: Path) -> None:
    assert sinkgraph.load(str(document)).description


def test_there_are_eight_or_more_and_every_syntax() -> None:
    assert len(DOCUMENTS) >= 8
    assert {document.suffix for document in DOCUMENTS} >= {".yaml", ".toml", ".json"}
