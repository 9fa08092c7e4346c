"""The layout can be looked at from a shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sinkgraph_tui.layout.__main__ import main

GRAPH = {
    "nodes": [
        {"name": "in", "kind": "http", "role": "source", "group": None},
        {"name": "out", "kind": "queue"},
        {"name": "dead", "kind": "dead_letter"},
    ],
    "edges": [
        {"source": "in", "target": "out", "port": "to", "required": True, "index": 0},
        {"source": "out", "target": "dead", "port": "dead_letter"},
    ],
}


def test_a_graph_as_the_control_plane_tells_it_is_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(GRAPH), encoding="utf-8")
    assert main([str(path), "--zoom", "map", "--errors"]) == 0
    assert capsys.readouterr().out == "▶≡ in ┄▸✗ dead\n"
    assert main([str(path), "--zoom", "map", "--errors", "--ascii"]) == 0
    assert capsys.readouterr().out == ">= in ~>X dead\n"


@pytest.mark.parametrize(
    "text", ["", "[]", "3", "{}", '{"nodes": [3], "edges": []}', '{"nodes": [{}], "edges": []}']
)
def test_what_is_no_graph_is_refused(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "graph.json"
    path.write_text(text, encoding="utf-8")
    assert main([str(path)]) == 2
    assert "is not a graph" in capsys.readouterr().err
    assert main([str(tmp_path / "absent")]) == 2
