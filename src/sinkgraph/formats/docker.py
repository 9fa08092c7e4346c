"""The notification envelope of Docker Distribution (the registry), in and out.

In: `{"events": [...]}`, every entry becomes one event whose payload is the entry's own bytes.
Out: the payloads as entries of one envelope. Nothing here knows HTTP beyond the media types.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from sinkgraph.event import NO_META, Event, Json, LazyEvent
from sinkgraph.formats.json_text import BadJson, json_reason, parse_json
from sinkgraph.formats.limits import BadBody, BadItem, Limits
from sinkgraph.formats.times import parse_rfc3339

__all__ = ["DOCKER_TYPES", "DOCKER_V1", "check_id", "decode_envelope", "encode_envelope"]

DOCKER_V1 = "application/vnd.docker.distribution.events.v1+json"
DOCKER_V2 = "application/vnd.docker.distribution.events.v2+json"
DOCKER_TYPES = frozenset({DOCKER_V1, DOCKER_V2})
_ATTRIBUTES = frozenset({"id", "timestamp", "action", "source"})


class _Envelope(msgspec.Struct):
    events: list[msgspec.Raw]


class _Source(msgspec.Struct):
    addr: str = ""


class _Entry(msgspec.Struct):
    id: str
    action: str
    timestamp: str = ""
    source: _Source | None = None


_read_envelope = msgspec.json.Decoder(_Envelope).decode
_read_entry = msgspec.json.Decoder(_Entry).decode
_read_pairs = json.JSONDecoder(object_pairs_hook=list)


def decode_envelope(body: bytes, limits: Limits, *, received: float, host: str = "") -> list[Event]:
    """Return one event per entry of `events`; all or nothing.

    `received` (Unix seconds) stands in for a time that cannot be read, `host` for a source
    without an address. Raises `BadBody`, with every bad entry named.
    """
    try:
        entries = _read_envelope(body).events
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadBody(f"not a notification envelope: {json_reason(error)}") from None
    if len(entries) > limits.max_batch:
        raise BadBody(
            f"{len(entries)} entries in one envelope, more than {limits.max_batch}", status=413
        )
    events: list[Event] = []
    bad: list[BadItem] = []
    for index, raw in enumerate(entries):
        try:
            events.append(_event(bytes(raw), limits, received, host))
        except BadJson as error:
            bad.append(BadItem(index, str(error)))
    if bad:
        raise BadBody(f"{len(bad)} of {len(entries)} entries are bad", items=bad)
    twice = _repeated_top(body)
    if twice is not None:
        raise BadBody(f"`{twice}` is given twice in the envelope")
    return events


def _event(raw: bytes, limits: Limits, received: float, host: str) -> Event:
    payload: Json = parse_json(raw, limits)
    try:
        entry = _read_entry(payload.raw)
    except msgspec.MsgspecError as error:
        raise BadJson(json_reason(error)) from None
    problem = check_id(entry.id, limits)
    if problem is not None:
        raise BadJson(problem)
    if not entry.action:
        raise BadJson("`action` is empty")
    twice = _repeated(_read_pairs.decode(payload.raw.decode()), _ATTRIBUTES)
    if twice is not None:
        raise BadJson(f"`{twice}` is given twice")
    when = parse_rfc3339(entry.timestamp)
    source = entry.source.addr if entry.source is not None else ""
    return LazyEvent(
        entry.id,
        f"docker.registry.{entry.action}",
        source or host,
        received if when is None else when,
        payload,
        NO_META,
    )


def check_id(text: str, limits: Limits) -> str | None:
    """Return why a text cannot be an event's id, or None."""
    if not text:
        return "`id` is empty"
    if len(text) > limits.max_id:
        return f"`id` is {len(text)} characters long, more than {limits.max_id}"
    if not text.isprintable() or "." in text:
        return "`id` holds a dot or a character that cannot be shown"
    return None


def _repeated_top(body: bytes) -> str | None:
    """Return the key an envelope gives twice; entries are not looked into when it cannot be."""
    if body.count(b'"events"') == 1 and b"\\" not in body:
        return None
    return _repeated(_read_pairs.decode(body.decode()), frozenset({"events"}))


def _repeated(pairs: list[tuple[str, Any]], names: frozenset[str]) -> str | None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in names:
            if name in seen:
                return name
            seen.add(name)
    return None


def encode_envelope(payloads: Sequence[bytes]) -> bytes:
    """Return one envelope around payloads that are JSON text already."""
    return b'{"events":[' + b",".join(payloads) + b"]}"
