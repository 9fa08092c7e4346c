"""What a body from outside may hold at most, and the error that says which part was too much.

Nothing here reads a socket or knows a status line; a status is only a number a server may use.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sinkgraph.errors import SinkgraphError

__all__ = ["BadBody", "BadItem", "Limits", "deeper_than", "keys_problem"]

KIB = 1024
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bound one body; sizes in bytes. `max_keys` is per object, `max_depth` per event."""

    max_body: int = MIB
    max_inflated: int = 8 * MIB
    max_ratio: int = 100
    max_depth: int = 64
    max_batch: int = 10_000
    max_keys: int = 10_000
    max_key: int = 64 * KIB
    max_id: int = 256


@dataclass(frozen=True, slots=True)
class BadItem:
    """Name one bad event of a body: its index (from 0) and why."""

    index: int
    reason: str


class BadBody(SinkgraphError):
    """Say why nothing of a body was taken; `status` is the HTTP status that fits.

    `items` names every bad event when the body itself was readable.
    """

    def __init__(self, reason: str, *, status: int = 400, items: Sequence[BadItem] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.items = tuple(items)


# Always matches from an opening quote on, also when the text ends inside the string: a pattern
# that could fail there would be tried again at every quote, which is quadratic.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_SQUARE = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(code for code in range(256) if code not in b"[]{}")


def deeper_than(text: bytes, depth: int) -> bool:
    """Tell whether JSON text nests deeper than `depth`, without recursion, in linear time.

    Text that is not JSON gets some answer and no error: reading it is what finds the fault.
    """
    if text.count(b"[") + text.count(b"{") <= depth:
        return False
    brackets = _STRING.sub(b"", text).translate(_SQUARE, _NOT_BRACKETS)
    if len(brackets) <= depth:
        return False
    for _ in range(depth):
        inner = brackets.replace(b"[]", b"")  # takes away exactly the innermost level
        if len(inner) == len(brackets):
            break
        brackets = inner
    return brackets.count(b"[") > depth if b"[]" not in brackets else True


def keys_problem(value: object, limits: Limits) -> str | None:
    """Return why the keys of a decoded value are too many or too long, or None."""
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            if len(one) > limits.max_keys:
                return f"an object has {len(one)} keys, more than {limits.max_keys}"
            longest = max(map(len, one), default=0)
            if longest > limits.max_key:
                return f"a key is {longest} characters long, more than {limits.max_key}"
            todo.extend(one.values())
        elif isinstance(one, list):
            todo.extend(one)
    return None
