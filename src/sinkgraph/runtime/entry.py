"""Where events from Python enter a running graph, and the bounded inbox behind `emit`.

The fast half of a write is one comparison and one append; everything else is `_slowly`.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from sinkgraph.errors import Overloaded, SinkClosed
from sinkgraph.event import EVENTS, Batch, Event, LazyEvent, Meta
from sinkgraph.payload import PLAIN, Json, to_payload
from sinkgraph.sinks.base import Context, Link, Node
from sinkgraph.sinks.gate import Gate
from sinkgraph.sinks.instant import Instant
from sinkgraph.telemetry.stats import LedgerView

__all__ = ["READY", "Entry", "Inbox"]

READY = PLAIN | EVENTS


class Entry:
    """Is one place where Python writes: an inlet's edge, or the root of a tree.

    `gate` is the gate behind it, or None when writes have to be admitted by a plan.
    """

    __slots__ = ("_base", "_ctx", "_since", "_uid", "gate", "link", "name")

    def __init__(self, name: str, link: Link, ctx: Context) -> None:
        self.name = name
        self.link = link
        self.gate: Gate | None = None
        self._ctx = ctx
        self._uid = f"{ctx.run_id}-{name}" if name else ctx.run_id
        self._base = 0
        self._since = 0

    def refresh(self) -> None:
        """Look the gate up again after a change of the wiring."""
        target = self.link.target
        self.gate = target.gate if isinstance(target, Instant) else None
        if self.gate is not None and self.name:
            self.gate.log.source = self.gate.log.tail.page.source = self.name

    def event(
        self,
        data: Any,
        type: str | None,
        id: str | None,
        source: str | None,
        time: float | None,
        meta: Mapping[str, Any] | None,
    ) -> Event:
        """Return an Event for explicit attributes, the rest as this entry gives them."""
        payload = to_payload(data)
        if id is None:
            id = f"{self._uid}.{self._base}"
            self._base += 1
        make = LazyEvent if payload.__class__ is Json else Event
        return make(
            id,
            type if type is not None else "event",
            source if source is not None else self.name,
            time if time is not None else self._ctx.clock.wall(),
            payload,
            Meta(meta) if meta else Event().meta,
        )

    async def write(self, value: Any, timeout_s: float | None) -> None:
        """Write one payload or Event, waiting for room at most `timeout_s` seconds."""
        if self.gate is not None:
            await self.gate.put(value, timeout_s)
        else:
            await self._written([value], timeout_s)

    async def write_many(self, values: Sequence[Any], timeout_s: float | None) -> None:
        """Write payloads, Events or a Batch, all together."""
        if isinstance(values, Batch):
            await self._through(values, timeout_s)
            return
        payloads = list(values)
        if not all(payloads) and any(value is None for value in payloads):
            raise TypeError("None is not an event")
        if not payloads:
            return
        if self.gate is not None:
            await self.gate.put_many(payloads, timeout_s)
        else:
            await self._written(payloads, timeout_s)

    async def _written(self, values: list[Any], timeout_s: float | None) -> None:
        base = self._base
        self._base += len(values)
        batch = Batch.from_payloads(
            values, self._uid, base, source=self.name, type="event", time=self._ctx.clock.wall()
        )
        await self._through(batch, timeout_s)

    async def _through(self, batch: Batch, timeout_s: float | None) -> None:
        target = self.link.target
        if isinstance(target, Instant):
            await target.write_within(batch, timeout_s)
            return
        try:
            async with asyncio.timeout(timeout_s):
                await self.link.write(batch)
        except TimeoutError:
            raise Overloaded(f"{target.name} did not take it within {timeout_s:g} s") from None

    def took(self) -> int:
        """Return how many events passed the gate since this was last asked."""
        gate = self.gate
        if gate is None:
            return 0
        n = gate.log.head - self._since
        self._since = gate.log.head
        return n


class Inbox(Node):
    """Takes events from any thread without waiting, and hands them to an entry.

    Bounded by `capacity`: what does not fit is refused and counted.
    """

    kind = "inbox"

    def __init__(self, entry: Entry, loop: asyncio.AbstractEventLoop, capacity: int) -> None:
        super().__init__()
        self.capacity = capacity
        self._entry = entry
        self._loop = loop
        self._items: deque[Any] = deque()
        self._lock = threading.Lock()
        self._scheduled = False
        self._came = 0
        self._refused = 0
        self._working = 0
        self._idle: list[asyncio.Future[None]] = []
        self._task: asyncio.Task[None] | None = None

    def put(self, value: Any) -> bool:
        """Take a value; False when full or closed. Any thread, never blocks."""
        with self._lock:
            self._came += 1
            if self.closed or len(self._items) + self._working >= self.capacity:
                self._refused += 1
                return False
            self._items.append(value)
            if self._scheduled:
                return True
            self._scheduled = True
        try:
            self._loop.call_soon_threadsafe(self._begin)
        except RuntimeError:  # the loop is closed
            with self._lock:
                self._scheduled = False
                self._items.pop()
                self._refused += 1
            return False
        return True

    def _begin(self) -> None:
        self._task = self.bound.spawn(self._work(), "inbox")

    async def _work(self) -> None:
        while True:
            with self._lock:
                values = list(self._items)
                self._items.clear()
                self._working = len(values)
                if not values:
                    self._scheduled = False
                    self._tell_idle()
                    return
            try:
                await self._deliver(values)
            finally:
                with self._lock:
                    self._working = 0

    async def _deliver(self, values: list[Any]) -> None:
        while True:
            try:
                await self._entry.write_many(values, None)
                self.ledger.delivered += len(values)
                return
            except SinkClosed:
                self.ledger.drop("closed", len(values))
                return
            except asyncio.CancelledError:
                self.ledger.drop("stopped", len(values))
                raise
            except Overloaded:
                await asyncio.sleep(0.1)
            except Exception as error:
                self.ledger.drop("failed", len(values))
                self.bound.journal("emit_failed", error=repr(error), events=len(values))
                return

    def _tell_idle(self) -> None:
        for future in self._idle:
            if not future.done():
                future.set_result(None)
        self._idle.clear()

    async def drain(self) -> None:
        """Wait until everything emitted was handed on."""
        while self.pending():
            future = asyncio.get_running_loop().create_future()
            self._idle.append(future)
            await future

    def pending(self) -> int:
        """Return how many values wait here."""
        return len(self._items) + self._working

    def account(self) -> LedgerView:
        """Return its ledger; what was refused counts as dropped(inbox_full)."""
        with self._lock:
            self.ledger.entered = self._came
            if self._refused:
                self.ledger.dropped["inbox_full"] = self._refused
            return super().account()
