"""The order `sinkgraph fmt` gives the keys of a document: of its top level, of nodes, of sections.

It reads no text and moves nothing; names that a user chose (of nodes, vars, headers) have no order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args

from pydantic import BaseModel

from sinkgraph.spec.kind import Side, find_kind
from sinkgraph.spec.kinds.base import Section
from sinkgraph.spec.load import TOP_LEVEL
from sinkgraph.spec.promises import Promise
from sinkgraph.spec.vars import VarSpec

__all__ = ["DOCUMENT", "FIELDS", "PORTS", "Shape"]

FIELDS = (
    # every node, and a node of a template
    *("kind", "name", "was", "description", "group", "enabled", "on_remove"),
    *("given", "each", "pass"),
    # what it is about: an address, files, a function, a condition, a key
    *("listen", "path", "paths", "follow", "from", "url", "method", "target"),
    *("where", "set", "compute", "remove", "rename", "python", "by", "key", "ratio", "every"),
    *("count", "rate", "burst", "event", "window", "max_ids", "after"),
    # how events are read and written
    *("schema", "schemas", "validate", "format", "token", "tokens", "verify", "tls", "open"),
    "max_body",
    *("headers", "signing", "timeout", "ignore", "rotate", "sync", "readers"),
    # what waits
    *("store", "capacity", "max_events", "max_bytes", "max_age", "when_full", "max_wait"),
    *("order_by", "concurrency", "max_batch", "linger", "on_stop"),
    # what is tried again
    *("backoff", "breaker", "failure_threshold", "open_for", "open_for_max", "reopen_factor"),
    *("jitter", "probes", "half_open_max", "min_calls", "failure_rate", "slow_after", "slow_rate"),
    *("max_attempts", "give_up_after", "hold", "retry_after_cap", "on_status", "egress"),
    "on_error",
)
"""The fields of nodes up to where events go on; a field of a plugin's kind stands after them."""

PORTS = ("overflow", "dead_letter", "routes", "to", "otherwise", "default")
"""Where events go on."""

_EVERY = FIELDS[: FIELDS.index("listen")]

_Role = Literal["names", "defaults", "node", "target", "section", "list", "other"]
_RULE = ("when", "to")
_BRANCH = ("node", "required")
_TEMPLATE = ("description", "params", "node")
_PARAM = ("type", "items", "choices", "min", "max", "default", "description", "fields")
_TEST = ("name", "description")


@dataclass(frozen=True, slots=True)
class Shape:
    """Is what a value of a document is, as far as the order of its keys goes.

    `keys`: their order. `inner`: what every entry of it is; `entries`: what single ones are.
    `model` and `side` tell what the fields of a node are.
    """

    role: _Role
    keys: tuple[str, ...] = ()
    inner: Shape | None = None
    entries: tuple[tuple[str, Shape], ...] = ()
    model: type[BaseModel] | None = None
    side: Side = "sink"

    def rank(self, key: str) -> int:
        """Return where a key stands; keys without a place stand between the fields and the ports.

        Where nothing has a place, all ranks are equal.
        """
        if self.role == "node":
            return _ranks(self.model).get(key, len(FIELDS))
        return _places(self.keys).get(key, len(self.keys))

    @property
    def free(self) -> bool:
        """Whether its keys stay in the order they are written in."""
        return self.role != "node" and not self.keys

    def entry(self, key: str) -> Shape:
        """Return what stands under a key."""
        match self.role:
            case "names":
                return self.inner or _OTHER
            case "defaults":
                return Shape("node", model=_model("sink", key) or _model("source", key))
            case "node":
                return self._field(key)
            case "section":
                for name, shape in self.entries:
                    if name == key:
                        return shape
                if key == "fields" and self.keys == _PARAM:
                    return _PARAMS
                if key in ("to", "node", "default") and self.keys in (_RULE, _BRANCH):
                    return _TARGET
                return _section_of(self.model, key)
            case _:
                return _OTHER

    def item(self) -> Shape:
        """Return what an item of a list is."""
        if self.role in ("target", "section"):
            return self
        return self.inner if self.role == "list" and self.inner is not None else _OTHER

    def settled(self, text_of: Callable[[str], str | None]) -> Shape:
        """Return the shape of a mapping whose texts are known.

        `text_of` gives the text of a key: None when there is none, "" when it is no text.
        """
        if self.role == "target":
            kind = text_of("kind")
            if kind is not None:
                return Shape("node", model=_model("sink", kind))
            return _REQUIRED if text_of("node") is not None else _OTHER
        if self.role == "node" and self.model is None:
            return Shape("node", model=_model(self.side, text_of("kind")), side=self.side)
        return self

    def _field(self, key: str) -> Shape:
        if key == "routes":
            return Shape("list", inner=Shape("section", _RULE))
        if key in PORTS:
            return _TARGET
        return _section_of(self.model, key)


def _section(model: type[BaseModel]) -> Shape:
    keys = tuple(one.alias or name for name, one in model.model_fields.items())
    return Shape("section", keys, model=model)


_OTHER = Shape("other")
_TARGET = Shape("target")
_REQUIRED = Shape("section", _BRANCH)
_PARAMS = Shape("names", inner=Shape("section", _PARAM))
DOCUMENT = Shape(
    "section",
    tuple(TOP_LEVEL),
    entries=(
        ("vars", Shape("names", inner=_section(VarSpec))),
        ("defaults", Shape("defaults")),
        (
            "templates",
            Shape(
                "names",
                inner=Shape(
                    "section",
                    _TEMPLATE,
                    entries=(
                        ("params", _PARAMS),
                        ("node", _TARGET),
                    ),
                ),
            ),
        ),
        ("sources", Shape("names", inner=Shape("node", side="source"))),
        ("sinks", Shape("names", inner=Shape("node"))),
        ("promises", Shape("list", inner=_section(Promise))),
        ("tests", Shape("list", inner=Shape("section", _TEST))),
    ),
)
"""A whole document."""


@cache
def _ranks(model: type[BaseModel] | None) -> dict[str, int]:
    """Return the places of fields: of those every node has, when the kind is not known.

    Where events are written in a format, how many go together is told beside it.
    """
    if model is None:
        return _places(_EVERY)
    fields = list(FIELDS)
    if {"format", "max_batch"} <= model.model_fields.keys():
        fields.remove("max_batch")
        fields.insert(fields.index("format") + 1, "max_batch")
    return _places((*fields, "", *PORTS))


@cache
def _places(keys: tuple[str, ...]) -> dict[str, int]:
    return {key: place for place, key in enumerate(keys)}


def _model(side: Side, kind: str | None) -> type[BaseModel] | None:
    found = find_kind(side, kind) if kind else None
    return None if found is None else found.model


@cache
def _section_of(model: type[BaseModel] | None, key: str) -> Shape:
    """Return the shape of a field that holds a mapping with known keys, or a list of such."""
    for name, field in (model.model_fields if model is not None else {}).items():
        if (field.alias or name) == key:
            sections = list(dict.fromkeys(_sections_in(field.annotation)))
            if sections:
                return _merged(sections)
    return _OTHER


def _merged(models: list[type[Section]]) -> Shape:
    """Return the shape of a mapping that is one of several: the fields of all, first ones first."""
    keys = [key for one in models for key in _section(one).keys]
    return Shape("section", tuple(dict.fromkeys(keys)), model=models[0])


def _sections_in(annotation: Any) -> Iterator[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for one in get_args(annotation):
        yield from _sections_in(one)
