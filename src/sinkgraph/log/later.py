"""What a write still has to do after the queues took their part, and how that is counted.

It decides nothing: a plan collects these writes, commits, and then makes them side by side.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sinkgraph.errors import Overloaded, Owed, PartialWrite, SinkClosed
from sinkgraph.event import Batch, Event, as_batch
from sinkgraph.log.owed import owed_count
from sinkgraph.log.receipts import Told, listen
from sinkgraph.telemetry.stats import Ledger

__all__ = ["Edge", "FanTarget", "Group", "Later", "Trail"]

Trail = tuple[Ledger, ...]
"""The ledgers a batch passed on its way down since the last fan-out."""


class Edge(Protocol):
    """Is what admission needs of a link."""

    async def send(self, events: Sequence[Event]) -> None:
        """Write to whatever the target is at that moment."""
        ...

    @property
    def offer(self) -> Callable[[Batch], bool]:
        """The target's synchronous half."""
        ...


class FanTarget(Protocol):
    """Is one target of a fan-out, told when its sink turned out to be closed or failed."""

    ledger: Ledger
    required: bool

    def target_closed(self) -> None:
        """Take note that the sink takes nothing more."""
        ...


class Group:
    """Is what stands above one fan-out: it counts an event once, however many branches owe it."""

    __slots__ = ("owed", "trail")

    def __init__(self, trail: Trail) -> None:
        self.trail = trail
        self.owed: set[str] = set()

    def give_back(self, ids: set[str]) -> None:
        """Note that a branch owes these events: handed on was not enough."""
        fresh = len(ids - self.owed)
        self.owed |= ids
        for ledger in self.trail:
            ledger.delivered -= fresh
            ledger.returned += fresh


@dataclass(slots=True)
class Later:
    """Is a write to make after the queues took their part."""

    link: Edge
    batch: Batch
    trail: Trail
    fan: FanTarget | None
    optional: bool
    dead: Ledger | None
    spare: Edge | None
    groups: tuple[Group, ...]
    begun: bool = False

    def abandon(self) -> None:
        """Count the write as returned, unless it was begun."""
        if not self.begun:
            self.begun = True
            n = self.batch.j - self.batch.i
            self._settle(n, n, "")
            self._give_back(set(self.batch.ids))

    async def write(self, until: float | None, told: Told | None = None) -> list[Owed]:
        """Make the write; return what it owes, its ledgers settled.

        `told` is told what is owed as it goes, and at the end; then it has a task of its own.
        """
        if told is None:
            return await self._write(until)
        listen(self.batch, told)
        owed = await self._write(until)
        told([as_batch(part.events) for part in owed])
        return owed

    async def _write(self, until: float | None) -> list[Owed]:
        batch = self.batch
        n = batch.j - batch.i
        owed: list[Owed] = []
        why = ""  # what the events are lost for, when they are
        settled = False
        self.begun = True
        try:
            if not self.link.offer(batch):
                await self._send(until)
            settled = True
        except PartialWrite as error:
            owed, settled = list(error.owed), True
            why = "optional_failed" if self.optional else ""
        except SinkClosed as error:
            owed, settled = [Owed(self.link.send, batch, error)], True
            if self.fan is not None:
                why = "closed"
        except Exception as error:
            owed, settled = [Owed(self.link.send, batch, error)], True
            why = "optional_failed" if self.optional else ""
        finally:
            back = n if not settled else owed_count(PartialWrite(owed), n) if owed else 0
            self._settle(n, back, why)
            if back and self.groups and not why:
                ids = {i for part in owed for i in as_batch(part.events).ids} or set(batch.ids)
                self._give_back(ids)
        if why == "closed" and self.fan is not None:
            self.fan.target_closed()
        return [] if why else owed

    async def _send(self, until: float | None) -> None:
        try:
            if until is None:
                await self.link.send(self.batch)
            else:
                await self._send_by(until)
        except SinkClosed:
            if self.spare is None:
                raise
            await self.spare.send(self.batch)

    async def _send_by(self, until: float) -> None:
        timer = asyncio.timeout_at(until)
        try:
            async with timer:
                await self.link.send(self.batch)
        except TimeoutError as error:
            if not timer.expired():
                raise
            raise Overloaded("a sink without a queue did not take it in time") from error

    def _give_back(self, ids: set[str]) -> None:
        for group in self.groups:
            group.give_back(ids)

    def _settle(self, n: int, back: int, why: str) -> None:
        """Count how a write of n events ended: `back` of them failed, or are lost for `why`.

        The first in the trail is the account of the fan-out's target, where there is one: what
        is lost is lost there.
        """
        for k, ledger in enumerate(self.trail):
            ledger.held -= n
            ledger.delivered += n - back
            if why and not k:
                ledger.drop(why, back)
            else:
                ledger.returned += back
        if self.dead is not None and back:
            self.dead.dead_lettered -= back
            if why:
                self.dead.drop(why, back)
            else:
                self.dead.returned += back
