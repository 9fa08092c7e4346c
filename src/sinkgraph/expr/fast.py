"""Common predicates as Python code made of `ast` nodes, for values where both must agree.

It answers only when the answer is certain: a missing field, a clash of types, a value CEL cannot
hold or anything else unusual makes it give up on that event, and the library is asked. So errors
are never decided here. An expression it does not know whole is not compiled at all.
"""

from __future__ import annotations

import ast
import copy
import math
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from sinkgraph.event import Event
from sinkgraph.expr.certain import KNOWN, MAX, MIN, Unsure, certain_scalar, certain_text
from sinkgraph.expr.tree import Call, Const, Ident, MakeList, Node, Select, Uint

__all__ = ["Fast", "compile_fast", "compile_read"]

_TEXTS = frozenset({"id", "type", "source"})
_ORDER = {"_<_": "<", "_<=_": "<=", "_>_": ">", "_>=_": ">="}
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_METHODS = {
    "startsWith": "X.startswith(K)",
    "endsWith": "X.endswith(K)",
    "contains": "K in X",
}

# Templates: V is a fresh variable, X the code that reads a value, K a constant, Z a NUL character,
# LO and HI the bounds of 64 bit. Constants and field names enter as nodes, never as text.
_MAP = "V if (V := X).__class__ is dict else unsure()"
_TEXT = "V if (V := X).__class__ is str else unsure()"
_FLAG = "(V := X) is True or V is not False and unsure()"
_IS_NULL = "(V := X) is None or null(V)"
_IS_BOOL = "(V := X) is K or V is not OTHER and odd(V)"
_IS_TEXT = """(
    (V == K or (not V.isascii() or Z in V) and dirty(V)) if (V := X).__class__ is str else odd(V)
)"""
_IS_INT = """(
    (V == K or not LO <= V <= HI and unsure()) if (V := X).__class__ is int else number(V, K)
)"""
_IS_FLOAT = "V == K if (V := X).__class__ is float else number(V, K)"
_CLEAN = "V if (V := X).__class__ is str and V.isascii() and Z not in V else text(V)"
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
_PAYLOADS = """
def run(rows):
    yes, open = [], []
    hit, miss = yes.append, open.append
    for i, data in enumerate(rows):
        try:
            if data.__class__ is not dict:
                miss(i)
            elif CONDITION:
                hit(i)
        except Exception:
            miss(i)
    return yes, open
"""
_EVENTS = """
def run(rows):
    yes, open = [], []
    hit, miss = yes.append, open.append
    for i, ev in enumerate(rows):
        try:
            data = ev.data if READS else MAP
            if data.__class__ is not dict:
                miss(i)
            elif CONDITION:
                hit(i)
        except Exception:
            miss(i)
    return yes, open
"""


class _Unknown(Exception):
    """Say that an expression has a part that is not compiled here."""


class Fast:
    """Is a compiled predicate. Its rows are payloads, or Events when `events` is set."""

    __slots__ = ("events", "judge")

    def __init__(
        self, judge: Callable[[Iterable[Any]], tuple[list[int], list[int]]], events: bool
    ) -> None:
        self.judge = judge
        """Returns the indices for which it is true, and those the library must judge."""
        self.events = events


def compile_fast(root: Node, vars: Mapping[str, Any]) -> Fast | None:
    """Return a predicate that agrees with the library, or None when none can be made.

    `vars` are the variables' values as CEL holds them.
    """
    writer = _Writer(vars)
    try:
        condition = writer.truth(root)
    except _Unknown:
        return None
    if not writer.used:
        return None
    events = writer.used != {"data"}
    slots = {
        "CONDITION": condition,
        "READS": ast.Constant("data" in writer.used),
        "MAP": ast.Dict([], []),
    }
    loop = _Fill(slots).visit(ast.parse(_EVENTS if events else _PAYLOADS))
    space: dict[str, Any] = {"__builtins__": {}, **KNOWN}
    exec(compile(ast.fix_missing_locations(loop), "<expression>", "exec"), space)
    return Fast(space["run"], events)


def compile_read(root: Node) -> Callable[[Event], Any] | None:
    """Return a function for an expression that only names a field (`id`, `data.a.b`), or None.

    It returns the scalar that stands there, and raises for everything else.
    """
    path = _path(root)
    if path is None or (path[0] in _TEXTS) == bool(path[1:]):
        return None
    head, *fields = path
    if head in _TEXTS:
        return lambda event: certain_text(getattr(event, head))
    if head not in {"data", "meta"}:
        return None

    def read(event: Event) -> Any:
        held: Any = event.data if head == "data" else dict(event.meta)
        for name in fields:
            if held.__class__ is not dict:
                raise Unsure
            held = held[name]
        return certain_scalar(held)

    return read


class _Writer:
    """Turns a tree into a Python expression that is exactly True or False, or raises."""

    def __init__(self, vars: Mapping[str, Any]) -> None:
        self.used: set[str] = set()
        self._vars = vars
        self._variables = 0

    def truth(self, node: Node) -> ast.expr:
        """Return the code of a node that must be true or false."""
        if isinstance(node, Call):
            return self._call(node)
        if isinstance(node, Select) and node.test:
            return self._has(node)
        known, value = self._constant(node)
        if not known:
            return self._fill(_FLAG, X=self._place(node))
        if not isinstance(value, bool):
            raise _Unknown
        return ast.Constant(value)

    def _fill(self, template: str, **slots: ast.expr | object) -> ast.expr:
        self._variables += 1
        nodes: dict[str, ast.expr | str] = {
            name: value if isinstance(value, ast.expr) else ast.Constant(value)  # type: ignore[arg-type]
            for name, value in slots.items()
        }
        nodes |= {"V": f"v{self._variables}", "Z": ast.Constant("\0")}
        nodes |= {"LO": ast.Constant(MIN), "HI": ast.Constant(MAX)}
        made: ast.expr = _Fill(nodes).visit(copy.deepcopy(_parsed(template)))
        return made

    def _call(self, node: Call) -> ast.expr:
        function, args = node.function, node.args
        match function:
            case "_&&_":
                return ast.BoolOp(ast.And(), [self.truth(one) for one in args])
            case "_||_":
                return ast.BoolOp(ast.Or(), [self.truth(one) for one in args])
            case "!_":
                return ast.UnaryOp(ast.Not(), self.truth(args[0]))
            case "_?_:_":
                return ast.IfExp(*(self.truth(one) for one in args))
            case "_==_":
                return self._equal(args)
            case "_!=_":
                return ast.UnaryOp(ast.Not(), self._equal(args))
            case "@in":
                return self._within(args[0], args[1])
        if function in _ORDER:
            return self._ordered(args, _ORDER[function])
        if function in _METHODS and node.method:
            text = self._fill(_CLEAN, X=self._place(args[0]))
            return self._fill(_METHODS[function], X=text, K=self._text(args[1]))
        raise _Unknown

    # constants and places

    def _constant(self, node: Node) -> tuple[bool, Any]:
        """Return whether a node is a constant, and its value: a literal or one of the vars."""
        if isinstance(node, Const):
            value: Any = node.value
        else:
            path = _path(node)
            if path is None or path[0] != "vars":
                return False, None
            value = self._vars
            for name in path[1:]:
                if not isinstance(value, dict) or name not in value:
                    raise _Unknown
                value = value[name]
        if isinstance(value, float):
            usable = math.isfinite(value)
        elif isinstance(value, int):
            usable = not isinstance(value, Uint) and MIN <= value <= MAX
        else:
            usable = value is None or (isinstance(value, str) and "\0" not in value)
        if not usable:
            raise _Unknown
        return True, value

    def _text(self, node: Node) -> str:
        known, value = self._constant(node)
        if not known or not isinstance(value, str):
            raise _Unknown
        return value

    def _sides(self, args: tuple[Node, ...]) -> tuple[ast.expr, Any, bool]:
        """Return the code of a place, the constant, and whether they stood the other way round."""
        left, right = args
        known, value = self._constant(right)
        if known:
            return self._place(left), value, False
        known, value = self._constant(left)
        if known:
            return self._place(right), value, True
        raise _Unknown

    def _place(self, node: Node) -> ast.expr:
        """Return the code that reads a field of the payload or meta, or a text of the event."""
        path = _path(node)
        if path is None:
            raise _Unknown
        head, *fields = path
        self.used.add(head)
        if head in _TEXTS and not fields:
            return self._fill(_TEXT, X=self._fill(f"ev.{head}"))
        if not fields:
            raise _Unknown
        return self._fill("X[K]", X=self._holder(head, fields[:-1]), K=fields[-1])

    def _holder(self, head: str, fields: list[str]) -> ast.expr:
        if head not in {"data", "meta"}:
            raise _Unknown
        code = self._fill("data" if head == "data" else "ev.meta")
        for name in fields:
            code = self._fill(_MAP, X=self._fill("X[K]", X=code, K=name))
        return code

    # conditions

    def _has(self, node: Select) -> ast.expr:
        path = _path(node.operand)
        if path is None:
            raise _Unknown
        self.used.add(path[0])
        return self._fill("K in X", K=node.field, X=self._holder(path[0], path[1:]))

    def _equal(self, args: tuple[Node, ...]) -> ast.expr:
        place, value, _ = self._sides(args)
        if value is None:
            return self._fill(_IS_NULL, X=place)
        if isinstance(value, bool):
            return self._fill(_IS_BOOL, X=place, K=value, OTHER=not value)
        template = {str: _IS_TEXT, int: _IS_INT, float: _IS_FLOAT}[type(value)]
        return self._fill(template, X=place, K=value)

    def _ordered(self, args: tuple[Node, ...], sign: str) -> ast.expr:
        place, value, turned = self._sides(args)
        if value is None or isinstance(value, bool):
            raise _Unknown
        template = {str: _CLEAN, int: _ORDERED_INT, float: _ORDERED_FLOAT}[type(value)]
        checked = self._fill(template, X=place, K=value)
        return self._fill(f"X {_TURNED[sign] if turned else sign} K", X=checked, K=value)

    def _within(self, item: Node, holder: Node) -> ast.expr:
        if not isinstance(holder, MakeList):
            return self._fill("member(K, X)", K=self._text(item), X=self._place(holder))
        values = [self._constant(one) for one in holder.elements]
        kinds = {type(value) for known, value in values if known}
        if not all(known for known, _ in values) or len(kinds) != 1 or not kinds <= {str, int}:
            raise _Unknown
        template = _IN_TEXTS if kinds == {str} else _IN_INTS
        return self._fill(template, X=self._place(item), K=frozenset(value for _, value in values))


def _path(node: Node) -> list[str] | None:
    """Return a chain of field reads as names, the variable first."""
    names: list[str] = []
    while not isinstance(node, Ident):
        if isinstance(node, Select) and not node.test:
            names.append(node.field)
            node = node.operand
        elif isinstance(node, Call) and node.function == "_[_]":
            key = node.args[1]
            if not isinstance(key, Const) or not isinstance(key.value, str) or "\0" in key.value:
                return None
            names.append(key.value)
            node = node.args[0]
        else:
            return None
    head, dot, name = node.name.partition(".")
    return [name, *reversed(names)] if dot and head == "ev" else None


class _Fill(ast.NodeTransformer):
    """Puts nodes (or another name) where a template has a name."""

    def __init__(self, slots: Mapping[str, ast.expr | str]) -> None:
        self._slots = slots

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Replace one name."""
        slot = self._slots.get(node.id)
        if isinstance(slot, str):
            return ast.Name(slot, node.ctx)
        return node if slot is None else slot


@cache
def _parsed(template: str) -> ast.expr:
    return ast.parse(template.strip(), mode="eval").body
