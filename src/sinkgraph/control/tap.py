"""A look at the events that pass a node: sampled, filtered, stripped of secrets, and bounded.

It never waits and is never required. What it does per second is bounded too, however many events
pass: it counts what it does not look at.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import msgspec

from sinkgraph.control.redact import Redactor
from sinkgraph.errors import Rejected
from sinkgraph.event import Batch, Event
from sinkgraph.payload import Json
from sinkgraph.runtime.subscription import Subscription

__all__ = ["MOST_A_SECOND", "MOST_BYTES", "Tap"]

MOST_A_SECOND = 200
MOST_BYTES = 64 * 1024
_LOOKED_AT = 2_000  # events a second that `where` may be asked about
_KEPT = 256  # events for a reader that is slow
_DECODED = 256 * 1024  # bytes of a payload that are decoded at all
_encode = msgspec.json.Encoder(enc_hook=str).encode


class Tap(Subscription):
    """Shows at most `rate` events a second; `where` is a compiled expression, or None.

    `cap`: how many bytes of a payload are shown.
    """

    kind = "tap"

    def __init__(
        self, redactor: Redactor, *, rate: float = 20.0, cap: int = 4_096, where: Any = None
    ) -> None:
        super().__init__(1, "drop_newest", where)
        self._redactor = redactor
        self._rate = min(max(rate, 0.1), MOST_A_SECOND)
        self._cap = min(max(cap, 64), MOST_BYTES)
        self._shown: deque[dict[str, Any]] = deque()
        self._tokens = max(1.0, self._rate)
        self._looks = float(_LOOKED_AT)
        self._at: float | None = None
        self._wanted: asyncio.Future[None] | None = None
        self.seen = 0
        self.shown = 0
        self.filtered = 0
        self.failed = 0
        self.sampled_out = 0

    def watch(self, batch: Batch) -> None:
        """Look at a batch: show what there is time for, count the rest."""
        n = len(batch)
        self.seen += n
        if self.closed:
            return
        self._refill()
        looks = min(n, int(self._looks) if self._where is not None else int(self._tokens))
        if self._tokens < 1 or looks < 1:
            self.sampled_out += n
            return
        part = batch[:looks]
        self._looks -= looks
        chosen: list[int] = list(range(looks))
        if self._where is not None:
            chosen, failed = self._where.predicate(part)
            self.filtered += looks - len(chosen) - len(failed)
            self.failed += len(failed)
        fit = chosen[: int(self._tokens)]
        self.sampled_out += n - looks + len(chosen) - len(fit)
        self._tokens -= len(fit)
        for k in fit:
            self._show(part[k])

    def _refill(self) -> None:
        now = self.bound.clock.now()
        dt = now - self._at if self._at is not None else 0.0
        self._at = now
        self._tokens = min(max(1.0, self._rate), self._tokens + dt * self._rate)
        self._looks = min(_LOOKED_AT, self._looks + dt * _LOOKED_AT)

    def _show(self, event: Event) -> None:
        if len(self._shown) >= _KEPT:
            self._shown.popleft()
            self.missed += 1
        self.shown += 1
        self._shown.append({"seq": self.shown, **event_view(event, self._redactor, self._cap)})
        if self._wanted is not None and not self._wanted.done():
            self._wanted.set_result(None)

    async def taken(self, within_s: float) -> list[dict[str, Any]]:
        """Return what is to be shown now, waiting a while for the first of it."""
        if not self._shown and not self.closed:
            self._wanted = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._wanted], timeout=within_s)
        made = list(self._shown)
        self._shown.clear()
        return made

    def counts(self) -> dict[str, int]:
        """Return what passed and was not shown, as `TapGap` has it."""
        return {
            "seen": self.seen,
            "shown": self.shown,
            "filtered": self.filtered,
            "failed": self.failed,
            "sampled_out": self.sampled_out,
            "missed": self.missed,
        }

    def pending(self) -> int:
        """Return 0: what it has not shown is nobody's event."""
        return 0

    async def close(self) -> None:
        """Look at nothing more."""
        self.closed = True
        if self._wanted is not None and not self._wanted.done():
            self._wanted.set_result(None)


def event_view(event: Event, redactor: Redactor, cap: int) -> dict[str, Any]:
    """Return an event as `TapEvent` has it, at most about `cap` bytes of its payload."""
    made: dict[str, Any] = {
        "id": redactor.shown(event.id, 200),
        "type": redactor.shown(event.type, 200),
        "source": redactor.shown(event.source, 200),
        "time": event.time,
        "meta": redactor.value(dict(event.meta), text_limit=500),
        "data": None,
        "preview": None,
        "size": None,
    }
    made["data"], made["preview"], made["size"] = _payload(event.payload, redactor, cap)
    return made


def _payload(payload: Any, redactor: Redactor, cap: int) -> tuple[Any, str | None, int | None]:
    """Return the payload, or its beginning where it is too large, and its bytes."""
    if isinstance(payload, bytes):
        return None, f"{len(payload)} bytes", len(payload)
    size: int | None = None
    if isinstance(payload, Json):
        try:
            raw = payload.raw
            size = len(raw)
            if size > _DECODED:
                return None, "…", size
            payload = msgspec.json.decode(raw)  # a copy: nothing of the event's own is changed
        except (Rejected, ValueError):
            return None, "…", size
    value = redactor.value(payload, text_limit=cap)
    text = _encode(value)
    if len(text) <= cap:
        return value, None, size
    return None, redactor.shown(text[:cap].decode("utf-8", "ignore"), cap), size
