"""SG402: expressions can be parsed, and read what there is.

What an expression means is `sinkgraph.expr`; here its findings get their place in the document.
"""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.graph.typing import CONDITIONS, expressions_of
from sinkgraph.graph.view import View
from sinkgraph.spec.declared import NodeDecl
from sinkgraph.spec.document_tree import Scalar
from sinkgraph.spec.leaves import Placeholder
from sinkgraph.spec.written_at import written_at

__all__ = ["check"]


def check(view: View) -> Iterator[Diagnostic]:
    """Yield what is wrong with each expression of each node, whatever is wrong beside it."""
    for decl in view.nodes.values():
        for path, leaf in expressions_of(decl):
            if not _has_finding(decl, leaf):
                yield from _one(view, decl, path, leaf)


def _has_finding(decl: NodeDecl, leaf: Scalar) -> bool:
    """Tell whether something else was found at an expression: a `${…}`, or that it is no text."""
    if isinstance(leaf.value, Placeholder):
        return True
    return decl.spec is None and not isinstance(leaf.value, str)


def _one(view: View, decl: NodeDecl, path: str, leaf: Scalar) -> Iterator[Diagnostic]:
    from sinkgraph.expr.check import check_expression

    last = path.rpartition(".")[2]
    result = "bool" if last in CONDITIONS else "any"
    for found in check_expression(leaf.text, vars=view.spec.vars, result=result):  # type: ignore[arg-type]
        yield Diagnostic(
            "SG402",
            f"`{path}` of {decl.label}: {safe_text(found.message, 300)}",
            "error",
            written_at(leaf, found.start, found.end),
            safe_text(found.message, 120),
            f"{decl.side}s.{decl.shown}.{path}",
            help=(safe_text(found.help, 200),) if found.help else (),
        )
