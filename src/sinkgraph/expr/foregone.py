"""What is certain of a condition before there is an event: that it always holds, or never does.

Only literals are folded and compared; a field may be anything, and fail. What is not certain has no
answer here, and `vars` count as unknown: a document may be made to be switched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import ge, gt, le, lt
from typing import Any, TypeAlias

from sinkgraph.expr.tree import (
    Call,
    Const,
    Ident,
    Loop,
    MakeList,
    MakeMap,
    Node,
    Select,
    Tree,
)
from sinkgraph.expr.words import TOKEN

__all__ = ["Foregone", "Key", "all_of", "any_of", "foregone", "key_of"]

Key: TypeAlias = tuple[Any, ...]
"""Is a part of a condition without its place: parts with equal keys have equal values."""

_ORDERED: dict[str, Any] = {"_<_": lt, "_<=_": le, "_>_": gt, "_>=_": ge}
_TURNED = {
    "_<_": "_>_",
    "_<=_": "_>=_",
    "_>_": "_<_",
    "_>=_": "_<=_",
    "_==_": "_==_",
    "_!=_": "_!=_",
}
_DEEPEST = 100  # levels that are looked into


@dataclass(frozen=True, slots=True)
class Foregone:
    """Is what is certain of a condition: it always holds, or never.

    `clash`: where two literals begin and end that exclude each other, in the order of the text; ()
    when parts do that are no literals. None: the condition is decided by its literals alone.
    """

    holds: bool
    clash: tuple[tuple[int, int], ...] | None = None


@dataclass(frozen=True, slots=True)
class _Fact:
    """Is what one part of a conjunction says of a value: `value sign literal`."""

    sign: str
    literal: Any
    at: Node


def foregone(text: str, tree: Tree) -> Foregone | None:
    """Return what is certain of the condition `text`, or None."""
    value = _constant(tree.root, 0)
    if value is not None:
        return Foregone(value)
    clash = _never(tree.root, 0)
    if clash is None:
        return None
    if not clash:
        return Foregone(False)
    literal = all(isinstance(one, Const) for one in clash)
    return Foregone(False, tuple(sorted(_place(one, text, tree) for one in clash if literal)))


def all_of(node: Node) -> list[Node]:
    """Return the parts of a condition that must all hold."""
    return _flat(node, "_&&_")


def any_of(node: Node) -> list[Node]:
    """Return the parts of a condition of which one must hold."""
    return _flat(node, "_||_")


def key_of(node: Node) -> Key:
    """Return a part without its place."""
    match node:
        case Const():
            return "const", node.value.__class__.__name__, node.value
        case Ident():
            return "name", node.name
        case Select():
            return "field", key_of(node.operand), node.field, node.test
        case Call():
            return "call", node.function, node.method, *map(key_of, node.args)
        case MakeList():
            return "list", node.optional, *map(key_of, node.elements)
        case MakeMap():
            pairs = ((key_of(one), key_of(other)) for one, other in node.entries)
            return "map", node.name, node.optional, *pairs
        case Loop():
            parts = (node.over, node.init, node.condition, node.step, node.result)
            return "loop", node.var, node.accu, *map(key_of, parts)


def _flat(node: Node, function: str) -> list[Node]:
    """Return the operands of nested calls of one operator, in order."""
    found: list[Node] = []
    todo = [node]
    while todo:
        one = todo.pop()
        if isinstance(one, Call) and one.function == function:
            todo.extend(reversed(one.args))
        else:
            found.append(one)
    return found


def _constant(node: Node, depth: int) -> bool | None:
    """Return what a condition gives for every event, without an error; None when that is open."""
    if isinstance(node, Const):
        return node.value if isinstance(node.value, bool) else None
    if not isinstance(node, Call) or depth > _DEEPEST:
        return None
    match node.function:
        case "_&&_" | "_||_":
            values = [_constant(one, depth + 1) for one in _flat(node, node.function)]
            decides = node.function == "_||_"
            if decides in values:
                return decides
            return None if None in values else not decides
        case "!_":
            value = _constant(node.args[0], depth + 1)
            return None if value is None else not value
        case "_?_:_":
            value = _constant(node.args[0], depth + 1)
            return None if value is None else _constant(node.args[1 if value else 2], depth + 1)
        case "_==_" | "_!=_" | "_<_" | "_<=_" | "_>_" | "_>=_":
            return _compared(node.function, *node.args)
        case _:
            return None


def _compared(function: str, left: Node, right: Node) -> bool | None:
    if not isinstance(left, Const) or not isinstance(right, Const):
        return None
    if function in _ORDERED:
        if not _alike(left.value, right.value):
            return None
        return bool(_ORDERED[function](left.value, right.value))
    equal = not _differ(left.value, right.value)
    return equal == (function == "_==_")


def _never(node: Node, depth: int) -> tuple[Node, ...] | None:
    """Return the parts for which a condition cannot hold, () for its literals; None: it may."""
    if _constant(node, depth) is False:
        return ()
    if not isinstance(node, Call) or depth > _DEEPEST:
        return None
    if node.function == "@in":
        among = node.args[1]
        return () if isinstance(among, MakeList) and not among.elements else None
    if node.function == "_||_":
        found = [_never(one, depth + 1) for one in any_of(node)]
        return None if None in found else found[0]
    if node.function != "_&&_":
        return None
    parts = all_of(node)
    for one in parts:
        clash = _never(one, depth + 1)
        if clash is not None:
            return clash
    return _excluded(parts)


def _excluded(parts: list[Node]) -> tuple[Node, Node] | None:
    """Return two parts of a conjunction that cannot both hold."""
    facts: dict[Key, list[_Fact]] = {}
    for one in parts:
        read = _read(one)
        if read is not None:
            facts.setdefault(read[0], []).append(read[1])
    denied = [one.args[0] for one in parts if isinstance(one, Call) and one.function == "!_"]
    held = {key_of(one): one for one in parts} if denied else {}
    for node in denied:
        other = held.get(key_of(node))
        if other is not None:
            return node, other
        if isinstance(node, Select) and node.test:
            needed = facts.get(("field", key_of(node.operand), node.field, False))
            if needed:
                return node, needed[0].at
    for said in facts.values():
        found = _clash(said)
        if found is not None:
            return found
    return None


def _read(node: Node) -> tuple[Key, _Fact] | None:
    """Return the value that a part compares with a literal, and what it says of it."""
    if not isinstance(node, Call) or len(node.args) != 2:
        return None
    left, right = node.args
    sign = node.function
    if sign == "@in" and isinstance(right, MakeList) and not isinstance(left, Const):
        if right.optional or not all(isinstance(one, Const) for one in right.elements):
            return None
        values = [one.value for one in right.elements if isinstance(one, Const)]
        return key_of(left), _Fact(sign, values, node)
    if sign not in _TURNED:
        return None
    if isinstance(left, Const):
        left, right, sign = right, left, _TURNED[sign]
    if isinstance(left, Const) or not isinstance(right, Const):
        return None
    return key_of(left), _Fact(sign, right.value, right)


def _clash(said: list[_Fact]) -> tuple[Node, Node] | None:
    """Return two statements about one value that exclude each other; at most 50 are compared."""
    for n, one in enumerate(said[:50]):
        for other in said[:n]:
            if _exclude(one, other) or _exclude(other, one):
                return other.at, one.at
    return None


def _exclude(one: _Fact, other: _Fact) -> bool:
    if one.sign == "@in":
        allowed: Iterable[Any] = one.literal
        return other.sign in ("_==_", "@in") and all(
            _differ(a, b) for a in allowed for b in _values(other)
        )
    if one.sign == "_==_":
        if other.sign == "_==_":
            return _differ(one.literal, other.literal)
        if other.sign == "_!=_":
            return _alike(one.literal, other.literal) and one.literal == other.literal
        if other.sign in _ORDERED and _alike(one.literal, other.literal):
            return not _ORDERED[other.sign](one.literal, other.literal)
        return False
    if one.sign in ("_>_", "_>=_") and other.sign in ("_<_", "_<=_"):
        if not _alike(one.literal, other.literal):
            return False
        strict = one.sign == "_>_" or other.sign == "_<_"
        return bool(one.literal > other.literal or (strict and one.literal == other.literal))
    return False


def _values(fact: _Fact) -> Iterator[Any]:
    if fact.sign == "@in":
        yield from fact.literal
    else:
        yield fact.literal


def _class(value: Any) -> str:
    """Return the class of a literal within which two may be compared."""
    if isinstance(value, bool):
        return "bool"
    return "number" if isinstance(value, int | float) else value.__class__.__name__


def _alike(one: Any, other: Any) -> bool:
    return _class(one) == _class(other) and _class(one) in ("number", "str")


def _differ(one: Any, other: Any) -> bool:
    """Return whether no value equals both literals."""
    return _class(one) != _class(other) or bool(one != other)


def _place(node: Node, text: str, tree: Tree) -> tuple[int, int]:
    """Return where a literal begins and ends."""
    start = tree.positions.get(node.id, 0)
    token = TOKEN.match(text, start)
    return start, token.end() if token else start + 1
