"""Relative paths of files to read, brought from the document that writes them to the first one.

Which fields hold such paths is told by their types in the models; outputs stay as they are.
"""

from __future__ import annotations

import os
from collections.abc import Mapping as AnyMapping
from functools import cache
from glob import escape, has_magic
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from sinkgraph.diagnostics.source import SourceText
from sinkgraph.spec.document_tree import Entry, Mapping, Node, Scalar, Sequence
from sinkgraph.spec.elsewhere import models_in
from sinkgraph.spec.fields import Reads
from sinkgraph.spec.kinds.types import InputPath, Schema, is_schema_file
from sinkgraph.spec.leaves import FilledText, Placeholder

__all__ = ["Inputs"]

_PATH: Any = InputPath.__metadata__[0]  # type: ignore[attr-defined]
_SCHEMA: Any = Schema.__metadata__[0]  # type: ignore[attr-defined]


class Inputs:
    """Rewrites relative inputs of documents in `bases` so that they start from `base`."""

    def __init__(self, base: Path, bases: AnyMapping[SourceText, Path]) -> None:
        self._base = os.path.abspath(base)
        self._folders = {
            source: os.fspath(folder)
            for source, folder in bases.items()
            if os.path.abspath(folder) != self._base
        }

    def __bool__(self) -> bool:
        return bool(self._folders)

    def located(self, model: type[BaseModel], tree: Mapping) -> Mapping:
        """Return the tree of a node, or of a section in it, with its inputs rewritten."""
        reads = _reads(model)
        if not reads:
            return tree
        changed = False
        made: list[Entry] = []
        for entry in tree.entries:
            how = reads.get(entry.key.text)
            value = entry.value if how is None else self._value(entry.value, how)
            changed |= value is not entry.value
            made.append(entry if value is entry.value else Entry(entry.key, value))
        return Mapping(tree.span, made) if changed else tree

    def _value(self, node: Node, how: Reads | type[BaseModel]) -> Node:
        if isinstance(node, Mapping):
            if not isinstance(how, Reads):
                return self.located(how, node)
            values = [Entry(one.key, self._value(one.value, how)) for one in node.entries]
            return Mapping(node.span, values)
        if isinstance(node, Sequence):
            return Sequence(node.span, [self._value(one, how) for one in node.items])
        if type(node) is Scalar and isinstance(how, Reads):
            return self._leaf(node, glob=how == _PATH, schema=how == _SCHEMA)
        return node

    def _leaf(self, leaf: Scalar, *, glob: bool, schema: bool) -> Scalar:
        folder = self._folders.get(leaf.span.source) if leaf.span is not None else None
        text = leaf.value
        if folder is None or not isinstance(text, str) or isinstance(text, Placeholder):
            return leaf
        if not text or "\0" in text or os.path.isabs(text):
            return leaf
        if schema and not is_schema_file(text):
            return leaf
        path = self._moved(folder, text, glob=glob)
        value = type(text)(path) if isinstance(text, FilledText) else path
        return Scalar(leaf.span, path, value, True, leaf.secret)

    def _moved(self, folder: str, text: str, *, glob: bool) -> str:
        """Return a path from `base` instead of `folder`, the shortest that leads there."""
        parts = [one for one in text.split(os.sep) if one != os.curdir]
        while parts and (parts[0] == os.pardir or (parts[1:] and not has_magic(parts[0]))):
            folder = os.path.join(folder, parts.pop(0))
        way = os.path.relpath(folder, self._base)
        real = os.path.realpath(folder)
        if os.path.realpath(os.path.join(self._base, way)) != real:
            way = real  # `..` behind a link leads elsewhere than it reads
        rest = os.sep.join(parts)
        if way == os.curdir:
            return rest or way
        return os.path.join(escape(way) if glob else way, rest)


@cache
def _reads(model: type[BaseModel]) -> dict[str, Reads | type[BaseModel]]:
    """Return the fields of a model that hold inputs, or sections with such fields."""
    made: dict[str, Reads | type[BaseModel]] = {}
    for name, field in model.model_fields.items():
        key = field.alias or name
        found = _read_of((*field.metadata, field.annotation))
        if found is not None:
            made[key] = found
            continue
        inner = next((one for one in models_in(field.annotation) if _reads(one)), None)
        if inner is not None:
            made[key] = inner
    return made


def _read_of(parts: tuple[Any, ...]) -> Reads | None:
    """Return how inputs are read, when an annotation has them, also in unions and lists."""
    todo = list(parts)
    while todo:
        one = todo.pop()
        if isinstance(one, Reads):
            if one in (_PATH, _SCHEMA):
                return one
            continue
        todo.extend(getattr(one, "__metadata__", ()))
        todo.extend(getattr(one, "__args__", ()))
    return None
