"""SG209: events have a way to every node."""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.model import DEAD_LETTERS
from sinkgraph.graph.order import reached
from sinkgraph.graph.view import View

__all__ = ["check"]


def check(view: View) -> Iterator[Diagnostic]:
    """Yield the first nodes of what no source leads to, also through disabled ones."""
    if view.unsure or not view.sources or not view.has_sinks:
        return
    successors = {
        name: [edge.target for edge in one.edges]
        for name, one in (*view.nodes.items(), *view.disabled.items())
    }
    sources = [
        name for name, one in (*view.nodes.items(), *view.disabled.items()) if one.side == "source"
    ]
    found = {*reached(sources, successors), DEAD_LETTERS}
    for name, one in view.nodes.items():
        if name in found or any(link.source.name not in found for link in view.into[name]):
            continue
        yield Diagnostic(
            "SG209",
            f"no event can reach sink `{name}`",
            "warning",
            one.at,
            "nothing writes to it",
            f"sinks.{name}",
            help=(f"name it in a `to:`, or write `enabled: false` in `{name}`",),
        )
