"""SG218: no node takes the name of one that is implied.

`dead-letters` may be declared as what it is, a `dead_letter`, so that its bounds can be stated.
"""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.model import DEAD_LETTERS, INLET
from sinkgraph.graph.rules.names import folded
from sinkgraph.graph.view import View
from sinkgraph.spec.declared import NodeDecl

__all__ = ["check"]


def check(view: View) -> Iterator[Diagnostic]:
    """Yield the first node of each reserved name."""
    seen: set[str] = set()
    for decl in view.spec.nodes:
        if decl.is_inner:  # which has a dot in it
            continue
        name = folded(decl.name)
        if name not in seen:
            seen.add(name)
            yield from _reserved(decl, name, has_sources=bool(view.sources))


def _reserved(decl: NodeDecl, name: str, *, has_sources: bool) -> Iterator[Diagnostic]:
    if decl.name == DEAD_LETTERS and decl.kind_name == "dead_letter":
        return  # its bounds are stated
    if name == DEAD_LETTERS:
        what = "the implied sink that keeps what no port claims"
        help = "name it differently, and write its name where a `dead_letter:` is wanted"
    elif name == INLET and not has_sources:
        what = "the implied source of a document without sources"
        help = "name it differently"
    else:
        return
    headline = f"the name `{decl.shown}` belongs to {what}"
    yield Diagnostic("SG218", headline, "error", decl.at, "reserved", decl.name, help=(help,))
