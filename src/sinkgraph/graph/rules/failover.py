"""SG302, SG303: a fallback can reach its later targets."""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label
from sinkgraph.graph.view import Link, View
from sinkgraph.spec.declared import NodeDecl

__all__ = ["check"]

_TAKES = frozenset({"queue"})
_PASSES = frozenset({"filter", "transform", "dedupe", "sample", "rate_limit", "timeout", "breaker"})


def check(view: View) -> Iterator[Diagnostic]:
    """Yield each target but the last that takes every event, or keeps trying by itself."""
    for name, decl in view.nodes.items():
        if decl.kind_name != "fallback":
            continue
        for link in view.out[name][:-1]:
            end = _first_keeper(view, link)
            if end is not None:
                yield _never(decl, link, end) if end.kind_name in _TAKES else _late(decl, link, end)


def _first_keeper(view: View, link: Link) -> NodeDecl | None:
    """Return the queue or retry a target begins with, behind nodes that only hand on."""
    target = link.target
    passed: set[str] = set()
    while target.name not in passed:
        passed.add(target.name)
        if target.kind_name in _TAKES or target.kind_name == "retry":
            return target
        if target.kind_name not in _PASSES:
            return None
        onward = [one for one in view.out[target.name] if one.edge.port == "to"]
        if len(onward) != 1:
            return None
        target = onward[0].target
    return None


def _labels(link: Link, end: NodeDecl) -> tuple[Label, ...]:
    if end.at is None:
        return ()
    return (Label(end.at, f"this {end.word}"),)


def _never(decl: NodeDecl, link: Link, end: NodeDecl) -> Diagnostic:
    what = "is" if end is link.target else f"leads to the {end.kind_name} `{end.shown}`, which is"
    return Diagnostic(
        "SG302",
        f"fallback `{decl.shown}` can never pass `{link.target.shown}`",
        "error",
        link.span,
        f"`{link.target.shown}` {what} a queue: it accepts every event",
        f"sinks.{decl.shown}.to[{link.edge.index}]",
        _labels(link, end),
        ("a write to a queue succeeds long before the delivery fails",),
        (f"put the queue above `{decl.shown}`, and let it write to the ends directly",),
    )


def _late(decl: NodeDecl, link: Link, end: NodeDecl) -> Diagnostic:
    return Diagnostic(
        "SG303",
        f"fallback `{decl.shown}` waits for the retry of `{link.target.shown}`",
        "warning",
        link.span,
        f"the retry `{end.shown}` keeps trying, and then gives up into its dead letter",
        f"sinks.{decl.shown}.to[{link.edge.index}]",
        _labels(link, end),
        help=(f"put the retry above `{decl.shown}`",),
    )
