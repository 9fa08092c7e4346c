"""SG401, SG403 to SG406: schemas can be read, and expressions fit the events that reach them.

Types come from `sinkgraph.graph.typing`, what is wrong from `sinkgraph.expr.judge`; here both get
their places in the document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.diagnostics.source import Span
from sinkgraph.expr.facts import NONE
from sinkgraph.expr.found import Found
from sinkgraph.expr.judge import judge
from sinkgraph.expr.roots import Root
from sinkgraph.expr.types import Type
from sinkgraph.expr.validator import unsupported
from sinkgraph.graph.schemas import Schema, read_schema
from sinkgraph.graph.typing import (
    CONDITIONS,
    Known,
    expressions_of,
    parsed,
    types_of,
    types_of_vars,
)
from sinkgraph.graph.view import View
from sinkgraph.spec.declared import NodeDecl
from sinkgraph.spec.document_tree import Scalar
from sinkgraph.spec.kinds.source import SourceSpec
from sinkgraph.spec.leaves import Placeholder
from sinkgraph.spec.written_at import written_at

__all__ = ["check"]

_MAX_LABELS = 2


def check(view: View) -> Iterator[Diagnostic]:
    """Yield schemas that cannot be used, then what expressions do wrong with their events."""
    known: dict[str, Known] = {}
    read: dict[str, tuple[Schema | None, list[Diagnostic]]] = {}
    for decl in view.sources:
        spec = decl.spec
        if not isinstance(spec, SourceSpec) or spec.schema_ is None:
            continue
        leaf = decl.tree.get("schema")
        if isinstance(leaf, Scalar) and isinstance(leaf.value, Placeholder):
            continue
        if isinstance(leaf, Scalar) and leaf.secret:
            yield _from_outside(decl, leaf)
            continue
        text = spec.schema_
        if text not in read:
            span = leaf.span if leaf is not None else None
            read[text] = read_schema(text, view.base, span, f"sources.{decl.shown}.schema")
            yield from read[text][1]
        schema = read[text][0]
        if schema is not None and spec.validate_ != "off":
            yield from _not_held(decl, schema, leaf.span if leaf is not None else None)
        if schema is not None and schema.type.alts:
            known[decl.name] = Known((Root(schema.type),), NONE, (decl,), schema.name)
    if not known:
        return
    vars = types_of_vars(view.spec.vars)
    for name, here in types_of(view, known).items():
        yield from _judged(view, view.nodes[name], here, vars)


def _not_held(decl: NodeDecl, schema: Schema, at: Span | None) -> Iterator[Diagnostic]:
    """Yield words of a schema that events cannot be held against."""
    for pointer, word in unsupported(schema.value):
        place = "/".join(map(str, pointer))
        yield Diagnostic(
            "SG406",
            safe_text(f"events cannot be held against `{word}` at `{place}` of the schema", 300),
            "error",
            at,
            "named here",
            f"sources.{decl.shown}.schema",
            help=("take it out of the schema, or write `validate: off`",),
        )


def _from_outside(decl: NodeDecl, leaf: Scalar) -> Diagnostic:
    return Diagnostic(
        "SG406",
        f"the schema of {decl.label} comes from outside the document",
        "error",
        leaf.span,
        "an environment variable or a file",
        f"sources.{decl.shown}.schema",
        help=("write it in the document, or as a var: `${var:NAME}`",),
    )


def _judged(
    view: View, decl: NodeDecl, here: Known, vars: Mapping[str, Type]
) -> Iterator[Diagnostic]:
    for path, leaf in expressions_of(decl):
        tree = None if isinstance(leaf.value, Placeholder) else parsed(view, path, leaf.text)
        if tree is None:
            continue
        condition = path.rpartition(".")[2] in CONDITIONS
        found, _ = judge(
            tree,
            leaf.text,
            here.roots,
            vars,
            schema=here.name,
            condition=condition,
            facts=here.facts,
        )
        for one in found:
            yield _placed(decl, path, leaf, one, here.sources)


def _placed(
    decl: NodeDecl, path: str, leaf: Scalar, one: Found, sources: tuple[NodeDecl, ...]
) -> Diagnostic:
    headline = one.headline if one.whole else f"`{path}` of {decl.label}: {one.headline}"
    labels = [
        Label(held.span, f"what events of `{source.shown}` look like")
        for source in sources
        if (held := source.tree.get("schema")) is not None and held.span is not None
    ]
    return Diagnostic(
        one.code,
        safe_text(headline, 300),
        one.severity,
        written_at(leaf, one.start, one.end),
        safe_text(one.label, 120),
        f"{decl.side}s.{decl.shown}.{path}",
        tuple(labels[:_MAX_LABELS]),
        tuple(safe_text(note, 300) for note in one.notes),
        (safe_text(one.help, 300),) if one.help else (),
    )
