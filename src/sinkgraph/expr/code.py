"""Pieces of generated Python: `ast` nodes, and templates that are filled with them.

A template is our own text. What a document holds enters as a node, never as text.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from sinkgraph.expr.parts import Shape

__all__ = ["CLEAN", "SCALARS", "Code", "Unknown", "call", "compare", "const", "filled", "parsed"]

_Tree = TypeVar("_Tree", bound=ast.AST)


SCALARS = frozenset({"any", "bool", "int", "double", "text", "null"})
"""Kinds of which two values may be compared."""

CLEAN = "V if (V := X).__class__ is str and V.isascii() and Z not in V else text(V)"
"""The template of a value that must be text."""


class Unknown(Exception):
    """Say that an expression has a part that is not compiled to Python."""


@dataclass(frozen=True, slots=True)
class Code:
    """Is the Python of one CEL node, which gives its value or raises.

    `kind` is what is certain of the value: `bool`, `int`, `double`, `text`, `null` and `time` are
    values as CEL has them; `list` and `map` are containers whose contents nobody looked at; of
    `any` nothing is certain; a `part` is what `shape` says; an `optional` may be `UNSET`.
    """

    kind: str
    node: ast.expr
    shape: Shape | None = None

    @property
    def constant(self) -> bool:
        """Whether it is a literal."""
        return isinstance(self.node, ast.Constant)

    @property
    def value(self) -> Any:
        """The value of a literal."""
        return self.node.value if isinstance(self.node, ast.Constant) else None


def const(value: Any) -> ast.Constant:
    """Return a literal; any Python value that can be marshalled will do."""
    return ast.Constant(value)


def call(function: str, *arguments: ast.expr) -> ast.Call:
    """Return the call of a function that generated code knows."""
    return ast.Call(ast.Name(function, ast.Load()), list(arguments), [])


def compare(left: ast.expr, sign: ast.cmpop, right: ast.expr) -> ast.Compare:
    """Return a comparison."""
    return ast.Compare(left, [sign], [right])


@cache
def parsed(template: str) -> ast.expr:
    """Return a template's tree, which must not be changed."""
    return ast.parse(template.strip(), mode="eval").body


def filled(tree: _Tree, slots: Mapping[str, ast.expr | str]) -> _Tree:
    """Return a copy of a tree with nodes, or other names, where it has the names of `slots`.

    The nodes are not copied.
    """
    if isinstance(tree, ast.Name):
        slot = slots.get(tree.id)
        if isinstance(slot, ast.expr):
            return slot  # type: ignore[return-value]
        return ast.Name(tree.id if slot is None else slot, tree.ctx)  # type: ignore[return-value]
    made = tree.__class__()
    for name, value in ast.iter_fields(tree):
        if isinstance(value, ast.AST):
            value = filled(value, slots)
        elif isinstance(value, list):
            value = [filled(one, slots) if isinstance(one, ast.AST) else one for one in value]
        setattr(made, name, value)
    return made
