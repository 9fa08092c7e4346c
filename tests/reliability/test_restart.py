"""P1 without a kill: what is on disk survives restarts, however much of it there is.

A disk queue keeps its oldest events in memory too and reads the others back; where the two meet is
in the middle of a row. Nothing may be lost, repeated or turned around there.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, ClassVar

import pytest

import sinkgraph
from sinkgraph.event import Batch
from sinkgraph.sinks.base import Sink, Terminal
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.filter import Filter
from sinkgraph.sinks.queue import Queue
from tests.support.scale import rounds, seeded

WRITERS = 6


class Taker(Terminal):
    """Takes so many events, then nothing more."""

    kind: ClassVar[str] = "taker"

    def __init__(self, most: int, max_batch: int) -> None:
        super().__init__()
        self.most = most
        self.max_batch = max_batch
        self.got: list[int] = []

    async def deliver(self, batch: Batch) -> None:
        await asyncio.sleep(0)
        if self.most < len(batch):
            await asyncio.Event().wait()
        self.most -= len(batch)
        self.got += [event.data["n"] for event in batch]


def tree(takers: list[Taker]) -> Sink:
    queues = [Queue(one, store="disk") for one in takers]
    for k, one in enumerate(queues):
        one.name = f"queue-{k}"
    if len(queues) == 1:
        return queues[0]
    odd = Filter(queues[1], lambda event: event.data["n"] % 2 == 1)
    return Broadcast([queues[0], odd, *queues[2:]])


async def fill(live: Any, first: int, count: int, chance: Any) -> None:
    """Write numbered events from several tasks, so that one commit holds many writes."""
    at = first

    async def write() -> None:
        nonlocal at
        while at < first + count:
            numbers = range(at, min(first + count, at + chance.choice([1, 1, 2, 9, 40])))
            at = numbers.stop
            await live.write_many([{"n": n} for n in numbers])

    await asyncio.gather(*(write() for _ in range(WRITERS)))


@pytest.mark.parametrize("queues", [1, 3])
@pytest.mark.parametrize("each", [300, 6_000])
async def test_what_was_accepted_outlives_restarts(queues: int, each: int, tmp_path: Path) -> None:
    chance = seeded(queues, each)
    written = 0
    got: list[list[int]] = [[] for _ in range(queues)]
    for life in range(rounds(4, 12)):
        takers = [Taker(chance.randrange(each), chance.choice([7, 64, 1000])) for _ in got]
        graph = sinkgraph.run(tree(takers), state_dir=tmp_path / "state", drain=0.2)
        async with graph as live:
            if life < 3:
                await fill(live, written, each, chance)
                written += each
        report = live.report
        assert report is not None
        assert (report.residue, report.left) == (0, {})
        for own, taker in zip(got, takers, strict=True):
            own += taker.got
    takers = [Taker(10**9, 1_000) for _ in got]
    async with sinkgraph.run(tree(takers), state_dir=tmp_path / "state") as live:
        assert await live.drain(20)
        dropped = {name: node.ledger.dropped for name, node in live.snapshot().nodes.items()}
    assert not any(dropped.values()), dropped
    for k, (own, taker) in enumerate(zip(got, takers, strict=True)):
        own += taker.got
        wanted = [n for n in range(written) if k != 1 or n % 2 == 1]
        assert sorted(own) == wanted


async def test_a_memory_queue_goes_on_behind_what_was_saved(tmp_path: Path) -> None:
    got: list[int] = []
    for life, most in enumerate([0, 2, 5, 10**9]):
        taker = Taker(most, 1)
        queue = Queue(taker)
        graph = sinkgraph.run(queue, state_dir=tmp_path / "state", drain=0.2)
        async with graph as live:
            for n in range(4 * life, 4 * life + 4):
                await live.write({"n": n})
            if most > 100:
                assert await live.drain(10)
            assert live.snapshot().residue == 0
        report = live.report
        assert report is not None
        assert (report.residue, report.left) == (0, {})
        got += taker.got
    assert got == list(range(16))
