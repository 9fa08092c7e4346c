"""Which types of events reach each node, from the schemas of the sources.

A filter or a route below tells what holds of the events that pass; a transform changes the type;
Python, and kinds of other packages, may make anything. What expressions do with it is judged
elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sinkgraph.expr.check import Result, checked
from sinkgraph.expr.edit import put, taken, without
from sinkgraph.expr.errors import BadExpression
from sinkgraph.expr.facts import NONE, Fact, Facts, chosen_by, facts_of, reads_of
from sinkgraph.expr.judge import judge
from sinkgraph.expr.roots import Root, may_be
from sinkgraph.expr.tree import Node
from sinkgraph.expr.tree import Tree as Checked
from sinkgraph.expr.types import ANY, Type, of_value, plain
from sinkgraph.graph.view import Link, View
from sinkgraph.spec.declared import NodeDecl
from sinkgraph.spec.document_tree import Mapping as Tree
from sinkgraph.spec.document_tree import Node as Written
from sinkgraph.spec.document_tree import Scalar, Sequence
from sinkgraph.spec.kinds.change import Transform
from sinkgraph.spec.secret import Secret

__all__ = ["CONDITIONS", "Known", "expressions_of", "parsed", "types_of", "types_of_vars"]

CONDITIONS = frozenset({"where", "when"})
_PART = re.compile(r"`([^`]+)`|([^.`]+)")
_HEADS = frozenset({"type", "source", "time", "meta"})


@dataclass(frozen=True, slots=True)
class Known:
    """Is what is known of the events at a place: their types, what holds of each, and the schemas.

    `sources`: where they come from. `name`: how messages call what they look like.
    """

    roots: tuple[Root, ...]
    facts: Facts
    sources: tuple[NodeDecl, ...]
    name: str


def expressions_of(decl: NodeDecl) -> Iterator[tuple[str, Scalar]]:
    """Yield the path and the text of each expression of a node."""
    for field in decl.kind.expressions if decl.kind is not None else ():
        yield from _leaves(decl.tree, field)


def _leaves(tree: Tree, field: str) -> Iterator[tuple[str, Scalar]]:
    """Yield each expression of a field: itself, the values of a mapping, or one of each entry."""
    head, _, inner = field.partition(".")
    held: Written | None = tree.get(head)
    if isinstance(held, Sequence):
        for index, item in enumerate(held.items):
            one = item.get(inner) if isinstance(item, Tree) else None
            if isinstance(one, Scalar):
                yield f"{head}[{index}].{inner}", one
    elif isinstance(held, Tree):
        for entry in held.entries:
            if isinstance(entry.value, Scalar):
                yield f"{head}.{entry.key.text}", entry.value
    elif isinstance(held, Scalar):
        yield head, held


def parsed(view: View, path: str, text: str) -> Checked | None:
    """Return the tree of an expression, None for one that is not sound."""
    result: Result = "bool" if path.rpartition(".")[2] in CONDITIONS else "any"
    try:
        return checked(text, vars=view.spec.vars, result=result).tree
    except BadExpression:
        return None


def types_of_vars(values: Mapping[str, Any]) -> dict[str, Type]:
    """Return the types of a document's variables, as expressions see them."""
    return {
        name: plain("string") if isinstance(value, Secret) else of_value(value)
        for name, value in values.items()
    }


def types_of(view: View, sources: Mapping[str, Known]) -> dict[str, Known]:
    """Return what is known at each node, from what is known of each source; the others are left."""
    made: dict[str, Known] = dict(sources)
    if not made:
        return made
    vars = types_of_vars(view.spec.vars)
    for name in view.settled:
        links = view.into[name]
        if name in made or not links:
            continue
        ways: list[Known] = []
        for link in links:
            above = made.get(link.source.name)
            way = _passed(view, link, above, vars) if above is not None else None
            if way is None:
                break
            ways.append(way)
        else:
            made[name] = _joined(ways)
    return made


def _joined(ways: list[Known]) -> Known:
    first = ways[0]
    if all(one == first for one in ways):
        return first
    roots = dict.fromkeys(root for one in ways for root in one.roots)
    sources = {id(one): one for way in ways for one in way.sources}
    facts = first.facts.intersection(*(one.facts for one in ways))
    names = {one.name for one in ways}
    name = first.name if len(names) == 1 else "the schemas of its sources"
    return Known(tuple(roots), facts, tuple(sources.values()), name)


def _passed(view: View, link: Link, above: Known, vars: Mapping[str, Type]) -> Known | None:
    """Return what is known of the events on an edge."""
    decl = link.source
    kind = decl.kind
    if kind is None or kind.build or decl.spec is None:
        return None
    if decl.side == "source" or link.edge.port in {"dead_letter", "overflow"}:
        return above
    trees = {path: parsed(view, path, leaf.text) for path, leaf in expressions_of(decl)}
    if any(tree is None for tree in trees.values()):
        return None
    roots = {path: tree.root for path, tree in trees.items() if tree is not None}
    unchanged = getattr(decl.spec, "on_error", "") == "pass"
    if isinstance(decl.spec, Transform):
        known = _transformed(decl.spec, above, trees, vars)
        if known is not None:
            named = [
                replace(one, name=_behind(one.name, decl)) if one.name else one
                for one in known.roots
            ]
            known = replace(known, roots=tuple(named), name=_behind(above.name, decl))
        return None if known is None else _joined([known, above]) if unchanged else known
    if unchanged:
        return above
    if kind.name == "filter":
        yes, no = facts_of(roots["where"], {})
        return _narrowed(above, yes if link.edge.port == "to" else no, roots.values())
    if kind.name == "route":
        return _narrowed(above, _route_facts(link.edge.port, list(roots.values())), roots.values())
    return replace(above, facts=above.facts.union(*(reads_of(one, {}) for one in roots.values())))


def _behind(name: str, decl: NodeDecl) -> str:
    return f"{name.partition(' behind ')[0]} behind {decl.label}"


def _route_facts(port: str, conditions: list[Node]) -> Facts:
    """Return what holds behind a port: its condition, and none of those before it."""
    number = port.rpartition(".")[2]
    at = int(number) if number.isdecimal() else len(conditions)
    found: Facts = NONE.union(*(facts_of(one, {})[1] for one in conditions[:at]))
    return found | facts_of(conditions[at], {})[0] if at < len(conditions) else found


def _narrowed(above: Known, facts: Facts, conditions: Any) -> Known | None:
    """Return what is known where facts hold; None where conditions choose in ways unknown."""
    facts = above.facts | facts
    chosen: frozenset[str] = frozenset().union(*(chosen_by(one) for one in conditions))
    left = may_be(above.roots, facts, chosen)
    return None if left is None else replace(above, roots=tuple(left), facts=facts)


def _transformed(
    spec: Transform, above: Known, trees: Mapping[str, Checked | None], vars: Mapping[str, Type]
) -> Known | None:
    if spec.python is not None:
        return None
    computed: list[tuple[str, Type]] = []
    facts = above.facts
    for path, text in spec.compute.items():
        tree = trees.get(f"compute.{path}")
        if tree is None:
            return None
        computed.append((path, judge(tree, text, above.roots, vars, facts=above.facts)[1]))
        facts |= reads_of(tree.root, {})
    changes: list[tuple[str, Type | None]] = [
        *((path, None) for path in spec.remove),
        *((path, of_value(value, exact=True)) for path, value in spec.set.items()),
        *computed,
    ]
    roots = list(above.roots)
    for old, new in spec.rename.items():
        facts = _forget(_forget(facts, old), new)
        roots = [_renamed(root, old, new) for root in roots]
    for path, held in changes:
        facts = _forget(facts, path)
        roots = [_changed(root, path, held) for root in roots]
    return replace(above, roots=tuple(roots), facts=facts)


def _split(path: str) -> tuple[str, tuple[str, ...]]:
    """Return the head and the fields of a path; a path without a head is one of the payload."""
    parts = [quoted or bare for quoted, bare in _PART.findall(path)]
    if parts[0] == "data" or parts[0] in _HEADS:
        return parts[0], tuple(parts[1:])
    return "data", tuple(parts)


def _changed(root: Root, path: str, new: Type | None) -> Root:
    head, fields = _split(path)
    if head == "type":
        return replace(root, event=None, others=frozenset())
    if head != "data":
        return root
    held = without(root.type, fields) if new is None else put(root.type, fields, _as_stored(new))
    return replace(root, type=held)


def _as_stored(held: Type) -> Type:
    """Return the type of a computed value as it stands in the payload: JSON has no times."""
    alts = held.alts
    if alts is None or any(one.kind in {"timestamp", "duration", "uint", "bytes"} for one in alts):
        return ANY
    return held


def _renamed(root: Root, old: str, new: str) -> Root:
    (head, fields), (to, there) = _split(old), _split(new)
    if head != "data":
        return _changed(root, new, ANY)
    if not fields:
        return replace(root, type=ANY)
    field = taken(root.type, fields)
    left = without(root.type, fields)
    if to == "data" and there:
        left = put(left, there, field.type, required=field.required)
    elif to == "data":
        left = field.type if field.required else ANY
    event = None if "type" in {head, to} else root.event
    return Root(left, event, root.others if event else frozenset(), root.name)


def _forget(facts: Facts, path: str) -> Facts:
    """Return the facts that a change at a path leaves."""
    head, fields = _split(path)
    changed = (f"ev.{head}", *fields)

    def stays(fact: Fact) -> bool:
        shorter = min(len(fact[1]), len(changed))
        return fact[1][:shorter] != changed[:shorter]

    return frozenset(filter(stays, facts))
