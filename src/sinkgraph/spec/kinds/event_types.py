"""The schemas of a source by the types of its events: how they are written, which can apply.

What a schema says is not read here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from sinkgraph.formats.type_patterns import DEFAULT, best_pattern, meets
from sinkgraph.spec.fields import Reads, fail, shown
from sinkgraph.spec.leaves import written
from sinkgraph.spec.problem import Problem

__all__ = ["TypePattern", "never_met", "two_answers"]

WIRES = frozenset({"cloudevents", "docker.registry"})
"""Schemas that tell how events are written too."""
_MOST = 256


def _pattern(value: Any) -> str:
    text = written(value)
    if not text:
        raise fail("SG122", f"{shown(value)} is no type of events", "write it like `order.created`")
    if len(text) > _MOST or not text.isprintable():
        what = f"is longer than {_MOST} characters, or holds one that cannot be shown"
        raise fail("SG123", f"the type {shown(value)} {what}")
    if "*" in text[:-1] or text == "*":
        help = f"write `order.*`; for every other type write `{DEFAULT}`"
        raise fail("SG123", f"{shown(value)} is no pattern: `*` stands at its end", help)
    return text


TypePattern = Annotated[str, Reads(_pattern, "unset", {"type": "string"})]
"""A type of events, or how types begin, with `*` behind; `default` is every other type."""


def two_answers(schema: str | None, schemas: Mapping[str, str]) -> Iterator[Problem]:
    """Yield a `schema` that says the same as `schemas` in another way."""
    if schemas and schema is not None and schema not in WIRES:
        yield Problem(
            "SG142",
            "`schema` and `schemas` both say what events look like",
            ("schema",),
            "for every event",
            help=(f"write it in `schemas`, for `{DEFAULT}`",),
            clash=((("schemas",), "by the type of an event"),),
        )


def never_met(kind: str, schema: str | None, schemas: Mapping[str, str]) -> Iterator[Problem]:
    """Yield types no event of such a source is of."""
    if schema == "cloudevents" or kind == "inlet":
        return
    notified = kind != "generate"
    for one in schemas:
        others = [other for other in schemas if other != one]
        plain = best_pattern(schemas, "event") == one
        if one == DEFAULT or plain or (notified and meets(one, others, "docker.registry.")):
            continue
        help = "write `schema: cloudevents`, by which events tell their type"
        yield Problem(
            "SG142",
            f"no event of this source is of type `{one}`",
            ("schemas", one),
            "events are of type `event`" + (" or `docker.registry.…`" if notified else ""),
            on_key=True,
            help=(help if notified else f"write `{DEFAULT}`",),
        )
