"""SG402: expressions can be parsed, and read what there is.

What an expression means is `sinkgraph.expr`; here its findings get their place in the document.
"""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.graph.view import View
from sinkgraph.spec.declared import NodeDecl
from sinkgraph.spec.document_tree import Mapping, Node, Scalar, Sequence
from sinkgraph.spec.leaves import Placeholder
from sinkgraph.spec.written_at import written_at

__all__ = ["check"]

_CONDITIONS = frozenset({"where", "when"})


def check(view: View) -> Iterator[Diagnostic]:
    """Yield what is wrong with each expression of each node, whatever is wrong beside it."""
    for decl in view.nodes.values():
        if decl.kind is None:
            continue
        for field in decl.kind.expressions:
            for path, leaf in _leaves(decl.tree, field):
                if not _has_finding(decl, leaf):
                    yield from _one(view, decl, path, leaf)


def _has_finding(decl: NodeDecl, leaf: Scalar) -> bool:
    """Tell whether something else was found at an expression: a `${…}`, or that it is no text."""
    if isinstance(leaf.value, Placeholder):
        return True
    return decl.spec is None and not isinstance(leaf.value, str)


def _leaves(tree: Mapping, field: str) -> Iterator[tuple[str, Scalar]]:
    """Yield each expression of a field: itself, the values of a mapping, or one of each entry."""
    head, _, inner = field.partition(".")
    held: Node | None = tree.get(head)
    if isinstance(held, Sequence):
        for index, item in enumerate(held.items):
            one = item.get(inner) if isinstance(item, Mapping) else None
            if isinstance(one, Scalar):
                yield f"{head}[{index}].{inner}", one
    elif isinstance(held, Mapping):
        for entry in held.entries:
            if isinstance(entry.value, Scalar):
                yield f"{head}.{entry.key.text}", entry.value
    elif isinstance(held, Scalar):
        yield head, held


def _one(view: View, decl: NodeDecl, path: str, leaf: Scalar) -> Iterator[Diagnostic]:
    from sinkgraph.expr.check import check_expression

    last = path.rpartition(".")[2]
    result = "bool" if last in _CONDITIONS else "any"
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
