"""SG206: no node writes to itself."""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.view import View, edge_path, inside

__all__ = ["check"]


def check(view: View) -> Iterator[Diagnostic]:
    """Yield edges that lead to the node they start from."""
    for decl, edge in view.looped:
        yield Diagnostic(
            "SG206",
            f"{decl.side} `{decl.shown}` writes to itself",
            "error",
            edge.span,
            f"`{decl.shown}` is this node",
            edge_path(decl, edge),
            inside(decl),
            help=("name another sink",),
        )
