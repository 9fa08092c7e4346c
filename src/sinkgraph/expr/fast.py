"""Expressions as Python functions made of `ast` nodes, for values where both must agree.

They answer only when the answer is certain: a missing field, a clash of types, a value CEL cannot
hold or anything else unusual makes them give up on that event, and the library is asked. So errors
are never decided here. An expression that is not known whole is not compiled at all.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from functools import cache, cached_property
from textwrap import indent
from typing import Any, Literal, TypeAlias

from sinkgraph.event import Event, LazyEvent
from sinkgraph.expr.certain import JUDGES
from sinkgraph.expr.code import Unknown, call, filled
from sinkgraph.expr.making import MAKERS
from sinkgraph.expr.parts import part_decoder, shape_of
from sinkgraph.expr.tree import Loop, Node, children
from sinkgraph.expr.values import Need
from sinkgraph.expr.writer import Writer
from sinkgraph.payload import Json

__all__ = ["Fast", "Gives", "compile_fast"]

Gives: TypeAlias = Literal["bool", "string", "any"]

_STEPS = 9_000  # of all loops together; the library stops at 10,000

_KNOWN: dict[str, Any] = {
    **JUDGES, **MAKERS, "Json": Json, "Event": Event, "LazyEvent": LazyEvent,
    "stored": Event.data.__get__,
}  # fmt: skip

# `ev` is an Event, or a row of a page: a payload as stored, or an Event. WHOLE is the code of the
# expression over a dict, PART over what is read of a text that nobody has decoded.
_FETCH = """
held = ev
if held.__class__ is LazyEvent:
    held = stored(held)
elif held.__class__ is Event:
    held = held.data
if held.__class__ is Json:
    IN_PART
    held = held.value
if held.__class__ is not dict:
    unsure()
data = held
"""
_IN_PART = """
if held.looks:
    held.looks -= 1
    data = part(held.raw)
    ANSWER
"""
_ROWS = """
def judge(rows):
    yes, open = [], []
    hit, miss = yes.append, open.append
    for i, ev in enumerate(rows):
        try:
            FETCH
            if WHOLE:
                hit(i)
        except Exception:
            miss(i)
    return yes, open
"""
_ROWS_ANSWER = """
if PART:
    hit(i)
continue
"""
_ONE = """
def one(ev):
    FETCH
    return WHOLE
"""
_ONE_ANSWER = "return PART"


class Fast:
    """Is an expression in Python; its functions are compiled when they are first asked for."""

    def __init__(
        self, slots: Mapping[str, ast.expr], names: Mapping[str, Any], reads: bool
    ) -> None:
        self._slots = slots
        self._names = names
        self._reads = reads

    @cached_property
    def one(self) -> Callable[[Event], Any]:
        """Takes an Event and returns the value; raises anything where the library must be asked."""
        made: Callable[[Event], Any] = self._compiled("one", _ONE, _ONE_ANSWER)
        return made

    @cached_property
    def judge(self) -> Callable[[Iterable[Any]], tuple[list[int], list[int]]]:
        """Takes rows of a page; returns for which a predicate is true, and which are unsure.

        The rows must be Events where the expression reads more of them than `data`.
        """
        made: Callable[[Iterable[Any]], tuple[list[int], list[int]]]
        made = self._compiled("judge", _ROWS, _ROWS_ANSWER)
        return made

    def _compiled(self, name: str, template: str, answer: str) -> Any:
        tree = filled(_function(template, answer, self._reads, "PART" in self._slots), self._slots)
        space = {"__builtins__": {}, **_KNOWN, **self._names}
        exec(compile(ast.fix_missing_locations(tree), "<expression>", "exec"), space)
        return space[name]


def compile_fast(
    root: Node, vars: Mapping[str, Any], needs: Mapping[str, Need], gives: Gives
) -> Fast | None:
    """Return functions that agree with the library, or None when none can be made.

    `vars` are the variables' values as CEL holds them, `needs` what the expression reads, `gives`
    what it must give.
    """
    most = _most(root)
    whole = Writer(vars, None, most)
    try:
        slots = {"WHOLE": _result(whole, root, gives)}
    except Unknown:
        return None
    if not whole.used:
        return None
    names = whole.names
    shape = shape_of(needs["data"]) if "data" in whole.used else None
    if shape is not None:
        part = Writer(vars, shape, most)
        try:
            slots["PART"] = _result(part, root, gives)
        except Unknown:
            pass  # it is read whole
        else:
            names = {**names, **part.names, "part": part_decoder(shape)}
    return Fast(slots, names, "data" in whole.used)


def _result(writer: Writer, root: Node, gives: Gives) -> ast.expr:
    """Return the code of the whole expression."""
    if gives == "bool":
        return writer.truth(root)
    if gives == "string":
        return writer.text(root)
    code = writer.write(root)
    if code.kind in {"bool", "int", "double", "text", "null"}:
        return code.node
    if code.kind not in {"any", "list", "map"}:
        raise Unknown
    return call("out", code.node)


@cache
def _function(template: str, answer: str, reads: bool, in_part: bool) -> ast.Module:
    """Return a function with names where the code of an expression belongs."""
    part = _put(_IN_PART, "ANSWER", answer) if in_part else "pass"
    fetch = _put(_FETCH, "IN_PART", part) if reads else "pass"
    return ast.parse(_put(template, "FETCH", fetch))


def _put(template: str, name: str, lines: str) -> str:
    """Return a template with lines where it has a name alone on a line."""
    before, _, after = template.partition(name)
    blanks = before.rpartition("\n")[2]
    return before + indent(lines.strip(), blanks).lstrip() + after


def _most(root: Node) -> int:
    """Return how many elements each loop may go through, so that all take few steps."""
    depths = list(_loops(root, 1))
    most = _STEPS
    while sum(most**depth for depth in depths) > _STEPS:
        most = most * 3 // 4
    return most


def _loops(node: Node, depth: int) -> Iterable[int]:
    """Yield how deep each loop stands in others."""
    inner = depth
    if isinstance(node, Loop):
        yield depth
        inner = depth + 1
    for child in children(node):
        yield from _loops(child, inner)
