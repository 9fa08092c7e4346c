"""CloudEvents 1.0 in: a structured event, a batch of them, or attributes in HTTP headers.

HTTP Protocol Binding: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
What sinkgraph has no place of its own for (`subject`, `dataschema`, extensions) goes into `meta`.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias
from urllib.parse import unquote_to_bytes

import msgspec

from sinkgraph.event import NO_META, Event, Json, LazyEvent, Meta
from sinkgraph.formats.body import named_type
from sinkgraph.formats.docker import check_id
from sinkgraph.formats.json_text import BadJson, json_reason, parse_json
from sinkgraph.formats.limits import BadBody, BadItem, Limits
from sinkgraph.formats.times import is_rfc3339, parse_rfc3339

__all__ = ["BATCH", "STRUCTURED", "Mode", "decode_cloud_event", "decode_request", "mode_of"]

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
Mode: TypeAlias = Literal["structured", "batch", "binary"]

_PREFIX = "ce-"
_OWN = ("specversion", "id", "type", "source")
_TEXTS = frozenset({"datacontenttype", "dataschema", "subject"})
_NAME = re.compile(r"[a-z0-9]+")
_ESCAPED = re.compile(r"\\(.)")
_SEND = f"send {STRUCTURED}, {BATCH}, or `ce-` headers"
_read_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_read_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_read_value = msgspec.json.Decoder().decode
_read_pairs = json.JSONDecoder(object_pairs_hook=list)
_NULL = Json(b"null")


def mode_of(headers: Mapping[str, str]) -> Mode:
    """Return how a request carries events; raise `BadBody` when it carries none, or in two ways."""
    header = headers.get("content-type")
    name = named_type(header) if header else ""
    marked = [key for key in headers if key.startswith(_PREFIX)]
    if name in {STRUCTURED, BATCH}:
        if marked:
            raise BadBody(f"the event is in the body, and there is `{marked[0]}` in the headers")
        return "structured" if name == STRUCTURED else "batch"
    if name.startswith("application/cloudevents"):
        raise BadBody(f"this form of CloudEvents is not taken: {_SEND}", status=415)
    if not marked:
        raise BadBody(f"the request carries no CloudEvent: {_SEND}", status=415)
    return "binary"


def decode_request(
    body: bytes, headers: Mapping[str, str], limits: Limits, *, received: float
) -> list[Event]:
    """Return the events of a request, all or nothing; `received` stands in for no time.

    Raises `BadBody`, with every bad event named by its index and why.
    """
    mode = mode_of(headers)
    if mode == "batch":
        return _batch(body, limits, received)
    try:
        if mode == "binary":
            return [_binary(body, headers, limits, received)]
        if not body or body.isspace():
            raise BadBody("the body is empty")
        return [decode_cloud_event(body, limits, received=received)]
    except BadJson as error:
        raise BadBody(f"not an event: {error}", items=[BadItem(0, str(error))]) from None


def _batch(body: bytes, limits: Limits, received: float) -> list[Event]:
    try:
        items = _read_array(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadBody(f"not a batch of events: {json_reason(error)}") from None
    if len(items) > limits.max_batch:
        raise BadBody(f"{len(items)} events in one body, more than {limits.max_batch}", status=413)
    events: list[Event] = []
    bad: list[BadItem] = []
    for index, item in enumerate(items):
        try:
            events.append(decode_cloud_event(bytes(item), limits, received=received))
        except BadJson as error:
            bad.append(BadItem(index, str(error)))
    if bad:
        raise BadBody(f"{len(bad)} of {len(items)} events are bad", items=bad)
    return events


def decode_cloud_event(
    text: bytes, limits: Limits, *, received: float, own: bool = False
) -> LazyEvent:
    """Return the event of one JSON text; raise `BadJson` for what is none.

    `own`: it may be a line sinkgraph wrote, which holds `meta` as an object.
    """
    raw = parse_json(text, limits).raw
    try:
        fields = _read_fields(raw)
    except msgspec.MsgspecError as error:
        raise BadJson(json_reason(error)) from None
    _once(raw, fields)
    attributes: dict[str, Any] = {}
    meta: dict[str, Any] = {}
    for name, value in fields.items():
        if name in {"data", "data_base64"}:
            continue
        held = _read_value(value)
        if own and name == "meta" and isinstance(held, dict):
            meta = held
        elif held is not None:
            attributes[name] = held
    return _event(attributes, _data_of(fields), limits, received, meta)


def _once(raw: bytes, fields: Mapping[str, Any]) -> None:
    """Raise `BadJson` for an attribute given twice."""
    if b"\\" not in raw and all(raw.count(b'"%s"' % name.encode()) == 1 for name in fields):
        return
    seen: set[str] = set()
    for name, _ in _read_pairs.decode(raw.decode()):
        if name in seen:
            raise BadJson(f"`{name}` is given twice")
        seen.add(name)


def _data_of(fields: Mapping[str, msgspec.Raw]) -> Any:
    data, coded = fields.get("data"), fields.get("data_base64")
    if coded is None or bytes(coded) == b"null":
        return _NULL if data is None else Json(bytes(data), sound=True)
    if data is not None and bytes(data) != b"null":
        raise BadJson("`data` and `data_base64` are both given")
    text = _read_value(coded)
    if not isinstance(text, str):
        raise BadJson("`data_base64` is not text")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadJson("`data_base64` is not base64") from None


def _binary(body: bytes, headers: Mapping[str, str], limits: Limits, received: float) -> Event:
    attributes: dict[str, Any] = {}
    for key, value in headers.items():
        if key.startswith(_PREFIX):
            attributes[key.removeprefix(_PREFIX)] = _from_header(key, value)
    if "datacontenttype" in attributes:
        raise BadJson("`datacontenttype` is told by `content-type`")
    header = headers.get("content-type")
    if header:
        attributes["datacontenttype"] = header
    return _event(attributes, _body_data(body, header, limits), limits, received, {})


def _body_data(body: bytes, header: str | None, limits: Limits) -> Any:
    """Return the payload a body is, by its content type."""
    if not body:
        return _NULL
    if not header:
        raise BadBody("no content type: say what the body is", status=415)
    name = header.partition(";")[0].strip().lower()
    if name in {"application/json", "text/json"} or name.endswith("+json"):
        return parse_json(body, limits)
    if name.startswith("text/"):
        try:
            return body.decode()
        except UnicodeDecodeError:
            return body
    return body


def _from_header(key: str, value: str) -> str:
    """Return the text of a header: unquoted, its percent signs decoded."""
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = _ESCAPED.sub(r"\1", value[1:-1])
    try:
        return unquote_to_bytes(value.encode("latin-1")).decode()
    except UnicodeDecodeError:
        raise BadJson(f"`{key}` is not UTF-8") from None


def _event(
    attributes: dict[str, Any], data: Any, limits: Limits, received: float, meta: dict[str, Any]
) -> LazyEvent:
    """Return the event of attributes; what has no place of its own is put into `meta`."""
    _judge(attributes, limits)
    when = attributes.pop("time", None)
    time = received
    if when is not None:
        if not isinstance(when, str) or not is_rfc3339(when):
            raise BadJson("`time` is not an RFC 3339 time")
        held = parse_rfc3339(when)
        time = received if held is None else held
        if held is None:  # a leap second, a 30 February: kept as it was told
            attributes["time"] = when
    _, id, type, source = (attributes.pop(name) for name in _OWN)
    extra = Meta({**attributes, **meta}) if attributes or meta else NO_META
    return LazyEvent(id, type, source, time, data, extra)


def _judge(attributes: Mapping[str, Any], limits: Limits) -> None:
    """Raise `BadJson` for attributes that make no event."""
    for name in _OWN:
        if name not in attributes:
            raise BadJson(f"there is no `{name}`")
        if not isinstance(attributes[name], str):
            raise BadJson(f"`{name}` is not text")
        if not attributes[name]:
            raise BadJson(f"`{name}` is empty")
    version = attributes["specversion"]
    if version != "1.0":
        raise BadJson(f"`specversion` is not 1.0 but {version[:20]!r}")
    problem = check_id(attributes["id"], limits)
    if problem is not None:
        raise BadJson(problem)
    for name, value in attributes.items():
        if not _NAME.fullmatch(name):
            shown = ascii(name[:40])
            raise BadJson(f"{shown} is not the name of an attribute: a to z and 0 to 9")
        if not isinstance(value, str | int):
            raise BadJson(f"`{name}` is not text, a whole number, true or false")
        if name in _TEXTS and not isinstance(value, str):
            raise BadJson(f"`{name}` is not text")
