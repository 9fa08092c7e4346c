"""SG230: where a queue's events are to move when it is removed, there is another queue."""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.graph.facts import Facts
from sinkgraph.spec.kinds.base import MoveTo

__all__ = ["check"]


def check(facts: Facts) -> Iterator[Diagnostic]:
    """Yield each queue whose `on_remove` names no other queue of the document."""
    nodes = facts.graph.nodes
    for name, node in nodes.items():
        fate = node.spec.on_remove
        if node.kind != "queue" or not isinstance(fate, MoveTo):
            continue
        to = fate.move_to
        there = nodes.get(to)
        if there is None and to in facts.view.nodes:
            continue  # it is not valid, and that is told already
        if there is not None and there.kind == "queue" and there is not node:
            continue
        shown = f"`{safe_text(to, 80)}`"
        queues = [one for one, held in nodes.items() if held.kind == "queue" and one != name]
        near = nearest(to, queues)
        label = f"no node is named {shown}"
        if there is node:
            label = "the queue itself"
        elif there is not None:
            label = f"{shown} is a {there.kind}, which takes over no events"
        yield Diagnostic(
            "SG230",
            f"the events of queue `{safe_text(name, 80)}` could not move to {shown}",
            "error",
            facts.place(node, "on_remove", "move_to"),
            label,
            f"sinks.{facts.written(node)}.on_remove.move_to",
            help=(f"the nearest queue is `{near}`" if near else "name another queue",),
        )
