"""The fields of a kind in words: type, default and description, read from its model.

It prints nothing; a model's own types and docstrings are the only source.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from sinkgraph.spec import fields as spec_fields
from sinkgraph.spec.descriptions import describe
from sinkgraph.spec.kind import Kind
from sinkgraph.spec.kinds import types as kind_types
from sinkgraph.spec.kinds.base import NodeSpec, Section

__all__ = ["FieldWords", "fields_of"]


@dataclass(frozen=True, slots=True)
class FieldWords:
    """Is one field in words. `inner`: the fields of a mapping, by the name of each variant."""

    name: str
    type: str
    required: bool
    default: Any
    description: str
    inner: tuple[tuple[str, tuple[FieldWords, ...]], ...] = ()
    everywhere: bool = False


def _reads(alias: Any) -> Any:
    """Return what reads the leaf of an annotated type."""
    return alias.__metadata__[0]


_WORDS: dict[int, str] = {
    id(_reads(alias)): word
    for alias, word in (
        (spec_fields.Text, "text"),
        (kind_types.Schema, "text"),
        (spec_fields.Name, "name"),
        (spec_fields.Flag, "true | false"),
        (spec_fields.Duration, "duration"),
        (spec_fields.DurationOrZero, "duration"),
        (spec_fields.Size, "size"),
        (spec_fields.Rate, "rate"),
        (spec_fields.Url, "url"),
        (spec_fields.Address, "address"),
        (spec_fields.JsonValue, "any value"),
        (kind_types.Word, "text"),
        (kind_types.Expression, "expression"),
        (kind_types.SecretField, "secret"),
        (kind_types.HeaderName, "header"),
        (kind_types.HeaderValue, "secret"),
        (kind_types.PythonName, "package.module:function"),
        (kind_types.CallTarget, "package.module:function"),
        (kind_types.StatusKey, "status"),
        (kind_types.InputPath, "path"),
        (kind_types.OutputPath, "path"),
    )
}


def fields_of(kind: Kind) -> tuple[FieldWords, ...]:
    """Return the fields of a kind: needed ones first, those every node has last; no `kind`."""
    describe([kind.model])
    targets = {port.name for port in kind.ports if not port.each}
    made = [one for one in _section(kind.model, targets) if one.name != "kind"]
    return tuple(sorted(made, key=lambda one: (one.everywhere, not one.required)))


def _section(model: type[Section], targets: frozenset[str] | set[str]) -> Iterator[FieldWords]:
    for name, field in model.model_fields.items():
        key = field.alias or name
        yield FieldWords(
            name=key,
            type=_port_type(field) if key in targets else _type(_annotated(field), model, key),
            required=field.is_required(),
            default=_default(field),
            description=" ".join((field.description or "").split()),
            inner=tuple(
                (title, tuple(_section(one, {"to"} if "to" in one.model_fields else set())))
                for title, one in _variants(field.annotation)
            )
            if key not in targets
            else (),
            everywhere=name in NodeSpec.model_fields,
        )


def _annotated(field: FieldInfo) -> Any:
    """Return the annotation of a field with what pydantic took off it."""
    made: Any = field.annotation
    for one in field.metadata:
        made = Annotated[made, one]
    return made


def _port_type(field: FieldInfo) -> str:
    many = get_origin(field.annotation) is tuple
    return "names of sinks" if many else "name of a sink"


def _type(annotation: Any, model: type[Section], key: str) -> str:
    """Return a type in words."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        for one in inner[1:]:
            if isinstance(one, spec_fields.Reads):
                return _WORDS.get(id(one)) or _number(one.schema)
        return _type(inner[0], model, key)
    if origin is Literal:
        return " | ".join(str(one) for one in inner if not _is_later(model, key, one))
    if origin in {Union, types.UnionType}:
        kept = [one for one in inner if one is not type(None)]
        return " | ".join(dict.fromkeys(_type(one, model, key) for one in kept))
    if origin is tuple:
        return f"list of {_type(inner[0], model, key)}"
    if origin is dict:
        return f"mapping of {_type(inner[0], model, key)} to {_type(inner[1], model, key)}"
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return "mapping"
    return "name of a sink" if annotation is str else getattr(annotation, "__name__", "value")


def _number(schema: dict[str, Any]) -> str:
    """Return a bounded number in words."""
    what = {"integer": "whole number", "number": "number"}.get(str(schema.get("type")), "value")
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    if low is None:
        return what
    above = "more than " if "exclusiveMinimum" in schema else ""
    return f"{what}, {above}{_digits(low)} to {_digits(schema['maximum'])}"


def _digits(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"


def _is_later(model: type[Section], key: str, word: object) -> bool:
    return any(
        one.field == key and isinstance(one.value, str) and one.value == word for one in model.later
    )


def _variants(annotation: Any) -> Iterator[tuple[str, type[Section]]]:
    """Yield the mappings a field may hold: each with the word that chooses it, or ""."""
    todo, found = [annotation], list[type[Section]]()
    while todo:
        one = todo.pop(0)
        if isinstance(one, type) and get_origin(one) is None:
            if issubclass(one, Section):
                found.append(one)
        else:
            todo.extend(arg for arg in get_args(one) if arg is not Ellipsis)
    for section in found:
        chooses = section.model_fields.get("kind")
        words = get_args(chooses.annotation) if chooses is not None and len(found) > 1 else ()
        yield (str(words[0]) if words else "", section)


def _default(field: FieldInfo) -> Any:
    """Return a default as a document would write it, or None when there is nothing to write."""
    if field.is_required():
        return None
    value = field.get_default(call_default_factory=True)
    if value is None or value in ((), {}):
        return None
    for one in field.metadata:
        if isinstance(one, spec_fields.Reads) and one.dump is not None:
            return one.dump(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value
