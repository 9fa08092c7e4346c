"""What every sink between two others shares: the account of a write, and of what it still owes.

Subclasses say what happens around one write to the target. Nothing here waits for anything but
the target, and nothing is stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from sinkgraph.clock import Clock, LoopClock, Random, system_random
from sinkgraph.errors import Owed, PartialWrite
from sinkgraph.event import Batch, Event, as_batch
from sinkgraph.sinks.base import Link, Node, Parked, Sink, owed_count
from sinkgraph.telemetry.stats import Ledger

__all__ = ["Branch", "Passage", "Passing", "Through", "Write", "owed_of", "rewrap"]

Write = Callable[[Sequence[Event]], Awaitable[None]]
"""Is how a batch is handed on: a link's `write`, or the continuation of something owed."""

Around = Callable[[Write, Sequence[Event]], Awaitable[None]]


def rewrap(error: PartialWrite, around: Around, *, except_for: Write | None = None) -> PartialWrite:
    """Return what `error` owes, each part's write wrapped as `around(part.write, events)`.

    So whoever pays a part passes through the node between again. Parts whose write is
    `except_for` begin at the node already and are left alone.
    """
    owed = [
        part
        if part.write is except_for
        else Owed(partial(around, part.write), part.events, part.error)
        for part in error.owed
    ]
    if isinstance(error, Parked):
        return Parked(owed, due_s=error.due_s, hold=error.hold)
    return PartialWrite(owed)


def owed_of(batch: Batch, owed: Sequence[Owed]) -> Batch:
    """Return the events of `batch` that are in any part of `owed`, once each, as they came.

    What is owed below may have been changed on its way, and be owed by several branches; ids
    are the same everywhere. Where ids do not tell, too many events are returned, never too few.
    """
    ids = {event.id for part in owed for event in part.events}
    known = batch.ids
    picked = [k for k, own in enumerate(known) if own in ids]
    strange = len({known[k] for k in picked}) < len(ids)
    return batch if strange or len(picked) == len(batch) else batch.pick(picked)


class Passage:
    """Is the account of one write through a node, settled in the tick its outcome is known.

    `again` writes the same way once more, through the node: what an Owed of the node's own
    continues with.
    """

    __slots__ = ("again", "ledger", "left")

    def __init__(self, ledger: Ledger, n: int, again: Write) -> None:
        self.ledger = ledger
        self.left = n
        self.again = again
        ledger.entered += n
        ledger.held += n

    def filter(self, reason: str, n: int) -> None:
        """Count n events that end here as intended."""
        self.ledger.filter(reason, n)
        self.ledger.held -= n
        self.left -= n

    def owed(self, error: PartialWrite) -> int:
        """Return how many events `error` owes: the node's own parts never hold one twice."""
        own = sum(len(part.events) for part in error.owed if part.write is self.again)
        below = [part for part in error.owed if part.write is not self.again]
        return own + (owed_count(PartialWrite(below), self.left) if below else 0)

    def settle(self, owed: int) -> None:
        """Count the rest: `owed` events returned to the writer, the others delivered."""
        ledger, left = self.ledger, self.left
        owed = min(owed, left)
        ledger.held -= left
        ledger.returned += owed
        ledger.delivered += left - owed
        self.left = 0


class Passing(Node):
    """Is a sink that keeps nothing: a write of it is done when a write below it is.

    Subclasses say in `around` what happens around handing a batch on, whether that is a write or
    the payment of something owed. It works without a topology too, on the loop's own clock.
    """

    def __init__(self) -> None:
        super().__init__()
        self._drained: asyncio.Event | None = None
        self._chance: Random | None = None

    async def around(self, write: Write, batch: Batch, passage: Passage) -> None:
        """Hand `batch` on by `write`; return or raise as `Sink.write` does."""
        await write(batch)

    async def resume(self, write: Write, events: Sequence[Event]) -> None:
        """Pay something owed from below through this node: `write` is the part's own."""
        if self.closed and self.left:
            await write(events)
            return
        self.refuse_if_closed()
        batch = as_batch(events)
        if len(batch):
            again = partial(self.resume, write)
            await self.account_for(write, batch, Passage(self.ledger, len(batch), again))

    async def account_for(self, write: Write, batch: Batch, passage: Passage) -> None:
        """Do `around`, settle the passage, and re-wrap what is owed."""
        owed = passage.left
        try:
            await self.around(write, batch, passage)
            owed = 0
        except PartialWrite as error:
            owed = passage.owed(error)
            raise rewrap(error, self.resume, except_for=passage.again) from error
        finally:
            passage.settle(owed)
            if self._drained is not None and not self.ledger.held:
                self._drained.set()

    async def drain(self) -> None:
        """Wait until no write is under way."""
        while self.pending():
            self._drained = self._drained or asyncio.Event()
            self._drained.clear()
            await self._drained.wait()

    @property
    def clock(self) -> Clock:
        """The topology's clock, else the running loop's."""
        return self.ctx.clock if self.ctx is not None else LoopClock()

    @property
    def random(self) -> Random:
        """The topology's source of chance, else one of its own."""
        if self.ctx is not None:
            return self.ctx.random
        if self._chance is None:
            self._chance = system_random()
        return self._chance

    @property
    def label(self) -> str:
        """What it is called in messages."""
        return f"{self.kind} {self.name or '(unnamed)'}"

    def journal(self, kind: str, **facts: object) -> None:
        """Note a fact about this node, when a topology listens."""
        if self.ctx is not None:
            self.ctx.journal(kind, node=self.name, **facts)


class Through(Passing):
    """Is a sink that keeps nothing and has one target, `to`."""

    def __init__(self, to: Sink) -> None:
        super().__init__()
        self.to = Link(to)

    def links(self) -> Sequence[Link]:
        """Return the one edge."""
        return (self.to,)

    async def write(self, events: Sequence[Event]) -> None:
        """Hand `events` on to the target the link has now, and count them."""
        self.refuse_if_closed()
        batch = as_batch(events)
        if len(batch):
            passage = Passage(self.ledger, len(batch), self.write)
            await self.account_for(self.to.write, batch, passage)

    def offer_on(self, batch: Batch) -> bool:
        """Offer `batch` to the target, counting it when it is taken."""
        if self.closed or not self.to.offer(batch):
            return False
        n = len(batch)
        self.ledger.entered += n
        self.ledger.delivered += n
        return True


class Branch:
    """Is one of several targets of a node, with a ledger of its own."""

    __slots__ = ("ledger", "link")

    def __init__(self, target: Sink) -> None:
        self.link = Link(target)
        self.ledger = Ledger()

    async def write(self, batch: Batch) -> None:
        """Write to the target and count the outcome."""
        n = owed = len(batch)
        ledger = self.ledger
        ledger.entered += n
        ledger.held += n
        try:
            await self.link.write(batch)
            owed = 0
        except PartialWrite as error:
            owed = owed_count(error, n)
            raise
        finally:
            ledger.held -= n
            ledger.returned += owed
            ledger.delivered += n - owed

    def offer(self, batch: Batch) -> bool:
        """Offer to the target; count what it took."""
        if not self.link.offer(batch):
            return False
        self.ledger.entered += len(batch)
        self.ledger.delivered += len(batch)
        return True
