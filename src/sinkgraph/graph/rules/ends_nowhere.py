"""SG211: what a node cannot do without leads to a sink that takes part.

An empty list of targets is found where ports are read, in `sinkgraph.spec.ports`.
"""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label
from sinkgraph.graph.view import Link, View, edge_path

__all__ = ["check"]


def check(view: View) -> Iterator[Diagnostic]:
    """Yield ports that a node cannot do without and whose every target is disabled."""
    if not any(one.side == "sink" for one in view.nodes.values()):
        return
    for link in view.cut:
        decl = link.source
        if decl.kind is None:
            continue
        port = link.edge.port.partition(".")[0]
        known = next((one for one in decl.kind.ports if one.name == port), None)
        used = port == "overflow"
        if known is None or (known.optional and not used):
            continue
        others = [one for one in view.out[decl.name] if one.edge.port == link.edge.port]
        if others or (known.many and link is not _last(view, link)):
            continue
        target = link.target
        at = (Label(target.at, "disabled"),) if target.at is not None else ()
        yield Diagnostic(
            "SG211",
            f"{decl.side} `{decl.shown}` ends nowhere: `{target.shown}` is disabled",
            "error",
            link.span,
            f"`{target.shown}` takes no part",
            edge_path(decl, link.edge),
            at,
            help=("write to another sink, or disable this node too",),
        )


def _last(view: View, link: Link) -> Link:
    """Return the last cut link of the same port."""
    same = [
        one for one in view.cut if one.source is link.source and one.edge.port == link.edge.port
    ]
    return same[-1]
