"""Which fields of a node are other than before, one by one, ports left out.

What follows from a change is `table`'s to say; edges are compared in `edges`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from sinkgraph.diagnostics.source import Span
from sinkgraph.graph.diff.sides import Side, Step, keys
from sinkgraph.graph.diff.table import UNCOMPARED
from sinkgraph.graph.model import GraphNode
from sinkgraph.spec.kind import Kind
from sinkgraph.spec.kinds.base import Section

__all__ = ["Differs", "Pair", "changed_fields"]


@dataclass(frozen=True, slots=True)
class Differs:
    """Is a field that differs: its path, both values as text, and both values of its key.

    `span`: where it stands, when that is known already.
    """

    path: tuple[Step, ...]
    before: str
    after: str
    old: Any = None
    new: Any = None
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Is one node in both graphs."""

    before: Side
    old: GraphNode
    after: Side
    new: GraphNode

    def differs(
        self, path: Iterable[Step], was: Any, now: Any, span: Span | None = None
    ) -> Differs:
        """Return a difference; `was` and `now` are JSON values, shown as their documents let."""
        before, after = self.before.text(self.old, was), self.after.text(self.new, now)
        return Differs(tuple(path), before, after, span=span)

    @property
    def same_vars(self) -> bool:
        """Whether every var has the same value in both graphs."""
        return self.before.graph.vars == self.after.graph.vars

    def other_vars(self, expression: str) -> tuple[str, str] | None:
        """Return the vars of an expression whose values differ, as text; None when none does."""
        if self.same_vars:
            return None
        old, new = self.before.graph.vars, self.after.graph.vars
        names = [*self.after.vars_in(expression), *self.before.vars_in(expression)]
        found = [one for one in dict.fromkeys(names) if old.get(one) != new.get(one)]
        if not found:
            return None
        return ", ".join(map(self.before.var, found)), ", ".join(map(self.after.var, found))


def changed_fields(pair: Pair, kind: Kind | None) -> Iterator[Differs]:
    """Yield the fields of two nodes of one kind that differ, in the order of the model."""
    old, new = pair.old.spec, pair.new.spec
    if old == new and not _outside(pair):
        return
    ports = {one.name for one in kind.ports} if kind is not None else set()
    expressions = kind.expressions if kind is not None else ()
    was = old.model_dump(mode="json", by_alias=True)
    now = new.model_dump(mode="json", by_alias=True)
    for name, key in keys(new):
        if key in UNCOMPARED or key in ports:
            continue
        a, b = getattr(old, name, None), getattr(new, name, None)
        if a != b:
            found = _unequal(pair, (key,), a, b, was.get(key), now.get(key))
        else:
            found = _elsewhere(pair, key, a)
        for one in found:
            yield replace(one, old=a, new=b)
        if key in expressions:
            yield from _by_vars(pair, key, a, b)


def _outside(pair: Pair) -> bool:
    """Tell whether equal fields of two nodes may mean different things."""
    before, after = pair.before, pair.after
    if not pair.same_vars or before.graph.base != after.graph.base or after.rewritten:
        return True
    return before.unset(pair.old) != after.unset(pair.new)


def _unequal(
    pair: Pair, path: tuple[Step, ...], a: Any, b: Any, was: Any, now: Any
) -> Iterator[Differs]:
    """Yield what differs between two values that are not equal; `was`, `now`: as JSON."""
    if isinstance(a, Section) and type(a) is type(b):
        for name, key in keys(b):
            one, other = getattr(a, name, None), getattr(b, name, None)
            if one != other:
                yield from _unequal(pair, (*path, key), one, other, was.get(key), now.get(key))
    elif isinstance(a, dict) and isinstance(b, dict):
        for key in dict.fromkeys([*b, *a]):
            if key not in a or key not in b or a[key] != b[key]:
                yield pair.differs((*path, key), _held(was, key), _held(now, key))
    else:
        yield pair.differs(path, _said(a, was), _said(b, now))


def _held(mapping: dict[str, Any], key: str) -> Any:
    """Return what a mapping holds; a null it holds is a text, since None is nothing."""
    return "null" if key in mapping and mapping[key] is None else mapping.get(key)


def _said(value: Any, dumped: Any) -> Any:
    """Return of a section what it says beyond its defaults."""
    if not isinstance(value, Section):
        return dumped
    return {
        key: dumped[key]
        for name, key in keys(value)
        if getattr(value, name, None) != value.default_of(name)
    }


def _elsewhere(pair: Pair, key: str, value: Any) -> Iterator[Differs]:
    """Yield a field whose equal values mean something else: another reference, another place."""
    was, now = pair.before.unset(pair.old).get(key, ()), pair.after.unset(pair.new).get(key, ())
    if was != now:
        yield Differs((key,), ", ".join(was) or "another value", ", ".join(now) or "another value")
        return
    if pair.new.role != "source":
        return
    a, b = (side.inputs(key, value) for side in (pair.before, pair.after))
    if a != b:
        yield from _unequal(pair, (key,), a, b, a, b)
    elif key in ("schema", "schemas"):
        named = b if isinstance(b, dict) else {"": b}
        for one, path in named.items():
            if isinstance(path, str) and path in pair.after.rewritten:
                yield pair.differs((key, one) if one else (key,), path, path)


def _by_vars(pair: Pair, key: str, a: Any, b: Any) -> Iterator[Differs]:
    """Yield an expression, or each of several, that is the same and reads a var that is not."""
    same: dict[tuple[Step, ...], str] = {(key,): a} if isinstance(a, str) and a == b else {}
    if isinstance(a, dict) and isinstance(b, dict):
        same = {(key, one): text for one, text in b.items() if a.get(one) == text}
    for path, text in same.items():
        told = pair.other_vars(text)
        if told is not None:
            yield Differs(path, *told, a, b)
