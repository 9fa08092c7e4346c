"""SG401, SG403 to SG406: schemas can be read, and expressions fit the events that reach them.

Types come from `sinkgraph.graph.typing`, what is wrong from `sinkgraph.expr.judge`; here both get
their places in the document.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import TypeAlias

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.diagnostics.source import Span
from sinkgraph.expr.facts import NONE
from sinkgraph.expr.found import Found
from sinkgraph.expr.judge import judge
from sinkgraph.expr.types import Type
from sinkgraph.expr.validator import unsupported
from sinkgraph.graph.schemas import NamedSchema, Schema, named_schemas, read_schema, roots_of
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
from sinkgraph.spec.document_tree import Mapping as Tree
from sinkgraph.spec.document_tree import Node, Scalar
from sinkgraph.spec.kinds.source import SourceSpec
from sinkgraph.spec.leaves import Placeholder
from sinkgraph.spec.written_at import written_at

__all__ = ["check"]

_MAX_LABELS = 2
_SENT = "apply a file of that machine there, or write the schema as a file beside the document"
_Read: TypeAlias = tuple[Schema | None, list[Diagnostic]]


def check(view: View) -> Iterator[Diagnostic]:
    """Yield schemas that cannot be used, then what expressions do wrong with their events."""
    known: dict[str, Known] = {}
    read: dict[str, _Read] = {}
    for decl in view.sources:
        if not isinstance(decl.spec, SourceSpec):
            continue
        schemas: dict[str | None, Schema] = {}
        whole = True
        for one in named_schemas(decl.spec):
            schema = yield from _schema(view, decl, one, read)
            whole &= schema is not None
            if schema is not None:
                schemas[one.pattern] = schema
        roots = roots_of(schemas) if whole else ()
        if any(root.type.alts for root in roots):
            whole_name = schemas[None].name if len(roots) == 1 else ""
            name = whole_name or f"the schemas of `{decl.shown}`"
            known[decl.name] = Known(roots, NONE, (decl,), name)
    if not known:
        return
    vars = types_of_vars(view.spec.vars)
    for name, here in types_of(view, known).items():
        yield from _judged(view, view.nodes[name], here, vars)


def _schema(
    view: View, decl: NodeDecl, named: NamedSchema, read: dict[str, _Read]
) -> Generator[Diagnostic, None, Schema | None]:
    """Yield what is wrong with a schema a source names; return it where it is known."""
    path = ".".join((f"sources.{decl.shown}", *named.keys))
    leaf: Node | None = decl.tree
    for key in named.keys:
        leaf = leaf.get(key) if isinstance(leaf, Tree) else None
    if isinstance(leaf, Scalar) and isinstance(leaf.value, Placeholder):
        return None
    if isinstance(leaf, Scalar) and leaf.secret:
        yield _from_outside(decl, leaf, path)
        return None
    span = leaf.span if leaf is not None else None
    if named.text.startswith("python:") and not view.imports:
        name, label = safe_text(named.text, 200), "would be imported here"
        said = f"a document that was sent here names Python by its module: `{name}`"
        yield Diagnostic("SG513", said, "error", span, label, path, help=(_SENT,))
        return None
    if named.text not in read:
        read[named.text] = read_schema(named.text, view.base, span, path)
        yield from read[named.text][1]
    schema = read[named.text][0]
    spec = decl.spec
    if schema is not None and isinstance(spec, SourceSpec) and spec.validate_ != "off":
        yield from _not_held(schema, span, path)
    return schema


def _not_held(schema: Schema, at: Span | None, path: str) -> Iterator[Diagnostic]:
    """Yield words of a schema that events cannot be held against."""
    for pointer, word in unsupported(schema.value):
        place = "/".join(map(str, pointer))
        yield Diagnostic(
            "SG406",
            safe_text(f"events cannot be held against `{word}` at `{place}` of the schema", 300),
            "error",
            at,
            "named here",
            path,
            help=("take it out of the schema, or write `validate: off`",),
        )


def _from_outside(decl: NodeDecl, leaf: Scalar, path: str) -> Diagnostic:
    return Diagnostic(
        "SG406",
        f"the schema of {decl.label} comes from outside the document",
        "error",
        leaf.span,
        "an environment variable or a file",
        path,
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


def _named_in(source: NodeDecl) -> Node | None:
    """Return where a source says what its events look like."""
    entry = source.tree.entry("schemas")
    return source.tree.get("schema") if entry is None else entry.key


def _placed(
    decl: NodeDecl, path: str, leaf: Scalar, one: Found, sources: tuple[NodeDecl, ...]
) -> Diagnostic:
    headline = one.headline if one.whole else f"`{path}` of {decl.label}: {one.headline}"
    labels = [
        Label(held.span, f"what events of `{source.shown}` look like")
        for source in sources
        if (held := _named_in(source)) is not None and held.span is not None
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
