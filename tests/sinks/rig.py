"""What the tests of waiting sinks share: a scripted target, a context on virtual time, events."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, cast

from sinkgraph.clock import Network
from sinkgraph.errors import Owed, PartialWrite
from sinkgraph.event import Batch, Event
from sinkgraph.log.turnstile import Turnstile
from sinkgraph.simulation.loop import VirtualClock
from sinkgraph.sinks.base import Context, Link, Node, Terminal

Step = float | BaseException | Callable[[Batch], BaseException | None] | None
"""Seconds to take, an error to raise, a judgement of the batch, or None: accept at once."""


class Target(Terminal):
    """Follows a script, a step (or a list of them) a write, then accepts; notes what it took."""

    kind = "target"

    def __init__(self, *script: Step | list[Step], name: str = "target") -> None:
        super().__init__()
        self.name = name
        self.script = list(script)
        self.writes: list[list[str]] = []  # ids of each attempt
        self.taken: list[str] = []
        self.times: list[float] = []
        self.cancelled = 0

    async def deliver(self, batch: Batch) -> None:
        """Do the next step of the script."""
        self.writes.append(batch.ids)
        self.times.append(asyncio.get_running_loop().time())
        now = self.script.pop(0) if self.script else None
        for step in now if isinstance(now, list) else [now]:
            error = step if isinstance(step, BaseException) else None
            if isinstance(step, float | int):
                try:
                    await asyncio.sleep(step)
                except asyncio.CancelledError:
                    self.cancelled += 1
                    raise
            elif callable(step):
                error = step(batch)
            if isinstance(error, PartialWrite):
                gone = {event.id for part in error.owed for event in part.events}
                self.taken += [one for one in batch.ids if one not in gone]
            if error is not None:
                raise error
        self.taken += batch.ids


class InstantTarget(Target):
    """Takes everything at once while `ready` is true."""

    def __init__(self, *script: Step | list[Step], name: str = "target") -> None:
        super().__init__(*script, name=name)
        self.ready = True

    @property
    def instant(self) -> bool:
        """It can."""
        return True

    def offer(self, batch: Batch) -> bool:
        """Take the batch when ready."""
        if self.ready:
            self.ledger.entered += len(batch)
            self.ledger.delivered += len(batch)
            self.taken += batch.ids
        return self.ready


def owing(*ids: str, error: Exception, sink: Node | None = None) -> Step:
    """Return a step that takes the batch but for the events named, in one part."""

    def judge(batch: Batch) -> PartialWrite:
        bad = batch.pick(k for k, own in enumerate(batch.ids) if own in ids)
        write = sink.write if sink is not None else batch_refused
        return PartialWrite([Owed(write, bad, error)])

    return judge


async def batch_refused(events: Sequence[Event]) -> None:
    """Stand in for a continuation nobody pays."""
    raise AssertionError(f"nobody should pay {events!r}")


def event(name: str, value: Any = None) -> Event:
    """Return an event with this id; its data is `{"v": value}`."""
    return Event(id=name, data={"v": value})


def events(*names: str) -> Batch:
    """Return a batch of events with these ids; each one's data is `{"v": id}`."""
    return Batch.of(event(name, name) for name in names)


class Rig:
    """Binds sinks to a context on the running virtual loop and keeps its journal."""

    def __init__(self) -> None:
        self.facts: list[tuple[str, dict[str, Any]]] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.clock = VirtualClock()
        self.dead = Target(name="dead-letters")
        self.ctx = Context(
            clock=self.clock,
            random=random.Random(5),
            network=cast(Network, None),
            spawn=self._spawn,
            journal=lambda kind, **facts: self.facts.append((kind, facts)),
            run_sync=asyncio.to_thread,
            dead_letters=Link(self.dead),
            turnstile=Turnstile(),
        )

    def bind(self, node: Node, name: str = "node") -> None:
        """Name and bind a node and everything below it that is not bound yet."""
        node.name = node.name or name
        node.bind(self.ctx)
        for link in node.links():
            if link.target.ctx is None:
                self.bind(link.target, "below")

    def _spawn(self, coro: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(coro, name=name)
        self.tasks.append(task)
        return task


def balanced(*nodes: Node) -> None:
    """Assert that every node accounts for every event and holds none."""
    for node in nodes:
        view = node.account()
        assert (view.residue, view.pending) == (0, 0), (node, view)


async def later(seconds: float, coro: Coroutine[Any, Any, Any]) -> Any:
    """Await `coro` after so many virtual seconds."""
    await asyncio.sleep(seconds)
    return await coro
