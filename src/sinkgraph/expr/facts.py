"""What a part of an expression being true or false says of the values it reads.

`has(data.a) && data.a > 1` reads `a` only where it is there; these are the facts that say so. Only
paths of names are followed.
"""

from __future__ import annotations

from collections.abc import Iterable
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
    children,
)
from sinkgraph.expr.types import Alt, Constant, MapOf, Plain, constant

__all__ = [
    "NONE", "Fact", "Facts", "Path", "chosen_by", "facts_of", "fits", "path_of", "reads_of",
]  # fmt: skip

Path: TypeAlias = tuple[str, ...]
Fact: TypeAlias = tuple[str, Path, Any]
"""`has`: it is there. `in`/`out`: its value is one of these constants, or none of them.
`is`/`not`: its kind. `begins`: with this text."""
Facts: TypeAlias = frozenset[Fact]

NONE: Facts = frozenset()
_KIND_NAMES = {
    "int": "int", "uint": "uint", "double": "double", "string": "string", "bool": "bool",
    "list": "list", "map": "map", "null_type": "null", "bytes": "bytes",
}  # fmt: skip
_LAZY = frozenset({"_&&_", "_||_", "_?:_", "_?_:_", "_?._", "_[?_]", "or", "orValue"})
_HEADS = frozenset({"ev.type", "ev.source", "ev.id", "ev.meta"})


def path_of(node: Node, scope: dict[str, str]) -> Path | None:
    """Return the names that lead to a value, None for any other; `scope` names loop variables."""
    steps: list[str] = []
    while True:
        if isinstance(node, Select) and not node.test:
            steps.append(node.field)
            node = node.operand
        elif isinstance(node, Call) and node.function == "_[_]" and _text(node.args[1]) is not None:
            steps.append(str(_text(node.args[1])))
            node = node.args[0]
        elif isinstance(node, Ident):
            return (scope.get(node.name, node.name), *reversed(steps))
        else:
            return None


def _text(node: Node) -> str | None:
    return node.value if isinstance(node, Const) and type(node.value) is str else None


def facts_of(node: Node, scope: dict[str, str]) -> tuple[Facts, Facts]:
    """Return what holds when a node is true, and what holds when it is false."""
    if isinstance(node, Select):
        if node.test:
            path = path_of(Select(node.id, node.operand, node.field, False), scope)
            return _there(path), _there(path[:-1] if path else None)
        path = path_of(node, scope)
        if path is None:
            return NONE, NONE
        there = _there(path)
        return (
            there | {("in", path, frozenset({("bool", True)}))},
            there | {("in", path, frozenset({("bool", False)}))},
        )
    if not isinstance(node, Call):
        return NONE, NONE
    match node.function:
        case "!_":
            yes, no = facts_of(node.args[0], scope)
            return no, yes
        case "_&&_":
            (a_yes, a_no), (b_yes, b_no) = (facts_of(one, scope) for one in node.args)
            return a_yes | b_yes, a_no & b_no
        case "_||_":
            (a_yes, a_no), (b_yes, b_no) = (facts_of(one, scope) for one in node.args)
            return a_yes & b_yes, a_no | b_no
        case "_==_":
            return _equal(node, scope)
        case "_!=_":
            yes, no = _equal(node, scope)
            return no, yes
        case "@in":
            return _contained(node, scope)
        case "startsWith":
            return _beginning(node, scope)
    read = reads_of(node, scope)
    return read, read


def _there(path: Path | None) -> Facts:
    """Return that a value is there, and so everything on the way to it."""
    if path is None:
        return NONE
    return frozenset(("has", path[:n], None) for n in range(2, len(path) + 1))


def reads_of(node: Node, scope: dict[str, str]) -> Facts:
    """Return what is there whenever a node has a value."""
    path = path_of(node, scope)
    if path is not None:
        return _there(path)
    if isinstance(node, Call):
        if node.function in _LAZY:
            return NONE
        return _read(node.args, scope)
    if isinstance(node, Select):
        return reads_of(node.operand, scope)
    if isinstance(node, Loop):
        return reads_of(node.over, scope)
    if isinstance(node, MakeList | MakeMap) and not node.optional:
        return _read(children(node), scope)
    return NONE


def _read(nodes: Iterable[Node], scope: dict[str, str]) -> Facts:
    return NONE.union(*(reads_of(one, scope) for one in nodes))


def chosen_by(node: Node) -> frozenset[str]:
    """Return the variables beside the payload that are read; `=ev.type` where compared only."""
    if isinstance(node, Ident):
        return frozenset({node.name} & _HEADS)
    if isinstance(node, Call) and node.function in {"_==_", "_!=_", "@in", "startsWith"}:
        one, two = node.args
        for a, b in ((one, two), (two, one)):
            known = isinstance(b, Const) or (
                isinstance(b, MakeList) and all(isinstance(each, Const) for each in b.elements)
            )
            if isinstance(a, Ident) and a.name == "ev.type" and known:
                return frozenset({"=ev.type"})
    return frozenset().union(*(chosen_by(one) for one in children(node)))


def _equal(node: Call, scope: dict[str, str]) -> tuple[Facts, Facts]:
    one, two = node.args
    read = _read(node.args, scope)
    for a, b in ((one, two), (two, one)):
        if isinstance(a, Call) and a.function == "type" and isinstance(b, Ident):
            path, kind = path_of(a.args[0], scope), _KIND_NAMES.get(b.name)
            if path is not None and kind is not None:
                there = _there(path)
                return there | {("is", path, kind)}, there | {("not", path, kind)}
        path = path_of(a, scope)
        if path is not None and isinstance(b, Const):
            held = constant(b.value)
            if held is not None:
                values = frozenset({held})
                return read | {("in", path, values)}, read | {("out", path, values)}
    return read, read


def _beginning(node: Call, scope: dict[str, str]) -> tuple[Facts, Facts]:
    read = _read(node.args, scope)
    path = path_of(node.args[0], scope)
    text = _text(node.args[1])
    return (read if path is None or text is None else read | {("begins", path, text)}), read


def _contained(node: Call, scope: dict[str, str]) -> tuple[Facts, Facts]:
    one, two = node.args
    name = _text(one)
    path = path_of(two, scope)
    if name is not None and path is not None:
        return _there((*path, name)) | {("is", path, "map?")}, _there(path)
    path = path_of(one, scope)
    if path is not None and isinstance(two, MakeList) and not two.optional:
        held = [constant(each.value) if isinstance(each, Const) else None for each in two.elements]
        values = frozenset(each for each in held if each is not None)
        if len(held) == sum(each is not None for each in held):
            there = _there(path)
            return there | {("in", path, values)}, there | {("out", path, values)}
    read = _read(node.args, scope)
    return read, read


def fits(alt: Alt, path: Path, facts: Facts) -> bool:
    """Tell whether a value at a path may be of this alternative, given the facts."""
    for what, of, value in facts:
        if of == path:
            if what == "in" and not _admits(alt, value):
                return False
            if what == "out" and alt.kind == "null" and ("null", None) in value:
                return False
            if what == "is" and value != "map?" and alt.kind != value:
                return False
            if what == "not" and alt.kind == value:
                return False
        elif isinstance(alt, MapOf) and len(of) == len(path) + 1 and of[:-1] == path:
            held = alt.fields.get(of[-1])
            if held is None:
                if what == "has" and alt.other is None:
                    return False
            elif held.type.alts and what in {"in", "out"}:
                rest = [one for one in held.type.alts if _left(one, what, value)]
                if not rest:
                    return False
    return True


def _left(alt: Alt, what: str, values: frozenset[Constant]) -> bool:
    """Tell whether something of an alternative is left by a fact about constants."""
    if what == "in":
        return _admits(alt, values)
    return not isinstance(alt, Plain) or alt.values is None or not alt.values <= values


def _admits(alt: Alt, values: frozenset[Constant]) -> bool:
    """Tell whether one of the constants may be of an alternative."""
    if not isinstance(alt, Plain):
        return False
    kinds = {"int", "double"} if alt.kind in {"int", "double"} else {alt.kind}
    mine = {each for each in values if each[0] in kinds}
    return bool(mine) and (alt.values is None or not alt.values.isdisjoint(mine))
