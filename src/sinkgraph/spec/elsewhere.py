"""Where a key belongs that is not known where it stands: below, above, under another word or kind.

It only advises; the finding itself is made in `sinkgraph.spec.locate`.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.spec.kinds.base import NodeSpec, Section
from sinkgraph.spec.problem import Path

__all__ = ["advice", "field_names", "keys_of", "listed", "meant_key", "models_in", "section_at"]

OTHER_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "address": ("listen", "url"),
        "backoff_policy": ("backoff",),
        "batch_size": ("max_batch", "max_events"),
        "buffer": ("capacity",),
        "condition": ("where", "when"),
        "default": ("otherwise",),
        "destination": ("to", "url"),
        "else": ("otherwise", "default"),
        "endpoint": ("url",),
        "expression": ("where", "when"),
        "file": ("path", "paths"),
        "filter": ("where",),
        "if": ("where", "when"),
        "interval": ("rate", "max_wait"),
        "limit": ("rate", "capacity"),
        "max_retries": ("max_attempts",),
        "next": ("to",),
        "output": ("to",),
        "otherwise": ("default",),
        "outputs": ("to",),
        "port": ("listen",),
        "retries": ("max_attempts",),
        "sink": ("to",),
        "size": ("capacity",),
        "storage": ("store",),
        "target": ("to", "url"),
        "targets": ("to",),
        "threshold": ("failure_threshold",),
        "timeout": ("after", "max_wait"),
        "type": ("kind",),
        "uri": ("url",),
        "when": ("where",),
        "where": ("when",),
        "workers": ("concurrency",),
    }
)
"""Words that other tools, or other kinds, use → what they are called here, the likeliest first."""

_MOST_KINDS = 3


def advice(
    key: str,
    section: type[BaseModel],
    path: Path,
    model: type[BaseModel],
    beside: Container[str] = (),
) -> str:
    """Return the one action that helps with an unknown key.

    `section` is what the key stands in, found at `path` of the node's `model`; `beside` are the
    keys that stand there too.
    """
    below = [field for field, inner in _nested(section) if key in field_names(inner)]
    if below:
        return f"move it under {listed(below, 'or')}"
    for depth in range(len(path) - 1, -1, -1):
        above = section_at(model, path[:depth])
        if above is not None and above is not section and key in field_names(above):
            return f"move it up, beside `{_last_name(path[: depth + 1])}`"
    near = nearest(key, field_names(section))
    if near:
        return f"the nearest is `{near}`"
    word = _word(key, [one for one in keys_of(section) if one not in beside])
    if word:
        return f"here it is called `{word}`"
    kinds = _kinds_with(key) if section is model else ()
    if 0 < len(kinds) <= _MOST_KINDS:
        return f"write it in a node of kind {listed(kinds, 'or')}"
    return _known_keys(section)


def meant_key(key: str, missing: Iterable[str]) -> str | None:
    """Return which of the missing keys an unknown one stands for, if any."""
    there = list(missing)
    return nearest(key, there) or _word(key, there)


def field_names(model: type[BaseModel]) -> list[str]:
    """Return the keys a model takes in a document, now or in a later version."""
    names = keys_of(model)
    if issubclass(model, Section):
        names.extend(one.field for one in model.later if one.field not in names)
    return names


def keys_of(model: type[BaseModel]) -> list[str]:
    """Return the keys of a section that this version takes."""
    return [one.alias or name for name, one in model.model_fields.items()]


def section_at(model: type[BaseModel], path: Path) -> type[BaseModel] | None:
    """Return the model of a nested section; unions of sections give their first."""
    current: type[BaseModel] | None = model
    for step in path:
        if isinstance(step, int) or current is None:
            continue
        field = current.model_fields.get(step)
        current = None if field is None else next(models_in(field.annotation), None)
    return current


def listed(words: Iterable[str], last: str = "") -> str:
    """Return words in backquotes: `a`, `b`, and with `last` that word before the last one."""
    shown = [f"`{word}`" for word in words]
    if not last or len(shown) < 2:
        return ", ".join(shown)
    return f"{', '.join(shown[:-1])} {last} {shown[-1]}"


def _nested(section: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    for name, field in section.model_fields.items():
        for inner in models_in(field.annotation):
            yield field.alias or name, inner


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models an annotation names, also inside unions, lists and mappings."""
    todo = [annotation]
    while todo:
        one = todo.pop(0)
        if isinstance(one, type) and issubclass(one, BaseModel):
            yield one
        else:
            todo.extend(getattr(one, "__args__", ()))


def _last_name(path: Path) -> str:
    return next((step for step in reversed(path) if isinstance(step, str)), "")


def _word(key: str, known: Iterable[str]) -> str | None:
    there = set(known)
    return next((one for one in OTHER_WORDS.get(key.lower(), ()) if one in there), None)


@cache
def _every_node() -> frozenset[str]:
    return frozenset(keys_of(NodeSpec))


@cache
def _kinds_with(key: str) -> tuple[str, ...]:
    """Return the kinds that have a field which not every node has."""
    from sinkgraph.spec.kind import all_kinds

    if key in _every_node():
        return ()
    names = (one.name for one in all_kinds() if key in field_names(one.model))
    return tuple(dict.fromkeys(names))


def _known_keys(section: type[BaseModel]) -> str:
    keys = keys_of(section)
    own = [one for one in keys if one not in _every_node()]
    if len(own) == len(keys):
        return f"the keys here are {listed(keys)}"
    shown = f"the keys here are {listed(own)} and" if own else "the keys here are"
    return f"{shown} those of every node: {listed(one for one in keys if one in _every_node())}"
