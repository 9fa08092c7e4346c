"""What an editor of documents may know of one: its findings, its graph, what is concluded of it.

It changes no text and shows nothing; all it says is read from the layers that load documents.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sinkgraph.api.conclusions import conclusions_text
from sinkgraph.api.fields import FieldWords, fields_of
from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.source import Span
from sinkgraph.graph.inference.conclude import conclude
from sinkgraph.graph.load import load_text
from sinkgraph.graph.model import Graph
from sinkgraph.spec.declared import GraphSpec, NodeDecl
from sinkgraph.spec.document import Mapping, Syntax, parse
from sinkgraph.spec.kind import Kind, Port, all_kinds
from sinkgraph.spec.load import load_spec

__all__ = [
    "Drawn",
    "DrawnEdge",
    "DrawnNode",
    "Examined",
    "FieldWords",
    "Found",
    "KindWords",
    "Place",
    "PortWords",
    "Syntax",
    "examine",
    "kinds",
]

PortShape = Literal["one", "many", "each"]


@dataclass(frozen=True, slots=True)
class Place:
    """Is a piece of the examined text; all counts are from 1, the end is just after it."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Found:
    """Is one finding. `place` is None when it stands in no text, or in an included document.

    `where` says the place in words. `nodes`: the nodes in whose text it stands.
    """

    code: str
    severity: Literal["error", "warning"]
    message: str
    place: Place | None
    where: str
    label: str
    notes: tuple[str, ...]
    help: tuple[str, ...]
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PortWords:
    """Is an output of a kind. `each`: the field `to` of every entry of a list (`routes`)."""

    name: str
    shape: PortShape
    optional: bool


@dataclass(frozen=True, slots=True)
class DrawnNode:
    """Is a node. `role` is "" when its kind is not known; `place`: where its name stands.

    `origin`: the use of a template that it is a part of. `implied`: no document wrote it.
    """

    name: str
    kind: str
    role: str
    group: str | None
    ports: tuple[PortWords, ...]
    place: Place | None
    origin: str | None
    implied: bool = False


@dataclass(frozen=True, slots=True)
class DrawnEdge:
    """Is an edge; `index` counts the targets of one port. Both ends are among the nodes."""

    source: str
    port: str
    target: str
    index: int
    place: Place | None


@dataclass(frozen=True, slots=True)
class Drawn:
    """Is a graph, or what could be read of one: disabled nodes of a broken one are left out."""

    nodes: tuple[DrawnNode, ...] = ()
    edges: tuple[DrawnEdge, ...] = ()


@dataclass(frozen=True, slots=True)
class KindWords:
    """Is a kind in words; `own`: it is a template of the document."""

    name: str
    side: Literal["source", "sink"]
    role: str
    description: str
    ports: tuple[PortWords, ...]
    fields: tuple[FieldWords, ...]
    own: bool = False


@dataclass(frozen=True, slots=True)
class Examined:
    """Is what is known of a text.

    `read`: the text is YAML, TOML or JSON to its end; without that nothing is drawn. `valid`: it
    has no error. `conclusions`: the tables of `sinkgraph explain`, "" unless valid. `templates`:
    the kinds the document makes itself.
    """

    findings: tuple[Found, ...]
    graph: Drawn
    read: bool
    valid: bool
    conclusions: str
    templates: tuple[KindWords, ...]


def examine(text: str, syntax: Syntax, path: Path) -> Examined:
    """Return what is known of a text that would stand at `path`; must survive any text.

    The file at `path` is not read; what the text includes is. Unset secrets are stood in for.
    """
    name = str(path)
    graph, found = load_text(
        text,
        name=name,
        syntax=syntax,
        base=path.absolute().parent,
        secrets="placeholder",
    )
    tree, _ = parse(text, name, syntax)
    spec = None if tree is None else load_spec(tree)[0]
    if graph is not None:
        drawn = _whole(graph, name)
    else:
        drawn = Drawn() if spec is None else _partial(spec, name)
    return Examined(
        findings=tuple(_found(one, name, tree) for one in found),
        graph=drawn,
        read=tree is not None,
        valid=graph is not None,
        conclusions="" if graph is None else conclusions_text(conclude(graph), color=False),
        templates=() if spec is None else _templates(spec),
    )


def kinds() -> tuple[KindWords, ...]:
    """Return every kind any document may write, in the order of `sinkgraph kinds`."""
    return tuple(map(_kind, all_kinds()))


def _kind(kind: Kind, own: bool = False) -> KindWords:
    return KindWords(
        name=kind.name,
        side=kind.side,
        role=kind.role,
        description=kind.summary,
        ports=_ports(kind),
        fields=fields_of(kind),
        own=own,
    )


def _templates(spec: GraphSpec) -> tuple[KindWords, ...]:
    """Return the templates of the document that one of its nodes uses."""
    known = {one.name for one in all_kinds()}
    used: dict[str, Kind] = {}
    for decl in spec.nodes:
        kind = decl.written.kind
        if kind is not None and kind.composite and kind.name not in known:
            used.setdefault(kind.name, kind)
    return tuple(_kind(one, own=True) for one in used.values())


def _ports(kind: Kind | None) -> tuple[PortWords, ...]:
    return () if kind is None else tuple(map(_port, kind.ports))


def _port(port: Port) -> PortWords:
    shape: PortShape = "each" if port.each else "many" if port.many else "one"
    return PortWords(port.name, shape, port.optional)


def _whole(graph: Graph, name: str) -> Drawn:
    declared = {one.name: one for one in graph.spec.nodes}
    nodes = []
    for one in graph.nodes.values():
        decl = declared.get(one.name)
        nodes.append(
            DrawnNode(
                name=one.name,
                kind=one.kind,
                role=one.role,
                group=one.group,
                ports=_ports(None if decl is None else decl.kind),
                place=_place(one.declared_at, name),
                origin=one.origin,
                implied=one.implied,
            )
        )
    edges = (
        DrawnEdge(one.source, one.port, one.target, one.index, _place(one.span, name))
        for one in graph.edges
    )
    return Drawn(tuple(nodes), tuple(edges))


def _partial(spec: GraphSpec, name: str) -> Drawn:
    """Return the nodes that could be read and the edges between them; the first of equal names."""
    nodes: dict[str, NodeDecl] = {}
    for one in spec.nodes:
        if one.enabled:
            nodes.setdefault(one.name, one)
    drawn = tuple(
        DrawnNode(
            name=one.name,
            kind=one.kind_name,
            role="" if one.kind is None else one.kind.role,
            group=_group(one),
            ports=_ports(one.kind),
            place=_place(one.at, name),
            origin=one.origin,
        )
        for one in nodes.values()
    )
    edges = tuple(
        DrawnEdge(one.name, edge.port, edge.target, edge.index, _place(edge.span, name))
        for one in nodes.values()
        for edge in one.edges
        if edge.target in nodes
    )
    return Drawn(drawn, edges)


def _group(decl: NodeDecl) -> str | None:
    written = None if decl.spec is None else decl.spec.group
    if written is None and "/" in decl.name:
        return decl.name.rpartition("/")[0]
    return written


def _found(one: Diagnostic, name: str, tree: Mapping | None) -> Found:
    return Found(
        code=one.code,
        severity=one.severity,
        message=one.headline,
        place=_place(one.span, name),
        where=one.where,
        label=one.label,
        notes=one.notes,
        help=one.help,
        nodes=tuple(_holders(one.span, name, tree)),
    )


def _holders(span: Span | None, name: str, tree: Mapping | None) -> Iterable[str]:
    """Yield the nodes of the top level in whose text a place stands."""
    if span is None or tree is None or span.source.name != name:
        return
    for section in ("sources", "sinks"):
        held = tree.get(section)
        for entry in held.entries if isinstance(held, Mapping) else ():
            key, value = entry.key.span, entry.value.span
            if key is None:
                continue
            end = key.end if value is None else max(key.end, value.end)
            if key.start <= span.start < max(end, key.start + 1):
                yield entry.key.text


def _place(span: Span | None, name: str) -> Place | None:
    if span is None or span.source.name != name:
        return None
    return Place(span.line, span.col, span.end_line, span.end_col)
