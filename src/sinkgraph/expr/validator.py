"""Events held against a JSON Schema (2020-12, and draft 7's `items` and `definitions`).

A schema becomes one function that says why a value is not valid, or nothing. `format` says nothing,
as the standard has it; what is not supported is named by `unsupported`, never passed over.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias
from urllib.parse import unquote

import msgspec

from sinkgraph.expr.library import compile_text
from sinkgraph.expr.patterns import read_pattern

__all__ = ["Validator", "unsupported", "validator"]

Validator: TypeAlias = Callable[[Any], str | None]
"""Returns why a value is not valid, in one line, or None."""
_Check: TypeAlias = Callable[[Any, str], "str | None"]

_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: value.__class__ is bool,
    "integer": lambda value: (
        value.__class__ is int or (value.__class__ is float and value.is_integer())
    ),
    "number": lambda value: value.__class__ is int or value.__class__ is float,
    "string": lambda value: value.__class__ is str,
    "array": lambda value: value.__class__ is list,
    "object": lambda value: value.__class__ is dict,
}
_UNSUPPORTED = frozenset(
    {"unevaluatedItems", "unevaluatedProperties", "$dynamicRef", "$recursiveRef", "dependencies"}
)
_HOLD_NAMES = frozenset(
    {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"}
)
_HOLD_VALUES = frozenset({"enum", "const", "default", "examples", "example"})


def unsupported(schema: object) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield where a schema uses a word that is not held against events, and the word."""
    todo: list[tuple[tuple[str | int, ...], object, bool]] = [((), schema, True)]
    while todo:
        at, one, words = todo.pop()
        if isinstance(one, Mapping):
            for key, held in one.items():
                if words and key in _UNSUPPORTED:
                    yield (*at, key), key
                elif not (words and key in _HOLD_VALUES):
                    todo.append(((*at, key), held, not (words and key in _HOLD_NAMES)))
                if words and key == "pattern" and not _compiles(held):
                    yield (*at, key), key
            names = one.get("patternProperties") if words else None
            for name in names if isinstance(names, Mapping) else ():
                if not _compiles(name):
                    yield (*at, "patternProperties", name), "patternProperties"
        elif isinstance(one, list):
            todo.extend(((*at, n), each, True) for n, each in enumerate(one))


def _compiles(pattern: object) -> bool:
    return isinstance(pattern, str) and _refusal(pattern) is None


def validator(schema: object) -> Validator:
    """Return what holds values against a schema that was judged before."""
    made = _Maker(schema)
    whole = made.of(schema)

    def check(value: Any) -> str | None:
        try:
            return whole(value, "")
        except RecursionError:
            return "it is nested too deeply to be held against the schema"

    return check


def _at(path: str, step: str | int) -> str:
    if len(path) > 200:
        return path
    return f"{path}/{str(step)[:80]}"


def _said(path: str, what: str) -> str:
    return f"{path.lstrip('/') or 'the event'} {what}"


class _Maker:
    """Makes one function for each schema, also where it holds itself."""

    def __init__(self, root: object) -> None:
        self._root = root
        self._known: dict[int, _Check] = {}

    def of(self, schema: object) -> _Check:
        """Return what holds a value, and the path to it, against a schema."""
        if schema is True or not isinstance(schema, Mapping):
            return (
                (lambda value, path: _said(path, "may not be there")) if schema is False else _any
            )
        key = id(schema)
        if key not in self._known:
            checks: list[_Check] = []

            def every(value: Any, path: str) -> str | None:
                for check in checks:
                    why = check(value, path)
                    if why is not None:
                        return why
                return None

            self._known[key] = every
            checks.extend(self._checks(schema))
        return self._known[key]

    def _checks(self, schema: Mapping[str, Any]) -> Iterator[_Check]:
        if isinstance(schema.get("$ref"), str):
            yield self.of(self._named(schema["$ref"]))
        if "type" in schema:
            yield _typed(schema["type"])
        if "const" in schema:
            yield _one_of([schema["const"]])
        if "enum" in schema:
            yield _one_of(schema["enum"])
        yield from _numbers(schema)
        yield from _texts(schema)
        yield from self._maps(schema)
        yield from self._lists(schema)
        yield from self._joined(schema)

    def _named(self, ref: str) -> object:
        held: Any = self._root
        for part in unquote(ref).removeprefix("#").split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            held = held[int(name)] if isinstance(held, list) else held[name]
        return held

    def _maps(self, schema: Mapping[str, Any]) -> Iterator[_Check]:
        required = list(schema.get("required", ()))
        if required:
            yield _needs(required)
        yield from _sized(schema, dict, "minProperties", "maxProperties", "fields")
        named = {name: self.of(one) for name, one in schema.get("properties", {}).items()}
        patterns = [
            (_search(name), self.of(one))
            for name, one in schema.get("patternProperties", {}).items()
        ]
        rest = self.of(schema["additionalProperties"]) if "additionalProperties" in schema else None
        names = self.of(schema["propertyNames"]) if "propertyNames" in schema else None
        needed = schema.get("dependentRequired", {})
        also = {name: self.of(one) for name, one in schema.get("dependentSchemas", {}).items()}

        def check(value: Any, path: str) -> str | None:
            if value.__class__ is not dict:
                return None
            for name, one in value.items():
                below = _at(path, name)
                inner = named.get(name)
                why = inner(one, below) if inner is not None else None
                matched = [each for pattern, each in patterns if pattern(name)]
                for each in matched:
                    why = why or each(one, below)
                if rest is not None and inner is None and not matched:
                    why = rest(one, below)
                if names is not None:
                    why = why or names(name, below)
                if name in needed:
                    why = why or _needs(needed[name])(value, path)
                if name in also:
                    why = why or also[name](value, path)
                if why is not None:
                    return why
            return None

        if named or patterns or rest or names or needed or also:
            yield check

    def _lists(self, schema: Mapping[str, Any]) -> Iterator[_Check]:
        yield from _sized(schema, list, "minItems", "maxItems", "elements")
        first, items = schema.get("prefixItems", ()), schema.get("items", True)
        if isinstance(items, list):
            first, items = items, schema.get("additionalItems", True)
        heads, rest = [self.of(one) for one in first], self.of(items)
        if heads or items is not True:

            def each(value: Any, path: str) -> str | None:
                if value.__class__ is list:
                    for n, one in enumerate(value):
                        why = (heads[n] if n < len(heads) else rest)(one, _at(path, n))
                        if why is not None:
                            return why
                return None

            yield each
        if schema.get("uniqueItems") is True:
            yield _distinct
        if "contains" in schema:
            wanted = self.of(schema["contains"])
            low, high = schema.get("minContains", 1), schema.get("maxContains", math.inf)

            def holds(value: Any, path: str) -> str | None:
                if value.__class__ is not list:
                    return None
                count = sum(wanted(one, path) is None for one in value)
                return None if low <= count <= high else _said(path, "holds too few or too many")

            yield holds

    def _joined(self, schema: Mapping[str, Any]) -> Iterator[_Check]:
        yield from (self.of(one) for one in schema.get("allOf", ()))
        for word, most in (("anyOf", math.inf), ("oneOf", 1)):
            if word in schema:
                yield _some([self.of(one) for one in schema[word]], most)
        if "not" in schema:
            refused = self.of(schema["not"])
            yield (
                lambda value, path: (
                    None if refused(value, path) else _said(path, "is what `not` refuses")
                )
            )
        if "if" in schema:
            test = self.of(schema["if"])
            yes, no = self.of(schema.get("then", True)), self.of(schema.get("else", True))
            yield lambda value, path: (yes if test(value, path) is None else no)(value, path)


def _any(value: Any, path: str) -> str | None:
    return None


def _typed(said: Any) -> _Check:
    words = said if isinstance(said, list) else [said]
    tests = [_TYPES[word] for word in words]
    shown = " or ".join(words)

    def check(value: Any, path: str) -> str | None:
        for test in tests:
            if test(value):
                return None
        return _said(path, f"is not of type {shown}")

    return check


def _plain(value: Any) -> Any:
    """Return what equals another such value exactly where JSON says that both are equal."""
    match value:
        case bool() | None | str():
            return (value.__class__.__name__, value)
        case int() | float():
            return ("number", value)
        case list():
            return ("list", tuple(map(_plain, value)))
        case dict():
            return ("map", frozenset((name, _plain(one)) for name, one in value.items()))
    return value


def _one_of(values: list[Any]) -> _Check:
    known = frozenset(map(_plain, values))
    shown = ", ".join(msgspec.json.encode(one).decode()[:40] for one in values[:5])

    def check(value: Any, path: str) -> str | None:
        return None if _plain(value) in known else _said(path, f"is none of {shown}")

    return check


def _numbers(schema: Mapping[str, Any]) -> Iterator[_Check]:
    tests: list[tuple[str, str, Callable[[Any, Any], bool]]] = [
        ("minimum", "is less than", lambda value, bound: value >= bound),
        ("maximum", "is more than", lambda value, bound: value <= bound),
        ("exclusiveMinimum", "is not more than", lambda value, bound: value > bound),
        ("exclusiveMaximum", "is not less than", lambda value, bound: value < bound),
        ("multipleOf", "is no multiple of", _is_multiple),
    ]
    for word, said, test in tests:
        bound = schema.get(word)
        if bound.__class__ in {int, float}:
            yield _bounded(test, bound, said)


def _bounded(test: Callable[[Any, Any], bool], bound: Any, said: str) -> _Check:
    def check(value: Any, path: str) -> str | None:
        if value.__class__ not in {int, float} or test(value, bound):
            return None
        return _said(path, f"{said} {bound}")

    return check


def _is_multiple(value: Any, of: Any) -> bool:
    if isinstance(of, float) or isinstance(value, float):
        return bool((value / of).is_integer()) if of else False
    return bool(of and value % of == 0)


def _texts(schema: Mapping[str, Any]) -> Iterator[_Check]:
    yield from _sized(schema, str, "minLength", "maxLength", "characters")
    if isinstance(schema.get("pattern"), str):
        text, search = schema["pattern"], _search(schema["pattern"])
        yield (
            lambda value, path: (
                _said(path, f"does not match `{text[:80]}`")
                if value.__class__ is str and not search(value)
                else None
            )
        )


def _sized(schema: Mapping[str, Any], of: Any, low: str, high: str, what: str) -> Iterator[_Check]:
    least, most = schema.get(low, 0), schema.get(high, math.inf)
    if low in schema or high in schema:
        yield (
            lambda value, path: (
                _said(path, f"has {len(value)} {what}")
                if value.__class__ is of and not least <= len(value) <= most
                else None
            )
        )


def _needs(names: list[str]) -> _Check:
    def check(value: Any, path: str) -> str | None:
        if value.__class__ is dict:
            for name in names:
                if name not in value:
                    return _said(path, f"has no `{name[:80]}`")
        return None

    return check


def _distinct(value: Any, path: str) -> str | None:
    if value.__class__ is list and len(set(map(_plain, value))) < len(value):
        return _said(path, "holds an element twice")
    return None


def _search(pattern: str) -> Callable[[str], bool]:
    """Return what finds a pattern in a text, in time bounded by the text (RE2's dialect)."""
    fast = read_pattern(pattern)
    program = compile_text("id.matches(type)")

    def find(text: str) -> bool:
        if fast is not None and len(text) <= fast.longest:
            return fast.find(text) is not None
        if isinstance(program, list):
            raise AssertionError("a probe that always compiles")
        value = program.eval(data={"ev.id": text, "ev.type": pattern})
        return str(value.type()) == "BOOL" and value.plain_value() is True

    return find


def _refusal(pattern: str) -> str | None:
    """Return why RE2 does not take a pattern, or None."""
    program = compile_text("id.matches(type)")
    if isinstance(program, list) or "\0" in pattern:
        return "it holds NUL"
    value = program.eval(data={"ev.id": "", "ev.type": pattern})
    return None if str(value.type()) == "BOOL" else str(value)


def _some(checks: list[_Check], most: float) -> _Check:
    def check(value: Any, path: str) -> str | None:
        first: str | None = None
        count = 0
        for each in checks:
            why = each(value, path)
            first = first or why
            count += why is None
        if 1 <= count <= most:
            return None
        return _said(path, "is valid in more than one way") if count else first

    return check
