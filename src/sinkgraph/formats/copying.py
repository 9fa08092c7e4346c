"""A private copy of a payload, for whoever may change what they are given.

It copies containers and shares scalars, which cannot be changed; it converts nothing.
"""

from __future__ import annotations

from typing import Any

import msgspec

from sinkgraph.errors import Rejected
from sinkgraph.event import Json

__all__ = ["MAX_DEPTH", "copy_plain"]

MAX_DEPTH = 200
"""Deepest nesting that is copied: far above what is accepted from outside."""

_SCALARS = frozenset({str, int, float, bool, bytes, type(None)})


def copy_plain(value: Any) -> Any:
    """Return a deep copy of a payload that shares no dict, list, set or bytearray with it.

    A `Json` becomes its value, private too. What is no container is shared. Raises `Rejected`
    for a value that is too deep or holds itself, and for a `Json` whose text is not JSON.
    """
    try:
        return _copy(value, 0)
    except RecursionError:
        raise Rejected("the payload nests too deeply to be copied") from None


def _copy(value: Any, depth: int) -> Any:
    kind = value.__class__
    if kind in _SCALARS:
        return value
    if depth > MAX_DEPTH:
        raise Rejected(f"the payload nests deeper than {MAX_DEPTH} levels")
    depth += 1
    if kind is dict:
        return {key: _copy(item, depth) for key, item in value.items()}
    if kind is list:
        return [_copy(item, depth) for item in value]
    if kind is Json:
        try:
            return _copy(value.value, depth)
        except msgspec.DecodeError as error:
            raise Rejected(f"the payload is not JSON: {error}") from None
    if isinstance(value, dict):
        return {key: _copy(item, depth) for key, item in value.items()}
    if isinstance(value, list):
        return [_copy(item, depth) for item in value]
    if kind is tuple:
        return tuple(_copy(item, depth) for item in value)
    if kind is set or kind is bytearray:
        return kind(value)
    return value
