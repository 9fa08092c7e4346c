"""SG510: secrets come from the environment, a file or a var, not from the document's own text."""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.graph.view import View
from sinkgraph.spec.declared import NodeDecl
from sinkgraph.spec.document_tree import Mapping, Node, Scalar, Sequence
from sinkgraph.spec.leaves import FilledText
from sinkgraph.spec.written_secrets import CREDENTIAL, SECRET_FIELDS

__all__ = ["check"]


def check(view: View) -> Iterator[Diagnostic]:
    """Yield tokens, and headers whose names say credentials, that are written out."""
    for decl in view.nodes.values():
        for field in decl.tree.entries:
            key = field.key.text
            if key in SECRET_FIELDS:
                yield from _written(decl, key, field.value)
            elif key == "headers" and isinstance(field.value, Mapping):
                for entry in field.value.entries:
                    if CREDENTIAL.search(entry.key.text):
                        yield from _written(decl, f"headers.{entry.key.text}", entry.value)


def _written(decl: NodeDecl, field: str, held: Node | None) -> Iterator[Diagnostic]:
    if isinstance(held, Sequence):
        for one in held.items:
            yield from _written(decl, field, one)
    elif isinstance(held, Scalar) and held.text and not isinstance(held.value, FilledText):
        yield Diagnostic(
            "SG510",
            f"`{safe_text(field, 80)}` of {decl.label} is a secret written in the document",
            "warning",
            held.span,
            "whoever reads the document knows it",
            f"{decl.side}s.{decl.shown}.{field}",
            help=("write `${env:NAME}` or `${file:/path}`",),
        )
