"""SG204, SG206, SG207, SG211: every edge leads to another sink that takes part."""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label
from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.graph.view import Link, View
from sinkgraph.spec.declared import EdgeDecl, NodeDecl
from sinkgraph.spec.document_tree import Mapping, Node

__all__ = ["check"]

_MAX_HELPED = 50
"""Findings for which a near name is looked up."""
_MAX_COMPARED = 50_000
"""Names that are looked at for all of them together."""


def check(view: View) -> Iterator[Diagnostic]:
    """Yield edges to nothing, to their own node, into a source, or into a disabled node."""
    sinks = any(one.side == "sink" for one in (*view.nodes.values(), *view.disabled.values()))
    misplaced = {one.key.text for one in view.spec.tree if _is_node(one.value)}
    unknown = [one for one in view.unknown if one[1].target not in misplaced] if sinks else ()
    for count, (decl, edge) in enumerate(unknown):
        helped = count < _MAX_HELPED and count * len(view.nodes) < _MAX_COMPARED
        yield _unknown(view, decl, edge, helped=helped)
    for decl, edge in view.looped:
        yield _itself(decl, edge)
    for link in view.backwards:
        yield _into_source(link)
    if any(one.side == "sink" for one in view.nodes.values()):
        yield from _ends_nowhere(view)


def _is_node(value: Node) -> bool:
    return isinstance(value, Mapping) and "kind" in value


def _inside(decl: NodeDecl) -> tuple[Label, ...]:
    return (Label(decl.at, f"in this {decl.side}"),) if decl.at is not None else ()


def _path(decl: NodeDecl, edge: EdgeDecl) -> str:
    return f"{decl.side}s.{decl.shown}.{edge.port}"


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
            where = f" on line {at.line}" if at is not None else ""
            help = (f"a sink named `{near}` is declared{where}",)
        else:
            help = (f"declare it under `sinks:`, as `{wanted}: {{kind: …}}`",)
    return Diagnostic(
        "SG204",
        f"{decl.side} `{decl.shown}` writes to an undeclared sink",
        "error",
        edge.span,
        f"no sink is named `{wanted}`",
        _path(decl, edge),
        _inside(decl),
        view.path_note(decl.name),
        help,
    )


def _itself(decl: NodeDecl, edge: EdgeDecl) -> Diagnostic:
    return Diagnostic(
        "SG206",
        f"{decl.side} `{decl.shown}` writes to itself",
        "error",
        edge.span,
        f"`{decl.shown}` is this node",
        _path(decl, edge),
        _inside(decl),
        help=("name another sink",),
    )


def _into_source(link: Link) -> Diagnostic:
    source, target = link.source, link.target
    more = (Label(target.at, "declared as a source"),) if target.at is not None else ()
    return Diagnostic(
        "SG207",
        f"{source.side} `{source.shown}` writes to a source",
        "error",
        link.span,
        f"`{target.shown}` is a source: events enter there",
        _path(source, link.edge),
        (*_inside(source), *more),
        help=("name a sink",),
    )


def _ends_nowhere(view: View) -> Iterator[Diagnostic]:
    """Yield ports that a node cannot do without and whose every target is disabled."""
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
            _path(decl, link.edge),
            at,
            help=("write to another sink, or disable this node too",),
        )


def _last(view: View, link: Link) -> Link:
    """Return the last cut link of the same port."""
    same = [
        one for one in view.cut if one.source is link.source and one.edge.port == link.edge.port
    ]
    return same[-1]
