"""Mermaid says what DOT says, and no text of a document can be taken for its syntax."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from sinkgraph.graph.load import load
from sinkgraph.render.drawing import draw
from sinkgraph.render.mermaid import to_mermaid
from sinkgraph.render.parts import boxes_in, nodes_in

GOLDENS = sorted((Path(__file__).parent / "golden").glob("*.yaml"))


@pytest.mark.parametrize("document", GOLDENS, ids=lambda path: path.stem)
def test_every_node_edge_and_frame_of_the_drawing_is_there_once(document: Path) -> None:
    graph = load(document, env={})
    drawing, lines = draw(graph), to_mermaid(graph).splitlines()
    nodes = list(nodes_in(drawing.frame))
    declared = [line for line in lines if re.match(r'\s*n\d+\W+"<b>', line)]
    assert [re.search("<b>(.*?)</b>", line)[1] for line in declared] == [  # type: ignore[index]
        node.title for node in nodes
    ]
    ids = {node.name: f"n{index}" for index, node in enumerate(nodes)}
    arrows = [re.match(r"  (n\d+) \S+?(?:\|.*\|)? (n\d+)$", line) for line in lines]
    assert [(found[1], found[2]) for found in arrows if found] == [
        (ids[edge.source], ids[edge.target]) for edge in drawing.edges
    ]
    assert sum(line.strip().startswith("subgraph ") for line in lines) == len(
        list(boxes_in(drawing.frame))
    )
    assert sum(line.strip() == "end" for line in lines) == len(list(boxes_in(drawing.frame)))


def graph_of(where: str) -> Any:
    return load(
        {
            "sinkgraph": 1,
            "name": "drawn",
            "sinks": {
                "end-of-graph": {"kind": "filter", "where": where, "to": "subgraph"},
                "subgraph": {"kind": "blackhole"},
            },
        }
    )


def test_names_are_never_ids() -> None:
    drawn = to_mermaid(graph_of("data.a"))
    assert re.search(r"^\s*(?:subgraph|end-of-graph)\W", drawn, re.MULTILINE) is None


def test_marks_of_mermaid_are_written_as_numbers() -> None:
    where = 'data.a == "|" || data.b["]"] == "#;`" || data.c < 1'
    drawn = to_mermaid(graph_of(where))
    label = re.search(r'-->\|"(.*)"\|', drawn)
    assert label is not None
    assert not set(label[1].replace("<br>", "")) & set('"[]{}<>|`&')
    text = re.sub(r"#(\d+);", lambda found: chr(int(found[1])), label[1].replace("<br>", " "))
    assert where.startswith(text.removesuffix("…"))
