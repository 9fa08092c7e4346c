"""SG313: what a broadcast can do without never holds it up."""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.facts import Facts

__all__ = ["check"]

_NOTHING = frozenset({"blackhole", "dead_letter"})


def check(facts: Facts) -> Iterator[Diagnostic]:
    """Yield each `required: false` that reaches an end without a queue.

    A write waits for such a branch too, and the event is dropped there when it fails once.
    """
    nodes = facts.graph.nodes
    end: dict[str, str] = {}  # where one is reached without a queue: the first
    for name in reversed(facts.graph.order):
        node = nodes[name]
        if node.role == "terminal":
            if node.kind not in _NOTHING:
                end[name] = name
        elif node.kind != "queue":
            for edge in facts.roads[name]:
                if edge.target in end:
                    end[name] = end[edge.target]
                    break
    for edge in facts.graph.edges:
        if edge.required or edge.target not in end:
            continue
        yield Diagnostic(
            "SG313",
            f"`{edge.source}` waits for `{edge.target}`, which it can do without",
            "warning",
            edge.span,
            f"no queue between `{edge.source}` and `{end[edge.target]}`",
            f"sinks.{edge.source}.{edge.port}[{edge.index}]",
            notes=("a write that fails there once drops the event",),
            help=("put a `kind: queue` in front of it",),
        )
