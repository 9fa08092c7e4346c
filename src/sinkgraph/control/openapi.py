"""The OpenAPI of the control plane, made from its ways and models.

It describes and serves nothing.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from sinkgraph import __version__
from sinkgraph.api.messages import Problem
from sinkgraph.control.ways import WAYS, Way

__all__ = ["description"]

_REF = "#/components/schemas/{model}"
_ALWAYS = (400, 401, 403, 405, 421, 500)
_PROBLEMS = {
    400: "it cannot be read",
    401: "a token is needed",
    403: "not allowed",
    404: "there is no such thing",
    405: "not a method of this path",
    409: "not possible for this node, or not now",
    412: "it has changed since",
    413: "too large",
    415: "not JSON",
    421: "another host is meant",
    422: "not valid",
    428: "it is not said which generation is meant",
    429: "no room now",
    500: "an error in sinkgraph",
    501: "this run cannot do that",
    503: "not taken, or too busy",
}


@cache
def description() -> dict[str, Any]:
    """Return the OpenAPI document, version 3.1."""
    used: dict[type[BaseModel], None] = {Problem: None}
    for way in WAYS:
        for model in (way.asks, way.gives, *way.streams.values()):
            if isinstance(model, type):
                used[model] = None
    _, schemas = models_json_schema([(model, "validation") for model in used], ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for way in WAYS:
        paths.setdefault(way.path, {})[way.method.lower()] = _operation(way)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "sinkgraph",
            "version": __version__,
            "description": "Look at a running graph, and change how it runs.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(way: Way) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{way.method.lower()}{way.path}").strip("_"),
        "summary": way.says,
        "responses": {str(way.status): {"description": way.says, "content": _content(way)}},
    }
    if way.scope is not None:
        made["security"] = [{"token": [way.scope]}]
        made["description"] = f"Needs the scope `{way.scope}`."
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in ("name", "number")
        if f"{{{name}}}" in way.path
    ]
    for query in way.query:
        schema: dict[str, Any] = {"type": query.type}
        if query.many:
            schema = {"type": "array", "items": schema}
        parameters.append(
            {"name": query.name, "in": "query", "description": query.help, "schema": schema}
        )
    if parameters:
        made["parameters"] = parameters
    if way.asks is not None:
        content = {"application/json": {"schema": _ref(way.asks)}}
        needed = any(field.is_required() for field in way.asks.model_fields.values())
        made["requestBody"] = {"required": needed, "content": content}
    body = {"application/problem+json": {"schema": _ref(Problem)}}
    for status in sorted({*_ALWAYS, *way.problems}):
        known = made["responses"].setdefault(
            str(status), {"description": _PROBLEMS[status], "content": dict(body)}
        )
        known["content"] = {**body, **known["content"]}
    if way.path == "/readyz":
        made["responses"]["503"]["content"] = _content(way)
    return made


def _content(way: Way) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if isinstance(way.gives, type):
        made["application/json"] = {"schema": _ref(way.gives)}
    elif way.gives == "application/json":
        made[way.gives] = {"schema": {"type": "object"}}
    elif way.gives is not None:
        made[way.gives] = {"schema": {"type": "string"}}
    if way.streams:
        events = {name: {"$ref": _ref(model)["$ref"]} for name, model in way.streams.items()}
        made["text/event-stream"] = {
            "schema": {"type": "string", "description": "server-sent events"},
            "x-events": events,
        }
    return made


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}
