"""SG202: a graph has a sink."""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.view import View, section_place

__all__ = ["check"]


def check(view: View) -> Iterator[Diagnostic]:
    """Yield a document in which no sink takes part."""
    if not (view.has_sinks or view.unread or view.shadowed):
        yield _no_sink(view)


def _no_sink(view: View) -> Diagnostic:
    declared = any(one.side == "sink" for one in view.disabled.values())
    label = "every sink is disabled" if declared else "no sink is declared"
    return Diagnostic(
        "SG202",
        "the graph has no sink",
        "error",
        section_place(view.spec.tree, "sinks", "sources"),
        label,
        "sinks",
        help=("declare one: `sinks: {out: {kind: stdout}}`",),
    )
