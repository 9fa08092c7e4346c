"""SG214: a write goes through a bounded number of nodes before a queue takes it."""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.view import View

__all__ = ["MAX_STRETCH", "check"]

MAX_STRETCH = 200

_BREAKS = frozenset({"queue"})
"""Kinds after which a write is somebody else's."""


def check(view: View) -> Iterator[Diagnostic]:
    """Measure the longest way to each node since the last queue; tell where it gets too long."""
    length: dict[str, int] = {}
    for name in view.settled:
        decl = view.nodes[name]
        if decl.kind_name in _BREAKS:
            length[name] = 0
            continue
        before = max((length[link.source.name] for link in view.into[name]), default=0)
        length[name] = before + 1
        if before == MAX_STRETCH:
            yield Diagnostic(
                "SG214",
                f"more than {MAX_STRETCH} nodes follow each other without a queue",
                "error",
                decl.at,
                f"node {MAX_STRETCH + 1} since the last queue",
                f"sinks.{name}",
                notes=view.path_note(name),
                help=("put a `kind: queue` in between",),
            )
