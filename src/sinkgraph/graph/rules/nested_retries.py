"""SG306: no retry stands directly below another one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.facts import Facts, RetryBelow
from sinkgraph.graph.model import GraphNode

__all__ = ["check"]


def check(facts: Facts) -> Iterator[Diagnostic]:
    """Yield each retry that writes to another one without a queue between.

    The lower one ends every write well: it delivers, or it gives up into its dead letter. So the
    upper one has nothing to do, unless a timeout between them cuts the lower one short.
    """
    for name, node in facts.graph.nodes.items():
        if node.kind == "retry":
            below = facts.below(name)
            if below is not None:
                yield _nested(facts, node, below)


def _nested(facts: Facts, outer: GraphNode, below: RetryBelow) -> Diagnostic:
    inner = facts.graph.nodes[below.name]
    upper: Any = outer.spec
    lower: Any = inner.spec
    if below.cut is None:
        label = f"`{inner.name}` tries, then gives up into its dead letter: no write to it fails"
        note = f"what `{inner.name}` gives up is gone from `{outer.name}` too"
    else:
        label = f"`{below.cut}` ends the attempts of `{inner.name}`; this retry begins them anew"
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
