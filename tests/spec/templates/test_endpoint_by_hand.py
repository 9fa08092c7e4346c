"""`endpoint`, written in the language, is what it was when it was expanded by hand.

`endpoint_by_hand.json` holds documents and what each meant then; it is not written anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sinkgraph.graph.load import load_graph

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "endpoint_by_hand.json").read_text(encoding="utf-8")
)
BETTER: tuple[dict[str, Any], ...] = (
    {"format": "jsn"},  # `auto` is one of the words
    {"ignore": {}},  # says nothing: a finding
    {"ignore": {"actions": "pull"}},  # one stands for a list of one
    {"to": "rest"},  # the keys are listed in another order
    {"name": "x"},
    {"on_remove": {"move_to": 5}},  # where to is judged
)


def _document(fields: dict[str, Any], schema: str | None) -> dict[str, Any]:
    source = {"kind": "stdin", "to": "up", **({"schema": schema} if schema else {})}
    return {
        "sinkgraph": 1,
        "name": "d",
        "sources": {"in": source},
        "sinks": {
            "up": {"kind": "broadcast", "to": ["hook", "rest", "lost", "spare"]},
            "hook": {"kind": "endpoint", **fields},
            "rest": {"kind": "stdout"},
            "lost": {"kind": "file", "path": "lost.jsonl"},
            "spare": {"kind": "queue", "to": {"kind": "blackhole"}},
        },
    }


def _meaning(document: dict[str, Any], place: Path) -> dict[str, Any]:
    path = place / "d.json"
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")
    graph, found = load_graph(path, env={}, output_dir=place)
    made: dict[str, Any] = {
        "findings": [
            [
                *(one.code, one.severity, one.headline, one.label),
                (one.span.line, one.span.text) if one.span else None,
                [[label.span.line, label.text] for label in one.secondary],
                *(one.notes, one.help),
            ]
            for one in found
        ]
    }
    if graph is not None:
        made["nodes"] = {
            name: [
                *(node.kind, node.role, node.group, node.origin, node.implied),
                node.spec.model_dump(mode="json", by_alias=True),
            ]
            for name, node in graph.nodes.items()
            if name.startswith("hook")
        }
        made["edges"] = sorted(
            [one.source, one.port, one.index, one.target, one.required]
            for one in graph.edges
            if one.source.startswith("hook")
        )
    return dict(json.loads(json.dumps(made)))


def _then(case: dict[str, Any]) -> dict[str, Any]:
    """Return what a document meant; paths name the node a finding is in, `was` is everywhere."""
    made: dict[str, Any] = {key: case[key] for key in ("findings", "nodes", "edges") if key in case}
    made["findings"] = [[*one[:4], *one[5:]] for one in made["findings"]]
    old = case["fields"].get("was")
    for name, node in made.get("nodes", {}).items():
        if node[0] in ("filter", "fallback") and old:
            node[5]["was"] = f"{old}{name.removeprefix('hook')}"
    return made


def _said_better(case: dict[str, Any]) -> bool:
    return {key: value for key, value in case["fields"].items() if key != "url"} in BETTER


SAME = [(n, case) for n, case in enumerate(CASES) if not _said_better(case)]


@pytest.mark.parametrize("case", [case for _, case in SAME], ids=[str(n) for n, _ in SAME])
def test_an_endpoint_means_what_it_meant(case: dict[str, Any], tmp_path: Path) -> None:
    assert _meaning(_document(case["fields"], case["schema"]), tmp_path) == _then(case)


def test_what_is_said_better_is_among_the_cases() -> None:
    held = [{k: v for k, v in one["fields"].items() if k != "url"} for one in CASES]
    assert all(one in held for one in BETTER)
