"""What the source contract is tried with: a new source each time, into a sink that can be held.

A source is run as a graph runs it. What is promised is said in `source_promises`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from sinkgraph.clock import LoopClock, Network, system_random
from sinkgraph.errors import DeliveryFailed, Overloaded, Owed, PartialWrite, SinkClosed
from sinkgraph.event import Batch, encode_json
from sinkgraph.log.turnstile import Turnstile
from sinkgraph.simulation.loop import VirtualLoop
from sinkgraph.sinks.base import Context, Link
from sinkgraph.sinks.burial import DeadLetters
from sinkgraph.sources.base import Hosted, Source, SourceNode
from sinkgraph.testing.sink_trial import ended
from sinkgraph.testing.sinks import RecordingSink

__all__ = ["FED", "Feed", "Gauge", "MakeSource", "RunningSource", "SourceTrial"]

MakeSource = Callable[[], Source | AbstractAsyncContextManager[Source]]
"""Returns a new source over the same input, or an async context manager that gives one."""

Feed = Callable[[Any, int], Awaitable[int]]
"""Gives a source n events from outside; returns how many the giver was told were taken."""

FED = 6
_QUIET_TICKS = 40


class Gauge(RecordingSink):
    """Takes `room` writes, then holds every other until `open`; raises its `errors` first."""

    kind: ClassVar[str] = "gauge"

    def __init__(self, room: int | None = None, errors: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.room = room
        self.errors = list(errors)
        self.held = 0
        self._opened = asyncio.Event()

    def open_up(self) -> None:
        """Take what is held, and everything from now on."""
        self.room = None
        self._opened.set()

    async def deliver(self, batch: Batch) -> None:
        """Raise, take or hold a batch."""
        assert len(batch), "a source wrote a batch of no events"
        if self.errors:
            self._fail(self.errors.pop(0), batch)
            return
        if self.room == 0:
            self.held += 1
            try:
                await self._opened.wait()
            finally:
                self.held -= 1
        elif self.room is not None:
            self.room -= 1
        self.keep(batch)

    def _fail(self, how: str, batch: Batch) -> None:
        if how == "closed":
            self.errors.append("closed")
            raise SinkClosed("the gauge is closed")
        if how == "full":
            raise Overloaded("the gauge is full", retry_after_s=0.01)
        odd = [k for k in range(len(batch)) if k % 2]
        if how == "failed" or not odd:
            raise DeliveryFailed("the gauge failed")
        self.keep(batch.pick(k for k in range(len(batch)) if k % 2 == 0))
        raise PartialWrite([Owed(self.write, batch.pick(odd), DeliveryFailed("odd ones"))])


@dataclass(frozen=True)
class SourceTrial:
    """Is what the promises are tried with: new sources, and who gives them events."""

    make_source: MakeSource
    feed: Feed | None = None
    limit_s: float = 30.0

    @asynccontextmanager
    async def made(self) -> AsyncIterator[SourceNode]:
        """Give a source that is not bound to anything, as the node a graph makes of it."""
        given = self.make_source()
        if isinstance(given, AbstractAsyncContextManager):
            async with given as source:
                yield _as_node(source)
        else:
            yield _as_node(given)

    @asynccontextmanager
    async def hosted(self, gauge: Gauge, position: Any = None) -> AsyncIterator[RunningSource]:
        """Give a source that runs into a gauge from a position; every event is accounted for."""
        async with self.made() as node:
            context, tasks = _context()
            gauge.name = "gauge"
            node.name = node.name or "source"
            for one in (context.dead_letters.target, gauge, node):
                one.bind(context)
            await ended(node.open(), self.limit_s, "open")
            node.start()
            task = asyncio.ensure_future(node.run(Link(gauge), position))
            running = RunningSource(self, node, gauge, task)
            try:
                yield running
                running.look()
            finally:
                gauge.open_up()
                if running.giving is not None:
                    running.giving.cancel()
                node.stop()
                await asyncio.wait([task], timeout=self.limit_s)
                for each in (task, *tasks):
                    each.cancel()
                closing = asyncio.ensure_future(node.close())
                await asyncio.wait([task, closing], timeout=self.limit_s)
            await ended(closing, 0, "close")
            running.balance("the close")

    async def everything(self, position: Any = None) -> list[bytes]:
        """Return the payloads of a whole run from a position, into a sink that takes all."""
        gauge = Gauge()
        async with self.hosted(gauge, position) as on:
            on.give()
            await on.told()
            await on.settle()
            on.balance("a whole run")
            return on.payloads


@dataclass
class RunningSource:
    """Is a source that runs into a gauge; `giving` is who gives it events, where that is needed."""

    trial: SourceTrial
    node: SourceNode
    gauge: Gauge
    task: asyncio.Future[None]
    giving: asyncio.Future[int] | None = None

    @property
    def payloads(self) -> list[bytes]:
        """What the gauge took, as JSON."""
        return [encode_json(event.payload) for event in self.gauge.events]

    def balance(self, what: str) -> None:
        """Hold the source's ledger to the conservation law."""
        ledger = self.node.account()
        assert ledger.residue == 0, f"after {what} the source does not balance: {ledger}"

    def give(self) -> None:
        """Let the giver, where there is one, begin."""
        if self.trial.feed is not None:
            self.giving = asyncio.ensure_future(self.trial.feed(self.node, FED))

    async def told(self) -> int | None:
        """Return how many events the giver was told were taken; None where there is none."""
        if self.giving is None:
            return None
        return await ended(self.giving, self.trial.limit_s, "giving it events")

    def look(self) -> None:
        """Hold the run, and the giver, to have raised nothing."""
        for name, one in (("run", self.task), ("giving it events", self.giving)):
            if one is not None and one.done() and not one.cancelled():
                assert one.exception() is None, f"{name} raised {one.exception()!r}"

    async def until(self, true: Callable[[], bool], what: str) -> None:
        """Wait until something is true, for as long as the limit says."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self.trial.limit_s
        while not true():
            self.look()
            assert not self.task.done(), f"run ended, and {what} had not come"
            assert loop.time() < end, f"{what} had not come after {self.trial.limit_s:g} s"
            await _tick()

    async def settle(self) -> None:
        """Wait until the run has ended, or nothing more comes and nothing is under way."""
        quiet, before = 0, -1
        loop = asyncio.get_running_loop()
        end = loop.time() + 10 * self.trial.limit_s
        while not self.task.done() and quiet < _QUIET_TICKS:
            assert loop.time() < end, "it never comes to rest: give it an end"
            await _tick()
            now = len(self.gauge.attempts)
            busy = now != before or (self.node.pending() and not self.gauge.held)
            quiet, before = (0, now) if busy else (quiet + 1, now)

    async def stopped(self, what: str = "stop") -> None:
        """Stop it and hold it to end."""
        self.node.stop()
        await ended(self.task, self.trial.limit_s, f"run after {what}")


async def _tick() -> None:
    """Let others go on: on a virtual loop time passes, on a real one it is not waited for."""
    virtual = isinstance(asyncio.get_running_loop(), VirtualLoop)
    await asyncio.sleep(0.25 if virtual else 0)


def _as_node(source: Source) -> SourceNode:
    return source if isinstance(source, SourceNode) else Hosted(source, RecordingSink())


def _context() -> tuple[Context, list[asyncio.Task[None]]]:
    """Return what a topology would lend, and the tasks that are started by it."""
    tasks: list[asyncio.Task[None]] = []
    dead = DeadLetters()
    dead.name = "dead-letters"

    def spawn(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        tasks.append(asyncio.get_running_loop().create_task(work, name=name))
        return tasks[-1]

    def journal(_kind: str, **_facts: Any) -> None:
        """Note nothing."""

    context = Context(
        clock=LoopClock(),
        random=system_random(1),
        network=cast(Network, None),
        spawn=spawn,
        journal=journal,
        run_sync=asyncio.to_thread,
        dead_letters=Link(dead, "dead_letter"),
        turnstile=Turnstile(),
    )
    return context, tasks
