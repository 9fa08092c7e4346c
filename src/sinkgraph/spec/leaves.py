"""What leaves become on the way into the models: values that remember how they were written.

`plain` makes the dicts, lists and leaves a model validates; the field types of
`sinkgraph.spec.fields` read those leaves. Nothing here knows a field.
"""

from __future__ import annotations

import re
from typing import Any

from sinkgraph.spec.document_tree import Mapping, Node, Scalar, Sequence
from sinkgraph.spec.secret import MASK, Secret

__all__ = [
    "FilledText",
    "ParamText",
    "Placeholder",
    "SecretText",
    "WrittenBool",
    "WrittenFloat",
    "WrittenInt",
    "is_secret",
    "plain",
    "repair",
    "unwrap",
    "written",
]

_INT = re.compile(r"[+-]?[0-9]{1,18}")
_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_BOOLS = frozenset({"true", "false"})
_QUOTED = re.compile(r"'([^']*)'")


class FilledText(str):
    """Is text that an interpolation made; `repair` coerces it to the type of its field."""

    __slots__ = ()


class SecretText(FilledText):
    """Is such text that came from the environment or a file: messages show `***` for it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(MASK)


class Placeholder(FilledText):
    """Stands for text whose `${env:…}` or `${file:…}` is not set; every field accepts it."""

    __slots__ = ()


class ParamText(FilledText):
    """Is text of a template that holds params: `\\0NAME\\0` stands for each `${param:NAME}`."""

    __slots__ = ()


class WrittenInt(int):
    """Is an int that was written as `text`, e.g. `0777`."""

    text: str

    def __new__(cls, value: int, text: str) -> WrittenInt:
        self = super().__new__(cls, value)
        self.text = text
        return self


class WrittenFloat(float):
    """Is a float that was written as `text`, e.g. `1.10`."""

    text: str

    def __new__(cls, value: float, text: str) -> WrittenFloat:
        self = super().__new__(cls, value)
        self.text = text
        return self


class WrittenBool(str):
    """Is a boolean not written as `true` or `false`, e.g. `True`; it is its text."""

    __slots__ = ()

    @property
    def value(self) -> bool:
        """The boolean itself."""
        return self.lower() == "true"


def plain(node: Node) -> Any:
    """Return the tree as dicts, lists and leaves, without recursion.

    Text is `str` (`FilledText` and its kin when an interpolation made it), numbers are `WrittenInt`
    and `WrittenFloat` where their text is not the usual one, `true` and `false` are bool, null
    is None.
    """
    box: list[Any] = [None]
    todo: list[tuple[Any, Any, Node]] = [(box, 0, node)]
    while todo:
        holder, at, one = todo.pop()
        if type(one) is Scalar:
            holder[at] = leaf(one)
        elif isinstance(one, Mapping):
            made: dict[str, Any] = dict.fromkeys(entry.key.text for entry in one.entries)
            holder[at] = made
            for entry in one.entries:
                if type(entry.value) is Scalar:
                    made[entry.key.text] = leaf(entry.value)
                else:
                    todo.append((made, entry.key.text, entry.value))
        elif isinstance(one, Sequence):
            items: list[Any] = [None] * len(one.items)
            holder[at] = items
            todo.extend((items, index, item) for index, item in enumerate(one.items))
    return box[0]


def leaf(scalar: Scalar) -> Any:
    """Return one leaf as `plain` does."""
    value = scalar.value
    kind = type(value)
    if value is None or isinstance(value, str):
        return value
    text = scalar.text
    if kind is bool:
        return value if text in {"true", "false"} else WrittenBool(text)
    if str(value) == text:
        return value
    if kind is int:
        return WrittenInt(value, text)  # type: ignore[arg-type]
    return WrittenFloat(value, text)


def is_secret(value: object) -> bool:
    """Tell whether a value must not be shown."""
    return isinstance(value, SecretText | Secret)


def repair(error: str, value: object, expected: str = "") -> Any:
    """Return what to validate instead of `value`, or `value` itself when nothing is better.

    `error` is the type of the pydantic error `value` met and `expected` its context's entry.
    Text made by an interpolation becomes the type its field wants; a placeholder becomes some
    value of it.
    """
    if not isinstance(value, FilledText):
        return value
    unset = isinstance(value, Placeholder)
    if error.startswith("int"):
        return 1 if unset else int(value) if _INT.fullmatch(value) else value
    if error.startswith("float"):
        return 1.0 if unset else float(value) if _FLOAT.fullmatch(value) else value
    if error.startswith("bool"):
        folded = value.lower()
        return False if unset else folded == "true" if folded in _BOOLS else value
    if unset and error == "literal_error" and (first := _QUOTED.search(expected)):
        return first[1]
    return value


def written(value: object) -> str | None:
    """Return the text a leaf was written as, or None when it is no leaf or null."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        text = getattr(value, "text", None)
        return text if isinstance(text, str) else str(value)
    return None


def unwrap(value: Any) -> Any:
    """Return a copy with plain JSON values only: what a free-form field holds."""
    if isinstance(value, dict):
        return {key: unwrap(one) for key, one in value.items()}
    if isinstance(value, list):
        return [unwrap(one) for one in value]
    if isinstance(value, WrittenBool):
        return value.value
    if isinstance(value, FilledText):
        return str(value)
    if isinstance(value, WrittenInt):
        return int(value)
    if isinstance(value, WrittenFloat):
        return float(value)
    return value
