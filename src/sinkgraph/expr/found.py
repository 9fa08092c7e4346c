"""The findings about types in an expression: their codes, places and words.

Whether there is one is decided in `sinkgraph.expr.judge`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.expr.overloads import COMPARED
from sinkgraph.expr.tree import Call, Const, Ident, Node, Select, Tree, walk
from sinkgraph.expr.types import Constant, ListOf, Plain, Type
from sinkgraph.expr.words import TOKEN, operator

__all__ = ["Finder", "Found"]

_NAME = re.compile(r"\s*(?:\.\s*\??\s*)?(`[^`]*`|\w+)", re.ASCII)
_INDEX = re.compile(r"\s*\[\s*\??\s*")
_CLOSE = re.compile(r"\s*\]")
_NUMBERS = frozenset({"int", "uint", "double"})
_EMPTY = {"string": '""', "int": "0", "double": "0.0", "bool": "false", "list": "[]", "map": "{}"}
_MAX_LISTED = 8


@dataclass(frozen=True, slots=True)
class Found:
    """Is one finding: `text[start:end]` is at fault. `whole`: the headline stands alone."""

    code: str
    severity: Literal["error", "warning"]
    start: int
    end: int
    headline: str
    label: str
    help: str | None = None
    notes: tuple[str, ...] = ()
    whole: bool = False


class Finder:
    """Makes findings about one expression."""

    def __init__(self, tree: Tree, text: str, schema: str) -> None:
        self._at = tree.positions
        self._text = text
        self.schema = schema

    # places

    def _end(self, node: Node) -> int | None:
        """Return where a chain of names ends, None for another node."""
        if isinstance(node, Ident):
            match = TOKEN.match(self._text, self._at.get(node.id, 0))
            return match.end() if match else None
        if isinstance(node, Select):
            before = self._end(node.operand)
            match = _NAME.match(self._text, before) if before is not None else None
            if match is None or match[1].strip("`") != node.field:
                return None
            return match.end()
        if isinstance(node, Call) and node.function in {"_[_]", "_[?_]", "_?._"}:
            before = self._end(node.args[0])
            if before is None:
                return None
            if node.function == "_?._":
                match = _NAME.match(self._text, before)
                return match.end() if match else None
            match = _INDEX.match(self._text, before)
            token = TOKEN.match(self._text, match.end()) if match else None
            close = _CLOSE.match(self._text, token.end()) if token else None
            return close.end() if close else None
        return None

    def place(self, node: Node) -> tuple[int, int]:
        """Return where a node stands: a chain of names whole, of others the operator."""
        end = self._end(node)
        if end is not None:
            starts = [self._at.get(one.id, 0) for one in walk(node) if isinstance(one, Ident)]
            return min(starts), end
        start = self._at.get(node.id, 0)
        match = TOKEN.match(self._text, start)
        return start, match.end() if match else start + 1

    def shown(self, node: Node) -> str:
        """Return a chain of names, or another short piece, as it is written."""
        start, end = self.place(node)
        return self._text[start:end]

    # findings

    def unknown(
        self, node: Node, name: str, names: Iterable[str], *, closed: bool
    ) -> tuple[Found, ...]:
        """Say that a field is none."""
        start, end = self.place(node)
        shown = self._text[start:end]
        names = list(dict.fromkeys(names))
        near = nearest(name, names)
        before = shown.removesuffix(name).rstrip()
        help = None
        if near and before.endswith("."):
            help = f"the nearest field is `{before}{near}`"
        elif near:
            help = f"the nearest field is `{near}`"
        elif 0 < len(names) <= _MAX_LISTED:
            help = f"the fields are {', '.join(f'`{one}`' for one in names)}"
        verb = "is not a field of" if closed else "is not declared by"
        label = "unknown field" if closed else "not declared"
        severity: Literal["error", "warning"] = "error" if closed else "warning"
        headline = f"`{shown}` {verb} {self.schema}"
        notes = () if closed else ("the schema allows fields that it does not name",)
        return (Found("SG401", severity, start, end, headline, label, help, notes, True),)

    def optional(self, node: Node, name: str, held: Type) -> tuple[Found, ...]:
        """Say that a field may be missing."""
        start, end = self.place(node)
        shown = self._text[start:end]
        before = shown.removesuffix(name)
        kinds = [one for one in held.kinds if one != "null"]
        empty = _EMPTY.get(kinds[0], "…") if kinds else "…"
        test = f"has({shown})"
        if before.endswith("."):
            other = f"`{before}?{name}.orValue({empty})`"
        else:  # `data["a-b"]`
            start_of_key = shown.rfind("[")
            base = shown[:start_of_key]
            test = f"{shown[start_of_key + 1 : -1]} in {base}"
            other = f"`{base}[?{shown[start_of_key + 1 : -1]}].orValue({empty})`"
        help = f"write `{test} && …`, or say what stands for it: {other}"
        headline = f"`{shown}` may be missing in events of {self.schema}"
        return (Found("SG404", "warning", start, end, headline, "may be missing", help, (), True),)

    def no_fields(self, node: Node, name: str, held: Type) -> tuple[Found, ...]:
        """Say that a field is read of what has none, or may have none."""
        holder = node.operand if isinstance(node, Select) else _first(node)
        start, end = self.place(node)
        kinds = self._kinds(held)
        shown = self.shown(holder)
        if "map" not in held.kinds:
            label = f"`{shown}` is {kinds}"
            headline = f"`{name}` is read of `{shown}`, which is {kinds} and has no fields"
            return (Found("SG403", "error", start, end, headline, label),)
        rest = " or ".join(one for one in held.kinds if one != "map")
        headline = f"`{name}` is read of `{shown}`, which may be {rest}"
        help = f"write `{shown} != null && …`" if rest == "null" else None
        label = f"`{shown}` may be {rest}"
        return (Found("SG403", "warning", start, end, headline, label, help),)

    def no_index(self, node: Call, held: Type, key: Type, always: bool) -> tuple[Found, ...]:
        """Say that there is nothing to index, or that it is indexed by another kind."""
        start, end = self.place(node)
        headline = f"`{self.shown(node.args[0])}` is {self._kinds(held)}, indexed by "
        headline += self._kinds(key) if key.kinds else "a key"
        return (Found("SG403", _severity(always), start, end, headline, "cannot be indexed so"),)

    def no_loop(self, node: Node, held: Type, always: bool) -> tuple[Found, ...]:
        """Say that what is gone through is no list."""
        over = getattr(node, "over", node)
        start, end = self.place(over)
        verb = "is" if always else "may be"
        kinds = self._kinds(held)
        headline = f"`{self.shown(over)}` {verb} {kinds}, and only lists and maps are gone through"
        return (Found("SG403", _severity(always), start, end, headline, f"{verb} {kinds}"),)

    def not_bool(self, node: Node, held: Type) -> tuple[Found, ...]:
        """Say that a condition is neither true nor false."""
        kinds = held.kinds
        if not kinds or kinds == ("bool",):
            return ()
        always = "bool" not in kinds
        start, end = self.place(node)
        verb = "is" if always else "may be"
        shown = self._kinds(held, but="bool")
        headline = f"the condition {verb} {shown}, and true or false is needed"
        help = "compare it, for example with `==`" if always else None
        return (Found("SG403", _severity(always), start, end, headline, f"{verb} {shown}", help),)

    def clash(
        self, node: Call, types: Sequence[Type], bad: Sequence[tuple[str, ...]], *, always: bool
    ) -> tuple[Found, ...]:
        """Say that an operator or function takes no such operands."""
        start, end = self.place(node)
        name = operator(node.function)
        if self._text[start : start + 1] == "(":
            start = max(self._text.rfind(name, 0, start), 0)
            end = start + len(name)
        kinds = ", ".join(bad[0])
        if always:
            headline = f"`{name}` does not take {kinds}"
            label = headline
        else:
            headline = f"`{name}` fails where its operands are {kinds}"
            label = f"fails for {kinds}"
        help = None
        mixed = set(bad[0])
        if mixed <= _NUMBERS:
            help = "write both numbers as one type: `1.0`, `double(…)`, `int(…)`"
        elif not always and "null" in mixed:
            names = [self.shown(one) for one, of in zip(node.args, bad[0], strict=True)
                     if of == "null"]  # fmt: skip
            help = f"write `{names[0]} != null && …`" if names else None
        elif node.function in COMPARED and {"string"} < mixed and mixed & _NUMBERS:
            help = "compare it with a number, or convert the text: `int(…)`"
        notes = tuple(self._known(node.args, types))
        severity = _severity(always)
        return (Found("SG403", severity, start, end, headline, label, help, notes),)

    def never_equal(self, node: Call, types: Sequence[Type]) -> tuple[Found, ...]:
        """Say that two values can never be equal: by their kinds, or by their constants."""
        one, two = types
        if node.function == "@in":
            alts = two.alts or ()
            lists = [alt for alt in alts if isinstance(alt, ListOf)]
            if len(lists) != len(alts) or len(lists) != 1:
                return ()
            two = lists[0].item
        if not one.alts or not two.alts or "null" in (*one.kinds, *two.kinds):
            return ()
        if _families(one).isdisjoint(_families(two)):
            start, end = self.place(node)
            name = operator(node.function)
            headline = f"`{name}` compares {self._kinds(one)} with {self._kinds(two)}"
            notes = tuple(self._known(node.args, types))
            help = "these two can never be equal"
            return (Found("SG403", "error", start, end, headline, "never equal", help, notes),)
        for of, other, place in ((one, two, node.args[0]), (two, one, node.args[1])):
            known, constants = _constants(of), _constants(other)
            const = node.args[1] if place is node.args[0] else node.args[0]
            if not isinstance(const, Const) or known is None or constants is None:
                continue
            if known.isdisjoint(constants):
                return (self._not_one_of(const, place, known, constants),)
        return ()

    def _not_one_of(
        self, const: Node, place: Node, known: frozenset[Constant], said: frozenset[Constant]
    ) -> Found:
        start, end = self.place(const)
        words = sorted(str(value) for _, value in known)
        near = nearest(str(next(iter(said))[1]), words)
        listed = ", ".join(f"`{one}`" for one in words[:_MAX_LISTED])
        help = f"the nearest is `{near}`" if near else f"it is one of {listed}"
        headline = f"`{self.shown(place)}` is never {self._text[start:end]}"
        return Found("SG405", "warning", start, end, headline, "never its value", help, (), True)

    def _known(self, nodes: Sequence[Node], types: Sequence[Type]) -> Iterable[str]:
        for node, held in zip(nodes, types, strict=True):
            if isinstance(node, Select | Ident) and held.kinds:
                yield f"`{self.shown(node)}` is {self._kinds(held)} in {self.schema}"

    def _kinds(self, held: Type, but: str = "") -> str:
        return " or ".join(one for one in held.kinds if one != but)


def _first(node: Node) -> Node:
    return node.args[0] if isinstance(node, Call) else node


def _severity(always: bool) -> Literal["error", "warning"]:
    return "error" if always else "warning"


def _families(held: Type) -> set[str]:
    return {"number" if one in _NUMBERS else one for one in held.kinds}


def _constants(held: Type) -> frozenset[Constant] | None:
    made: set[Constant] = set()
    for one in held.alts or ():
        if not isinstance(one, Plain) or one.values is None:
            return None
        made |= one.values
    return frozenset(made)
