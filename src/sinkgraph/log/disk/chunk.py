"""A chunk's body: batches to bytes and back, with every id, time, meta and payload as it was.

It neither stores nor checks; a row's checksum stands beside its body (`format`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.msgpack import Ext

from sinkgraph.event import EVENTS, NO_META, Batch, Event, LazyEvent, Meta, Page
from sinkgraph.payload import Json, encode_json

__all__ = ["count", "decode", "encode"]

# A part is a list. Of events that share a head:
#   [uid, base | seqs, source, type, marks, kinds, payloads]
# Of events that brought their own:
#   [ids, types, sources, times, kinds, payloads, metas]      (ids is a list, uid is a text)
# `kinds`: 0 all JSON texts, 1 all raw bytes, or one byte (0 or 1) for each payload.
# `types`, `sources`, `metas`: one value where all are the same, else a list of them.
_JSON, _RAW = 0, 1
_PLAIN_KINDS: dict[type, int] = {Json: _JSON, bytes: _RAW}

# Texts that UTF-8 cannot hold and integers beyond 64 bits, both rare, go as extensions.
_SURROGATES, _BIG = 1, 2


def encode(batches: Sequence[Batch]) -> bytes:
    """Return the body that holds these batches' events, in order.

    Pages may be read by others meanwhile: values are copied first, and count in either form.
    """
    parts: list[list[Any]] = []
    own: list[Event] = []  # events that brought their own heads, not yet in a part
    for page, i, j in _stretches(batches):
        if j - i == 1 and parts and not own and _goes_on(parts[-1], page, i):
            continue
        values = page.values[i:j]
        if not page.uid and EVENTS.issuperset(map(type, values)):
            own += values
            continue
        part = _headed(page, i, values)
        if part is None:
            own += [
                value if isinstance(value, Event) else _event(page, i + k, value)
                for k, value in enumerate(values)
            ]
            continue
        if own:
            parts.append(_owned(own))
            own = []
        if not (parts and _append(parts[-1], part)):
            parts.append(part)
    if own:
        parts.append(_owned(own))
    try:
        return _pack(parts)
    except (ValueError, OverflowError, TypeError):
        return _pack(_packable(parts))


def decode(body: bytes, places: int | None = None) -> Batch:
    """Return one batch over all events of a body; `places` is the place of the first one.

    Raises ValueError for bytes that `encode` did not make.
    """
    try:
        parts: list[list[Any]] = _unpack(body)
        page = _page(parts)
        return Batch(_placed(page, places), 0, len(page.values))
    except (msgspec.DecodeError, TypeError, LookupError, AttributeError, ValueError) as error:
        raise ValueError(f"not the body of a chunk: {error}") from None


def count(body: bytes) -> int:
    """Return how many events a body holds; ValueError as for `decode`."""
    return len(decode(body))


def _stretches(batches: Sequence[Batch]) -> Iterable[tuple[Page, int, int]]:
    """Yield pages with bounds; batches that stand together in a page are one."""
    page, i, j = None, 0, 0
    for batch in batches:
        if page is batch.page and batch.i == j:
            j = batch.j
            continue
        if page is not None and j > i:
            yield page, i, j
        page, i, j = batch.page, batch.i, batch.j
    if page is not None and j > i:
        yield page, i, j


def _headed(page: Page, i: int, values: list[Any]) -> list[Any] | None:
    """Return the part of values under the head of their page; None when some brought their own."""
    kinds = set(map(type, values))
    if not kinds.isdisjoint(EVENTS) or not kinds <= _PLAIN_KINDS.keys():
        for k, value in enumerate(values):
            if isinstance(value, Event):
                if not _has_head_of(page, i + k, value):
                    return None
                values[k] = value.payload
    shown, payloads = _payloads(values)
    j = i + len(values)
    seqs = page.base + i if page.seqs is None else page.seqs[i:j]
    return [page.uid, seqs, page.source, page.type, _marks(page, i, j), shown, payloads]


def _has_head_of(page: Page, k: int, event: Event) -> bool:
    number = page.base + k if page.seqs is None else page.seqs[k]
    return (
        event.meta is NO_META
        and event.id == f"{page.uid}-{number}"
        and event.time == page.time_at(k)
        and event.type == page.type
        and event.source == page.source
    )


def _marks(page: Page, i: int, j: int) -> list[tuple[int, float]]:
    marks = page.marks
    if len(marks) == 1:
        return [(0, marks[0][1])]
    within = [(at - i, when) for at, when in marks if i < at < j]
    return [(0, page.time_at(i)), *within]


def _owned(events: list[Event]) -> list[Any]:
    """Return the part of events that do not share a head."""
    shown, payloads = _payloads([event.payload for event in events])
    return [
        [event.id for event in events],
        _same([event.type for event in events]),
        _same([event.source for event in events]),
        [event.time for event in events],
        shown,
        payloads,
        None if not any(event.meta for event in events) else [dict(one.meta) for one in events],
    ]


def _event(page: Page, k: int, value: Any) -> Event:
    """Return the event at index k as `page.event` would, without keeping it there."""
    number = page.base + k if page.seqs is None else page.seqs[k]
    return Event(f"{page.uid}-{number}", page.type, page.source, page.time_at(k), value)


def _same(texts: list[str]) -> str | list[str]:
    return texts[0] if texts.count(texts[0]) == len(texts) else texts


def _payloads(values: list[Any]) -> tuple[int | bytes, list[bytes]]:
    kinds = set(map(type, values))
    if kinds == {Json}:
        return _JSON, [value.raw for value in values]
    if kinds == {bytes}:
        return _RAW, values
    shown = bytes([_RAW if isinstance(value, bytes) else _JSON for value in values])
    payloads = [value if isinstance(value, bytes) else encode_json(value) for value in values]
    return shown if _RAW in shown else _JSON, payloads


def _goes_on(part: list[Any], page: Page, i: int) -> bool:
    """Add one event that goes on where a part ends, the usual case of many small writes."""
    uid, base, source, typ, marks, kinds, payloads = part
    value = page.values[i]
    if (
        _PLAIN_KINDS.get(value.__class__) != kinds
        or page.uid != uid
        or page.seqs is not None
        or base.__class__ is not int
        or page.base + i != base + len(payloads)
        or page.source != source
        or page.type != typ
    ):
        return False
    when = page.time_at(i)
    if when != marks[-1][1]:
        marks.append((len(payloads), when))
    payloads.append(value.raw if kinds == _JSON else value)
    return True


def _append(part: list[Any], more: list[Any]) -> bool:
    """Make one part of two where numbers go on under the same head; say whether that was so."""
    uid, base, source, typ, marks, kinds, payloads = part
    if more[0] != uid or more[2] != source or more[3] != typ:
        return False
    if not (isinstance(base, int) and more[1] == base + len(payloads)):
        return False
    if not (isinstance(kinds, int) and more[5] == kinds):
        return False
    n = len(payloads)
    marks.extend((at + n, when) for at, when in more[4] if at or when != marks[-1][1])
    payloads.extend(more[6])
    return True


def _page(parts: list[list[Any]]) -> Page:
    if len(parts) == 1 and isinstance(parts[0][0], str):
        uid, seqs, source, typ, marks, kinds, payloads = parts[0]
        values = _values(kinds, payloads)
        times = [(at, when) for at, when in marks]
        if isinstance(seqs, int):
            return Page(values, uid, seqs, source=source, type=typ, marks=times)
        return Page(values, uid, source=source, type=typ, marks=times, seqs=seqs)
    events: list[Any] = []
    for part in parts:
        if isinstance(part[0], str):
            page = _page([part])
            events += page.events(0, len(page.values))
        else:
            events += _own(part)
    return Page(events, "")


def _own(part: list[Any]) -> list[Event]:
    ids, types, sources, times, kinds, payloads, metas = part
    values = _values(kinds, payloads)
    n = len(values)
    types = types if isinstance(types, list) else [types] * n
    sources = sources if isinstance(sources, list) else [sources] * n
    held = [NO_META] * n if metas is None else [Meta(one) if one else NO_META for one in metas]
    return [
        (LazyEvent if value.__class__ is Json else Event)(id, typ, source, time, value, meta)
        for id, typ, source, time, value, meta in zip(
            ids, types, sources, times, values, held, strict=True
        )
    ]


def _values(kinds: int | bytes, payloads: list[bytes]) -> list[Any]:
    if kinds == _JSON:
        return list(map(Json, payloads))
    if kinds == _RAW:
        return payloads
    assert isinstance(kinds, bytes)
    return [
        payload if kind == _RAW else Json(payload)
        for kind, payload in zip(kinds, payloads, strict=True)
    ]


def _placed(page: Page, places: int | None) -> Page:
    page.places = places
    return page


def _packable(value: Any) -> Any:
    """Return what the encoder takes, for what it does not: lone surrogates, big integers."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return Ext(_SURROGATES, value.encode("utf-8", "surrogatepass"))
        return str(value)
    if isinstance(value, bool | float | bytes | None):
        return value
    if isinstance(value, int):
        return value if -(1 << 63) <= value < 1 << 64 else Ext(_BIG, b"%x" % value)
    if isinstance(value, Mapping):
        return {_packable_key(key): _packable(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_packable(one) for one in value]
    return _hook(value) if not isinstance(value, Ext) else value


def _packable_key(key: Any) -> Any:
    """Return what may stand as a key: no extension may, so what would be one is shown."""
    packed = _packable(key)
    if isinstance(packed, Ext | list | dict):
        return str(key).encode("utf-8", "backslashreplace").decode()
    return packed


def _hook(value: Any) -> Any:
    try:
        return _packable(msgspec.to_builtins(value, builtin_types=(bytes,), str_keys=True))
    except Exception:  # meta never refuses an event: what cannot be stored is shown
        return repr(value)


def _unhook(code: int, held: memoryview) -> Any:
    if code == _SURROGATES:
        return bytes(held).decode("utf-8", "surrogatepass")
    if code == _BIG:
        return int(bytes(held), 16)
    raise ValueError(f"unknown extension {code}")


_pack = msgspec.msgpack.Encoder(enc_hook=_hook).encode
_unpack = msgspec.msgpack.Decoder(ext_hook=_unhook).decode
