"""The Python of comparisons: `==`, `<` and its kin, `in`, and `type(x) == name`.

Python agrees with CEL about two values of one kind; of any other two, or of a value nobody knows
the kind of, the templates and functions here ask before they compare.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from sinkgraph.expr.calls import TYPES
from sinkgraph.expr.code import CLEAN, SCALARS, Unknown, call, compare, const
from sinkgraph.expr.tree import Call, Ident, Node

if TYPE_CHECKING:
    from sinkgraph.expr.writer import Writer

__all__ = ["ORDER", "equal_code", "ordered_code", "within_code"]

ORDER = {
    "_<_": (ast.Lt, "less", False),
    "_<=_": (ast.LtE, "less_equal", False),
    "_>_": (ast.Gt, "less", True),
    "_>=_": (ast.GtE, "less_equal", True),
}
_TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE,
}  # fmt: skip

# Templates: V is a fresh variable, X the code that reads a value, K a constant, Z a NUL character,
# LO and HI the bounds of 64 bit.
_IS_NULL = "(V := X) is None or null(V)"
_IS_BOOL = "(V := X) is K or V is not OTHER and odd(V)"
_IS_TEXT = """(
    (V == K or (not V.isascii() or Z in V) and dirty(V)) if (V := X).__class__ is str else odd(V)
)"""
_IS_INT = """(
    (V == K or not LO <= V <= HI and unsure()) if (V := X).__class__ is int else number(V, K)
)"""
_IS_FLOAT = "V == K if (V := X).__class__ is float else number(V, K)"
_ORDERED_INT = """(
    V if (V := X).__class__ is int and LO <= V <= HI else comparable(V, K)
)"""
_ORDERED_FLOAT = "V if (V := X).__class__ is float else comparable(V, K)"
_IN_TEXTS = """(
    (V in K or (not V.isascii() or Z in V) and dirty(V)) if (V := X).__class__ is str else odd(V)
)"""
_IN_INTS = """(
    (V in K or not LO <= V <= HI and unsure()) if (V := X).__class__ is int
    else unsure() if V.__class__ is float else odd(V)
)"""


def equal_code(writer: Writer, left: Node, right: Node) -> ast.expr:
    """Return the code of `left == right`."""
    asked = _kind_asked(left, right) or _kind_asked(right, left)
    if asked is not None:
        node, name = asked
        if name in writer.scope:
            raise Unknown
        return call("is_kind", writer.anything(node), ast.Name(TYPES[name], ast.Load()))
    one, other = writer.write(left), writer.write(right)
    if one.constant:
        one, other = other, one
    if one.kind == other.kind and one.kind in {"text", "int", "double", "bool", "time"}:
        return compare(one.node, ast.Eq(), other.node)
    if not {one.kind, other.kind} <= SCALARS:
        raise Unknown
    if one.kind != "any" or not other.constant:
        return call("equal", one.node, other.node)
    value = other.value
    if value is None:
        return writer.fill(_IS_NULL, X=one.node)
    if isinstance(value, bool):
        return writer.fill(_IS_BOOL, X=one.node, K=other.node, OTHER=const(not value))
    template = {str: _IS_TEXT, int: _IS_INT, float: _IS_FLOAT}[type(value)]
    return writer.fill(template, X=one.node, K=other.node)


def ordered_code(writer: Writer, function: str, left: Node, right: Node) -> ast.expr:
    """Return the code of `left < right`, or of what else `function` names."""
    sign, name, turned = ORDER[function]
    one, other = writer.write(left), writer.write(right)
    if one.kind == other.kind and one.kind in {"text", "int", "double", "time"}:
        return compare(one.node, sign(), other.node)
    if not {one.kind, other.kind} <= {"any", "text", "int", "double"}:
        raise Unknown
    if one.constant:
        one, other, sign = other, one, _TURNED[sign]
    elif not other.constant:
        sides = (other.node, one.node) if turned else (one.node, other.node)
        return call(name, *sides)
    if one.kind != "any":
        raise Unknown
    template = {"text": CLEAN, "int": _ORDERED_INT, "double": _ORDERED_FLOAT}[other.kind]
    checked = writer.fill(template, X=one.node, K=other.node)
    return compare(checked, sign(), other.node)


def within_code(writer: Writer, left: Node, right: Node) -> ast.expr:
    """Return the code of `left in right`."""
    item, holder = writer.write(left), writer.write(right)
    if item.kind not in SCALARS or holder.kind not in {"any", "list", "map"}:
        raise Unknown
    values = _literals(holder.node)
    kinds = set(map(type, values))
    if item.kind == "any" and kinds in ({str}, {int}):
        template = _IN_TEXTS if kinds == {str} else _IN_INTS
        return writer.fill(template, X=item.node, K=const(frozenset(values)))
    if item.constant and item.kind == "text":
        return call("member", item.node, holder.node)
    return call("within", item.node, holder.node)


def _kind_asked(left: Node, right: Node) -> tuple[Node, str] | None:
    """Return what `type(x) == name` asks about, and the name."""
    if not isinstance(left, Call) or (left.function, len(left.args)) != ("type", 1):
        return None
    if not isinstance(right, Ident) or right.name not in TYPES:
        return None
    return left.args[0], right.name


def _literals(node: ast.expr) -> list[Any]:
    """Return the values of a list of nothing but literals; an empty list for any other code."""
    if not isinstance(node, ast.List):
        return []
    values = [one.value for one in node.elts if isinstance(one, ast.Constant)]
    return values if len(values) == len(node.elts) else []
