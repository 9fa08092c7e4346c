"""Runs of durable writes: a tree of disk queues or the bare loop, written to and proved.

Which of them are compared, and with what targets, is the subject of `durable`.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import sinkgraph
from benchmarks.durable_bare import BareLoop
from benchmarks.figures import EventsLost
from benchmarks.shapes import End, Tree, settle, verify
from sinkgraph import Live
from sinkgraph.sinks import Broadcast, Queue
from sinkgraph.sinks.blackhole import Blackhole

__all__ = [
    "Running",
    "Saturation",
    "Waits",
    "Write",
    "bare",
    "by_batches",
    "by_writers",
    "running",
    "state_dir",
]

Write = Callable[[Any], Awaitable[object]]


@dataclass(slots=True)
class Waits:
    """Collects how long single writes took, run by run."""

    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)

    def add(self, each: list[float]) -> None:
        """Take the times of one run, in seconds."""
        each.sort()
        self.p50.append(each[len(each) // 2])
        self.p99.append(each[len(each) * 99 // 100])

    def of_last(self, runs: int) -> tuple[float, float]:
        """Return the medians over the last runs, in milliseconds."""
        return (
            statistics.median(self.p50[-runs:]) * 1e3,
            statistics.median(self.p99[-runs:]) * 1e3,
        )


@asynccontextmanager
async def state_dir() -> AsyncIterator[Path]:
    """Give a directory for the time of a measurement."""
    with tempfile.TemporaryDirectory(prefix="sinkgraph-bench-") as name:
        yield Path(name)


def disk_queues(branches: int) -> Tree:
    """Return a tree of that many disk queues, each in front of a blackhole."""
    holes = [Blackhole() for _ in range(branches)]
    queues = tuple(Queue(hole, store="disk") for hole in holes)
    ends = tuple(End(lambda hole=hole: hole.account().delivered) for hole in holes)  # type: ignore[misc]
    return Tree(queues[0] if branches == 1 else Broadcast(queues), queues, ends)


@dataclass(slots=True)
class Running:
    """Is a tree that runs, and how many events went into it."""

    live: Live
    tree: Tree
    written: int = 0

    async def prove(self, n: int) -> None:
        """Raise EventsLost unless these n events, and all before, were delivered."""
        self.written += n
        await settle(self.live, self.tree)
        verify(self.live, self.tree, self.written)


@asynccontextmanager
async def running(branches: int = 1) -> AsyncIterator[Running]:
    """Run disk queues in a state dir of their own."""
    tree = disk_queues(branches)
    async with state_dir() as place, sinkgraph.run(tree.root, state_dir=place) as live:
        yield Running(live, tree)


@asynccontextmanager
async def bare(*, encodes: bool) -> AsyncIterator[BareLoop]:
    """Run the bare loop; raise EventsLost when it stored fewer events than it said."""
    async with state_dir() as place:
        loop = BareLoop(place, encodes=encodes)
        try:
            yield loop
        finally:
            stored = loop.close()
        if stored != loop.written:
            raise EventsLost(f"the bare loop stored {stored} of {loop.written} events")


async def by_writers(
    write: Write, payloads: Sequence[Any], n: int, writers: int, waits: Waits
) -> float:
    """Write n events from concurrent writers, each waiting for its own; return the seconds."""
    times: list[float] = []

    async def one(first: int) -> None:
        for k in range(first, n, writers):
            began = perf_counter()
            await write(payloads[k % len(payloads)])
            times.append(perf_counter() - began)

    began = perf_counter()
    await asyncio.gather(*(one(k) for k in range(min(n, writers))))
    took = perf_counter() - began
    waits.add(times)
    return took


async def by_batches(write_many: Write, payloads: Sequence[Any], n: int, batch: int) -> float:
    """Write n events in batches, one after another; return the seconds."""
    lists = [
        [payloads[k % len(payloads)] for k in range(at, at + batch)] for at in range(0, n, batch)
    ]
    began = perf_counter()
    for one in lists:
        await write_many(one)
    return perf_counter() - began


class Saturation:
    """Leaves a loop no idle time while it is entered: one ready callback after another."""

    def __init__(self, tick_s: float) -> None:
        self._tick_s = tick_s
        self._loop = asyncio.get_running_loop()
        self._next: asyncio.Handle | None = None

    def __enter__(self) -> None:
        self._next = self._loop.call_soon(self._tick)

    def __exit__(self, *_: object) -> None:
        if self._next is not None:
            self._next.cancel()

    def _tick(self) -> None:
        ends = perf_counter() + self._tick_s
        while perf_counter() < ends:
            pass
        self._next = self._loop.call_soon(self._tick)
