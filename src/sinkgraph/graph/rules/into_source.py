"""SG207: nothing in a graph writes to a source."""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label
from sinkgraph.graph.view import Link, View, edge_path, inside

__all__ = ["check"]


def check(view: View) -> Iterator[Diagnostic]:
    """Yield edges that lead into a source."""
    for link in view.backwards:
        yield _into_source(link)


def _into_source(link: Link) -> Diagnostic:
    source, target = link.source, link.target
    more = (Label(target.at, "declared as a source"),) if target.at is not None else ()
    return Diagnostic(
        "SG207",
        f"{source.side} `{source.shown}` writes to a source",
        "error",
        link.span,
        f"`{target.shown}` is a source: events enter there",
        edge_path(source, link.edge),
        (*inside(source), *more),
        help=("name a sink",),
    )
