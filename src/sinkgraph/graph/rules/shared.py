"""The finding of two nodes that hold one thing: a file, a listener, standard input."""

from __future__ import annotations

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label
from sinkgraph.diagnostics.source import Span
from sinkgraph.spec.declared import NodeDecl

__all__ = ["field_place", "shared"]


def field_place(decl: NodeDecl, field: str) -> Span | None:
    """Return where the value of a field stands, or the name of its node."""
    held = decl.tree.get(field)
    return decl.at if held is None else held.span


def shared(
    code: str, decl: NodeDecl, first: NodeDecl, field: str, what: str, help: str
) -> Diagnostic:
    """Return the finding that `decl` holds what `first` holds, said by the same field of both."""
    at = field_place(first, field)
    return Diagnostic(
        code,
        f"{decl.side}s `{first.shown}` and `{decl.shown}` {what}",
        "error",
        field_place(decl, field),
        "held by another node",
        f"{decl.side}s.{decl.shown}.{field}",
        (Label(at, f"held by `{first.shown}`"),) if at is not None else (),
        help=(help,),
    )
