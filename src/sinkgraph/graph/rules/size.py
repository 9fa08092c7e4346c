"""SG212, SG213, SG214: a graph stays within what one process can hold and call."""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.view import View

__all__ = ["MAX_FAN_OUT", "MAX_NODES", "MAX_STRETCH", "check"]

MAX_NODES = 10_000
MAX_FAN_OUT = 1_000
MAX_STRETCH = 200

_BREAKS = frozenset({"queue", "endpoint"})
"""Kinds after which a write is somebody else's."""


def check(view: View) -> Iterator[Diagnostic]:
    """Yield too many nodes, too many targets of one, and too long a way without a queue."""
    nodes = view.spec.nodes
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
    yield from _stretches(view)


def _stretches(view: View) -> Iterator[Diagnostic]:
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
