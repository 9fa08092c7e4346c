"""SG306: no retry stands directly below another one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.facts import Facts
from sinkgraph.graph.model import GraphEdge

__all__ = ["check"]


def check(facts: Facts) -> Iterator[Diagnostic]:
    """Yield each retry that writes to another one without a queue between.

    The lower one ends every write well: it delivers, or it gives up into its dead letter. So the
    upper one has nothing to do, unless a timeout between them cuts the lower one short.
    """
    nearest = facts.nearest_retry()
    for name, node in facts.graph.nodes.items():
        if node.kind != "retry":
            continue
        for edge in facts.roads[name]:
            if edge.target in nearest:
                yield _nested(facts, edge, nearest)
                break


def _nested(facts: Facts, first: GraphEdge, nearest: dict[str, GraphEdge | None]) -> Diagnostic:
    nodes = facts.graph.nodes
    path = facts.way(first, nearest)
    outer, inner = nodes[path[0]], nodes[path[-1]]
    upper: Any = outer.spec
    lower: Any = inner.spec
    cut = next((one for one in path[1:-1] if nodes[one].kind == "timeout"), None)
    if cut is None:
        label = f"`{inner.name}` tries, then gives up into its dead letter: no write to it fails"
        note = f"what `{inner.name}` gives up is gone from `{outer.name}` too"
    else:
        label = f"`{cut}` ends the attempts of `{inner.name}`, and this retry begins them anew"
        product = f"{upper.max_attempts} × {lower.max_attempts}"
        many = upper.max_attempts * lower.max_attempts
        note = f"attempts multiply: {product} = {many:,} by `max_attempts` alone"
    return Diagnostic(
        "SG306",
        f"retry `{outer.name}` stands above the retry `{inner.name}`",
        "warning",
        facts.place(outer, "kind"),
        label,
        f"sinks.{outer.name}",
        facts.label("tries by itself", inner, "kind"),
        (note, *facts.reach_note(inner.name)),
        (f"take one of them away, best `{outer.name}`",),
    )
