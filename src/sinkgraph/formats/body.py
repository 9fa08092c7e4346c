"""A request body to payloads: inflated, read by its media type, all or nothing.

It takes bytes that were read already; how many may be read, and from whom, is the server's part.
"""

from __future__ import annotations

import zlib
from typing import Any

import msgspec

from sinkgraph.formats.docker import DOCKER_TYPES, decode_envelope
from sinkgraph.formats.json_text import BadJson, json_reason, parse_json
from sinkgraph.formats.limits import BadBody, BadItem, Limits

__all__ = [
    "MEDIA_TYPES", "NDJSON_TYPES", "check_encoding", "decode_body", "inflate", "media_type",
    "named_type",
]  # fmt: skip

JSON_TYPE = "application/json"
NDJSON_TYPES = frozenset({"application/x-ndjson", "application/ndjson"})
MEDIA_TYPES = DOCKER_TYPES | NDJSON_TYPES | {JSON_TYPE}
_SEND = "application/json or application/x-ndjson"
_ENCODINGS = {"": None, "identity": None, "gzip": 31, "x-gzip": 31, "deflate": 47}
_read_array = msgspec.json.Decoder(list[msgspec.Raw]).decode


def media_type(header: str | None) -> str:
    """Return the media type of a Content-Type header; raise `BadBody` (415) for any other.

    A charset may only be UTF-8; other parameters mean nothing to us.
    """
    if not header:
        raise BadBody(f"no content type: send {_SEND}", status=415)
    name = header.partition(";")[0].strip().lower()
    if name not in MEDIA_TYPES:
        raise BadBody(f"this content type is not taken: send {_SEND}", status=415)
    return named_type(header)


def named_type(header: str) -> str:
    """Return the media type a header names, whichever it is; its charset may only be UTF-8."""
    name, *parameters = header.split(";")
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "charset" and value.strip().strip('"').lower() not in (
            "utf-8",
            "utf8",
            "us-ascii",
        ):
            raise BadBody("the charset must be utf-8", status=415)
    return name.strip().lower()


def check_encoding(encoding: str) -> None:
    """Raise `BadBody` (415) for a Content-Encoding `inflate` does not know."""
    if encoding.strip().lower() not in _ENCODINGS:
        raise BadBody("the content encoding must be gzip, deflate or identity", status=415)


def inflate(body: bytes, encoding: str, limits: Limits) -> bytes:
    """Return the body without its content encoding (gzip, deflate, or none), within limits."""
    check_encoding(encoding)
    bits = _ENCODINGS[encoding.strip().lower()]
    if bits is None:
        return body
    if bits == 47 and len(body) >= 2 and (body[0] & 15 != 8 or (body[0] << 8 | body[1]) % 31):
        bits = -15  # some senders mean raw deflate, without the zlib header of RFC 9110
    allowed = min(limits.max_inflated, len(body) * limits.max_ratio)
    machine = zlib.decompressobj(bits)
    try:
        text = machine.decompress(body, allowed + 1)
    except zlib.error:
        raise BadBody("the body is not what its content encoding says", status=415) from None
    if len(text) > allowed:
        raise BadBody("the body inflates to more than is taken", status=413)
    if not machine.eof:
        raise BadBody("the compressed body is cut short", status=415)
    if machine.unused_data:
        raise BadBody("there is more after the compressed body", status=415)
    return text


def decode_body(
    body: bytes, media: str, limits: Limits, *, received: float, host: str = ""
) -> list[Any]:
    """Return the payloads (`Json`) or events of a body of one of `MEDIA_TYPES`, all or nothing.

    Raises `BadBody`; when single events are at fault it names each with index and reason.
    """
    if not body or body.isspace():
        raise BadBody("the body is empty")
    if media in DOCKER_TYPES:
        return list(decode_envelope(body, limits, received=received, host=host))
    if media in NDJSON_TYPES:
        lines = [line for line in body.split(b"\n") if line and not line.isspace()]
        return _decode_items(lines, limits)
    first = body.lstrip(b" \t\r\n")[:1]
    if first == b"[":
        try:
            items = _read_array(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise BadBody(f"not JSON: {json_reason(error)}") from None
        return _decode_items(items, limits)
    try:
        return [parse_json(body, limits)]
    except BadJson as error:
        raise BadBody(f"not an event: {error}", items=[BadItem(0, str(error))]) from None


def _decode_items(items: list[Any], limits: Limits) -> list[Any]:
    if len(items) > limits.max_batch:
        raise BadBody(f"{len(items)} events in one body, more than {limits.max_batch}", status=413)
    taken: list[Any] = []
    bad: list[BadItem] = []
    for index, item in enumerate(items):
        try:
            taken.append(parse_json(bytes(item), limits))
        except BadJson as error:
            bad.append(BadItem(index, str(error)))
    if bad:
        raise BadBody(f"{len(bad)} of {len(items)} events are bad", items=bad)
    return taken
