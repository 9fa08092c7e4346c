"""SG312: events that go elsewhere do not wait behind one for a queue that is full."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.facts import Facts, named
from sinkgraph.graph.model import GraphEdge, GraphNode

__all__ = ["check"]

_CHOOSE = frozenset({"route", "filter", "balance"})
"""Kinds that give an event to one of their branches."""


def check(facts: Facts) -> Iterator[Diagnostic]:
    """Yield each choice below a queue, of which one branch can block for ever.

    Only where events choose: a broadcast gives each event to every branch, so that none is late
    for anything but itself; and without a queue above, a write waits for its own event alone.
    """
    nodes = facts.graph.nodes
    above: dict[str, str] = {}  # the one lane in which events wait for what is below
    for name in facts.graph.order:
        node = nodes[name]
        if node.kind == "queue":
            above.pop(name, None)
            if getattr(node.spec, "concurrency", 1) == 1:
                above[name] = name
        lane = above.get(name)
        if lane is None:
            continue
        for edge in facts.roads[name]:
            if edge.port != "overflow":
                above.setdefault(edge.target, lane)
        targets = list(facts.spread(name)) if node.kind in _CHOOSE else []
        if targets:
            blocked = [one for one in facts.roads[name] if _blocks(nodes[one.target])]
            if blocked:
                yield _behind(facts, nodes[lane], blocked[0], targets)


def _blocks(node: GraphNode) -> bool:
    spec: Any = node.spec
    return node.kind == "queue" and spec.when_full == "block" and spec.max_wait is None


def _behind(facts: Facts, lane: GraphNode, edge: GraphEdge, targets: list[str]) -> Diagnostic:
    nodes = facts.graph.nodes
    full = nodes[edge.target]
    others = [one for one in targets if one != full.name]
    if all(nodes[one].kind == "queue" for one in targets):
        help = f"take `{lane.name}` away: each branch has a queue of its own"
    else:
        help = f"write `when_full: overflow` in `{full.name}`, with an `overflow:`"
    port = edge.port.partition(".")[0]
    return Diagnostic(
        "SG312",
        f"when `{full.name}` is full, everything in `{lane.name}` waits",
        "warning",
        edge.span,
        f"events for {named(others)} wait behind one for this queue",
        f"sinks.{edge.source}.{port}",
        facts.label("one delivery at a time", lane, "kind"),
        (f"`{full.name}` blocks without `max_wait`", *facts.reach_note(full.name)),
        (help,),
    )
