"""SG307: a breaker sees the failures it is to count."""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.facts import Facts

__all__ = ["check"]


def check(facts: Facts) -> Iterator[Diagnostic]:
    """Yield each `kind: breaker` that writes to a retry without a queue between.

    A timeout between them makes failures that the breaker does see.
    """
    nodes = facts.graph.nodes
    for name, node in nodes.items():
        below = facts.below(name) if node.kind == "breaker" else None
        if below is None or below.cut is not None:
            continue
        retry = nodes[below.name]
        yield Diagnostic(
            "SG307",
            f"breaker `{name}` never sees what fails below the retry `{retry.name}`",
            "warning",
            facts.place(node, "kind"),
            f"`{retry.name}` tries again by itself, and gives up into its dead letter",
            f"sinks.{name}",
            facts.label("no write to this retry fails", retry, "kind"),
            facts.reach_note(retry.name),
            (f"give `{retry.name}` a `breaker:` with these fields",),
        )
