"""Where events from Python enter a running graph, and the bounded inbox behind `emit`.

The fast half of a write is one comparison and one append; everything else is `_slowly`.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sinkgraph.errors import Overloaded, Owed, PartialWrite, Rejected, SinkClosed
from sinkgraph.event import EVENTS, Batch, Event, LazyEvent, Meta, as_batch
from sinkgraph.log.owed import Claim, owed_count
from sinkgraph.payload import PLAIN, Json, to_payload
from sinkgraph.sinks.base import Context, Link, Node
from sinkgraph.sinks.gate import Gate
from sinkgraph.sinks.instant import Instant
from sinkgraph.sinks.intake import Intake
from sinkgraph.sources.inlet import Inlet
from sinkgraph.telemetry.stats import Ledger, LedgerView

__all__ = ["READY", "Entry", "Inbox"]

READY = PLAIN | EVENTS
_AGAIN_S = 0.1  # between two looks for room


class Entry:
    """Is one place where Python writes: an inlet's edge, or the root of a tree.

    `gate` is the gate behind it that nothing else leads to, or None when writes have to go the
    way of all batches. `ledger` is the inlet's, which then counts them. An inlet that holds events
    against a schema sees every one, so nothing goes straight to a gate then.
    """

    __slots__ = (
        "_base",
        "_ctx",
        "_hold",
        "_inlet",
        "_intake",
        "_passed",
        "_since",
        "_uid",
        "gate",
        "ledger",
        "link",
        "name",
        "shut",
    )

    def __init__(
        self,
        name: str,
        link: Link,
        ctx: Context,
        ledger: Ledger | None = None,
        *,
        inlet: Inlet | None = None,
    ) -> None:
        self.name = name
        self._inlet = inlet
        self._hold: Callable[[Sequence[Any]], None] | None = None  # raises for what is not valid
        self.ledger = ledger if ledger is not None else Ledger()
        self.link = link
        self.gate: Gate | None = None
        self.shut = False  # the graph stops: nothing is taken any more
        self._ctx = ctx
        self._intake: Intake | None = None  # where single writes wait for the disk
        # no gate's name for its ids ends like this: wiring may come and go between the two
        own = name.replace(".", "~")  # CloudEvents sources take no id with a dot
        self._uid = f"{ctx.run_id}-{own}" if name else f"{ctx.run_id}w"
        self._base = 0
        self._since = 0  # the head of the gate's log when it was last asked what passed
        self._passed = 0  # what passed gates that are gone, and was not told yet

    def refresh(self) -> None:
        """Look the gate up again after a change of the wiring."""
        inlet = self._inlet
        self._hold = inlet.hold if inlet is not None and inlet.gate is not None else None
        target = self.link.target
        gate = target.gate if isinstance(target, Instant) else None
        gate = None if gate is not None and (gate.shared or self._hold is not None) else gate
        if gate is not self.gate:
            self._passed = self.took()
            self._since = gate.log.head if gate is not None else 0
            self.gate = gate
        seals = gate is None and isinstance(target, Instant) and target.seals
        seals = seals and self._hold is None
        if not seals or not isinstance(target, Instant):
            self._intake = None
        elif self._intake is None or self._intake.root is not target:
            self._intake = Intake(target, self._batch_of)
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
            id = f"{self._uid}-{self._base}"
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
        elif self._intake is None or self.shut or not await self._gathered(value):
            await self._written([value], timeout_s)

    async def _gathered(self, value: Any) -> bool:
        """Write a value together with what others write in this tick; False: not done."""
        assert self._intake is not None, "only what goes to disk is gathered"
        ledger, pledge = self.ledger, self._intake.join(value)
        ledger.entered += 1
        ledger.held += 1
        try:
            await pledge
        finally:
            ledger.held -= 1
            if pledge.apart:
                ledger.entered -= 1
            elif pledge.done() and pledge.exception() is None:
                ledger.delivered += 1
            else:
                ledger.returned += 1
        return not pledge.apart

    async def write_many(self, values: Sequence[Any], timeout_s: float | None) -> None:
        """Write payloads, Events or a Batch, all together."""
        if isinstance(values, Batch):
            await self._through(values, timeout_s)
            return
        if isinstance(values, (str, bytes, dict)):
            what = values.__class__.__name__
            raise TypeError(f"write_many takes a list of events, not a {what}: write it with write")
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
        await self._through(self._batch_of(values), timeout_s)

    def _batch_of(self, values: list[Any]) -> Batch:
        base = self._base
        self._base += len(values)
        return Batch.from_payloads(
            values, self._uid, base, source=self.name, type="event", time=self._ctx.clock.wall()
        )

    async def _through(self, batch: Batch, timeout_s: float | None) -> None:
        if self.shut:
            raise SinkClosed("the graph was stopped")
        if self._hold is not None:
            self._hold(batch)
        if self.gate is not None:
            await self._handed(batch, timeout_s)
            return
        n = len(batch)
        ledger, owed = self.ledger, len(batch)
        ledger.entered += n
        ledger.held += n
        try:
            await self._handed(batch, timeout_s)
            owed = 0
        except BaseException as error:
            owed = owed_count(error, n)
            raise
        finally:
            ledger.held -= n
            ledger.delivered += n - owed
            ledger.returned += owed

    async def _handed(self, batch: Batch, timeout_s: float | None) -> None:
        while True:
            generation = self._ctx.generation
            try:
                await self._hand(batch, timeout_s)
                return
            except SinkClosed:
                if generation == self._ctx.generation or self.shut:
                    raise  # else what was closed has a successor, to which the edge leads now

    async def _hand(self, batch: Batch, timeout_s: float | None) -> None:
        target = self.link.target
        if isinstance(target, Instant):
            until = None
            if timeout_s is not None:
                until = asyncio.get_running_loop().time() + timeout_s
            await target.write_within(batch, timeout_s, until=until)
            return
        timer = asyncio.timeout(timeout_s)
        try:
            async with timer:
                await self.link.write(batch)
        except TimeoutError:
            if not timer.expired():
                raise
            raise Overloaded(f"{target.name} did not take it within {timeout_s:g} s") from None

    def took(self) -> int:
        """Return how many events passed its gate since this was last asked."""
        n, self._passed = self._passed, 0
        if self.gate is not None:
            head = self.gate.log.head
            n += head - self._since
            self._since = head
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

    def lead_to(self, entry: Entry) -> None:
        """Hand on to another entry from the next value on."""
        self._entry = entry

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
            await self._deliver(values)

    async def _deliver(self, values: list[Any]) -> None:
        """Hand values on until each was taken or is lost for a fault of its own; wait for room."""
        pieces = deque([values])
        try:
            while pieces:
                piece = pieces[0]
                try:
                    await self._entry.write_many(piece, None)
                    self._count(len(piece))
                except Overloaded:
                    await asyncio.sleep(_AGAIN_S)
                    continue
                except PartialWrite as error:
                    del pieces[0]
                    await self._pay(piece, error)
                    continue
                except Rejected as error:
                    if len(piece) > 1:
                        half = len(piece) // 2
                        pieces[0] = piece[half:]
                        pieces.appendleft(piece[:half])
                        continue
                    self._lose(1, error)
                except Exception as error:
                    self._lose(len(piece), error)
                del pieces[0]
        except asyncio.CancelledError:
            self._count(sum(map(len, pieces)), "stopped")
            raise

    async def _pay(self, piece: list[Any], error: PartialWrite) -> None:
        """Write again what there was no room for; the rest of what is owed is lost."""
        whole = (
            self._entry.link.send,
            Batch.from_payloads(piece, "", 0, source="", type="event", time=0.0),
        )
        claim = Claim(whole)
        todo = deque((part, (part.write, as_batch(part.events))) for part in error.owed)
        self._count(claim.replace(whole, [part for _, part in todo])[0])
        try:
            while todo:
                owed, part = todo.popleft()
                more: list[Owed] = []
                try:
                    if not isinstance(owed.error, Overloaded):
                        self._lose(claim.replace(part, [])[0], owed.error)
                        continue
                    await asyncio.sleep(_AGAIN_S)
                    await part[0](part[1])
                except PartialWrite as again:
                    more = list(again.owed)
                except Exception as again:
                    more = [Owed(*part, again)]
                fresh = [(one, (one.write, as_batch(one.events))) for one in more]
                self._count(claim.replace(part, [one for _, one in fresh])[0])
                todo.extendleft(reversed(fresh))
        except asyncio.CancelledError:
            self._count(claim.left, "stopped")
            raise

    def _lose(self, n: int, error: BaseException) -> None:
        if isinstance(error, SinkClosed):
            self._count(n, "closed")
        elif n:
            self._count(n, "failed")
            self.bound.journal("emit_failed", error=repr(error), events=n)

    def _count(self, n: int, lost: str = "") -> None:
        """Count n events that are pending here no more: delivered, or lost for a reason."""
        with self._lock:
            self._working -= n
        if lost:
            self.ledger.drop(lost, n)
        else:
            self.ledger.delivered += n

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
