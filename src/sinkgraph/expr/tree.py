"""The checked syntax tree of an expression, read from the bytes the library serialises it to.

It reads `cel.expr.CheckedExpr` (protobuf wire format, cel-spec `checked.proto` and
`syntax.proto`) and decides nothing. Depth is bounded by the library's own parser.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

__all__ = [
    "Call", "Const", "Ident", "Loop", "MakeList", "MakeMap", "Node", "Select", "Tree",
    "Uint", "read_tree", "walk",
]  # fmt: skip


class Uint(int):
    """Is a CEL `uint` constant."""


Literal: TypeAlias = "bool | int | Uint | float | str | bytes | None"


@dataclass(frozen=True, slots=True)
class Const:
    """Is a literal."""

    id: int
    value: Literal


@dataclass(frozen=True, slots=True)
class Ident:
    """Is a name: `ev.data` for one of our variables, else a loop variable or a type."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Select:
    """Is `operand.field`, or `has(operand.field)` when `test` is set."""

    id: int
    operand: Node
    field: str
    test: bool


@dataclass(frozen=True, slots=True)
class Call:
    """Is a function, operator or method; a method has a target, which is also `args[0]`."""

    id: int
    function: str
    args: tuple[Node, ...]
    method: bool


@dataclass(frozen=True, slots=True)
class MakeList:
    """Is a list literal; `optional` when some of its elements may be left out (`?x`)."""

    id: int
    elements: tuple[Node, ...]
    optional: bool = False


@dataclass(frozen=True, slots=True)
class MakeMap:
    """Is a map or message literal; keys of a message are its field names.

    `optional` when some of its entries may be left out (`?key: x`).
    """

    id: int
    name: str
    entries: tuple[tuple[Node, Node], ...]
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Loop:
    """Is what a macro (`exists`, `all`, `map`, `filter`, …) became: a fold over a range."""

    id: int
    var: str
    over: Node
    accu: str
    init: Node
    condition: Node
    step: Node
    result: Node


Node: TypeAlias = "Const | Ident | Select | Call | MakeList | MakeMap | Loop"


@dataclass(frozen=True)
class Tree:
    """Is a checked expression: its root, and its source info as the library wrote it."""

    root: Node
    places: bytes

    @cached_property
    def positions(self) -> dict[int, int]:
        """Where each node began in the text; read when a finding needs a place."""
        found: dict[int, int] = {}
        for part, place in _fields(self.places):
            if part == 4:
                entry = dict(_fields(_raw(place)))
                found[_int(entry.get(1, 0))] = _int(entry.get(2, 0))
        return found


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and everything below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below a node, in the order of the text."""
    if isinstance(node, Select):
        return (node.operand,)
    if isinstance(node, Call):
        return node.args
    if isinstance(node, MakeList):
        return node.elements
    if isinstance(node, MakeMap):
        return tuple(part for entry in node.entries for part in entry)
    if isinstance(node, Loop):
        return (node.over, node.init, node.condition, node.step, node.result)
    return ()


def read_tree(serialized: bytes) -> Tree:
    """Return the tree in `Expression.serialize()`: an `Any` around a CheckedExpr."""
    checked = _sub(_fields(serialized), 2)
    names: dict[int, str] = {}
    places = root = b""
    for number, value in _fields(checked):
        if number == 2:
            entry = dict(_fields(_raw(value)))
            name = dict(_fields(_raw(entry.get(2, b"")))).get(1)
            if name is not None:
                names[_int(entry[1])] = _raw(name).decode()
        elif number == 4:
            root = _raw(value)
        elif number == 5:
            places = _raw(value)
    return Tree(_node(root, names), places)


Field: TypeAlias = "tuple[int, int | bytes]"


def _fields(raw: bytes) -> Iterator[Field]:
    i, end = 0, len(raw)
    while i < end:
        key = raw[i]
        i += 1
        if key > 0x7F:  # nearly all numbers are of one byte
            key, i = _varint(raw, i - 1)
        wire = key & 7
        if wire == 1 or wire == 5:
            size = 8 if wire == 1 else 4
        else:
            size = raw[i]
            i += 1
            if size > 0x7F:
                size, i = _varint(raw, i - 1)
            if wire == 0:
                yield key >> 3, size
                continue
            if wire != 2:
                raise ValueError(f"wire type {wire} in a serialised expression")
        yield key >> 3, raw[i : i + size]
        i += size


def _varint(raw: bytes, i: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        byte = raw[i]
        i += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, i
        shift += 7


def _raw(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number where a message belongs in a serialised expression")
    return value


def _int(value: int | bytes) -> int:
    if not isinstance(value, int):
        raise ValueError("a message where a number belongs in a serialised expression")
    return value


def _sub(fields: Iterator[Field], wanted: int) -> bytes:
    return next((_raw(value) for number, value in fields if number == wanted), b"")


def _node(raw: bytes, names: dict[int, str]) -> Node:
    ident, kind, body = 0, 0, b""
    for number, value in _fields(raw):
        if number == 2:
            ident = _int(value)
        else:
            kind, body = number, _raw(value)
    match kind:
        case 3:
            return Const(ident, _literal(body))
        case 4:
            written = _sub(_fields(body), 1).decode()
            return Ident(ident, names.get(ident) or written)
        case 5:
            return _select(ident, body, names)
        case 6:
            return _call(ident, body, names)
        case 7:
            parts = [_node(_raw(v), names) for n, v in _fields(body) if n == 1]
            return MakeList(ident, tuple(parts), any(n == 2 for n, _ in _fields(body)))
        case 8:
            return _make_map(ident, body, names)
        case 9:
            return _loop(ident, body, names)
        case _:
            raise ValueError(f"expression kind {kind} in a serialised expression")


def _select(ident: int, body: bytes, names: dict[int, str]) -> Node:
    parts = dict(_fields(body))
    operand = _node(_raw(parts[1]), names)
    return Select(ident, operand, _raw(parts[2]).decode(), bool(parts.get(3, 0)))


def _call(ident: int, body: bytes, names: dict[int, str]) -> Node:
    function, args, method = "", [], False
    for number, value in _fields(body):
        if number == 2:
            function = _raw(value).decode()
        else:
            args.append(_node(_raw(value), names))
            method = method or number == 1
    return Call(ident, function, tuple(args), method)


def _make_map(ident: int, body: bytes, names: dict[int, str]) -> Node:
    name, entries, optional = "", [], False
    for number, value in _fields(body):
        if number == 1:
            name = _raw(value).decode()
            continue
        parts = dict(_fields(_raw(value)))
        optional = optional or bool(parts.get(5, 0))
        if 3 in parts:
            key = _node(_raw(parts[3]), names)
        else:
            key = Const(0, _raw(parts.get(2, b"")).decode())
        entries.append((key, _node(_raw(parts[4]), names)))
    return MakeMap(ident, name, tuple(entries), optional)


def _loop(ident: int, body: bytes, names: dict[int, str]) -> Node:
    parts = dict(_fields(body))

    def part(number: int) -> Node:
        return _node(_raw(parts[number]), names)

    var, accu = _raw(parts[1]).decode(), _raw(parts[3]).decode()
    return Loop(ident, var, part(2), accu, part(4), part(5), part(6), part(7))


def _literal(body: bytes) -> Literal:
    for number, value in _fields(body):
        match number:
            case 1:
                return None
            case 2:
                return bool(value)
            case 3:
                number64 = _int(value)
                return number64 - (1 << 64) if number64 >> 63 else number64
            case 4:
                return Uint(_int(value))
            case 5:
                return float(struct.unpack("<d", _raw(value))[0])
            case 6:
                return _raw(value).decode()
            case 7:
                return _raw(value)
    return None
