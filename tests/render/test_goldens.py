"""Drawings are text that people review: each document here has its drawings beside it.

`SINKGRAPH_WRITE_GOLDENS=1 pytest tests/render/test_goldens.py` writes them anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sinkgraph.graph.load import load
from sinkgraph.graph.model import Graph
from sinkgraph.render.dot import to_dot
from sinkgraph.render.mermaid import to_mermaid

GOLDENS = Path(__file__).parent / "goldens"
DRAWINGS: dict[str, Callable[[Graph], str]] = {
    ".dot": to_dot,
    ".dark.dot": lambda graph: to_dot(graph, dark=True),
    ".dead.dot": lambda graph: to_dot(graph, dead_letters=True),
    ".mmd": to_mermaid,
}


def graph_of(document: Path) -> Graph:
    return load(document, env={})


@pytest.mark.parametrize("document", sorted(GOLDENS.glob("*.yaml")), ids=lambda path: path.stem)
@pytest.mark.parametrize("suffix", DRAWINGS)
def test_the_drawing_is_the_one_beside_the_document(document: Path, suffix: str) -> None:
    drawn = DRAWINGS[suffix](graph_of(document))
    golden = document.with_suffix(suffix)
    if os.environ.get("SINKGRAPH_WRITE_GOLDENS"):
        golden.write_text(drawn, encoding="utf-8")
    assert drawn == golden.read_text(encoding="utf-8")


def test_there_are_documents_to_draw() -> None:
    assert len(list(GOLDENS.glob("*.yaml"))) >= 2


@pytest.mark.parametrize("document", sorted(GOLDENS.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_document_is_drawn_the_same_each_time(document: Path) -> None:
    first, second = graph_of(document), graph_of(document)
    assert first is not second
    for draw in DRAWINGS.values():
        assert draw(first) == draw(second)


def test_a_graph_draws_itself_as_dot_does() -> None:
    graph = graph_of(GOLDENS / "registry.yaml")
    assert graph.to_dot() == to_dot(graph)
