"""Findings inside a template, told once for all its uses, with the first use they were met in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label
from sinkgraph.diagnostics.source import SourceText, Span
from sinkgraph.spec.declared import GraphSpec, NodeDecl
from sinkgraph.spec.document_tree import Mapping as Tree
from sinkgraph.spec.written_secrets import hide_written_secrets

__all__ = ["told", "told_once"]


def told(found: list[Diagnostic], spec: GraphSpec) -> list[Diagnostic]:
    """Return findings, those in a template once; what a use puts into secret fields is hidden."""
    if not found or "templates" not in spec.tree:
        return found
    for decl in spec.nodes:
        if decl.use is not None and decl.use.kind is not None and not decl.use.kind.built_in:
            hide_written_secrets(decl.tree)
    return told_once(found, spec.tree, spec.nodes)


def told_once(
    found: Iterable[Diagnostic], tree: Tree, nodes: Iterable[NodeDecl]
) -> list[Diagnostic]:
    """Return findings so that no place of a template has one of a code twice."""
    places = list(_places(tree))
    if not places:
        return list(found)
    made: dict[str, NodeDecl] = {}
    for decl in nodes:
        if decl.use is not None:
            made.setdefault(decl.name, decl)
    told: dict[tuple[str, str, int, int], int] = {}
    kept: list[Diagnostic] = []
    uses: dict[int, set[str]] = {}
    for one in found:
        if one.span is None or not _within(one.span, places):
            kept.append(one)
            continue
        key = (one.code, one.span.source.name, one.span.start, one.span.end)
        use = _use_of(one, made)
        at = told.get(key)
        if at is None:
            told[key] = at = len(kept)
            kept.append(_with_use(one, use))
        if use is not None:
            uses.setdefault(at, set()).add(use.name)
    for at, names in uses.items():
        if len(names) > 1:
            more = len(names) - 1
            note = f"so it is in {more:,} other use{'s' if more > 1 else ''} of the template"
            kept[at] = replace(kept[at], notes=(*kept[at].notes, note))
    return kept


def _places(tree: Tree) -> Iterator[tuple[SourceText, int, int]]:
    held = tree.get("templates")
    for entry in held.entries if isinstance(held, Tree) else ():
        span = entry.value.span
        if span is not None:
            yield span.source, span.start, span.end


def _within(span: Span, places: list[tuple[SourceText, int, int]]) -> bool:
    return any(
        span.source is source and start <= span.start and span.end <= end
        for source, start, end in places
    )


def _use_of(one: Diagnostic, made: dict[str, NodeDecl]) -> NodeDecl | None:
    """Return the use a finding was met in: its path begins with the name of a node."""
    name = one.path.partition(".")[2]
    while name:
        if name in made:
            return made[name].use
        name = name.rpartition(".")[0]
    return None


def _with_use(one: Diagnostic, use: NodeDecl | None) -> Diagnostic:
    if use is None or use.at is None or any(label.span == use.at for label in one.secondary):
        return one
    return replace(one, secondary=(*one.secondary, Label(use.at, "in this use")))
