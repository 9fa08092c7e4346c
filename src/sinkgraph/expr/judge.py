"""What an expression does to values of a known type: fields that are none, operands that clash.

It says only what is certain of the type: where nothing is known of a value, nothing is found. `&&`,
`||` and `? :` are followed as CEL evaluates them, so that a guarded read is no finding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

from sinkgraph.expr.facts import NONE, Facts, Path, chosen_by, facts_of, fits, path_of
from sinkgraph.expr.found import Finder, Found
from sinkgraph.expr.overloads import COMPARED, gives, is_known
from sinkgraph.expr.roots import Root, may_be
from sinkgraph.expr.tree import (
    Call,
    Const,
    Ident,
    Loop,
    MakeList,
    MakeMap,
    Node,
    Select,
    Tree,
    Uint,
)
from sinkgraph.expr.types import (
    ANY,
    Alt,
    Field,
    ListOf,
    MapOf,
    OptionalOf,
    Plain,
    Type,
    list_of,
    named,
    plain,
    union,
)

__all__ = ["Judge", "judge"]

_MAX_STEPS = 5_000
_MAX_COMBINED = 64
_BOOLS = dict.fromkeys(COMPARED | {"_==_", "_!=_", "@in", "!_"}, plain("bool"))
_VARIABLES = {
    "ev.id": plain("string"),
    "ev.type": plain("string"),
    "ev.source": plain("string"),
    "ev.time": plain("timestamp"),
}


class _TooMuch(Exception):
    """Say that an expression branches too often to be followed."""


def judge(
    tree: Tree,
    text: str,
    roots: Sequence[Root],
    vars: Mapping[str, Type],
    *,
    schema: str = "the schema",
    condition: bool = False,
    facts: Facts = NONE,
) -> tuple[list[Found], Type]:
    """Return what is wrong with a sound expression for such payloads, and the type it gives.

    `vars` are the types of the document's variables, `schema` what the type is called. `condition`:
    it must give true or false. `facts` hold of every payload.
    """
    one = Judge(tree, roots, vars, Finder(tree, text, schema))
    try:
        gives, found = one.of(tree.root, facts)
    except (_TooMuch, RecursionError):
        return [], ANY
    if condition:
        found = (*found, *one.finder.not_bool(tree.root, gives))
    unique = {(each.start, each.end, each.code): each for each in reversed(found)}
    return sorted(unique.values(), key=lambda each: (each.start, each.end)), gives


_Result = tuple[Type, tuple[Found, ...]]


class Judge:
    """Walks one expression; what it found at a node is kept for the facts it was found under."""

    def __init__(
        self, tree: Tree, roots: Sequence[Root], vars: Mapping[str, Type], finder: Finder
    ) -> None:
        self.finder = finder
        self._schema = finder.schema
        self._roots = roots
        self._chosen = chosen_by(tree.root)
        self._vars = named({name: Field(each, True) for name, each in vars.items()})
        self._known: dict[tuple[int, Facts], _Result] = {}
        self._scope: dict[str, str] = {}
        self._bound: dict[str, Type] = {}
        self._steps = 0

    def of(self, node: Node, facts: Facts) -> _Result:
        """Return the type of a node, and what is wrong at it and below, given the facts."""
        key = (id(node), facts)
        held = self._known.get(key)
        if held is None:
            self._steps += 1
            if self._steps > _MAX_STEPS:
                raise _TooMuch
            held = self._known[key] = self._of(node, facts)
        return held

    def _of(self, node: Node, facts: Facts) -> _Result:
        match node:
            case Const():
                return _constant_type(node), ()
            case Ident():
                return self._variable(node, facts), ()
            case Select():
                return self._select(node, facts)
            case Loop():
                return self._loop(node, facts)
            case MakeList():
                types, found = self._each(node.elements, facts)
                return list_of(union(types) if types and not node.optional else ANY), found
            case MakeMap():
                return self._map(node, facts)
            case Call():
                return self._call(node, facts)

    def _each(self, nodes: Sequence[Node], facts: Facts) -> tuple[list[Type], tuple[Found, ...]]:
        results = [self.of(one, facts) for one in nodes]
        return [one for one, _ in results], tuple(each for _, found in results for each in found)

    # values

    def _variable(self, node: Ident, facts: Facts) -> Type:
        if node.name in self._bound:
            return self._narrowed(self._bound[node.name], (self._scope[node.name],), facts)
        if node.name == "ev.vars":
            return self._vars
        if node.name != "ev.data":
            return _VARIABLES.get(node.name, ANY)
        left = may_be(self._roots, facts, self._chosen)
        if left is None:
            return ANY
        only = left[0].name if len(left) == 1 else ""
        self.finder.schema = only or self._schema
        types = [one.type for one in left]
        return self._narrowed(union(types), ("ev.data",), facts)

    def _narrowed(self, held: Type, path: Path | None, facts: Facts) -> Type:
        alts = held.alts
        if path is None or alts is None or not facts:
            return held
        left = [one for one in alts if fits(one, path, facts)]
        if len(left) == len(alts):
            return held
        return Type(left) if left else ANY  # never evaluated, or not understood

    def _map(self, node: MakeMap, facts: Facts) -> _Result:
        _, found = self._each([part for entry in node.entries for part in entry], facts)
        if node.optional or node.name:
            return ANY, found
        fields: dict[str, Field] = {}
        for key, value in node.entries:
            if not (isinstance(key, Const) and isinstance(key.value, str)):
                return Type([MapOf({}, ANY, True)]), found
            fields[key.value] = Field(self.of(value, facts)[0], True)
        return named(fields), found

    # fields

    def _select(self, node: Select, facts: Facts) -> _Result:
        held, found = self.of(node.operand, facts)
        path = path_of(Select(node.id, node.operand, node.field, False), self._scope)
        made, more = self._step(node, held, node.field, path, facts, tested=node.test)
        return (plain("bool") if node.test else made), (*found, *more)

    def _step(
        self, node: Node, held: Type, name: str, path: Path | None, facts: Facts, *, tested: bool
    ) -> _Result:
        """Return the type of a field; `tested`: it is asked whether it is there."""
        alts = held.alts
        if not alts:
            return ANY, ()
        wrapped = any(isinstance(one, OptionalOf) for one in alts)
        if wrapped:
            return ANY, ()
        maps = [one for one in alts if isinstance(one, MapOf)]
        if not maps:
            return ANY, self.finder.no_fields(node, name, held)
        found: tuple[Found, ...] = ()
        known = [one.fields[name] for one in maps if name in one.fields]
        there = path is not None and ("has", path, None) in facts
        opens = [one.other for one in maps if name not in one.fields and one.other is not None]
        if not known and not any(one.free for one in maps):
            if not (opens and (tested or there)):
                names = [field for one in maps for field in one.fields]
                return ANY, self.finder.unknown(node, name, names, closed=not opens)
            return ANY, ()
        types = [one.type for one in known] + opens
        made = self._narrowed(union(types), path, facts)
        may_miss = not all(one.required for one in known) or len(known) < len(maps)
        wild = any(one.free and one.other is not None and one.other.alts is None for one in maps)
        unsure = any(one.unsure for one in maps) or wild
        if may_miss and not (tested or there or unsure):
            found = self.finder.optional(node, name, made)
        if len(maps) < len(alts) and not found:
            found = self.finder.no_fields(node, name, held)
        return made, found

    # calls

    def _call(self, node: Call, facts: Facts) -> _Result:
        match node.function:
            case "_&&_" | "_||_":
                return self._both(node, facts)
            case "_?_:_":
                return self._choice(node, facts)
            case "_[_]":
                return self._index(node, facts)
            case "_?._" | "_[?_]":
                return self._maybe(node, facts)
            case "orValue" | "or":
                types, found = self._each(node.args, facts)
                alts = types[0].alts
                if alts and all(isinstance(one, OptionalOf) for one in alts):
                    inner = [one.item for one in alts if isinstance(one, OptionalOf)]
                    if node.function == "orValue":
                        return union([*inner, types[1]]), found
                return ANY, found
            case "hasValue":
                return plain("bool"), self._each(node.args, facts)[1]
            case "dyn":
                types, found = self._each(node.args, facts)
                return types[0], found
        types, found = self._each(node.args, facts)
        made, more = self._overload(node, types)
        return made, (*found, *more)

    def _both(self, node: Call, facts: Facts) -> _Result:
        """Judge `a && b`, of which a failing side counts only where the other does not decide.

        A side that cannot fail tells the other what holds where that one counts.
        """
        one, two = node.args
        which = 0 if node.function == "_&&_" else 1
        first, found = self.of(one, facts)
        if found:
            second, more = self.of(two, facts)
            if not more:
                first, found = self.of(one, facts | facts_of(two, self._scope)[which])
            else:
                second, more = self.of(two, facts | facts_of(one, self._scope)[which])
        else:
            second, more = self.of(two, facts | facts_of(one, self._scope)[which])
        wrong = self._overload(node, [first, second])[1]
        return plain("bool"), (*found, *more, *wrong)

    def _choice(self, node: Call, facts: Facts) -> _Result:
        condition, one, two = node.args
        held, found = self.of(condition, facts)
        yes, no = facts_of(condition, self._scope)
        a, more = self.of(one, facts | yes)
        b, rest = self.of(two, facts | no)
        wrong = self.finder.not_bool(condition, held)
        return union([a, b]), (*found, *more, *rest, *wrong)

    def _index(self, node: Call, facts: Facts) -> _Result:
        key = node.args[1]
        types, found = self._each(node.args, facts)
        held = types[0]
        if not held.alts:
            return ANY, found
        if any(isinstance(one, OptionalOf) for one in held.alts):
            return ANY, found
        only_maps = all(isinstance(one, MapOf) for one in held.alts)
        if only_maps and isinstance(key, Const) and isinstance(key.value, str):
            path = path_of(node, self._scope)
            made, more = self._step(node, held, key.value, path, facts, tested=False)
            return made, (*found, *more)
        bad = [one for one in held.alts if not _indexable(one, types[1])]
        more = self.finder.no_index(node, held, types[1], len(bad) == len(held.alts)) if bad else ()
        items = [one.item for one in held.alts if isinstance(one, ListOf)]
        only_lists = len(items) == len(held.alts)
        return (union(items) if only_lists else ANY), (*found, *more)

    def _maybe(self, node: Call, facts: Facts) -> _Result:
        """Judge `a.?b` and `a[?b]`."""
        types, found = self._each(node.args, facts)
        held = types[0]
        alts = held.alts or ()
        if alts and all(isinstance(one, OptionalOf) for one in alts):
            held = union([one.item for one in alts if isinstance(one, OptionalOf)])
            alts = held.alts or ()
        key = node.args[1]
        name = key.value if isinstance(key, Const) else None
        if not alts or not isinstance(name, str):
            return ANY, found
        made, more = self._step(node, held, name, None, facts, tested=True)
        return Type([OptionalOf(made)]), (*found, *more)

    def _overload(self, node: Call, types: Sequence[Type]) -> _Result:
        function = node.function
        if not is_known(function):
            return ANY, ()
        sides = [one.alts for one in types]
        if not all(sides):
            return _BOOLS.get(function, ANY), ()
        kinds = [tuple(dict.fromkeys(alt.kind for alt in side or ())) for side in sides]
        total = 1
        for side in kinds:
            total *= len(side)
        if total > _MAX_COMBINED:
            return _BOOLS.get(function, ANY), ()
        tried = {combined: gives(function, combined) for combined in product(*kinds)}
        bad = [combined for combined, kind in tried.items() if kind is None]
        made = [kind for kind in dict.fromkeys(tried.values()) if kind is not None]
        found: tuple[Found, ...] = ()
        if bad:
            found = self.finder.clash(node, types, bad, always=len(bad) == len(tried))
        elif function in {"_==_", "_!=_", "@in"}:
            found = self.finder.never_equal(node, types)
        if function == "_+_" and made == ["list"]:
            items = [alt.item for side in sides for alt in side or () if isinstance(alt, ListOf)]
            return list_of(union(items)), found
        if function == "split":
            return list_of(plain("string")), found
        if "list" in made:
            return ANY, found
        return (plain(*made) if made else ANY), found

    # loops

    def _loop(self, node: Loop, facts: Facts) -> _Result:
        over, found = self.of(node.over, facts)
        alts = over.alts
        item = ANY
        if alts:
            bad = [one for one in alts if not isinstance(one, ListOf | MapOf)]
            if bad:
                found = (*found, *self.finder.no_loop(node, over, len(bad) == len(alts)))
            else:
                item = union(
                    [one.item if isinstance(one, ListOf) else plain("string") for one in alts]
                )
        old = dict(self._scope), dict(self._bound)
        start, _ = self.of(node.init, facts)
        accumulated = ANY if isinstance(node.init, MakeList) else start
        for name, held in ((node.var, item), (node.accu, accumulated)):
            self._scope[name] = f"{name}#{node.id}"
            self._bound[name] = held
        _, more = self.of(node.step, facts)
        made = self._gathered(node, facts) if isinstance(node.init, MakeList) else plain("bool")
        self._scope, self._bound = old
        return made, (*found, *more)

    def _gathered(self, node: Loop, facts: Facts) -> Type:
        """Return the type of what `map` and `filter` give."""
        step: Node = node.step
        if isinstance(step, Call) and step.function == "_?_:_":
            facts = facts | facts_of(step.args[0], self._scope)[0]
            step = step.args[1]
        if isinstance(step, Call) and step.function == "_+_":
            added = step.args[1]
            if isinstance(added, MakeList) and len(added.elements) == 1:
                return list_of(self.of(added.elements[0], facts)[0])
        return ANY


def _constant_type(node: Const) -> Type:
    value = node.value
    match value:
        case None:
            return plain("null")
        case bool():
            return Type([Plain("bool")])
        case Uint():
            return plain("uint")
        case int():
            return Type([Plain("int", frozenset({("int", int(value))}))])
        case float():
            return plain("double")
        case str():
            return Type([Plain("string", frozenset({("string", value)}))])
        case bytes():
            return plain("bytes")


def _indexable(alt: Alt, key: Type) -> bool:
    kinds = set(key.kinds)
    if isinstance(alt, ListOf):
        return not kinds or kinds <= {"int", "uint", "double"}
    if isinstance(alt, MapOf):
        return not kinds or kinds <= {"string", "int", "uint", "double", "bool"}
    return False
