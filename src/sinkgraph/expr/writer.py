"""The Python of a checked expression: every node of CEL's tree becomes `ast` nodes.

What it writes gives up, by raising, wherever the library might answer otherwise: a missing field,
a clash of types, an overflow. So it decides no error. Calls by name are written in `calls`.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from typing import Any

from sinkgraph.expr.calls import CALLS, loop_code
from sinkgraph.expr.certain import MAX, MIN
from sinkgraph.expr.code import CLEAN, SCALARS, Code, Unknown, call, compare, const, filled, parsed
from sinkgraph.expr.comparing import ORDER, equal_code, ordered_code, within_code
from sinkgraph.expr.library import CONTAINER
from sinkgraph.expr.parts import Shape
from sinkgraph.expr.tree import Call, Const, Ident, Loop, MakeList, MakeMap, Node, Select, Uint

__all__ = ["Writer"]

_VALUES = SCALARS | {"list", "map"}
_SUMS = {
    "_+_": "add", "_-_": "subtract", "_*_": "multiply", "_/_": "divide", "_%_": "modulo",
}  # fmt: skip
_KINDS: dict[type, str] = {bool: "bool", int: "int", float: "double", str: "text"}

# Templates: V is a fresh variable, X the code that reads a value, K a constant, Z a NUL character,
# LO and HI the bounds of 64 bit.
_MAP = "V if (V := X).__class__ is dict else unsure()"
_META = "V if (V := ev.meta).__class__ is Meta or V.__class__ is dict else unsure()"
_THERE = "V if (V := X) is not UNSET else unsure()"
_BELOW = "UNSET if (V := X) is UNSET else Y"
_TEXT = "V if (V := X).__class__ is str else unsure()"
_FLAG = "(V := X) is True or V is not False and unsure()"


class Writer:
    """Turns trees into code that reads `data` (a dict, or a part of the `shape`) and `ev`.

    `used` are the variables it read, `names` what the code needs to know beside the judges and
    makers.
    """

    def __init__(self, vars: Mapping[str, Any], shape: Shape | None, most: int) -> None:
        self.used: set[str] = set()
        self.names: dict[str, Any] = {}
        self.most = most
        """The most elements a loop may go through."""
        self._vars = vars
        self._shape = shape
        self._scope: dict[str, str] = {}
        self._variables = 0

    def truth(self, node: Node) -> ast.expr:
        """Return the code of a node that must be true or false."""
        code = self.write(node)
        if code.kind == "bool":
            return code.node
        if code.kind != "any":
            raise Unknown
        return self.fill(_FLAG, X=code.node)

    def write(self, node: Node) -> Code:
        """Return the code of a node; raise `Unknown` for what is not known here."""
        constant = self._constant(node)
        if constant is not None:
            return constant
        match node:
            case Ident():
                return self._ident(node.name)
            case Select():
                return self._select(node)
            case Call():
                return self._call(node)
            case MakeList():
                return Code("list", ast.List(self._elements(node), ast.Load()))
            case MakeMap():
                return self._map(node)
            case Loop():
                return loop_code(self, node)
        raise Unknown

    def text(self, node: Node) -> ast.expr:
        """Return the code of a node that must be text."""
        code = self.write(node)
        if code.kind == "text":
            return code.node
        if code.kind != "any":
            raise Unknown
        return self.fill(CLEAN, X=code.node)

    def integer(self, node: Node) -> ast.expr:
        """Return the code of a node that must be an int."""
        code = self.write(node)
        if code.kind == "int":
            return code.node
        if code.kind != "any":
            raise Unknown
        return call("integer", code.node)

    def anything(self, node: Node) -> ast.expr:
        """Return the code of a node that is a value, of whatever kind."""
        code = self.write(node)
        if code.kind not in _VALUES:
            raise Unknown
        return code.node

    def name(self, value: Any) -> ast.expr:
        """Return the code of a value that is no literal."""
        name = f"{'k' if self._shape is None else 'p'}{len(self.names)}"
        self.names[name] = value
        return ast.Name(name, ast.Load())

    def below(self, var: str) -> str:
        """Take in a loop's variable; return its name in Python."""
        self._variables += 1
        self._scope[var] = f"v{self._variables}"
        return self._scope[var]

    @property
    def scope(self) -> dict[str, str]:
        """The variables of the loops around."""
        return self._scope

    @scope.setter
    def scope(self, scope: dict[str, str]) -> None:
        self._scope = scope

    def fill(self, template: str, **slots: ast.expr) -> ast.expr:
        """Return a template filled, with a fresh variable."""
        self._variables += 1
        fixed: dict[str, ast.expr | str] = {
            "V": f"v{self._variables}",
            "Z": const("\0"),
            "LO": const(MIN),
            "HI": const(MAX),
        }
        return filled(parsed(template), {**fixed, **slots})

    # what stands somewhere

    def _constant(self, node: Node) -> Code | None:
        """Return the code of a literal or of one of the vars, None for any other node."""
        if isinstance(node, Const):
            value: Any = node.value
        else:
            path = _vars_path(node)
            if path is None:
                return None
            value = self._vars
            for name in path:
                if not isinstance(value, dict) or name not in value:
                    raise Unknown
                value = value[name]
        if isinstance(value, list):
            return Code("list", ast.List([const(_literal(one)) for one in value], ast.Load()))
        value = _literal(value)
        return Code("null" if value is None else _KINDS[type(value)], const(value))

    def _ident(self, name: str) -> Code:
        if name in self._scope:
            return Code("any", ast.Name(self._scope[name], ast.Load()))
        head, dot, name = name.partition(".")
        if not dot or head != CONTAINER:
            raise Unknown
        self.used.add(name)
        if name == "data":
            kind = "map" if self._shape is None else "part"
            return Code(kind, ast.Name("data", ast.Load()), self._shape)
        read = ast.Attribute(ast.Name("ev", ast.Load()), name, ast.Load())
        match name:
            case "meta":
                return Code("map", self.fill(_META))
            case "time":
                return Code("time", call("when", read))
            case "id" | "type" | "source":
                return Code("any", self.fill(_TEXT, X=read))
        raise Unknown

    def _select(self, node: Select) -> Code:
        holder = self.write(node.operand)
        if node.test:
            return self._has(holder, node.field)
        return self.field(holder, node.field)

    def field(self, holder: Code, name: str) -> Code:
        """Return the code that reads a field."""
        match holder.kind:
            case "optional":
                return self.maybe(holder, name)
            case "part":
                code = self._attribute(holder, name)
                there = self.fill(_THERE, X=code.node)
                return Code("any" if code.shape is None else "part", there, code.shape)
            case "map":
                return Code("any", _subscript(holder.node, name))
            case "any" if self._scope and self._shape is None:
                # A whole element is read; names that are no text may have become the same text.
                return Code("any", call("field", holder.node, const(name)))
            case "any":
                return Code("any", _subscript(self.fill(_MAP, X=holder.node), name))
        raise Unknown

    def maybe(self, holder: Code, name: str) -> Code:
        """Return the code that reads a field which may be missing."""
        if holder.shape is not None:
            if holder.kind == "part":
                return self._attribute(holder, name)
            self._variables += 1
            held = f"v{self._variables}"
            inner = Code("part", ast.Name(held, ast.Load()), holder.shape)
            code = self._attribute(inner, name)
            slots: dict[str, ast.expr | str] = {"V": held, "X": holder.node, "Y": code.node}
            return Code("optional", filled(parsed(_BELOW), slots), code.shape)
        if holder.kind not in {"map", "any", "optional"}:
            raise Unknown
        function = "maybe_field" if self._scope else "maybe"
        return Code("optional", call(function, holder.node, const(name)))

    def _attribute(self, holder: Code, name: str) -> Code:
        if holder.shape is None or name not in holder.shape.fields:
            raise Unknown
        attribute, below = holder.shape.fields[name]
        return Code("optional", ast.Attribute(holder.node, attribute, ast.Load()), below)

    def _has(self, holder: Code, name: str) -> Code:
        if holder.kind == "part":
            code = self._attribute(holder, name)
            return Code("bool", compare(code.node, ast.IsNot(), ast.Name("UNSET", ast.Load())))
        if holder.kind == "any":
            holder = Code("map", self.fill(_MAP, X=holder.node))
        if holder.kind != "map":
            raise Unknown
        return Code("bool", compare(const(name), ast.In(), holder.node))

    # what is made

    def _elements(self, node: MakeList) -> list[ast.expr]:
        if node.optional:
            raise Unknown
        return [self.anything(one) for one in node.elements]

    def _map(self, node: MakeMap) -> Code:
        names = [key.value for key, _ in node.entries if isinstance(key, Const)]
        texts = {name for name in names if isinstance(name, str) and "\0" not in name}
        if node.name or node.optional or len(texts) != len(node.entries):
            raise Unknown
        values = [self.anything(value) for _, value in node.entries]
        return Code("map", ast.Dict([const(name) for name in names], values))

    def _call(self, node: Call) -> Code:
        function, args = node.function, node.args
        match function:
            case "_&&_" | "_||_":
                word = ast.And() if function == "_&&_" else ast.Or()
                return Code("bool", ast.BoolOp(word, [self.truth(one) for one in args]))
            case "!_":
                return Code("bool", ast.UnaryOp(ast.Not(), self.truth(args[0])))
            case "_?_:_":
                return self._either(*args)
            case "_==_":
                return Code("bool", equal_code(self, *args))
            case "_!=_":
                return Code("bool", ast.UnaryOp(ast.Not(), equal_code(self, *args)))
            case "@in":
                return Code("bool", within_code(self, *args))
            case "_[_]":
                return self._index(*args)
            case "_?._" | "_[?_]":
                return self.maybe(self.write(args[0]), _name(args[1]))
        if function in ORDER:
            return Code("bool", ordered_code(self, function, *args))
        if function in _SUMS:
            return self._sum(_SUMS[function], *args)
        known = CALLS.get((function, len(args)))
        if known is None:
            raise Unknown
        return known(self, node)

    def _either(self, condition: Node, left: Node, right: Node) -> Code:
        one, other = self.write(left), self.write(right)
        if not {one.kind, other.kind} <= _VALUES:
            raise Unknown
        kind = one.kind if one.kind == other.kind else "any"
        return Code(kind, ast.IfExp(self.truth(condition), one.node, other.node))

    def _index(self, holder: Node, key: Node) -> Code:
        held, name = self.write(holder), self.write(key)
        if name.constant and name.kind == "text":
            if held.kind == "optional":
                raise Unknown
            return self.field(held, name.value)
        if held.kind not in {"any", "list", "map"} or name.kind not in {"any", "int", "text"}:
            raise Unknown
        return Code("any", call("item", held.node, name.node))

    def _sum(self, function: str, left: Node, right: Node) -> Code:
        one, other = self.write(left), self.write(right)
        kinds = {one.kind, other.kind} - {"any"}
        if not kinds <= {"int", "double", "text"} or len(kinds) > 1:
            raise Unknown
        return Code(next(iter(kinds), "any"), call(function, one.node, other.node))


def _subscript(holder: ast.expr, name: str) -> ast.expr:
    return ast.Subscript(holder, const(name), ast.Load())


def _literal(value: Any) -> Any:
    """Return a scalar that is the same to CEL and Python, else raise `Unknown`."""
    if isinstance(value, float):
        usable = math.isfinite(value)
    elif isinstance(value, int):
        usable = not isinstance(value, Uint) and MIN <= value <= MAX
    else:
        usable = value is None or (isinstance(value, str) and "\0" not in value)
    if not usable:
        raise Unknown
    return value


def _name(node: Node) -> str:
    """Return the constant name of a field."""
    if not isinstance(node, Const) or not isinstance(node.value, str) or "\0" in node.value:
        raise Unknown
    return node.value


def _is_name(node: Node) -> bool:
    return isinstance(node, Const) and isinstance(node.value, str)


def _vars_path(node: Node) -> list[str] | None:
    """Return the names of fields below `vars`, None for what does not begin there."""
    names: list[str] = []
    while isinstance(node, Select | Call):
        if isinstance(node, Select) and not node.test:
            names.append(node.field)
            node = node.operand
        elif isinstance(node, Call) and node.function == "_[_]" and _is_name(node.args[1]):
            names.append(_name(node.args[1]))
            node = node.args[0]
        else:
            return None
    if not isinstance(node, Ident) or node.name != f"{CONTAINER}.vars":
        return None
    return names[::-1]
