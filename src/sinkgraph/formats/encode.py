"""Payloads to the bytes a sink writes: JSON, NDJSON, lines, the Docker envelope.

Payloads that came as JSON keep their own bytes. Nothing here writes anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from sinkgraph.errors import Rejected
from sinkgraph.event import Batch, encode_json
from sinkgraph.formats.docker import DOCKER_V1, encode_envelope
from sinkgraph.formats.json_text import one_line

__all__ = ["CONTENT_TYPE", "WireFormat", "encode_many", "line_of", "ndjson"]

WireFormat = Literal["json", "ndjson", "docker"]
CONTENT_TYPE: dict[str, str] = {
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "docker": DOCKER_V1,
}


def encode_many(batch: Batch, wire: WireFormat) -> bytes:
    """Return one body for the whole batch; raise `Rejected` for a payload JSON cannot hold."""
    if wire == "ndjson":
        return ndjson(batch.json())
    if wire == "docker":
        return encode_envelope(batch.json())
    texts = batch.json()
    return texts[0] if len(texts) == 1 else b"[" + b",".join(texts) + b"]"


def ndjson(texts: Sequence[bytes]) -> bytes:
    """Return JSON texts as lines, each ended; line breaks between tokens become blanks."""
    joined = b"\n".join(texts)
    if joined.count(b"\n") != len(texts) - 1 or b"\r" in joined:
        joined = b"\n".join([one_line(text) for text in texts])
    return joined + b"\n" if texts else b""


def line_of(payload: Any) -> bytes:
    """Return a payload as one ended line of text: text as it is, all else as JSON.

    Raises `Rejected` for text or bytes that hold a line break: a reader would see two events.
    """
    if isinstance(payload, str):
        try:
            text = payload.encode()
        except UnicodeEncodeError:
            raise Rejected("the payload holds a lone surrogate") from None
    elif isinstance(payload, bytes):
        text = payload
    else:
        return one_line(encode_json(payload)) + b"\n"
    if b"\n" in text or b"\r" in text:
        raise Rejected("a line cannot hold a line break")
    return text + b"\n"
