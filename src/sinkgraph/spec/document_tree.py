"""The one tree that YAML, TOML and JSON become: scalars, mappings and lists with their places.

It holds no parser, and it knows no kind and no field.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from sinkgraph.diagnostics.source import Span

__all__ = ["Entry", "Mapping", "Node", "Scalar", "Sequence", "Value", "walk"]

Value: TypeAlias = bool | int | float | str | None


class Node(msgspec.Struct, frozen=True, eq=False, gc=False):
    """Is a node of the tree; equal only to itself. `span` is None when it came from Python."""

    span: Span | None


class Scalar(Node, frozen=True, eq=False, gc=False):
    """Is a leaf: its text as written (unquoted), and the value its syntax gives that text.

    `quoted`: it was written in quotes (or as a block), so it is text. `secret`: it came from the
    environment or a file, so it is never shown.
    """

    text: str
    value: Value
    quoted: bool = False
    secret: bool = False

    def __repr__(self) -> str:
        return "Scalar(***)" if self.secret else f"Scalar({self.value!r})"


class Entry(msgspec.Struct, frozen=True, eq=False, gc=False):
    """Is one `key: value` of a mapping."""

    key: Scalar
    value: Node


class Mapping(Node, frozen=True, eq=False, gc=False):
    """Is a mapping; its keys are distinct texts, in the order written."""

    entries: list[Entry]
    _index: dict[str, Entry] | None = None

    def entry(self, key: str) -> Entry | None:
        """Return the entry of `key`, or None."""
        index = self._index
        if index is None:
            index = {one.key.text: one for one in self.entries}
            msgspec.structs.force_setattr(self, "_index", index)
        return index.get(key)

    def get(self, key: str) -> Node | None:
        """Return the value of `key`, or None."""
        found = self.entry(key)
        return None if found is None else found.value

    def key_span(self, key: str) -> Span | None:
        """Return where `key` itself is written, or None."""
        found = self.entry(key)
        return None if found is None else found.key.span

    def __contains__(self, key: str) -> bool:
        return self.entry(key) is not None

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __repr__(self) -> str:
        return f"Mapping({[one.key.text for one in self.entries]})"


class Sequence(Node, frozen=True, eq=False, gc=False):
    """Is a list."""

    items: list[Node]

    def __iter__(self) -> Iterator[Node]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and everything in it, but for keys; of what stands side by side the last first.

    No recursion: any depth is as good as another.
    """
    todo = [node]
    while todo:
        one = todo.pop()
        yield one
        if isinstance(one, Mapping):
            todo.extend(entry.value for entry in one)
        elif isinstance(one, Sequence):
            todo.extend(one.items)
