"""What is known of a value before there is one: the kinds it may have, its fields, its constants.

Types are values and unfold on demand, so one that holds itself is no trouble. Where they come from
is `sinkgraph.expr.schema`; what an expression may do with them `sinkgraph.expr.judge`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = [
    "ANY",
    "Alt",
    "Field",
    "ListOf",
    "MapOf",
    "OptionalOf",
    "Plain",
    "Type",
    "constant",
    "list_of",
    "meet",
    "named",
    "of_value",
    "plain",
    "union",
]

_MAX_ALTS = 64  # of one type; with more nothing is known

Constant: TypeAlias = "tuple[str, Any]"
"""A constant beside its kind, since `True == 1` in Python."""


@dataclass(frozen=True, slots=True)
class Plain:
    """Is a kind without parts: `null bool int double string bytes timestamp …`.

    `values`: the only ones there are, or None.
    """

    kind: str
    values: frozenset[Constant] | None = None


@dataclass(frozen=True, slots=True)
class ListOf:
    """Is a list whose elements are of one type."""

    item: Type
    kind: str = "list"


@dataclass(frozen=True, slots=True)
class OptionalOf:
    """Is what `.?field` gives."""

    item: Type
    kind: str = "optional"


@dataclass(frozen=True, slots=True)
class Field:
    """Is a field of a map: its type, and whether it is always there."""

    type: Type
    required: bool = False


@dataclass(frozen=True, slots=True)
class MapOf:
    """Is a map. `other`: the type of fields not named, None when there are none.

    `free`: it is meant to hold any names. `unsure`: whether its fields are there is said by rules
    that are not understood here.
    """

    fields: Mapping[str, Field]
    other: Type | None = None
    free: bool = False
    unsure: bool = False
    kind: str = "map"


Alt: TypeAlias = "Plain | ListOf | MapOf | OptionalOf"


class Type:
    """Is one of several alternatives, or anything (`alts` is None)."""

    __slots__ = ("_alts", "_make")

    def __init__(self, alts: Iterable[Alt] | Callable[[], Type] | None) -> None:
        self._make = alts if callable(alts) else None
        self._alts = None if alts is None or callable(alts) else tuple(alts)

    @property
    def alts(self) -> tuple[Alt, ...] | None:
        """The alternatives; none at all when nothing is known, or nothing can be."""
        if self._make is not None:
            make, self._make = self._make, None  # what needs itself to be made is not known
            found = make().alts
            self._alts = found if found and len(found) <= _MAX_ALTS else None
        return self._alts

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds it may have, in order; () when that is not known."""
        return tuple(dict.fromkeys(one.kind for one in self.alts or ()))

    def __repr__(self) -> str:
        return f"Type({', '.join(self.kinds) or 'any'})"


ANY = Type(None)


def plain(*kinds: str) -> Type:
    """Return the type of values of these kinds."""
    return Type(Plain(kind) for kind in kinds)


def list_of(item: Type) -> Type:
    """Return the type of a list."""
    return Type([ListOf(item)])


def named(fields: Mapping[str, Field]) -> Type:
    """Return the type of a map with these fields and no others."""
    return Type([MapOf(fields)])


def constant(value: Any) -> Constant | None:
    """Return a value beside its kind, None for one that has parts."""
    if value is None:
        return ("null", None)
    for kind, of in (("bool", bool), ("int", int), ("double", float), ("string", str)):
        if isinstance(value, of):
            plain_value = of(value)
            # 1 and 1.0 are equal for CEL
            return ("int", int(plain_value)) if _whole(plain_value) else (kind, plain_value)
    return None


def _whole(value: Any) -> bool:
    return isinstance(value, float) and value.is_integer()


_JSON = (bool, int, str, type(None))


def of_value(value: Any, *, exact: bool = False) -> Type:
    """Return the type of a value of JSON; ANY for one that is none.

    `exact`: its texts and numbers are the only ones there are.
    """
    if isinstance(value, dict):
        return named({str(k): Field(of_value(v, exact=exact), True) for k, v in value.items()})
    if isinstance(value, list | tuple):
        return list_of(union([of_value(one, exact=exact) for one in value]) if value else ANY)
    if isinstance(value, float):
        return plain("double")
    held = constant(value)
    if held is None or type(value) not in _JSON:
        return ANY
    return Type([Plain(held[0], frozenset({held}) if exact else None)])


def union(types: Iterable[Type]) -> Type:
    """Return the type of what is of one of these."""
    held = list(types)
    if len(held) == 1:
        return held[0]

    def make() -> Type:
        made: list[Alt] = []
        for one in held:
            if one.alts is None:
                return ANY
            made.extend(alt for alt in one.alts if not any(alt is old for old in made))
        return Type(_joined(made))

    return Type(make) if held else ANY


def _joined(alts: list[Alt]) -> list[Alt]:
    """Return alternatives without plain ones that another one holds."""
    made: list[Alt] = []
    for one in alts:
        if isinstance(one, Plain):
            same = [old for old in made if isinstance(old, Plain) and old.kind == one.kind]
            if same:
                (old,) = same
                both = None
                if old.values is not None and one.values is not None:
                    both = old.values | one.values
                made[made.index(old)] = Plain(one.kind, both)
                continue
        made.append(one)
    return made


def meet(one: Type, two: Type) -> Type:
    """Return the type of what is of both; anything when nothing can be."""

    def make() -> Type:
        if one.alts is None or two.alts is None:
            return two if one.alts is None else one
        made = [_both(a, b) for a in one.alts for b in two.alts]
        return Type([alt for alt in made if alt is not None])

    return Type(make)


def _both(one: Alt, two: Alt) -> Alt | None:
    if one.kind != two.kind:
        return None
    match one, two:
        case Plain(), Plain():
            if one.values is None or two.values is None:
                return two if one.values is None else one
            values = one.values & two.values
            return Plain(one.kind, values) if values else None
        case ListOf(), ListOf():
            return ListOf(meet(one.item, two.item))
        case MapOf(), MapOf():
            return _both_maps(one, two)
    return None


def _both_maps(one: MapOf, two: MapOf) -> MapOf:
    fields: dict[str, Field] = {}
    for name in (*one.fields, *(name for name in two.fields if name not in one.fields)):
        a, b = one.fields.get(name), two.fields.get(name)
        if a is not None and b is not None:
            fields[name] = Field(meet(a.type, b.type), a.required or b.required)
        else:
            fields[name] = a or b or Field(ANY)
    other = None if one.other is None or two.other is None else meet(one.other, two.other)
    free = one.free and two.free
    return MapOf(fields, other, free, one.unsure or two.unsure)
