"""A plan promises of live nodes what they can do."""

from __future__ import annotations

from pathlib import Path

from sinkgraph.compiler.build import build
from sinkgraph.errors import StartFailed
from sinkgraph.graph.diff.table import rows
from sinkgraph.graph.model import Graph
from sinkgraph.sinks.base import Node
from sinkgraph.spec.kind import Kind
from tests.graph.diff.versions import EACH, changed


def live(graph: Graph, tmp_path: Path) -> Node | None:
    """Return the live node of a graph, not started; None where it cannot be built here."""
    try:
        made = build(graph, output_dir=str(tmp_path), provided={"one": print, "two": print})
    except StartFailed:
        return None
    return {**made.sources, **made.sinks}.get("node")


@EACH
def test_what_is_retuned_the_live_node_can_become(kind: Kind, tmp_path: Path) -> None:
    tried = 0
    for row in rows(kind):
        for before, after, change in changed(kind, row.field):
            old, fresh = live(before, tmp_path), live(after, tmp_path)
            if old is None or fresh is None:
                continue
            tried += 1
            if change.action != "replace":
                assert old.can_become(fresh), (row.field, change)
    assert tried, f"no field of {kind.name} was tried"
