"""Whether events of a source arrive at a terminal in the order in which they were accepted.

Kept, kept for events of one key, or not kept; the first node that loses it is the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sinkgraph.graph.inference.conclusions import ORDER, Because, OrderWord
from sinkgraph.graph.inference.roads import reached, roads
from sinkgraph.graph.model import Graph, GraphNode

__all__ = ["Kept", "loses", "order"]


@dataclass(frozen=True, slots=True)
class Kept:
    """Is the order at a node, and what made it so."""

    word: OrderWord
    because: Because | None

    def weaker(self, word: OrderWord, because: Because) -> Kept:
        """Return this, or what another node leaves of it."""
        return Kept(word, because) if ORDER.index(word) < ORDER.index(self.word) else self


def order(graph: Graph, source: str) -> Mapping[str, Kept]:
    """Return the order at everything a source reaches."""
    found: dict[str, Kept] = {source: Kept("kept", None)}
    arrives: dict[str, list[str]] = {}
    for name in reached(graph, source):
        above = arrives.get(name, [])
        if above:
            weakest = min((found[one] for one in above), key=lambda kept: ORDER.index(kept.word))
            found[name] = _after(graph, _met(graph, weakest, name, above), graph.nodes[name])
        for edge in roads(graph, name):
            arrives.setdefault(edge.target, []).append(name)
    return found


def _met(graph: Graph, kept: Kept, name: str, above: list[str]) -> Kept:
    """Take the order away where events come over several ways at the same time."""
    over = list(dict.fromkeys(above))
    if len(above) < 2 or (len(over) == 1 and graph.nodes[over[0]].kind == "fallback"):
        return kept
    if len(over) == 1:
        why = f"it gets events of `{over[0]}` over {len(above)} of its ports"
    else:
        named = ", ".join(f"`{one}`" for one in over[:3]) + (", …" if len(over) > 3 else "")
        why = f"events come to it over several ways: {named}"
    return kept.weaker("not_kept", Because(name, None, why))


def loses(graph: Graph, name: str) -> Because | None:
    """Return why a node keeps no order at all, or None."""
    node = graph.nodes[name]
    if node.kind == "queue" and getattr(node.spec, "order_by", None) is None:
        lanes = getattr(node.spec, "concurrency", 1)
        if lanes > 1:
            return Because(name, "concurrency", f"{lanes} deliveries are under way at once")
    elif _parks(graph, name) == "event":
        return Because(name, "hold", "later events pass one that is tried again")
    return None


def _after(graph: Graph, kept: Kept, node: GraphNode) -> Kept:
    lost = loses(graph, node.name)
    if lost is not None:
        return kept.weaker("not_kept", lost)
    lanes = getattr(node.spec, "concurrency", 1)
    if node.kind == "queue" and lanes > 1:
        why = f"{lanes} deliveries are under way at once"
        return kept.weaker("per_key", Because(node.name, "order_by", why))
    if _parks(graph, node.name) == "key":
        why = "later events of other keys pass one that is tried again"
        return kept.weaker("per_key", Because(node.name, "hold", why))
    return kept


def _parks(graph: Graph, name: str) -> str:
    """Return what a retry holds: a queue parks for it only when nothing else writes to it."""
    node = graph.nodes[name]
    hold: str = getattr(node.spec, "hold", "lane")
    if node.kind != "retry" or hold == "lane":
        return "lane"
    above = graph.upstream(name)
    alone = len(above) == 1 and above[0].port == "to"
    return hold if alone and graph.nodes[above[0].source].kind == "queue" else "lane"
