"""From an event that died to what is stored of it: the event whole, and what one looks for it by.

Where rows are kept is not its subject.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sinkgraph.event import Batch, Event
from sinkgraph.log.backlog import sizes_of
from sinkgraph.log.disk.dead import DeadRow

__all__ = ["NOT_DEAD", "dead_rows", "reason_of"]

NOT_DEAD = "written"
"""The reason of an event that was written to a dead letter sink without having died."""


def reason_of(event: Event) -> str:
    """Return why an event is a dead letter."""
    return str(event.meta.get("reason") or NOT_DEAD)


def dead_rows(batch: Batch, sink: str, path: Sequence[str], now: float) -> list[DeadRow]:
    """Return what a sink stores of a batch; `path` is its own, `now` in Unix seconds.

    An event that no file can hold is stored with its payload shown as text; `unstorable` in its
    meta says why.
    """
    rows = []
    for event, size in zip(batch, sizes_of(batch), strict=True):
        meta = event.meta
        node = str(meta.get("node") or (path[-2] if len(path) > 1 else sink))
        last = _time(meta.get("last_failed"), now)
        first = _time(meta.get("first_failed"), last)
        body, size = _body(event, size)
        about = (str(event.id), str(event.type), last, first)
        rows.append(DeadRow(sink, node, reason_of(event), *about, size, body))
    return rows


def _body(event: Event, size: int) -> tuple[bytes, int]:
    from sinkgraph.log.disk.chunk import encode

    head = str(event.id), str(event.type), str(event.source), event.time
    if head != (event.id, event.type, event.source, event.time):
        event = type(event)(*head, event.payload, event.meta)
    try:
        return encode([Batch.of([event])]), size
    except Exception as error:  # whatever a payload's own conversion raises
        text = _shown(event.payload)
        why = f"{type(event.payload).__name__}: {error}"
        shown = Event(*head, text, event.meta).with_meta(unstorable=why)
        return encode([Batch.of([shown])]), len(text)


def _shown(value: Any) -> str:
    try:
        return repr(value)
    except Exception as error:
        return f"<{type(value).__name__}: {type(error).__name__}>"


def _time(value: Any, otherwise: float) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return otherwise
