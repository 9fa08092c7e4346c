"""A dedupe's key as plain values that can be written down, and back to one that is equal.

Which keys there are is `sinks.keys`' part, what becomes of them `sinks.window`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

__all__ = ["NotKept", "plain_key", "real_key"]


class NotKept(Exception):
    """Say that a key is of a type whose values cannot be told to come back equal."""


_Plain = str | bytes | int | float | bool | list[Any] | None


def _of_text(key: str) -> _Plain:
    try:
        key.encode()
    except UnicodeEncodeError:
        return ["s", key.encode("utf-8", "surrogatepass")]
    return key


def _of_int(key: int) -> _Plain:
    return key if -(2**63) <= key < 2**64 else ["i", hex(key)]


def _itself(key: Any) -> _Plain:
    plain: _Plain = key
    return plain


_TO_PLAIN: dict[type, Callable[[Any], _Plain]] = {
    str: _of_text,
    int: _of_int,
    bool: _itself,
    float: _itself,
    bytes: _itself,
    type(None): _itself,
    tuple: lambda key: ["t", *map(plain_key, key)],
    frozenset: lambda key: ["f", *map(plain_key, key)],
    Decimal: lambda key: ["d", str(key)],
    datetime: lambda key: ["dt", key.isoformat()],
    date: lambda key: ["da", key.isoformat()],
    time: lambda key: ["ti", key.isoformat()],
    timedelta: lambda key: ["td", key.days, key.seconds, key.microseconds],
    UUID: lambda key: ["u", key.bytes],
}
_FROM_PLAIN: dict[str, Callable[..., Hashable]] = {
    "s": lambda text: text.decode("utf-8", "surrogatepass"),
    "i": lambda digits: int(digits, 16),
    "t": lambda *items: tuple(map(real_key, items)),
    "f": lambda *items: frozenset(map(real_key, items)),
    "d": Decimal,
    "dt": datetime.fromisoformat,
    "da": date.fromisoformat,
    "ti": time.fromisoformat,
    "td": timedelta,
    "u": lambda raw: UUID(bytes=raw),
}


def plain_key(key: Hashable) -> _Plain:
    """Return a key as plain values; raises NotKept for a type that may not come back equal.

    A subclass is another type: it may compare as it likes.
    """
    make = _TO_PLAIN.get(type(key))
    if make is None:
        raise NotKept(f"a {type(key).__name__} cannot be kept")
    try:
        return make(key)
    except RecursionError:
        raise NotKept("the key is too deep") from None


def real_key(plain: Any) -> Hashable:
    """Return the key that `plain_key` was given; raises LookupError or what a bad value raises."""
    if type(plain) is not list:
        hash(plain)
        return plain  # type: ignore[no-any-return]
    return _FROM_PLAIN[plain[0]](*plain[1:])
