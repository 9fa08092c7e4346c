"""SG212: a graph stays within what one process can hold."""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.view import View

__all__ = ["MAX_NODES", "check"]

MAX_NODES = 10_000


def check(view: View) -> Iterator[Diagnostic]:
    """Yield the first node that is one too many."""
    nodes = [one for one in view.spec.nodes if not one.is_inner]
    if len(nodes) > MAX_NODES:
        yield Diagnostic(
            "SG212",
            f"the document declares {len(nodes):,} nodes, and {MAX_NODES:,} are allowed",
            "error",
            nodes[MAX_NODES].at,
            f"node {MAX_NODES + 1:,}",
            "sinks",
            help=("split it into several graphs",),
        )
