"""How often an accepted event arrives at a terminal, and from where on a kill loses nothing.

At least once, unless something on the way may lose it; the first such thing is the reason.
"""

from __future__ import annotations

from dataclasses import dataclass

from sinkgraph.graph.inference.conclusions import Because
from sinkgraph.graph.inference.roads import field_of, reached, roads
from sinkgraph.graph.model import Graph, GraphEdge, GraphNode

__all__ = ["Found", "delivery"]

_SHEDS = {
    "drop_oldest": "the oldest events are dropped when it is full",
    "drop_newest": "new events are dropped when it is full",
}


@dataclass(frozen=True, slots=True)
class Found:
    """Is what holds at a node on the weakest way there: the first loss, where it is safe again."""

    loss: Because | None
    durable_from: str | None
    before: str | None

    @property
    def rank(self) -> tuple[bool, bool]:
        """The weaker of two is the smaller one."""
        return self.loss is None, self.durable_from is not None


def delivery(graph: Graph, source: str) -> dict[str, Found]:
    """Return what holds at everything a source reaches, for its weakest way there."""
    found: dict[str, Found] = {source: Found(None, None, None)}
    for name in reached(graph, source):
        here = found[name]
        for edge in roads(graph, name):
            there = _onward(graph, here, edge)
            known = found.get(edge.target)
            if known is None or there.rank < known.rank:
                found[edge.target] = there
    return found


def _onward(graph: Graph, here: Found, edge: GraphEdge) -> Found:
    node = graph.nodes[edge.target]
    loss = here.loss or _on_edge(edge) or _at(node)
    durable = here.durable_from
    if node.kind == "queue":
        if not node.on_disk:
            durable = None
        elif durable is None:
            durable = node.name
    return Found(loss, durable, edge.source)


def _on_edge(edge: GraphEdge) -> Because | None:
    if edge.required:
        return None
    why = "`required: false`: a failure or a full queue there drops the event"
    return Because(edge.source, field_of(edge), why)


def _at(node: GraphNode) -> Because | None:
    """Return why a node may lose an event it has taken."""
    spec = node.spec
    if node.kind == "queue":
        shed = _SHEDS.get(getattr(spec, "when_full", ""))
        if shed is not None:
            return Because(node.name, "when_full", shed)
        if not node.on_disk:
            return Because(node.name, "store", "`memory`: a kill loses what it holds")
    elif getattr(spec, "on_error", None) == "drop":
        return Because(node.name, "on_error", "an event that cannot be evaluated is dropped")
    elif node.kind == "file" and getattr(spec, "sync", None) == "none":
        return Because(node.name, "sync", "`none`: a power cut loses what the disk has not")
    elif node.kind == "channel":
        return Because(node.name, None, "a kill loses what its readers have not taken")
    return None
