"""SG201: every node has a name of its own, also to the eye."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.graph.view import View
from sinkgraph.spec.declared import NodeDecl
from sinkgraph.spec.fields import name_problem

__all__ = ["check", "folded"]


def check(view: View) -> Iterator[Diagnostic]:
    """Yield names that are given twice, also by case or by look-alike letters."""
    seen: dict[str, NodeDecl] = {}
    for decl in view.spec.nodes:
        if decl.use is None and name_problem(decl.name):
            continue
        first = seen.setdefault(folded(decl.name), decl)
        if first is decl:
            continue
        if decl.holder is not None and _holder_doubled(decl, first):
            continue
        if decl.use is not None and decl.use is first.use:
            yield _within(decl, first)
            continue
        made = decl if decl.is_inner else first
        if made.is_inner and made.use is not (first if made is decl else decl).use:
            yield _inner(made, first if made is decl else decl)
        else:
            yield _twice(decl, first)


def _within(decl: NodeDecl, first: NodeDecl) -> Diagnostic:
    """Return the finding of a use that becomes two nodes of one name."""
    use = decl.written
    headline = f"{use.label} becomes both `{first.shown}` and `{decl.shown}`"
    if decl.name == first.name:
        headline = f"{use.label} becomes two nodes named `{decl.shown}`"
    at = decl.tree.get("kind")
    labels = (Label(at.span, "the second of them"),) if at is not None and at.span else ()
    return Diagnostic("SG201", headline, "error", use.at, "in this use", decl.name, labels,
                      help=("give one of them another `name:` in the template",))  # fmt: skip


def _inner(made: NodeDecl, other: NodeDecl) -> Diagnostic:
    """Return the finding of a node that bears the name of one that a use becomes."""
    use = made.written
    labels = (Label(use.at, f"becomes `{made.shown}` too"),) if use.at else ()
    headline = f"the name `{other.shown}` is that of a node which {use.label} becomes"
    help = "name it differently" if other.holder is None else "give it a `name:` of its own"
    return Diagnostic("SG201", headline, "error", other.at, "given again", other.name, labels,
                      help=(help,))  # fmt: skip


def folded(name: str) -> str:
    """Return what names that look alike have in common."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFKC", name).casefold()


def _holder_doubled(decl: NodeDecl, first: NodeDecl) -> bool:
    """Tell whether both only share a name because the nodes they stand in do."""
    return (
        first.holder is not None
        and (first.use is None or first.use is not decl.use)
        and (first.use is None) == (decl.use is None)
        and decl.holder is not None
        and first.tree is not decl.tree
        and folded(first.holder) == folded(decl.holder)
        and "name" not in decl.tree
    )


def _twice(decl: NodeDecl, first: NodeDecl) -> Diagnostic:
    name = safe_text(decl.name, 80)
    if decl.name == first.name:
        headline = f"the name `{name}` is given twice"
        help = "sources and sinks share one set of names: rename one of them"
    else:
        headline = f"the name `{name}` differs from `{safe_text(first.name, 80)}` by look only"
        help = "choose names that differ in more than case"
    secondary = (Label(first.at, "given here first"),) if first.at else ()
    return Diagnostic("SG201", headline, "error", decl.at, "given again", name, secondary,
                      help=(help,))  # fmt: skip
