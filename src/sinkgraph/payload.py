"""What an event carries: JSON values, bytes, or JSON text that nobody has looked into yet.

It converts, encodes and decodes; it knows no event.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from sinkgraph.errors import Rejected

__all__ = ["PLAIN", "Json", "as_payload", "encode_json", "to_payload"]


def _enc_hook(value: Any) -> Any:
    """Turn what msgspec does not know into what it does: the last row of the conversion table."""
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        return dump(mode="json")
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a payload cannot hold {type(value).__qualname__}")


_encoder = msgspec.json.Encoder(enc_hook=_enc_hook)
_decode = msgspec.json.Decoder().decode


def encode_json(value: Any) -> bytes:
    """Encode a payload as compact JSON; raise `Rejected` for what JSON cannot hold."""
    if type(value) is Json:
        return value.raw
    try:
        return _encoder.encode(value)
    except Exception as error:  # a model's own conversion may raise anything
        text = str(error) or type(error).__name__
        raise Rejected(f"the payload cannot be encoded as JSON: {text}") from None


PARTIAL_LOOKS = 2  # reading a part costs about half as much as decoding all of it, once


class Json:
    """Is a payload known as JSON text, as a value, or both; each is made at most once.

    `sound` says that the text is known to be JSON which can be decoded whole. Only of such a text
    may a part be read and the rest be skipped, `looks` more times; then decoding it pays.
    """

    __slots__ = ("_raw", "_value", "looks")

    def __init__(self, raw: bytes | None = None, value: Any = None, *, sound: bool = False) -> None:
        self._raw = raw
        self._value = value
        self.looks = PARTIAL_LOOKS if sound else 0

    @property
    def raw(self) -> bytes:
        """The JSON text: the original bytes when it came as JSON."""
        raw = self._raw
        if raw is None:
            raw = self._raw = encode_json(self._value)
        return raw

    @property
    def value(self) -> Any:
        """The decoded value. Do not change it: every reader shares it."""
        value = self._value
        if value is None and self._raw is not None:
            value = self._value = _decode(self._raw)
            self.looks = 0
        return value

    def __repr__(self) -> str:
        return f"Json({self._raw if self._raw is not None else self._value!r})"


PLAIN = frozenset({dict, list, str, int, float, bool, bytes, Json})


def to_payload(value: Any) -> Any:
    """Convert what a caller writes to a payload; the documented table, top row first.

    ========================================  =========================================
    given                                     becomes
    ========================================  =========================================
    dict, list, str, int, float, bool, bytes  itself (nested values: when it is encoded)
    datetime, date, time, timedelta           RFC 3339 / ISO 8601 text
    UUID, Decimal                             text
    dataclass, msgspec Struct, attrs class    a dict of its fields
    pydantic model                            `model_dump(mode="json")`
    tuple, set, frozenset                     a list
    enum member                               its value
    any other mapping                         a dict
    ========================================  =========================================

    Raises TypeError for None and for anything else.
    """
    if type(value) in PLAIN:
        return value
    if value is None:
        raise TypeError("None is not an event")
    made = msgspec.to_builtins(value, builtin_types=(bytes,), enc_hook=_enc_hook, str_keys=True)
    return list(made) if isinstance(made, tuple) else made


def as_payload(value: Any) -> Any:
    """Convert as `to_payload` does; what cannot be converted stays what it is.

    It was accepted, so it must not cost others: whoever has to encode it refuses it.
    """
    try:
        return to_payload(value)
    except Exception:
        return value
