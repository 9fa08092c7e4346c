"""A source's place as bytes to keep, and back.

What a place is, the source alone knows: here it is plain values (JSON's, bytes, datetimes).
"""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["BadPosition", "decode_position", "encode_position"]

_VERSION = 1


class BadPosition(ValueError):
    """Say why what was kept is no place of this source."""


class _Kept(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    v: int
    kind: str
    position: Any


def encode_position(kind: str, position: Any) -> bytes:
    """Return a place as bytes.

    Tuples come back as lists. Raises ValueError for what cannot be kept.
    """
    try:
        return msgspec.msgpack.encode(_Kept(_VERSION, kind, position))
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise ValueError(f"the position cannot be kept: {error}") from None


def decode_position(value: bytes, kind: str) -> Any:
    """Return the place `value` holds; raises BadPosition when it is damaged, newer or another's."""
    try:
        kept = msgspec.msgpack.decode(value, type=_Kept)
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise BadPosition(f"the saved position is damaged: {error}") from None
    if kept.v != _VERSION:
        raise BadPosition(f"the saved position has version {kept.v}; this one reads {_VERSION}")
    if kept.kind != kind:
        raise BadPosition(f"the saved position is of a {kept.kind} source")
    return kept.position
