"""The JSON Schema of documents, generated from the models, for editors and `sinkgraph schema`.

It is a help while writing; what a document must satisfy is judged by the loader.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from sinkgraph.spec.kind import Kind, Side, all_kinds
from sinkgraph.spec.load import TOP_LEVEL, VERSION
from sinkgraph.spec.nodes import model_keys
from sinkgraph.spec.promises import Promise
from sinkgraph.spec.vars import VarSpec

__all__ = ["document_schema", "kind_schema", "schema_text"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REF = "#/$defs/{model}"
_NAME = r"^[A-Za-z0-9._-]{1,64}(/[A-Za-z0-9._-]{1,64})*$"
_FILLED = {"type": "string", "pattern": r"\$\{"}
_ABOUT = frozenset({"description", "title", "default", "examples"})
_SIDES: tuple[tuple[Side, str], ...] = (("source", "Source"), ("sink", "Sink"))


def document_schema() -> dict[str, Any]:
    """Return the JSON Schema of a whole document."""
    kinds = all_kinds()
    models: list[type[BaseModel]] = [*dict.fromkeys(one.model for one in kinds), VarSpec, Promise]
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = [(one, "validation") for one in models]
    names, made = models_json_schema(wanted, ref_template=_REF, by_alias=True)
    defs: dict[str, Any] = _interpolated(made.get("$defs", {}))
    refs = {model: str(names[(model, "validation")]["$ref"]) for model, _ in wanted}
    for kind in kinds:
        if kind.side == "sink":
            _allow_name(defs[refs[kind.model].rpartition("/")[2]])
    for side, title in _SIDES:
        defs[title] = _union(kinds, side, refs)
    return {
        "$schema": _DIALECT,
        "title": "sinkgraph document",
        "description": "Where events enter, what happens to them, and where they go.",
        "type": "object",
        "additionalProperties": False,
        "required": ["sinkgraph", "name", "sinks"],
        "properties": _top_level(kinds, refs),
        "$defs": defs,
    }


def kind_schema(kind: Kind) -> dict[str, Any]:
    """Return the JSON Schema of the fields of one kind; sinks it may hold are in `$defs`."""
    whole = document_schema()
    defs: dict[str, Any] = whole["$defs"]
    union = defs["Source" if kind.side == "source" else "Sink"]
    ref: str = union["discriminator"]["mapping"][kind.name]
    return {"$schema": _DIALECT, **defs[ref.rpartition("/")[2]], "$defs": defs}


def schema_text() -> str:
    """Return the schema of a document as indented JSON with a final newline."""
    return json.dumps(document_schema(), indent=2, ensure_ascii=False) + "\n"


def _union(kinds: tuple[Kind, ...], side: Side, refs: dict[Any, str]) -> dict[str, Any]:
    mapping = {one.name: refs[one.model] for one in kinds if one.side == side}
    return {
        "description": f"A {side}; its `kind` says which.",
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": sorted(mapping)}},
        "discriminator": {"propertyName": "kind", "mapping": mapping},
        "oneOf": [{"$ref": ref} for ref in mapping.values()],
    }


def _interpolated(defs: dict[str, Any]) -> dict[str, Any]:
    """Return definitions in which a number, a flag or a formed text may be a `${…}` instead."""
    made = {name: dict(one) for name, one in defs.items()}
    for one in made.values():
        fields = one.get("properties", {})
        one["properties"] = {
            name: _or_filled(field) if name != "kind" else field for name, field in fields.items()
        }
    return made


def _or_filled(field: dict[str, Any]) -> dict[str, Any]:
    if "anyOf" in field:
        kinds = [*field["anyOf"]]
        if any(_formed(one) for one in kinds):
            return {**field, "anyOf": [*kinds, _FILLED]}
        return field
    if not _formed(field):
        return field
    shape = {key: value for key, value in field.items() if key not in _ABOUT}
    about = {key: value for key, value in field.items() if key in _ABOUT}
    return {**about, "anyOf": [shape, _FILLED]}


def _formed(field: dict[str, Any]) -> bool:
    return "pattern" in field or field.get("type") in ("integer", "number", "boolean")


def _allow_name(model: dict[str, Any]) -> None:
    """Let a sink have the `name:` it may be given where it is written in place."""
    name = {
        "type": "string",
        "pattern": _NAME,
        "description": "The name of a node written in place [`<upstream>.<kind>`].",
    }
    model["properties"] = {**model["properties"], "name": name}


def _top_level(kinds: tuple[Kind, ...], refs: dict[Any, str]) -> dict[str, Any]:
    names = {"pattern": _NAME}
    shapes: dict[str, dict[str, Any]] = {
        "sinkgraph": {"const": VERSION},
        "name": {"type": "string", "pattern": _NAME},
        "description": {"type": "string"},
        "vars": {"type": "object", "additionalProperties": {"$ref": refs[VarSpec]}},
        "sources": {
            "type": "object",
            "propertyNames": names,
            "additionalProperties": {"$ref": "#/$defs/Source"},
        },
        "sinks": {
            "type": "object",
            "propertyNames": names,
            "additionalProperties": {"$ref": "#/$defs/Sink"},
            "minProperties": 1,
        },
        "defaults": _defaults(kinds),
        "promises": {"type": "array", "items": {"$ref": refs[Promise]}},
        "tests": {"type": "array"},
    }
    return {key: {"description": TOP_LEVEL[key], **shape} for key, shape in shapes.items()}


def _defaults(kinds: tuple[Kind, ...]) -> dict[str, Any]:
    fields: dict[str, set[str]] = {}
    for one in kinds:
        fields.setdefault(one.name, set()).update(model_keys(one.model) - {"kind"})
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            name: {"type": "object", "propertyNames": {"enum": sorted(keys)}}
            for name, keys in fields.items()
        },
    }
