"""P13: memory is bounded. A sink that stalls, or one key that does, costs what capacity allows.

Far more is offered than fits. What is refused or dropped is counted exactly, and what is held is
measured by tracemalloc: at most three times capacity times the size of an event, and a little.
"""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from sinkgraph.errors import Overloaded
from sinkgraph.event import Batch, Event
from sinkgraph.runtime.live import Live
from sinkgraph.simulation.disk import VirtualDisk
from sinkgraph.sinks import lanes
from sinkgraph.sinks.backoff import ConstantBackoff
from sinkgraph.sinks.base import Node, Sink, Terminal
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.retry import Retry
from sinkgraph.testing import StalledSink, run
from tests.support.scale import rounds
from tests.support.virtual import start

CAPACITY = 1_000
OFFERED = 24_000  # five million in a soak
MOST_OFFERED = 5_000_000
SIZE = 700
SLACK = 1_000_000
PINNED = 2_000_000  # a page around one straggler, another that is being filled, and a little
BATCH = 20


def payload(n: int) -> bytes:
    """Return the body of event n: its number, and as many bytes as a webhook has."""
    return b"%d " % n + b"x" * SIZE


def number(body: bytes) -> int:
    return int(body.split(b" ", 1)[0])


class Counting(Terminal):
    """Counts what it takes; holds on to the batch of event `stuck` for ever, or fails it."""

    kind: ClassVar[str] = "counting"

    def __init__(self, stuck: int | None = None, *, fails: bool = False) -> None:
        super().__init__()
        self.stuck = stuck
        self.fails = fails
        self.count = 0
        self.max_batch = 1 if stuck is not None else None

    async def deliver(self, batch: Batch) -> None:
        if self.stuck is not None and any(number(e.data) == self.stuck for e in batch):
            if self.fails:
                raise OSError("down for this one")
            await asyncio.Event().wait()
        self.count += len(batch)


async def held_by(
    root: Sink, write: Callable[[Live, int], Any], offered: int, **options: Any
) -> tuple[int, dict[str, Node]]:
    """Offer that many events; return the bytes that are held because of it, and the nodes."""
    async with start(root, drain=0, **options) as live:
        await write(live, 2 * BATCH)  # what is made once
        await asyncio.sleep(1)
        gc.collect()
        tracemalloc.start()
        try:
            await write(live, offered)
            await asyncio.sleep(1)
            gc.collect()
            held = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
        assert live.snapshot().residue == 0
        nodes = live.nodes
    return held, nodes


def bound(capacity: int) -> int:
    """Return how many bytes `capacity` events may cost."""
    return 3 * capacity * (SIZE + 60) + SLACK


class Writes:
    """Writes numbered payloads, in batches, and counts what was refused."""

    def __init__(self, timeout: float | None = None) -> None:
        self.timeout = timeout
        self.n = 0
        self.refused = 0

    async def __call__(self, live: Live, count: int) -> None:
        until = self.n + count
        while self.n < until:
            size = min(BATCH, until - self.n)
            try:
                values = [payload(self.n + k) for k in range(size)]
                await live.write_many(values, timeout=self.timeout)
            except Overloaded:
                self.refused += size
            self.n += size
            if self.n % 1_000 == 0:
                await asyncio.sleep(0)


@pytest.mark.parametrize("policy", ["block", "reject", "drop_oldest", "drop_newest", "overflow"])
@pytest.mark.parametrize("siblings", [0, 3])
def test_a_stalled_sink_holds_no_more_than_its_queue(policy: str, siblings: int) -> None:
    async def story() -> None:
        over = Counting()
        stalled = Queue(
            StalledSink(), CAPACITY, policy, overflow=over if policy == "overflow" else None
        )
        quick = [Counting() for _ in range(siblings)]
        root: Sink = Broadcast([stalled, *map(Queue, quick)]) if siblings else stalled
        write = Writes(timeout=0.0)
        held, _ = await held_by(root, write, rounds(OFFERED, MOST_OFFERED))
        assert held <= bound(CAPACITY), f"{held:,} bytes for {CAPACITY} events of {SIZE}"
        ledger = stalled.account()
        assert ledger.pending == CAPACITY
        gone = sum(ledger.dropped.values())
        match policy:
            case "block" | "reject":
                assert (write.refused, gone) == (write.n - CAPACITY, 0)
            case "drop_oldest" | "drop_newest":
                assert (write.refused, ledger.dropped) == (0, {policy: write.n - CAPACITY})
            case "overflow":
                assert (write.refused, gone, over.count) == (0, 0, write.n - CAPACITY)
        assert [one.count for one in quick] == [write.n - write.refused] * siblings

    run(story())


STRAGGLERS: dict[str, Callable[[Sink], Sink]] = {
    "lane": lambda sink: Queue(sink, CAPACITY, concurrency=4),
    "order_by": lambda sink: Queue(
        sink, CAPACITY, concurrency=4, order_by=lambda e: number(e.data) % 50
    ),
    "hold event": lambda sink: Queue(
        Retry(sink, ConstantBackoff(0.3), hold="event", max_attempts=10**9), CAPACITY
    ),
    "hold key": lambda sink: Queue(
        Retry(sink, ConstantBackoff(0.3), hold="key", max_attempts=10**9),
        CAPACITY,
        concurrency=2,
        order_by=lambda e: number(e.data),
    ),
}


class Paced(Writes):
    """Writes only as fast as the sinks take it."""

    async def __call__(self, live: Live, count: int) -> None:
        until = self.n + count
        while self.n < until:
            await super().__call__(live, min(CAPACITY // 2, until - self.n))
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("siblings", [0, 2])
@pytest.mark.parametrize("way", STRAGGLERS)
def test_one_straggler_does_not_pin_what_was_delivered_since(way: str, siblings: int) -> None:
    async def story() -> None:
        sink = Counting(stuck=7, fails=way.startswith("hold"))
        queue = STRAGGLERS[way](sink)
        quick = [Counting() for _ in range(siblings)]
        root: Sink = Broadcast([queue, *map(Queue, quick)]) if siblings else queue
        write = Paced(timeout=0.0)
        count = rounds(OFFERED // 4, MOST_OFFERED // 10)
        held, nodes = await held_by(root, write, count)
        assert write.n * SIZE > 2 * PINNED, "too little was written to show anything"
        assert held <= PINNED, f"{held:,} bytes for one event of {SIZE}"
        kept = 1 if way != "order_by" else (write.n - write.refused) - sink.count
        assert queue.account().pending == kept  # type: ignore[attr-defined]
        assert sink.count == write.n - write.refused - kept
        if way != "order_by":
            assert write.refused == 0
        assert nodes["queue"].status in ("ok", "degraded", "stopped")

    run(story())


WARM = 4_000  # events of a disk queue that stay in memory too


def test_a_stalled_disk_queue_keeps_its_backlog_on_disk(tmp_path: Path) -> None:
    async def story() -> None:
        stalled = Queue(StalledSink(), 1_000_000, store="disk")
        write = Writes()
        count = rounds(OFFERED, MOST_OFFERED // 5)
        disk = VirtualDisk()
        held, _ = await held_by(stalled, write, count, disk=disk, state_dir=tmp_path / "state")
        assert write.n * SIZE > 1.5 * bound(WARM), "too little was written to show anything"
        assert held <= bound(WARM), f"{held:,} bytes in memory"
        assert stalled.account().entered == write.n

    run(story())


@pytest.mark.parametrize("way", ["order_by", "hold event", "hold key"])
def test_a_straggler_of_a_disk_queue_leaves_the_rest_on_disk(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 2_000  # ten thousand, when nobody makes it small
    monkeypatch.setattr(lanes, "_HELD", most)

    def key(event: Event) -> int:
        return number(event.data) % 2

    async def story() -> None:
        sink = Counting(stuck=7, fails=way.startswith("hold"))
        to: Sink = sink
        if way != "order_by":
            hold = way.split()[1]
            to = Retry(sink, ConstantBackoff(0.3), hold=hold, max_attempts=10**9)
        order_by = key if way != "hold event" else None
        queue = Queue(to, 1_000_000, store="disk", concurrency=4, order_by=order_by)
        write = Writes()
        count = rounds(OFFERED, MOST_OFFERED // 10)
        disk = VirtualDisk()
        held, _ = await held_by(queue, write, count, disk=disk, state_dir=tmp_path / "state")
        assert write.n * SIZE > 2 * bound(most), "too little was written to show anything"
        assert held <= 2 * bound(most) + 2_000 * (SIZE + 60), f"{held:,} bytes in memory"
        ledger = queue.account()
        assert ledger.entered == write.n == ledger.pending + sink.count
        if way == "hold event":
            assert ledger.pending == 1

    run(story())


def test_a_stalled_key_is_refused_exactly_what_does_not_fit() -> None:
    async def story() -> None:
        sink = Counting(stuck=7)
        queue = Queue(sink, CAPACITY, "reject", concurrency=4, order_by=lambda _event: "one key")
        write = Writes()
        held, _ = await held_by(queue, write, rounds(OFFERED // 4, MOST_OFFERED // 10))
        assert held <= bound(CAPACITY)
        pending = queue.account().pending
        assert CAPACITY - BATCH < pending <= CAPACITY
        assert write.n == sink.count + pending + write.refused

    run(story())


def test_writers_that_wait_are_the_callers_own_memory_and_all_of_it_is_given_back() -> None:
    async def story() -> None:
        sink = StalledSink()
        queue = Queue(sink, 10)
        async with start(queue, drain=1e6) as live:
            await live.write_many([payload(n) for n in range(10)])
            gc.collect()
            tracemalloc.start()
            try:
                writers: deque[asyncio.Task[None]] = deque()
                for n in range(2_000):
                    writers.append(asyncio.create_task(live.write(payload(n))))
                await asyncio.sleep(0)
                for one in writers:
                    one.cancel()
                await asyncio.gather(*writers, return_exceptions=True)
                assert live.snapshot()["queue"].facts["waiting_writers"] == 0
                writers.clear()
                del one
                await asyncio.sleep(1)
                gc.collect()
                held = tracemalloc.get_traced_memory()[0]
            finally:
                tracemalloc.stop()
            sink.release()
            assert held < 500_000, f"{held:,} bytes for nobody"
            assert live.snapshot()["queue"].ledger.entered == 10

    run(story())
