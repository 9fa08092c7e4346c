"""Whether two texts are one document: the same tree, but for the order of keys that have one.

It changes nothing; `document` asks it before a text takes the place of another.
"""

from __future__ import annotations

from functools import partial

from sinkgraph.spec.document_tree import Mapping, Node, Scalar, Sequence
from sinkgraph.spec.formatting.order import DOCUMENT, Shape

__all__ = ["same_tree", "text_in"]


def same_tree(first: Node, second: Node, shape: Shape = DOCUMENT) -> bool:
    """Tell whether two trees hold the same keys and values, of the same types.

    Names that a user chose, and lists, have the same order too.
    """
    todo = [(first, second, shape)]
    while todo:
        one, other, shape = todo.pop()
        if isinstance(one, Scalar) and isinstance(other, Scalar):
            if not _same_leaf(one, other):
                return False
        elif isinstance(one, Mapping) and isinstance(other, Mapping):
            shape = shape.settled(partial(text_in, one))
            mine, theirs = (
                tree.entries if shape.free else sorted(tree.entries, key=lambda one: one.key.text)
                for tree in (one, other)
            )
            if [entry.key.text for entry in mine] != [entry.key.text for entry in theirs]:
                return False
            for here, there in zip(mine, theirs, strict=True):
                todo.append((here.value, there.value, shape.entry(here.key.text)))
        elif isinstance(one, Sequence) and isinstance(other, Sequence):
            if len(one.items) != len(other.items):
                return False
            inner = shape.item()
            todo.extend((a, b, inner) for a, b in zip(one.items, other.items, strict=True))
        else:
            return False
    return True


def text_in(tree: Mapping, key: str) -> str | None:
    """Return the text of a key: None when there is none, "" when it is no text."""
    value = tree.get(key)
    return None if value is None else value.text if isinstance(value, Scalar) else ""


def _same_leaf(one: Scalar, other: Scalar) -> bool:
    return (
        one.text == other.text
        and type(one.value) is type(other.value)
        and repr(one.value) == repr(other.value)  # not a number is itself here
    )
