"""JSON text of one event: checked once as it comes in, kept as its own bytes, made one line.

It does not know batches, content types or envelopes.
"""

from __future__ import annotations

import re

import msgspec

from sinkgraph.event import Json
from sinkgraph.formats.limits import Limits, deeper_than, keys_problem

__all__ = ["BadJson", "json_reason", "one_line", "parse_json", "terminal_safe"]

_decode = msgspec.json.Decoder().decode
_BLANKS = b" \t\r\n"
_BREAKS = bytes.maketrans(b"\r\n", b"  ")
# What a terminal might obey or a reader might be misled by, other than the C0 controls, which
# JSON text cannot hold: DEL, C1, line separators, bidi marks, embeddings, isolates, BOM.
_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb]")


class BadJson(ValueError):
    """Say why a text is not an event in JSON; the message is fit to be shown."""


def parse_json(text: bytes, limits: Limits) -> Json:
    """Return the payload whose original text this is, checked and not kept decoded.

    Outer blanks are dropped, all else is kept byte for byte. Raises `BadJson` for what is not
    one JSON value (NaN, a lone surrogate, a number out of range, bytes that are not UTF-8),
    for null, and beyond the limits.
    """
    text = text.strip(_BLANKS)
    if deeper_than(text, limits.max_depth):
        raise BadJson(f"nested deeper than {limits.max_depth}")
    try:
        value = _decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadJson(json_reason(error)) from None
    if value is None:
        raise BadJson("null is not an event")
    if len(text) > limits.max_key or text.count(b":") > limits.max_keys:
        problem = keys_problem(value, limits)
        if problem is not None:
            raise BadJson(problem)
    return Json(text, sound=True)


def json_reason(error: Exception) -> str:
    """Return one lower-case line that says why JSON could not be read."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8: {error.reason}"
    text = str(error).removeprefix("JSON is malformed: ")
    return text[:1].lower() + text[1:]


def one_line(text: bytes) -> bytes:
    """Return JSON text without line breaks; they can only be blanks between its tokens."""
    if b"\n" in text or b"\r" in text:
        return text.translate(_BREAKS)
    return text


def terminal_safe(text: bytes) -> bytes:
    r"""Return the same JSON with every character a terminal might obey written as `\uXXXX`."""
    if text.isascii() and b"\x7f" not in text:
        return text
    return _UNSAFE.sub(_escape, text.decode("utf-8", "replace")).encode()


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
