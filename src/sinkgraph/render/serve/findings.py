"""Findings for a page: each with the node it is about, told by the place it has in the text.

It finds no fault itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sinkgraph.diagnostics.diagnostic import Diagnostic, sort_diagnostics
from sinkgraph.diagnostics.report import render_human, to_objects
from sinkgraph.diagnostics.source import Span
from sinkgraph.graph.model import Graph
from sinkgraph.spec import document_tree as tree

__all__ = ["placed"]

_Place = tuple[str, Span, int]
"""Is a node: its name, where it begins, and the offset at which it ends."""


def placed(
    found: Iterable[Diagnostic], graph: Graph | None, root: tree.Mapping | None
) -> list[dict[str, Any]]:
    """Return findings as JSON objects, with `node` (a name or null) and `text`, the whole of it.

    `root` is what the document was read as; it stands in where there is no graph.
    """
    places = list(_declared(graph) if graph is not None else _written(root))
    ordered = sort_diagnostics(found)
    return [
        {**plain, "node": _owner(one, places), "text": render_human([one])}
        for one, plain in zip(ordered, to_objects(ordered), strict=True)
    ]


def _owner(one: Diagnostic, places: list[_Place]) -> str | None:
    """Return the innermost node around a finding."""
    span = one.span
    if span is None:
        return None
    around = [
        (end - start.start, name)
        for name, start, end in places
        if start.source is span.source or start.source.name == span.source.name
        if start.start <= span.start < max(end, start.end)
    ]
    return min(around)[1] if around else None


def _declared(graph: Graph) -> Iterator[_Place]:
    for decl in graph.spec.nodes:
        if decl.at is not None and decl.tree.span is not None:
            inline = decl.tree.span.start < decl.at.start
            start = decl.tree.span if inline else decl.at
            yield decl.name, start, decl.tree.span.end


def _written(root: tree.Mapping | None) -> Iterator[_Place]:
    """Yield what stands in `sources` and `sinks`, whether it makes sense or not."""
    for section in ("sources", "sinks"):
        held = None if root is None else root.get(section)
        if not isinstance(held, tree.Mapping):
            continue
        for entry in held:
            if entry.key.span is not None:
                end = entry.key.span.end if entry.value.span is None else entry.value.span.end
                yield entry.key.text, entry.key.span, end
