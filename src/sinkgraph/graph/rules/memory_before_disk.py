"""SG304: what a queue on disk is there to keep is not in memory before it gets there."""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.facts import Facts

__all__ = ["check"]

_SHEDS = frozenset({"drop_oldest", "drop_newest"})


def check(facts: Facts) -> Iterator[Diagnostic]:
    """Yield queues in memory that have a queue on disk further down.

    Not those that shed: there the document says that events may be lost. `overflow` is no way
    down: what goes there was never in the queue.
    """
    nodes = facts.graph.nodes
    below: dict[str, str] = {}  # where a queue on disk lies ahead: its name
    for name in reversed(facts.graph.order):
        if nodes[name].on_disk:
            below[name] = name
            continue
        for edge in facts.roads[name]:
            if edge.required and edge.port != "overflow" and edge.target in below:
                below[name] = below[edge.target]
                break
    for name, node in nodes.items():
        if node.kind != "queue" or node.on_disk or name not in below:
            continue
        if getattr(node.spec, "when_full", "block") in _SHEDS:
            continue
        disk = nodes[below[name]]
        yield Diagnostic(
            "SG304",
            f"`{name}` holds in memory what `{disk.name}` is to keep on disk",
            "warning",
            facts.place(node, "store"),
            "a kill loses what it holds, though that was accepted",
            f"sinks.{name}.store",
            facts.label("on disk, too late for what is still above", disk, "store"),
            facts.reach_note(disk.name),
            (f"write `store: disk` in `{name}`",),
        )
