"""The JSON Schema of documents, generated from the models, for editors and `sinkgraph schema`.

It is a help while writing; what a document must satisfy is judged by the loader. It never refuses
what the loader takes. What it cannot know is which nodes a document has: the name of a target is
neither completed nor judged.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from sinkgraph.spec.descriptions import describe
from sinkgraph.spec.judged import model_keys
from sinkgraph.spec.kind import Kind, Side, all_kinds
from sinkgraph.spec.load import LATER, TOP_LEVEL, VERSION
from sinkgraph.spec.promises import Promise
from sinkgraph.spec.schema_fields import FILLED, described, shaped_field
from sinkgraph.spec.schema_words import EXAMPLES, SNIPPETS
from sinkgraph.spec.templates.params import ParamSpec
from sinkgraph.spec.vars import VarSpec

__all__ = ["document_schema", "kind_schema", "schema_text", "snippet"]

Schema = dict[str, Any]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REF = "#/$defs/{model}"
_NAME = r"^[A-Za-z0-9._-]{1,64}(/[A-Za-z0-9._-]{1,64})*$"
_NAMES = {"pattern": _NAME, "patternErrorMessage": "a name is 1 to 64 of `A-Z a-z 0-9 . _ -`"}
_SIDES: tuple[tuple[Side, str], ...] = (("source", "Source"), ("sink", "Sink"))
_PLACES = {"source": "sources", "sink": "sinks"}
_PORTS = "^(to|otherwise|overflow|dead_letter|default|routes|node)$"


def document_schema() -> Schema:
    """Return the JSON Schema of a whole document."""
    kinds = all_kinds()
    models: list[type[BaseModel]] = [
        *dict.fromkeys(one.model for one in kinds),
        *(VarSpec, Promise, ParamSpec),
    ]
    describe(models)
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = [(one, "validation") for one in models]
    names, made = models_json_schema(wanted, ref_template=_REF, by_alias=True)
    refs = {model: str(names[(model, "validation")]["$ref"]) for model, _ in wanted}
    held = {name: _model(name, one) for name, one in made.get("$defs", {}).items()}
    required: dict[str, list[str]] = {}
    for kind in kinds:
        model = held[refs[kind.model].rpartition("/")[2]]
        required[kind.side + kind.name] = _node(model, kind)
    defs: Schema = {}
    for side, title in _SIDES:
        defs[title] = _any_of_side(kinds, side, refs)
    defs.update(_strict(kinds, required))
    defs.update(held)
    return {
        "$schema": _DIALECT,
        "title": "sinkgraph document",
        "description": "Where events enter, what happens to them, and where they go.",
        "type": "object",
        "additionalProperties": False,
        "properties": _top_level(kinds, refs),
        "allOf": [*_head(), *_unless("defaults", "Whole"), *_unless("templates", "Known")],
        "$defs": defs,
    }


def kind_schema(kind: Kind) -> Schema:
    """Return the JSON Schema of the fields of one kind; sinks it may hold are in `$defs`."""
    defs: Schema = document_schema()["$defs"]
    union = defs["Source" if kind.side == "source" else "Sink"]
    wanted = {"const": kind.name}
    rules = (one for one in union["allOf"] if one["if"]["properties"]["kind"] == wanted)
    ref = next(rules)["then"]["$ref"]
    need = sorted(_required(kind), key=lambda name: name != "kind")
    return {"$schema": _DIALECT, **defs[ref.rpartition("/")[2]], "required": need, "$defs": defs}


def schema_text() -> str:
    """Return the schema of a document as indented JSON with a final newline."""
    return json.dumps(document_schema(), indent=1, ensure_ascii=False) + "\n"


def snippet(kind: Kind) -> Schema:
    """Return a node of a kind with the fields it cannot do without, as an editor proposes it."""
    made: Schema = {"kind": kind.name}
    for name in _required(kind):
        if name != "kind":
            known = EXAMPLES.get(f"{kind.model.__name__}.{name}", EXAMPLES.get(name, ("NAME",)))
            made[name] = known[0]
    return {**made, **SNIPPETS.get(kind.name, {})}


def _required(kind: Kind) -> list[str]:
    fields = kind.model.model_fields.items()
    return [field.alias or name for name, field in fields if field.is_required()]


# --- models and nodes ----------------------------------------------------------------------------


def _model(name: str, model: Schema) -> Schema:
    """Return the definition of a model, each of its fields put as editors show it."""
    fields = model.get("properties", {})
    made = {key: value for key, value in model.items() if key not in ("title", "description")}
    made["properties"] = {key: shaped_field(name, key, one) for key, one in fields.items()}
    return {**described(str(model.get("description", ""))), **made}


def _node(model: Schema, kind: Kind) -> list[str]:
    """Finish the definition of a kind: its name, and the `name:` of a node written in place.

    Returns the fields it needs, which its definition does not demand: `defaults` may hold them.
    """
    about = described(kind.summary)
    model["title"] = f"{kind.name} {'source' if kind.side == 'source' else 'sink'}"
    model["properties"]["kind"] = {**about, "const": kind.name}
    if kind.side == "sink":
        model["properties"]["name"] = {
            **described("The name of a node written in place [`<upstream>.<kind>`]."),
            "examples": ["audit"],
            "type": ["string", "number", "boolean"],
            "pattern": f"{_NAME}|{FILLED}",
        }
    return [one for one in model.pop("required", ()) if one != "kind"]


def _any_of_side(kinds: tuple[Kind, ...], side: Side, refs: dict[Any, str]) -> Schema:
    """Return a node of a side: its `kind` decides which definition the rest is judged by."""
    own = [one for one in kinds if one.side == side]
    texts = [one.summary for one in own]
    choice: Schema = {
        "type": "string",
        "enum": [one.name for one in own],
        "enumDescriptions": texts,
        "markdownEnumDescriptions": texts,
    }
    named = {"examples": [own[0].name], "anyOf": [choice, {"type": "string"}]}
    return {
        **described(f"A {side}; its `kind` says which."),
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {**described("What the node is; see `sinkgraph kinds`."), **named}},
        "allOf": [{"if": _is(one), "then": {"$ref": refs[one.model]}} for one in own],
        "defaultSnippets": [
            {"label": f"kind: {one.name}", "description": one.summary, "body": snippet(one)}
            for one in own
        ],
    }


def _is(kind: Kind) -> Schema:
    return {"properties": {"kind": {"const": kind.name}}, "required": ["kind"]}


# --- what is demanded of nodes beside the shape of their fields -----------------------------------


def _strict(kinds: tuple[Kind, ...], required: dict[str, list[str]]) -> Schema:
    """Return what a document without `defaults` and `templates` must keep in every node.

    `…Whole`: it has the fields its kind needs. `…Known`: its kind is one there is. Each reaches
    the nodes written in place, through their ports.
    """
    made: Schema = {}
    for side, title in _SIDES:
        own = [one for one in kinds if one.side == side]
        needs = [
            {"if": _is(one), "then": {"required": required[side + one.name]}}
            for one in own
            if required[side + one.name]
        ]
        listed = {"properties": {"kind": {"anyOf": [{"enum": [one.name for one in own]}, _FILLED]}}}
        made[f"{title}Whole"] = {"allOf": needs, "patternProperties": {_PORTS: _into("Whole")}}
        made[f"{title}Known"] = {**listed, "patternProperties": {_PORTS: _into("Known")}}
    return made


_FILLED = {"type": "string", "pattern": FILLED}


def _into(layer: str) -> Schema:
    """Return what holds of the target of a port: one, a list, or rules that have a `to`."""
    node: Schema = {"$ref": f"#/$defs/Sink{layer}"}
    return {"if": {"type": "array"}, "then": {"items": node}, "else": node}


def _unless(key: str, layer: str) -> list[Schema]:
    """Return that nodes keep a layer, in a whole document without `key` and without `include`."""
    free = {**_WHOLE, "not": {"anyOf": [{"required": [key]}, {"required": ["include"]}]}}
    held = {
        _PLACES[side]: {"additionalProperties": {"$ref": f"#/$defs/{title}{layer}"}}
        for side, title in _SIDES
    }
    return [{"if": free, "then": {"properties": held}}]


_WHOLE: Schema = {"anyOf": [{"required": ["sinkgraph"]}, {"required": ["name"]}]}
"""A document that is not only a part of others, for which it has neither."""


def _head() -> list[Schema]:
    """Return what a whole document has to say: of its nodes, what it includes may say all."""
    some = {"type": "object", "minProperties": 1}
    alone = {**_WHOLE, "not": {"required": ["include"]}}
    return [
        {"if": _WHOLE, "then": {"required": ["sinkgraph", "name"]}},
        {"if": alone, "then": {"required": ["sinks"], "properties": {"sinks": some}}},
    ]


# --- the top level --------------------------------------------------------------------------------


def _top_level(kinds: tuple[Kind, ...], refs: dict[Any, str]) -> Schema:
    texts: Schema = {"type": ["string", "number", "boolean"]}
    shapes: dict[str, Schema] = {
        "$schema": {"type": "string"},
        "sinkgraph": {"const": VERSION, "default": VERSION},
        "name": {**texts, "pattern": f"{_NAME}|{FILLED}"},
        "description": {"type": [*texts["type"], "null"]},
        "vars": _named({"$ref": refs[VarSpec]}, {}),
        "sources": _named({"$ref": "#/$defs/Source"}, _NAMES),
        "sinks": _named({"$ref": "#/$defs/Sink"}, _NAMES),
        "defaults": _defaults(kinds, refs),
        "include": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        "templates": _named(_template(refs), _TEMPLATE_NAMES),
        "promises": {"type": ["array", "null"], "items": {"$ref": refs[Promise]}},
        "tests": {"type": ["array", "null"]},
        "egress": {"type": ["object", "null"]},
    }
    return {
        key: {**described(text), "examples": [*EXAMPLES.get(key, ())], **shapes.get(key, {})}
        for key, text in TOP_LEVEL.items()
        if key not in LATER
    }


_TEMPLATE_NAMES = {
    "pattern": r"^[A-Za-z0-9._-]{1,64}$",
    "patternErrorMessage": "a template is named by 1 to 64 of `A-Z a-z 0-9 . _ -`",
}


def _template(refs: dict[Any, str]) -> Schema:
    """Return a template; its body is a node in which words of the language stand too."""
    body: Schema = {
        "type": "object",
        "required": ["kind"],
        "properties": {
            "kind": {"$ref": "#/$defs/Sink/properties/kind"},
            "pass": {
                **described("Fields a use may say of this node: `all`, a list, or all but some."),
                "examples": ["all", ["capacity"]],
                "anyOf": [
                    {"const": "all"},
                    {"type": "array", "items": {"type": "string"}},
                    {
                        "type": "object",
                        "required": ["except"],
                        "additionalProperties": False,
                        "properties": {"except": {"type": ["array", "string"]}},
                    },
                ],
            },
        },
    }
    return {
        **described("A composite node; a use names it as its `kind`."),
        "type": "object",
        "additionalProperties": False,
        "required": ["node"],
        "properties": {
            "description": {**described("What it is for."), "type": ["string", "null"]},
            "params": {
                **described("What a use says, or may say."),
                **_named({"$ref": refs[ParamSpec]}, {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}),
            },
            "node": {**described("The first node, with those it writes to in its ports."), **body},
        },
    }


def _named(each: Schema, names: Schema) -> Schema:
    keys = {"propertyNames": names} if names else {}
    return {"type": ["object", "null"], **keys, "additionalProperties": each}


def _defaults(kinds: tuple[Kind, ...], refs: dict[Any, str]) -> Schema:
    """Return the fields of each kind; a kind that is source and sink has those of both."""
    fields: dict[str, dict[str, list[str]]] = {}
    abouts: dict[str, str] = {}
    for one in kinds:
        held = fields.setdefault(one.name, {})
        abouts.setdefault(one.name, one.summary)
        for key in sorted(model_keys(one.model) - {"kind"}):
            held.setdefault(key, []).append(f"{refs[one.model]}/properties/{key}")
    each = {
        name: {
            **described(abouts[name]),
            "examples": [{}],
            "type": "object",
            "additionalProperties": False,
            "properties": {key: _one_of(places) for key, places in held.items()},
        }
        for name, held in fields.items()
    }
    return {"type": ["object", "null"], "additionalProperties": {}, "properties": each}


def _own(kinds: tuple[Kind, ...]) -> Schema:
    """Return that `defaults` are of kinds there are, in a document without templates."""
    free = {"not": {"anyOf": [{"required": ["templates"]}, {"required": ["include"]}]}}
    names = {"enum": sorted({one.name for one in kinds})}
    return {"if": free, "then": {"properties": {"defaults": {"propertyNames": names}}}}


def _one_of(places: list[str]) -> Schema:
    made: list[Schema] = [{"$ref": place} for place in places]
    return made[0] if len(made) == 1 else {"anyOf": made}
