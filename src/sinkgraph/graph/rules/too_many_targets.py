"""SG213: one write is offered to a bounded number of targets."""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.view import View

__all__ = ["MAX_FAN_OUT", "check"]

MAX_FAN_OUT = 1_000


def check(view: View) -> Iterator[Diagnostic]:
    """Yield the first target of a node that is one too many."""
    for name, one in view.nodes.items():
        if len(one.edges) > MAX_FAN_OUT:
            yield Diagnostic(
                "SG213",
                f"{one.label} has {len(one.edges):,} targets, and {MAX_FAN_OUT:,} are allowed",
                "error",
                one.edges[MAX_FAN_OUT].span,
                f"target {MAX_FAN_OUT + 1:,}",
                f"sinks.{name}",
                help=("put broadcasts below a broadcast",),
            )
