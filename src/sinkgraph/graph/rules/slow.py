"""SG301: no branch of a broadcast waits for a sibling's slow end."""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.view import Link, View
from sinkgraph.spec.declared import NodeDecl

__all__ = ["check"]

_BREAKS = frozenset({"queue"})


def check(view: View) -> Iterator[Diagnostic]:
    """Yield each branch of a broadcast at whose end something slow is reached without a queue.

    What a broadcast can do without is SG313.
    """
    slow = _slow_ends(view)
    for name, decl in view.nodes.items():
        links = view.out[name]
        if decl.kind_name != "broadcast" or len(links) < 2:
            continue
        for link in links:
            end = slow.get(link.target.name)
            if end is not None and link.edge.required:
                yield _stalls(decl, link, end)


def _slow_ends(view: View) -> dict[str, NodeDecl]:
    """Return, for each node from which one is reached without a queue, the first slow terminal."""
    slow: dict[str, NodeDecl] = {}
    for name in reversed(view.settled):
        decl = view.nodes[name]
        if decl.kind is None or decl.kind_name in _BREAKS:
            continue
        if decl.kind.slow:
            slow[name] = decl
            continue
        for link in view.out[name]:
            if link.edge.port != "dead_letter" and link.target.name in slow:
                slow[name] = slow[link.target.name]
                break
    return slow


def _stalls(decl: NodeDecl, link: Link, end: NodeDecl) -> Diagnostic:
    direct = end is link.target
    what = f"this {end.kind_name} sink" if direct else f"the {end.kind_name} sink `{end.shown}`"
    return Diagnostic(
        "SG301",
        f"a slow `{end.shown}` stalls every branch of `{decl.shown}`",
        "warning",
        link.span,
        f"no queue between `{decl.shown}` and {what}",
        f"sinks.{decl.shown}.{link.edge.port}[{link.edge.index}]",
        help=("put a `kind: queue` in front of it",),
    )
