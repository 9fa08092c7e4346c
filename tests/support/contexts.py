"""A topology's context for one node, over the real loop, and sinks that remember."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Sequence
from typing import Any

from sinkgraph.clock import LoopClock, Network
from sinkgraph.event import Event
from sinkgraph.log.turnstile import Turnstile
from sinkgraph.runtime.network import HttpNetwork
from sinkgraph.sinks.base import Context, Link, NoRecords, Records
from sinkgraph.sinks.burial import DeadLetters


class Recorder:
    """Is a sink of a third party: it keeps what it gets, or raises each of its errors once."""

    def __init__(self, *errors: BaseException) -> None:
        self.events: list[Event] = []
        self.sizes: list[int] = []
        self.errors = list(errors)
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()
        self.dropped = asyncio.Event()

    async def write(self, events: Sequence[Event]) -> None:
        self.asked.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.dropped.set()
            raise
        if self.errors:
            raise self.errors.pop(0)
        self.events.extend(events)
        self.sizes.append(len(events))

    async def close(self) -> None:
        """Close nothing."""

    @property
    def data(self) -> list[Any]:
        return [event.data for event in self.events]


class Journal:
    """Keeps facts."""

    def __init__(self) -> None:
        self.facts: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, kind: str, **facts: Any) -> None:
        self.facts.append((kind, facts))


def make_context(
    *,
    network: Network | None = None,
    output_dir: str = ".",
    provided: dict[str, Any] | None = None,
    records: Records | None = None,
) -> Context:
    def spawn(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(work, name=name)

    dead = DeadLetters()
    dead.name = "dead-letters"
    context = Context(
        clock=LoopClock(),
        random=random.Random(7),
        network=network or HttpNetwork(),
        spawn=spawn,
        journal=Journal(),
        run_sync=asyncio.to_thread,
        dead_letters=Link(dead),
        turnstile=Turnstile(),
        output_dir=output_dir,
        provided=provided or {},
        records=records or NoRecords(),
    )
    dead.bind(context)
    return context


def dead_letters(context: Context) -> list[Event]:
    target = context.dead_letters.target
    assert isinstance(target, DeadLetters)
    return target.events
