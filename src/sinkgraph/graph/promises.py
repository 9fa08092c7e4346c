"""SG520, SG521: a graph keeps what its document promises, or the node that breaks it is named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label
from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.diagnostics.source import Span
from sinkgraph.graph.inference.conclude import ways_of
from sinkgraph.graph.inference.conclusions import ACCEPTED, DELIVERY, ORDER, Because, Way
from sinkgraph.graph.model import Graph
from sinkgraph.spec.locate import place
from sinkgraph.spec.promises import PromiseDecl

__all__ = ["broken_promises"]

_NAMED = 6


def broken_promises(graph: Graph, promises: Sequence[PromiseDecl]) -> Iterator[Diagnostic]:
    """Yield what a graph does not keep, and promises about ways it does not have."""
    ways: dict[str, dict[str, Way]] = {}
    for promise in promises:
        source = promise.spec.from_
        if source not in graph.sources:
            yield _unknown(promise, "from", source, graph.sources, "a source")
            continue
        if source not in ways:
            ways[source] = {way.terminal: way for way in ways_of(graph, source)}
        way = ways[source].get(promise.spec.to)
        if way is None:
            ends = list(ways[source])
            yield _unknown(promise, "to", promise.spec.to, ends, f"an end that `{source}` reaches")
            continue
        yield from _judged(graph, promise, way)


def _judged(graph: Graph, promise: PromiseDecl, way: Way) -> Iterator[Diagnostic]:
    spec = promise.spec
    if spec.accepted is not None and ACCEPTED.index(way.accepted) < ACCEPTED.index(spec.accepted):
        because = way.accepted_because
        yield _broken(graph, promise, "accepted", spec.accepted, way.accepted, because)
    if spec.delivery is not None and DELIVERY.index(way.delivery) < DELIVERY.index(spec.delivery):
        because = way.delivery_because
        yield _broken(graph, promise, "delivery", spec.delivery, way.delivery, because, way.path)
    if spec.order is not None and ORDER.index(way.order) < ORDER.index(spec.order):
        yield _broken(graph, promise, "order", spec.order, way.order, way.order_because)


def _broken(
    graph: Graph,
    promise: PromiseDecl,
    field: str,
    wanted: str,
    found: str,
    because: Because | None,
    path: tuple[str, ...] = (),
) -> Diagnostic:
    spec = promise.spec
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    if because is not None:
        at = _span(graph, because)
        at_field = because.node if because.field is None else f"{because.node}.{because.field}"
        if at is not None:
            labels = (Label(at, "this decides it"),)
        notes = (f"`{at_field}` decides it: {because.why}",)
    if path:
        steps = [*path[:4], "…", *path[-4:]] if len(path) > 9 else path
        notes = (*notes, f"on the way `{' → '.join(steps)}`")
    what = f"`{field}: {wanted}` from `{spec.from_}` to `{spec.to}` is not kept"
    at_value = place(promise.owner, (field,)).value
    return Diagnostic(
        "SG520",
        what,
        "error",
        at_value,
        f"it is `{found}`",
        promise.owner.dotted((field,)),
        labels,
        notes,
        (_help(because, found),),
    )


def _help(because: Because | None, found: str) -> str:
    if because is not None and because.field == "store" and found != "durable":
        return f"write `store: disk` in `{because.node}`, or promise what the graph keeps"
    return "change that node, or promise what the graph keeps"


def _span(graph: Graph, because: Because) -> Span | None:
    """Return where the deciding field stands; its node where the field is not written."""
    node = graph.nodes[because.node]
    names = (node.name, node.origin)
    decl = next((one for one in graph.spec.nodes if one.name in names), None)
    if decl is None:
        return node.declared_at
    if because.field is not None:
        entry = decl.tree.entry(because.field.partition("[")[0])
        if entry is not None:
            return entry.value.span if entry.value.span is not None else entry.key.span
    return decl.at


def _unknown(
    promise: PromiseDecl, field: str, name: str, known: Sequence[str], what: str
) -> Diagnostic:
    near = nearest(name, known)
    some = ", ".join(f"`{safe_text(one, 80)}`" for one in known[:_NAMED])
    more = ", …" if len(known) > _NAMED else ""
    help = f"the nearest is `{near}`" if near else f"there are: {some}{more}" if known else ""
    return Diagnostic(
        "SG521",
        f"`{safe_text(name, 80)}` is not {what}",
        "error",
        place(promise.owner, (field,)).value,
        f"not {what}",
        promise.owner.dotted((field,)),
        help=(help,) if help else (),
    )
