"""How much memory an expression may need at most, estimated from its tree and what it reads.

The library bounds steps but not the size of what a step makes: thirty times `x + x` is a gigabyte.
Nothing is evaluated here. Sizes are in cells of 16 bytes; every value is at least one cell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sinkgraph.expr.library import CONTAINER
from sinkgraph.expr.tree import Call, Const, Ident, Loop, MakeList, MakeMap, Node, Select

__all__ = ["MAX_MADE", "Size", "cells_made", "measure"]

CELL = 16
MAX_MADE = 1024 * 1024
"""Most cells one evaluation may make: 16 MiB."""

_MAX_LOOP = 10_000  # the library stops a loop there
_MAX_VISITS = 20_000
_SMALL = frozenset(
    re.findall(
        r"\S+",
        "_&&_ _||_ !_ _==_ _!=_ _<_ _<=_ _>_ _>=_ @in _-_ _*_ _/_ _%_ -_ @not_strictly_false size "
        "int uint double bool contains startsWith endsWith matches indexOf lastIndexOf type "
        "hasValue timestamp duration has",
    )
)
_PASSED_ON = frozenset({"_[_]", "_?._", "_[?_]", "orValue", "or", "value", "dyn", "optional.of"})
_NO_LONGER = frozenset({"lowerAscii", "upperAscii", "trim", "substring", "charAt", "reverse"})
_FORMATTED = 70  # cells one argument of `format` may become: 1,000 digits and some


@dataclass(frozen=True, slots=True)
class Size:
    """Is the size of a value: elements of its outermost container, and cells of all of it."""

    n: float
    cells: float


_ONE = Size(1, 1)


class _TooMuch(Exception):
    """Say that the estimate itself takes too long."""


def cells_made(root: Node, leaf: Callable[[tuple[str, ...]], Size]) -> float:
    """Return an upper estimate of the cells evaluating a tree makes; infinite when none is found.

    `leaf` gives the size of what the expression reads, by its path: `("data", "a", "b")`.
    """
    estimate = _Estimate(leaf)
    try:
        estimate.size(root, {}, 1)
    except _TooMuch:
        return float("inf")
    return estimate.made


def measure(value: Any) -> Size:
    """Return the size of a value as it is handed to the library."""
    if isinstance(value, str | bytes):
        return Size(1, 1 + len(value) / CELL)
    if isinstance(value, dict):
        parts = [measure(part).cells for entry in value.items() for part in entry]
        return Size(len(value), 1 + sum(parts))
    if isinstance(value, list):
        return Size(len(value), 1 + sum(measure(item).cells for item in value))
    return _ONE


class _Estimate:
    def __init__(self, leaf: Callable[[tuple[str, ...]], Size]) -> None:
        self.made = 0.0
        self._leaf = leaf
        self._visits = 0

    def size(self, node: Node, scope: Mapping[str, Size], times: float) -> Size:
        """Return the size of a node evaluated `times` times; add what it makes to `made`."""
        self._visits += 1
        if self._visits > _MAX_VISITS:
            raise _TooMuch
        path = _path(node)
        if path is not None:
            return self._leaf(path)
        match node:
            case Const():
                return measure(node.value)
            case Ident():
                return scope.get(node.name, _ONE)
            case Select():
                held = self.size(node.operand, scope, times)
                return _ONE if node.test else Size(held.cells, held.cells)
            case MakeList():
                return self._make([self.size(e, scope, times) for e in node.elements], times)
            case MakeMap():
                pairs = [self.size(part, scope, times) for e in node.entries for part in e]
                return self._make(pairs, times)
            case Loop():
                return self._loop(node, scope, times)
            case Call():
                return self._call(node, [self.size(one, scope, times) for one in node.args], times)

    def _make(self, parts: list[Size], times: float) -> Size:
        return self._new(Size(len(parts), 1 + sum(part.cells for part in parts)), times)

    def _new(self, size: Size, times: float) -> Size:
        self.made += times * size.cells
        return size

    def _loop(self, node: Loop, scope: Mapping[str, Size], times: float) -> Size:
        over = self.size(node.over, scope, times)
        n = min(over.n, _MAX_LOOP)
        if not n:
            return self.size(node.init, scope, times)
        # What steps make together is at most what they make of elements of mean size, all of
        # them, and of one element that is as large as the whole (sizes add up or grow faster).
        mean, whole = Size(over.cells / n, over.cells / n), Size(over.cells, over.cells)
        each = self._step(node, scope, mean, times * n)
        once = self._step(node, scope, whole, times)
        return Size(n * each.n + once.n, n * each.cells + once.cells)

    def _step(self, node: Loop, scope: Mapping[str, Size], item: Size, times: float) -> Size:
        inner = {**scope, node.var: item, node.accu: Size(0, 0)}
        return self.size(node.step, inner, times)

    def _call(self, node: Call, args: list[Size], times: float) -> Size:
        cells = sum(arg.cells for arg in args)
        count = sum(arg.n for arg in args)
        function = node.function
        if function in _SMALL:
            return _ONE
        if function in _PASSED_ON:
            return Size(cells, cells)
        if function in {"_+_", "_?_:_"}:
            joined = Size(count, cells)
            return joined if function == "_?_:_" else self._new(joined, times)
        if function == "replace" and len(args) > 2:
            return self._new(_replaced(node, args), times)
        if function == "join":
            between = args[1].cells if len(args) > 1 else 0
            return self._new(_text(args[0].cells + args[0].n * between), times)
        if function in _NO_LONGER:
            return self._new(_text(args[0].cells), times)
        if function == "format":
            return self._new(_text(args[0].cells + _FORMATTED * cells), times)
        if function == "split":
            pieces = _characters(args[0]) / max(_length(node.args[1]), 1) + 1
            return self._new(Size(pieces, pieces + args[0].cells), times)
        return self._new(Size(4 * cells + 8, 4 * cells + 8), times)


def _text(cells: float) -> Size:
    return Size(1, cells)


def _characters(text: Size) -> float:
    return CELL * max(text.cells - 1, 0)


def _length(node: Node) -> int:
    """Return the length of a constant text, 0 for any other node."""
    return len(node.value) if isinstance(node, Const) and isinstance(node.value, str) else 0


def _replaced(node: Call, args: list[Size]) -> Size:
    held, new, found = _characters(args[0]), _characters(args[2]), _length(node.args[1])
    # An empty text is found between any two characters.
    made = held * max(1, new / found) if found else held + (held + 1) * new
    return _text(1 + made / CELL)


def _path(node: Node) -> tuple[str, ...] | None:
    names: list[str] = []
    while isinstance(node, Select) and not node.test:
        names.append(node.field)
        node = node.operand
    if isinstance(node, Ident):
        head, dot, name = node.name.partition(".")
        if dot and head == CONTAINER:
            return (name, *reversed(names))
    return None
