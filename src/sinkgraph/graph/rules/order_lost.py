"""SG314: nothing loses the order that an `order_by` on the same way is there to keep."""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.facts import Facts
from sinkgraph.graph.inference.order import loses
from sinkgraph.graph.model import GraphNode

__all__ = ["check"]


def check(facts: Facts) -> Iterator[Diagnostic]:
    """Yield each node that loses the order, above or below a queue with `order_by`.

    Ways that part and meet again lose the order of some events too; whether of one key, nobody
    can tell from the document.
    """
    nodes = facts.graph.nodes
    if not any(map(_orders, nodes.values())):
        return
    above: dict[str, str] = {}
    below: dict[str, str] = {}
    for name in facts.graph.order:
        if _orders(nodes[name]):
            above[name] = name
        if name in above:
            for edge in facts.roads[name]:
                above.setdefault(edge.target, above[name])
    for name in reversed(facts.graph.order):
        if _orders(nodes[name]):
            below[name] = name
            continue
        for edge in facts.roads[name]:
            if edge.target in below:
                below[name] = below[edge.target]
                break
    for name, node in nodes.items():
        other = above.get(name) or below.get(name)
        lost = loses(facts.graph, name) if other is not None else None
        if other is not None and lost is not None and lost.field is not None:
            yield Diagnostic(
                "SG314",
                f"`{name}` loses the order that `{other}` is to keep",
                "warning",
                facts.place(node, lost.field),
                lost.why,
                f"sinks.{name}.{lost.field}",
                facts.label("asks for order by key", nodes[other], "order_by"),
                facts.reach_note(name if name not in below else other),
                (_HELP[lost.field].format(facts.written(node)),),
            )


_HELP = {
    "hold": "write `hold: key` in `{}`: it keeps the others of its key back",
    "concurrency": "give `{}` the same `order_by`",
}


def _orders(node: GraphNode) -> bool:
    return node.kind == "queue" and getattr(node.spec, "order_by", None) is not None
