"""P12: a slow sink hurts only itself. One of fifty queued branches stalls; its queue is not full.

Shown without a clock: every other branch gets the same events at the same virtual times as when
nobody stalls, and the whole costs hardly more calls. How long it really takes is a benchmark.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any, ClassVar

import pytest

from sinkgraph.event import Batch
from sinkgraph.sinks.backoff import ConstantBackoff
from sinkgraph.sinks.base import Sink, Terminal
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.retry import Retry
from sinkgraph.testing import FlakySink, StalledSink, run
from tests.support.scale import seeded
from tests.support.virtual import start

BRANCHES = 50
WRITES = 200

Arrival = tuple[float, int]


class Timed(Terminal):
    """Notes when each event came; takes `takes` seconds for each write."""

    kind: ClassVar[str] = "timed"

    def __init__(self, takes: float, *, at_once: bool) -> None:
        super().__init__()
        self.takes = takes
        self.at_once = at_once
        self.got: list[Arrival] = []

    @property
    def instant(self) -> bool:
        return self.at_once

    def offer(self, batch: Batch) -> bool:
        if not self.at_once or self.closed:
            return False
        self.ledger.entered += len(batch)
        self.ledger.delivered += len(batch)
        self._note(batch)
        return True

    async def deliver(self, batch: Batch) -> None:
        if self.takes:
            await asyncio.sleep(self.takes)
        self._note(batch)

    def _note(self, batch: Batch) -> None:
        now = round(asyncio.get_running_loop().time(), 6)  # others' timers add up in its last digit
        self.got += [(now, event.data) for event in batch]


def others(style: str) -> list[Timed]:
    """Return the sinks of all branches but one: some are quick, some take their time."""
    return [
        Timed(takes=(k % 4) * 0.01, at_once=style == "at_once" or (style == "mixed" and k % 2 == 0))
        for k in range(BRANCHES - 1)
    ]


SICK: dict[str, Any] = {
    "well": lambda: Timed(0.0, at_once=True),
    "stalled": StalledSink,
    "failing": lambda: Retry(FlakySink(then=OSError("down")), ConstantBackoff(0.5)),
    "crawling": lambda: Timed(60.0, at_once=False),
}


def play(style: str, sick: str) -> tuple[list[list[Arrival]], int]:
    """Return what arrived at the others and when, and how many calls it took."""
    calls = 0

    def count(_frame: Any, event: str, _arg: Any) -> None:
        nonlocal calls
        calls += event == "call"

    async def story() -> list[list[Arrival]]:
        sinks = others(style)
        lanes: list[Sink] = [Queue(one) for one in sinks]
        lanes.insert(BRANCHES // 2, Queue(SICK[sick]()))
        chance = seeded("writes", style)
        n = 0
        async with start(Broadcast(lanes), drain=0) as live:
            sys.setprofile(count)
            for _ in range(WRITES):
                size = chance.choice([1, 1, 5, 20])
                await live.write_many(list(range(n, n + size)))
                n += size
                await asyncio.sleep(chance.choice([0, 0, 0.005, 0.02]))
            await asyncio.sleep(2)
            sys.setprofile(None)
            assert live.snapshot().residue == 0
            assert all([event for _, event in one.got] == list(range(n)) for one in sinks)
        return [one.got for one in sinks]

    try:
        return run(story()), calls
    finally:
        sys.setprofile(None)


@pytest.mark.parametrize("style", ["at_once", "waiting", "mixed"])
@pytest.mark.parametrize("sick", ["stalled", "failing", "crawling"])
def test_who_is_not_stalled_does_not_notice_who_is(style: str, sick: str) -> None:
    usual, cost_of_usual = play(style, "well")
    beside, cost = play(style, sick)
    assert beside == usual
    assert cost <= 1.10 * cost_of_usual
