"""SG311: a function that never returns stops no retry and no queue on disk."""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.facts import Facts

__all__ = ["check"]


def check(facts: Facts) -> Iterator[Diagnostic]:
    """Yield each `call` that nothing bounds, below a retry or a queue on disk.

    These two say that every event comes to an end; a function that hangs makes that untrue. A
    queue in memory says less, and a source sees by itself that its write does not return.
    """
    nodes = facts.graph.nodes
    holder: dict[str, str] = {}  # what waits for a node with nothing that bounds the wait
    for name in facts.graph.order:
        node = nodes[name]
        if node.kind == "retry" or node.on_disk:
            holder[name] = name
        elif node.kind in ("queue", "timeout"):
            holder.pop(name, None)
        above = holder.get(name)
        if above is None:
            continue
        if node.kind != "call":
            for edge in facts.roads[name]:
                if edge.port != "overflow":
                    holder.setdefault(edge.target, above)
            continue
        waiting = nodes[above]
        what = "makes no further attempt" if waiting.kind == "retry" else "delivers nothing more"
        yield Diagnostic(
            "SG311",
            f"nothing bounds how long the function of `{name}` takes",
            "warning",
            facts.place(node, "target"),
            f"while it does not return, `{above}` {what}",
            f"sinks.{name}.target",
            facts.label("waits for it", waiting, "kind"),
            facts.reach_note(name),
            ("put a `kind: timeout` in front of it",),
        )
