"""Turns a graph into the map's words, and a view into the looks of every node.

It places nothing and draws nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from sinkgraph.api.models import GraphView
from sinkgraph_tui.layout import Box, Look, Looks, MapEdge, MapGraph, MapNode, Tone
from sinkgraph_tui.model.cards import member_line
from sinkgraph_tui.model.figures import count, latency, per_s, short
from sinkgraph_tui.model.reading import View
from sinkgraph_tui.model.rows import Row

__all__ = ["folds_of", "looks_of", "loud_of", "map_of", "mapped"]

_TONES: Mapping[str, Tone] = {
    "text": "normal", "dim": "dim", "strong": "normal", "accent": "normal", "warn": "warn",
    "bad": "bad", "probing": "probing", "manual": "manual",
}  # fmt: skip
_MARKS = {
    "OPEN": "open", "PROBE": "half_open", "TRIPPED": "tripped", "disabled": "tripped",
    "paused": "paused", "FAILED": "warn", "degraded": "warn",
}  # fmt: skip
_TELLING = frozenset({"retry", "breaker"})
_SILENT = frozenset({"ok", "closed", "FULL"})


def map_of(graph: GraphView) -> MapGraph:
    """Return what is to be laid out; dead letters go along edges of errors."""
    return MapGraph.of(
        (MapNode(one.name, one.kind, one.role, one.group) for one in graph.nodes),
        (
            MapEdge(
                one.source, one.target, one.port, one.index, one.required,
                error=one.port == "dead_letter",
            )
            for one in graph.edges
        ),
    )  # fmt: skip


class _Known:
    """Is a graph that is told from another by its generation and digest."""

    def __init__(self, graph: GraphView) -> None:
        self.graph = graph
        self.key = (graph.name, graph.generation, graph.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Known) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


def mapped(graph: GraphView) -> MapGraph:
    """Return `map_of` a graph, the same object for the same generation."""
    return _mapped(_Known(graph))


@lru_cache(maxsize=4)
def _mapped(known: _Known) -> MapGraph:
    return map_of(known.graph)


def loud_of(view: View) -> frozenset[str]:
    """Return the nodes that are not to be folded away: whoever has a sign."""
    return frozenset(sign.node for one in view.troubles for sign in one.signs if sign.node)


def looks_of(view: View, *, selected: str | None = None) -> Looks:
    """Return how every node looks at the moment of a view."""
    return Looks({row.name: _look(row, view) for row in view.rows()}, selected=selected)


def folds_of(boxes: Iterable[Box], view: View) -> dict[str, str]:
    """Return what is said of each folded box: its rate, and the slowest of what it holds."""
    found = {}
    for block in (box.block for box in boxes if box.block.folded):
        rows = [row for lane in block.lanes if (row := view.row(lane[-1])) is not None]
        slowest = max((row.p99_s for row in rows if row.p99_s is not None), default=None)
        rate = per_s(sum(row.out_per_s for row in rows))
        found[block.key] = rate if slowest is None else f"{rate}  worst p99 {latency(slowest)}"
    return found


def _look(row: Row, view: View) -> Look:
    tone = _TONES[row.state.tone]
    if row.level is not None and tone in ("normal", "dim"):
        tone = "bad" if row.level <= 2 else "warn"
    assert view.snapshot is not None, "a row is of a snapshot"
    node = view.snapshot.nodes[row.name]
    word = "" if row.state.word in _SILENT else row.state.word
    if node.kind in _TELLING or node.breaker is not None:
        told = member_line(row.name, view).plain
        word = told if node.kind in _TELLING and told not in ("idle", "closed") else word
    if row.kind == "queue" and not word and row.level is not None:
        soon = row.eta_s is not None and row.trend.grows
        word = f"▲ full {short(row.eta_s)}" if soon else row.eta.plain
    return Look(
        tone=tone,
        mark=_MARKS.get(row.state.word),
        word=word,
        entering=per_s(row.in_per_s),
        leaving=per_s(row.out_per_s),
        fill=row.fill,
        predicted=row.fill_ahead,
        fact=latency(row.p99_s) if row.p99_s is not None else "",
        note=row.eta.plain if row.kind == "queue" and not row.trend.steady else "",
        dead=count(node.ledger.dead_lettered) if node.ledger.dead_lettered else "",
    )
