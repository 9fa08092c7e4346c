"""SG204: every edge names a sink that is declared."""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.graph.view import View, edge_path, inside
from sinkgraph.spec.declared import EdgeDecl, NodeDecl
from sinkgraph.spec.document_tree import Mapping, Node
from sinkgraph.spec.load import TOP_LEVEL

__all__ = ["check"]

_MAX_HELPED = 50
"""Findings for which a near name is looked up."""
_MAX_COMPARED = 50_000
"""Names that are looked at for all of them together."""


def check(view: View) -> Iterator[Diagnostic]:
    """Yield edges to nothing, but for a node that stands where none is read."""
    if not any(one.side == "sink" for one in (*view.nodes.values(), *view.disabled.values())):
        return
    if not all(one.name for one in view.spec.nodes):
        return  # a node without a name may be the one that is meant
    misplaced = set(_misplaced(view))
    unknown = [one for one in view.unknown if one[1].target not in misplaced]
    for count, (decl, edge) in enumerate(unknown):
        helped = count < _MAX_HELPED and count * len(view.nodes) < _MAX_COMPARED
        yield _unknown(view, decl, edge, helped=helped)


def _misplaced(view: View) -> Iterator[str]:
    """Yield the names of nodes under keys that the top level does not have, or inside a node."""
    if not view.unknown:
        return
    for decl in view.spec.nodes:
        yield from (one.key.text for one in decl.tree if _is_node(one.value))
    for entry in view.spec.tree:
        if entry.key.text not in TOP_LEVEL and isinstance(entry.value, Mapping):
            yield from (one.key.text for one in entry.value if _is_node(one.value))


def _is_node(value: Node) -> bool:
    return isinstance(value, Mapping) and "kind" in value


def _unknown(view: View, decl: NodeDecl, edge: EdgeDecl, *, helped: bool) -> Diagnostic:
    wanted = edge.shown
    help: tuple[str, ...] = ()
    if edge.secret:
        help = ("name a sink that is declared under `sinks:`",)
    elif helped:
        sinks = {name: one for name, one in view.nodes.items() if one.side == "sink"}
        sinks.pop(decl.name, None)
        near = nearest(edge.target, sinks)
        if near is not None:
            at = sinks[near].at
            where = "" if at is None else f" on line {at.line}"
            if at is not None and edge.span is not None and at.source is not edge.span.source:
                where = f" in `{safe_text(at.source.name, 200)}`{where}"
            help = (f"a sink named `{near}` is declared{where}",)
        else:
            help = (f"declare it under `sinks:`, as `{wanted}: {{kind: …}}`",)
    return Diagnostic(
        "SG204",
        f"{decl.side} `{decl.shown}` writes to an undeclared sink",
        "error",
        edge.span,
        f"no sink is named `{wanted}`",
        edge_path(decl, edge),
        inside(decl),
        view.path_note(decl.name),
        help,
    )
