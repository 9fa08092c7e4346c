"""JSON Schema (2020-12, and what draft 7 writes otherwise) into types, and what cannot be used.

It reads values that were parsed before, and no file. Rules that say nothing of kinds and fields
(`minimum`, `pattern`, `format`, …) are left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import unquote

from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.expr.types import (
    ANY,
    Alt,
    Constant,
    Field,
    ListOf,
    MapOf,
    Plain,
    Type,
    constant,
    meet,
    union,
)

__all__ = ["Pointer", "SchemaProblem", "schema_problems", "type_of_schema"]

Pointer: TypeAlias = tuple[str | int, ...]

_KINDS: Mapping[str, tuple[str, ...]] = {
    "null": ("null",),
    "boolean": ("bool",),
    "integer": ("int",),
    "number": ("int", "double"),
    "string": ("string",),
    "array": ("list",),
    "object": ("map",),
}
_MAP_WORDS = frozenset(
    {"properties", "required", "additionalProperties", "patternProperties", "unevaluatedProperties"}
)
_LIST_WORDS = frozenset({"items", "prefixItems", "contains"})
_UNSURE_WORDS = frozenset(
    {"if", "dependentRequired", "dependentSchemas", "dependencies", "not", "minProperties"}
)
_ONE = (
    "additionalProperties", "items", "contains", "not", "if", "then", "else", "propertyNames",
    "unevaluatedProperties", "unevaluatedItems", "additionalItems",
)  # fmt: skip
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_MAX_PROBLEMS = 100
_MAX_SCHEMAS = 20_000


@dataclass(frozen=True, slots=True)
class SchemaProblem:
    """Is one thing a schema cannot say: where (`on_key`: its key), what, and what to do."""

    at: Pointer
    headline: str
    label: str
    help: str = ""
    on_key: bool = False


def schema_problems(root: object) -> list[SchemaProblem]:
    """Return everything in a schema that is none, in the order found; never raises."""
    found: list[SchemaProblem] = []
    todo: list[tuple[Pointer, object]] = [((), root)]
    seen = 0
    while todo and len(found) < _MAX_PROBLEMS:
        at, one = todo.pop()
        seen += 1
        if seen > _MAX_SCHEMAS:
            headline = f"the schema holds more than {_MAX_SCHEMAS:,} schemas"
            return [*found, SchemaProblem((), headline, "too much", "split it by event type")]
        if isinstance(one, bool):
            continue
        if not isinstance(one, Mapping):
            found.append(SchemaProblem(at, "a schema is a mapping, or true or false", "no schema"))
            continue
        found.extend(_problems(one, at, root))
        todo.extend(reversed(list(_below(one, at))))
    return found


def _below(one: Mapping[str, Any], at: Pointer) -> Iterator[tuple[Pointer, object]]:
    for word in _ONE:
        if word in one:
            held = one[word]
            if word == "items" and isinstance(held, list):  # draft 7
                yield from (((*at, word, n), each) for n, each in enumerate(held))
            else:
                yield (*at, word), held
    for word in _LISTS:
        held = one.get(word)
        if isinstance(held, list):
            yield from (((*at, word, n), each) for n, each in enumerate(held))
    for word in _MAPS:
        held = one.get(word)
        if isinstance(held, Mapping):
            yield from (((*at, word, name), each) for name, each in held.items())


def _problems(one: Mapping[str, Any], at: Pointer, root: object) -> Iterator[SchemaProblem]:
    said = one.get("type")
    for n, word in enumerate(said if isinstance(said, list) else [said] if "type" in one else []):
        if not isinstance(word, str) or word not in _KINDS:
            place = (*at, "type", n) if isinstance(said, list) else (*at, "type")
            near = nearest(word, _KINDS) if isinstance(word, str) else None
            listed = ", ".join(f"`{kind}`" for kind in _KINDS)
            help = f"the nearest is `{near}`" if near else f"the types are {listed}"
            yield SchemaProblem(place, f"`{word}` is not a type of JSON Schema", "no type", help)
    for word in _MAPS:
        if word in one and not isinstance(one[word], Mapping):
            yield SchemaProblem((*at, word), f"`{word}` is a mapping", "not a mapping")
    for word in _LISTS:
        if word in one and not (isinstance(one[word], list) and one[word]):
            yield SchemaProblem((*at, word), f"`{word}` is a list of schemas", "not such a list")
    names = one.get("required", [])
    if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        yield SchemaProblem((*at, "required"), "`required` is a list of names", "not such a list")
    if "enum" in one and not isinstance(one["enum"], list):
        yield SchemaProblem((*at, "enum"), "`enum` is a list of values", "not a list")
    if "$ref" in one:
        yield from _bad_ref(one["$ref"], at, root)


def _bad_ref(ref: object, at: Pointer, root: object) -> Iterator[SchemaProblem]:
    place = (*at, "$ref")
    if not isinstance(ref, str):
        yield SchemaProblem(place, "`$ref` is text", "not text")
    elif not ref.startswith("#"):
        help = "copy what it names under `$defs` of this schema"
        yield SchemaProblem(place, f"`{ref}` is outside this schema", "nothing is fetched", help)
    elif ref != "#" and not ref.startswith("#/"):
        help = "write the way to it: `#/$defs/name`"
        yield SchemaProblem(place, f"`{ref}` names an anchor, which is not read", "anchor", help)
    elif _found(root, ref) is _NOTHING:
        defs = root.get("$defs", root.get("definitions")) if isinstance(root, Mapping) else None
        names = list(defs) if isinstance(defs, Mapping) else []
        near = nearest(ref.rpartition("/")[2], names)
        help = f"the nearest is `{ref.rpartition('/')[0]}/{near}`" if near else ""
        yield SchemaProblem(place, f"`{ref}` is not in this schema", "nothing there", help)


_NOTHING: Any = object()


def _found(root: object, ref: str) -> Any:
    """Return what a local reference names (RFC 6901), or NOTHING."""
    held = root
    for part in unquote(ref).removeprefix("#").split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(held, Mapping) and name in held:
            held = held[name]
        elif isinstance(held, list) and name.isdecimal() and int(name) < len(held):
            held = held[int(name)]
        else:
            return _NOTHING
    return held


def type_of_schema(root: object) -> Type:
    """Return the type of what is valid under a schema without problems."""
    known: dict[int, Type] = {}

    def read(one: object) -> Type:
        if not isinstance(one, Mapping):
            return ANY
        made = known.get(id(one))
        if made is None:
            made = known[id(one)] = Type(lambda: _read(one, root, read))
        return made

    return read(root)


Reader: TypeAlias = Callable[[object], Type]


def _read(one: Mapping[str, Any], root: object, read: Reader) -> Type:
    made = _own(one, read)
    if isinstance(one.get("$ref"), str):
        made = meet(made, read(_found(root, one["$ref"])))
    for each in one.get("allOf", ()):
        made = meet(made, read(each))
    for word in ("anyOf", "oneOf"):
        if one.get(word):
            made = meet(made, union([read(each) for each in one[word]]))
    return made


def _own(one: Mapping[str, Any], read: Reader) -> Type:
    """Return the type that the words beside `$ref`, `allOf`, … give."""
    said = one.get("type")
    if said is None:
        kinds = _kinds_without_type(one)
    else:
        words = said if isinstance(said, list) else [said]
        kinds = [kind for word in words for kind in _KINDS.get(word, ())]
    if one.get("nullable") is True and kinds:  # OpenAPI 3.0
        kinds = [*kinds, "null"]
    values = _values(one)
    if values is not None and said is None and not kinds:
        kinds = list(dict.fromkeys(kind for kind, _ in values))
    if not kinds:
        return ANY
    alts: list[Alt] = []
    for kind in dict.fromkeys(kinds):
        if kind == "map":
            alts.append(_map(one, read))
        elif kind == "list":
            alts.append(ListOf(_item(one, read)))
        elif values is None:
            alts.append(Plain(kind))
        else:
            mine = frozenset(each for each in values if _is(kind, each))
            if mine:
                alts.append(Plain(kind, mine))
    return Type(alts)


def _is(kind: str, value: Constant) -> bool:
    return value[0] == kind or (kind == "double" and value[0] == "int")


def _kinds_without_type(one: Mapping[str, Any]) -> list[str]:
    """Return what is meant where no type is said: a schema with fields is one of objects."""
    if not _MAP_WORDS.isdisjoint(one):
        return ["map"]
    return ["list"] if not _LIST_WORDS.isdisjoint(one) else []


def _values(one: Mapping[str, Any]) -> list[Constant] | None:
    """Return the only values there are; None where one of them has parts."""
    held = [one["const"]] if "const" in one else one.get("enum")
    if held is None:
        return None
    made = [constant(value) for value in held]
    known = [each for each in made if each is not None]
    return known if len(known) == len(made) else None


def _item(one: Mapping[str, Any], read: Reader) -> Type:
    first = one.get("prefixItems")
    items = one.get("items")
    if isinstance(items, list):  # draft 7
        first, items = items, one.get("additionalItems", True)
    if first is None:
        return read(items)
    rest = [] if items is False else [read(items)]
    return union([*(read(each) for each in first), *rest])


def _map(one: Mapping[str, Any], read: Reader) -> MapOf:
    required = set(one.get("required", ()))
    properties = one.get("properties", {})
    fields = {
        name: Field(read(each), name in required)
        for name, each in properties.items()
        if each is not False
    }
    for name in required - properties.keys():
        fields[name] = Field(ANY, True)
    patterns = list(one.get("patternProperties", {}).values())
    said = one.get("additionalProperties")
    closed = one.get("unevaluatedProperties") is False
    if said is False:  # what `allOf` and the like declare beside it is declared, too
        closed = closed or {"$ref", "allOf", "anyOf", "oneOf"}.isdisjoint(one)
    rest = [] if said is False or closed else [read(said)]
    others = [*rest, *(read(each) for each in patterns)]
    other = union(others) if others or not closed else None
    free = bool(patterns) or isinstance(said, Mapping) or not properties
    return MapOf(fields, other, free, not _UNSURE_WORDS.isdisjoint(one))
