"""SG219: a rename says clearly which node the backlog of the old name goes to."""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label
from sinkgraph.diagnostics.source import Span
from sinkgraph.graph.model import DEAD_LETTERS
from sinkgraph.graph.view import View
from sinkgraph.spec.declared import NodeDecl

__all__ = ["check"]


def check(view: View) -> Iterator[Diagnostic]:
    """Yield a `was` that names a node still declared, or that two nodes claim."""
    declared: dict[str, NodeDecl | None] = {DEAD_LETTERS: None}
    declared.update((one.name, one) for one in view.spec.nodes if one.is_inner)
    declared.update((one.name, one) for one in view.spec.nodes if not one.is_inner)
    claimed: dict[str, NodeDecl] = {}
    for decl in view.spec.nodes:
        was = None if decl.spec is None else decl.spec.was
        if was is None or decl.is_inner:  # what a use was, its parts were
            continue
        first = claimed.setdefault(was, decl)
        if was in declared:
            other = declared[was]
            if other is None:
                headline, at = f"{decl.label} was `{was}`, which every graph has", None
                help = "take `was` away"
            else:
                headline, at = f"{decl.label} was `{was}`, which is declared too", other.at
                help = "a rename leaves no node under the old name: take `was` away, or that node"
            yield _finding(decl, at, "declared here", headline, help)
        elif first is not decl:
            held = first.tree.get("was")
            at = first.at if held is None else held.span
            headline = f"two nodes say that they were `{was}`"
            help = "one node takes over what the old name holds: keep one `was`"
            yield _finding(decl, at, "said here too", headline, help)


def _finding(decl: NodeDecl, at: Span | None, label: str, headline: str, help: str) -> Diagnostic:
    held = decl.tree.get("was")
    return Diagnostic(
        "SG219",
        headline,
        "error",
        held.span if held is not None else decl.at,
        "the old name is taken",
        f"{decl.side}s.{decl.shown}.was",
        (Label(at, label),) if at is not None else (),
        help=(help,),
    )
