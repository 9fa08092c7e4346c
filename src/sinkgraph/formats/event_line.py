"""A whole event as one line of JSON: CloudEvents' names, so that other tools can read it.

The payload keeps its own text; only line breaks between its tokens become blanks. CloudEvents
1.0.2, JSON Event Format: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

import msgspec

from sinkgraph.event import Event
from sinkgraph.formats.json_text import one_line
from sinkgraph.formats.times import write_rfc3339
from sinkgraph.payload import encode_json

__all__ = ["event_line", "event_lines"]

_encode = msgspec.json.Encoder(enc_hook=repr).encode


def event_line(event: Event) -> bytes:
    """Return an event as one ended line: `id`, `source`, `type`, `time`, `data`, and `meta` if any.

    Bytes go as `data_base64`. A time outside the years 1 to 9999 goes as its Unix seconds.
    """
    made: dict[str, Any] = {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "time": write_rfc3339(event.time) or repr(event.time),
    }
    payload = event.payload
    if event.meta:
        made["meta"] = dict(event.meta)
    head = _head(made)
    if isinstance(payload, bytes):
        return head[:-1] + b',"data_base64":"' + base64.b64encode(payload) + b'"}\n'
    return head[:-1] + b',"data":' + one_line(encode_json(payload)) + b"}\n"


def event_lines(events: Sequence[Event]) -> bytes:
    """Return events as lines, see `event_line`."""
    return b"".join(map(event_line, events))


def _head(made: dict[str, Any]) -> bytes:
    try:
        return _encode(made)
    except (UnicodeEncodeError, ValueError, OverflowError, TypeError):
        # UTF-8 cannot hold a lone surrogate, and 64 bits not every integer
        return json.dumps(made, default=repr, separators=(",", ":")).encode()
