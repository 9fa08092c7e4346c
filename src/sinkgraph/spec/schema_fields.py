"""One field of the JSON Schema: what pydantic makes of it, put as an editor shows it best.

It knows no kind; the whole is put together by `sinkgraph.spec.schema`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sinkgraph.spec import units
from sinkgraph.spec.schema_words import EXAMPLES, WORDS

__all__ = ["FILLED", "described", "shaped_field", "words"]

Schema = dict[str, Any]

FILLED = r"\$\{"
"""What tells a text that holds a `${…}`, in a regular expression."""

_OR_FILLED = ", or a `${…}`"
_WRITE = {
    "integer": "write a whole number" + _OR_FILLED,
    "number": "write a number" + _OR_FILLED,
    "boolean": "write `true` or `false`" + _OR_FILLED,
}
_APART = frozenset({"title", "description", "default"})
_SINK = "#/$defs/Sink"
_NAMED: Schema = {"type": ["string", "number", "boolean"]}
_WRITERS: Mapping[str, Callable[[Any], str]] = {
    units.DURATION_PATTERN: units.format_duration,
    units.SIZE_PATTERN: units.format_size,
    units.RATE_PATTERN: units.format_rate,
}
_KEYED = ("items", "additionalProperties")
_TELLING: Mapping[str, Schema] = {
    "Branch": {"required": ["node"], "not": {"required": ["kind"]}},
    "GoEventsBackoff": {"properties": {"kind": {"const": "go_events"}}, "required": ["kind"]},
}
"""A model → what a mapping holds that is of it, where it may be of another one too."""


def shaped_field(model: str, name: str, field: Schema) -> Schema:
    """Return a field as editors are given it: interpolation allowed, texts, examples, words.

    `model` is the name of the model it is a field of.
    """
    made = _shaped({key: value for key, value in field.items() if key not in _APART})
    own = made.pop("examples", ())
    examples = list(_known(EXAMPLES, model, name) or own)
    shown: Schema = {"examples": examples} if examples else {}
    if field.get("default") is not None:
        shown["default"] = _as_written(field)
    _explain_words(made, _known(WORDS, model, name) or {})
    return {**described(str(field.get("description", ""))), **shown, **made}


def described(text: str) -> Schema:
    """Return a docstring as the description of a schema, with its marks where it has some."""
    flat = " ".join(text.split())
    if not flat:
        return {}
    marked = {"markdownDescription": flat} if "`" in flat else {}
    return {"description": flat, **marked}


def words(choice: Mapping[str, str]) -> Schema:
    """Return the schema of one of several words, each with what it means."""
    texts = list(choice.values())
    return {
        "type": "string",
        "enum": list(choice),
        "enumDescriptions": texts,
        "markdownEnumDescriptions": texts,
    }


def _as_written(field: Schema) -> Any:
    """Return the default of a field as a document writes it, with its unit."""
    default = field["default"]
    if isinstance(default, int | float):
        for one in (field, *field.get("anyOf", ())):
            if one.get("pattern") in _WRITERS:
                return _WRITERS[one["pattern"]](default)
    return default


def _known(table: Mapping[str, Any], model: str, name: str) -> Any:
    return table.get(f"{model}.{name}", table.get(name))


def _explain_words(schema: Schema, known: Mapping[str, str]) -> None:
    """Say of each word of a choice within a field what it means."""
    for one in (schema, *schema.get("anyOf", ())):
        if "enum" in one and all(word in known for word in one["enum"]):
            one.update(words({word: known[word] for word in one["enum"]}))
        for key in _KEYED:
            if isinstance(one.get(key), dict):
                _explain_words(one[key], known)


def _shaped(schema: Schema) -> Schema:
    """Return a schema that takes a `${…}` where the loader does, in as few branches as it can."""
    made = {key: value for key, value in schema.items() if key != "title"}
    made.update({key: _shaped(made[key]) for key in _KEYED if isinstance(made.get(key), dict)})
    branches = made.pop("anyOf", None) or made.pop("oneOf", None)
    if branches is None:
        return _or_filled(made)
    if {"$ref": _SINK} in branches:
        branches = [_NAMED if one.get("type") == "string" else one for one in branches]
    parts = _told_apart([one for one in branches if one != {"type": "null"}])
    shapes = [_shaped(one) for one in parts]
    shapes = [part for one in shapes for part in _branches_of(one)]
    if len(parts) < len(branches) and {"type": "null"} in branches:
        shapes = _or_null(shapes)
    if len(shapes) == 1:
        return {**shapes[0], **made}
    example = next((one["examples"] for one in shapes if "examples" in one), None)
    bare = [{key: value for key, value in one.items() if key != "examples"} for one in shapes]
    return {**made, **({"examples": example} if example else {}), "anyOf": bare}


def _branches_of(schema: Schema) -> list[Schema]:
    branches: list[Schema] = schema["anyOf"] if schema.keys() == {"anyOf"} else [schema]
    return branches


def _or_filled(schema: Schema) -> Schema:
    kind, pattern = schema.get("type"), schema.get("pattern")
    if "enum" in schema:
        return {"anyOf": [schema, {"type": "string", "pattern": FILLED}]}
    if isinstance(kind, str) and kind in _WRITE:
        error = {"patternErrorMessage": _WRITE[kind]}
        return {**schema, "type": [kind, "string"], "pattern": FILLED, **error}
    if pattern is not None and "not" not in schema and not pattern.startswith("^(?!"):
        like = " or ".join(f"`{one}`" for one in schema.get("examples", ())[:3])
        error = {"patternErrorMessage": f"write it like {like}{_OR_FILLED}"} if like else {}
        return {**schema, "pattern": f"{pattern}|{FILLED}", **error}
    return schema


def _or_null(shapes: list[Schema]) -> list[Schema]:
    """Let a field be written without a value, within the branch it has when that can be."""
    first = shapes[0]
    if len(shapes) == 1 and "type" in first and not first.keys() & {"enum", "if"}:
        kind = first["type"]
        return [{**first, "type": [*([kind] if isinstance(kind, str) else kind), "null"]}]
    if len(shapes) == 1 and not first.keys() & {"$ref", "enum", "anyOf", "if"}:
        return shapes
    return [*shapes, {"type": "null"}]


def _told_apart(branches: list[Schema]) -> list[Schema]:
    """Put two branches that are mappings into one that says which of them is meant.

    An editor then completes and judges the one, not both.
    """
    refs = [one["$ref"] for one in branches if "$ref" in one]
    special = next((one for one in refs if one.rpartition("/")[2] in _TELLING), None)
    if len(refs) != 2 or special is None:
        return branches
    other = next(one for one in refs if one != special)
    test = _TELLING[special.rpartition("/")[2]]
    both = {"type": "object", "if": test, "then": {"$ref": special}, "else": {"$ref": other}}
    return [*(one for one in branches if "$ref" not in one), both]
