"""From two graphs to a plan: what becomes of every node, why, and of what is pending there.

It reads no file and runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from types import MappingProxyType

from sinkgraph.diagnostics.source import Span
from sinkgraph.formats.url import origin
from sinkgraph.graph.diff.edges import changed_edges
from sinkgraph.graph.diff.fates import Fates
from sinkgraph.graph.diff.fields import Differs, Pair, changed_fields
from sinkgraph.graph.diff.pairs import former_names
from sinkgraph.graph.diff.plan import NOTHING, Action, FieldChange, NodeChange, Plan
from sinkgraph.graph.diff.sides import Side
from sinkgraph.graph.diff.table import DRAWING, rule_of, side_of
from sinkgraph.graph.diff.words import (
    NOTHING_PENDING,
    events_of,
    events_of_leaving,
    reason_of,
)
from sinkgraph.graph.model import Graph, GraphNode
from sinkgraph.graph.shown import one_line
from sinkgraph.spec.kind import find_kind

__all__ = ["diff"]

_NO_FATES: Mapping[str, str] = MappingProxyType({})


def diff(
    before: Graph,
    after: Graph,
    *,
    fates: Mapping[str, str] = _NO_FATES,
    rewritten: AbstractSet[str] = frozenset(),
) -> Plan:
    """Return what a reload from one graph to another does.

    A node is the one of the same name, or the one its `was` names if that is gone. `fates` says
    what becomes of the events of queues that leave, by their names, in place of `on_remove`; what
    cannot be carried out is in `refused`. `rewritten` are the schema files, by their absolute
    paths, that hold something else than when `before` was loaded.
    """
    made = _Comparison(Side(before), Side(after, rewritten), fates)
    changes = (*map(made.node, after.nodes.values()), *made.gone())
    refused = tuple(made.fates.refused())
    return Plan(before.digest, after.digest, changes, refused, tuple(_heads(before, after)))


class _Comparison:
    """Compares two graphs, node by node."""

    def __init__(self, old: Side, new: Side, fates: Mapping[str, str]) -> None:
        self._before, self._after = old, new
        before, after = old.graph, new.graph
        self._former = former_names(before, after)
        self._renamed = {was: name for name, was in self._former.items() if was != name}
        stays = {
            was for name, was in self._former.items() if _same(before.nodes[was], after.nodes[name])
        }
        leaving = {name: node for name, node in before.nodes.items() if name not in stays}
        self.fates = Fates(self._before, self._after, leaving, self._renamed, fates)
        self._held = set(self._former.values())

    def gone(self) -> Iterator[NodeChange]:
        """Yield the nodes that only the old graph has, in its order."""
        off = {decl.name for decl in self._after.graph.spec.nodes if not decl.enabled}
        for name, node in self._before.graph.nodes.items():
            if name in self._held:
                continue
            fate = self.fates.of(node)
            events = events_of_leaving(node, fate, self._before.graph)
            why = (
                "`enabled: false` takes it out"
                if (node.origin or name) in off
                else "not in the new document"
            )
            yield NodeChange(
                name, node.kind, "remove", None, (), why, events, fate, node.declared_at
            )

    def node(self, new: GraphNode) -> NodeChange:
        """Return what becomes of a node of the new graph."""
        former = self._former.get(new.name)
        if former is None:
            why = "not in the old document"
            return NodeChange(
                new.name, new.kind, "add", None, (), why, NOTHING_PENDING, "", new.declared_at
            )
        old = self._before.graph.nodes[former]
        was = None if former == new.name else former
        if not _same(old, new):
            return self._other_kind(old, new, was)
        return self._changed(old, new, was)

    def _other_kind(self, old: GraphNode, new: GraphNode, was: str | None) -> NodeChange:
        fate = self.fates.of(old)
        span = self._after.place(new, ("kind",))
        kind = FieldChange("kind", _kind(old, new), _kind(new, old), False, span)
        reason = reason_of("replace", was, (kind,), ["it is of another kind"], ())
        events = events_of_leaving(old, fate, self._before.graph)
        return NodeChange(
            new.name, new.kind, "replace", was, (kind,), reason, events, fate, new.declared_at
        )

    def _changed(self, old: GraphNode, new: GraphNode, was: str | None) -> NodeChange:
        pair = Pair(self._before, old, self._after, new)
        side, kind = side_of(new), find_kind(side_of(new), new.kind)
        changes: list[FieldChange] = []
        whys: list[str] = []
        forgets: dict[str, None] = {}
        for one in changed_fields(pair, kind):
            field = str(one.path[0])
            rule = rule_of(side, new.kind, field)
            applies = rule is not None and rule.when(one.old, one.new)
            replaced = rule is not None and applies and rule.replaces
            if rule is not None and applies:
                whys += [rule.why] if replaced else []
                forgets.update(dict.fromkeys(filter(None, [rule.forgets])))
            changes.append(self._field(pair, one, tunable=not replaced))
        for one in changed_edges(pair, kind, self._renamed):
            changes.append(self._field(pair, one, tunable=True))
        if self._protects_another(old, new):
            forgets["breaker"] = None
        action: Action = "keep"
        if whys:
            action = "replace"
        elif was is not None:
            action = "rename"
        elif forgets or any(not one.drawing for one in changes):
            action = "retune"
        first: dict[str, FieldChange] = {}
        for change in changes:
            first.setdefault(change.field.partition(".")[0], change)
        return NodeChange(
            new.name,
            new.kind,
            action,
            was,
            tuple(changes),
            reason_of(action, was, changes, whys, tuple(forgets)),
            events_of(action, old, new, first, self._after),
            "",
            new.declared_at,
            tuple(forgets),
        )

    def _field(self, pair: Pair, one: Differs, *, tunable: bool) -> FieldChange:
        field = ".".join(map(str, one.path))
        drawing = str(one.path[0]) in DRAWING
        return FieldChange(
            field, one.before, one.after, tunable, one.span or self._place(pair, one), drawing
        )

    def _place(self, pair: Pair, one: Differs) -> Span | None:
        """Return where a field stands: in the new document, else in the old one."""
        if one.after != NOTHING and (found := self._after.place(pair.new, one.path)):
            return found
        return self._before.place(pair.old, one.path) or pair.new.declared_at

    def _protects_another(self, old: GraphNode, new: GraphNode) -> bool:
        """Tell whether a breaker stands before other origins than before."""
        if new.kind == "retry":
            if not (old.spec.__dict__.get("breaker") and new.spec.__dict__.get("breaker")):
                return False
        elif new.kind != "breaker":
            return False
        was = _origins(self._before.graph, old.name)
        return bool(was) and was != _origins(self._after.graph, new.name)


def _same(old: GraphNode, new: GraphNode) -> bool:
    return old.kind == new.kind and side_of(old) == side_of(new)


def _kind(node: GraphNode, other: GraphNode) -> str:
    """Return a kind; with its side, when the other is a kind of that name on the other side."""
    return f"{node.kind} {side_of(node)}" if node.kind == other.kind else node.kind


def _origins(graph: Graph, name: str) -> set[tuple[str, str, int | None]]:
    """Return the origins that are written to below a node, with no queue between."""
    found: set[tuple[str, str, int | None]] = set()
    seen: set[str] = set()
    todo = [edge.target for edge in graph.downstream(name) if edge.port != "dead_letter"]
    while todo:
        at = todo.pop()
        node = graph.nodes[at]
        if at in seen or node.kind == "queue":
            continue
        seen.add(at)
        if node.kind == "http" and node.role == "terminal":
            found.add(origin(node.spec.__dict__["url"]))
        todo += [edge.target for edge in graph.downstream(at) if edge.port != "dead_letter"]
    return found


def _heads(before: Graph, after: Graph) -> Iterator[FieldChange]:
    """Yield what differs of the graphs themselves."""
    for field, drawing in (("name", False), ("description", True)):
        a, b = getattr(before, field), getattr(after, field)
        if a != b:
            entry = after.spec.tree.entry(field)
            span = None if entry is None else entry.value.span
            yield FieldChange(
                field, one_line(a or NOTHING), one_line(b or NOTHING), True, span, drawing
            )
