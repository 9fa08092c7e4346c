"""SG203, SG217: events have a way in; without a source it is the implied `inlet`, if one can be."""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.view import View, section_place

__all__ = ["check"]


def check(view: View) -> Iterator[Diagnostic]:
    """Yield a document without sources: events may enter at one place, or at several."""
    if view.sources or view.unread or not view.has_sinks:
        return
    entries = view.roots
    if len(entries) > 1 and not view.unsure:
        shown = ", ".join(f"`{name}`" for name in entries[:6])
        yield Diagnostic(
            "SG217",
            "the graph has no source, and more than one sink that nothing writes to",
            "error",
            view.nodes[entries[1]].at,
            "nothing writes to this sink either",
            "sources",
            notes=(f"events could enter at {shown}",),
            help=("declare a source: `sources: {inlet: {kind: inlet, to: …}}`",),
        )
        return
    yield Diagnostic(
        "SG203",
        "the graph has no source",
        "warning",
        section_place(view.spec.tree, "sources", "sinks"),
        "events enter from Python only, through the implied `inlet`",
        "sources",
        help=("declare a source to `run` it; `kind: inlet` says that Python writes",),
    )
