"""What one `await live.write(...)` costs when nobody below takes anything: 1 queue against 1,000.

Both graphs run in one loop and are measured in turn, so that a noisy moment meets both. How long
the stalled events then take to be delivered is reported beside it.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from time import perf_counter_ns

import sinkgraph
from benchmarks.figures import QUICK, Effort, EventsLost, Figure, Row, Table
from benchmarks.payloads import singles
from benchmarks.shapes import End, Tree, settle, verify
from sinkgraph import Event, Live
from sinkgraph.sinks import Broadcast, Queue

__all__ = ["TARGET", "WRITE_ALONE"]

TARGET = 1.2
"""How much dearer a write may be with 1,000 queues than with one."""

_BRANCHES = (1, 1_000)
_BURST = 100
_NAMES = ("turn", "burst", "drain")


class StalledSink:
    """Takes nothing until it is released."""

    def __init__(self, released: asyncio.Event) -> None:
        self.released = released
        self.holding = False
        self.seen = 0

    async def write(self, events: Sequence[Event]) -> None:
        """Wait, then count."""
        self.holding = True
        await self.released.wait()
        self.seen += len(events)

    async def close(self) -> None:
        """Hold nothing."""


@dataclass(slots=True)
class _Stalled:
    branches: int
    released: asyncio.Event
    sinks: list[StalledSink]
    tree: Tree
    written: int = 0
    turns: list[int] = field(default_factory=list)
    bursts: list[float] = field(default_factory=list)

    async def settled_in_ns(self, live: Live) -> int:
        """Release the consumers; return how long it takes until every queue is empty."""
        gc.collect()
        began = perf_counter_ns()
        self.released.set()
        await settle(live, self.tree)
        return perf_counter_ns() - began


def _stalled(branches: int) -> _Stalled:
    released = asyncio.Event()
    sinks = [StalledSink(released) for _ in range(branches)]
    queues = tuple(Queue(sink) for sink in sinks)
    ends = tuple(End(_seen(sink)) for sink in sinks)
    return _Stalled(branches, released, sinks, Tree(Broadcast(queues), queues, ends))


def _seen(sink: StalledSink) -> Callable[[], int]:
    return lambda: sink.seen


async def _warm_up(one: _Stalled, live: Live) -> None:
    """Write until every lane exists and holds something its consumer does not give back."""
    for payload in singles(10):
        await live.write(payload)
        one.written += 1
        await asyncio.sleep(0)
    for _ in range(100):
        if all(sink.holding for sink in one.sinks):
            return
        await asyncio.sleep(0)
    raise EventsLost("some lanes hold nothing, a hundred turns after the first write")


async def _turns(one: _Stalled, live: Live, n: int) -> None:
    """Time single writes, each the first of its turn of the loop."""
    write = live.write
    for payload in singles(n):
        await asyncio.sleep(0)
        began = perf_counter_ns()
        await write(payload)
        one.turns.append(perf_counter_ns() - began)
    one.written += n


async def _burst(one: _Stalled, live: Live) -> None:
    """Time writes that follow one another without a turn of the loop between."""
    write = live.write
    payloads = singles(_BURST)
    await asyncio.sleep(0)
    began = perf_counter_ns()
    for payload in payloads:
        await write(payload)
    one.bursts.append((perf_counter_ns() - began) / _BURST)
    one.written += _BURST


def _clock_ns() -> float:
    """Return what reading the clock twice adds to a time, at the median."""
    each: list[int] = []
    for _ in range(1_000):
        began = perf_counter_ns()
        each.append(perf_counter_ns() - began)
    return statistics.median(each)


async def _measured(effort: Effort, wanted: Callable[[str], bool]) -> list[Row]:
    if not any(wanted(name) for name in _NAMES):
        return []
    # Together below the capacity of a queue, 10,000: no write waits for room.
    rounds, in_round = (2, 10) if effort is QUICK else (50, 50)
    both = [_stalled(branches) for branches in _BRANCHES]
    drained: dict[int, int] = {}
    async with AsyncExitStack() as stack:
        lives = [await stack.enter_async_context(sinkgraph.run(one.tree.root)) for one in both]
        for one, live in zip(both, lives, strict=True):
            await _warm_up(one, live)
        gc.collect()
        for _ in range(rounds):
            for one, live in zip(both, lives, strict=True):
                await _turns(one, live, in_round)
                await _burst(one, live)
        for one, live in zip(both, lives, strict=True):
            if any(sink.seen for sink in one.sinks):
                raise EventsLost("a consumer that should have stalled did not")
            drained[one.branches] = await one.settled_in_ns(live)
            verify(live, one.tree, one.written)
    clock = _clock_ns()
    rows = _rows("turn", "alone in its turn", both, lambda one: [t - clock for t in one.turns])
    rows += _rows("burst", f"{_BURST} in one turn", both, lambda one: one.bursts)
    rows += [_drain_row(one, drained[one.branches]) for one in both]
    return [row for row in rows if wanted(row.name)]


def _rows(
    name: str, how: str, both: list[_Stalled], times: Callable[[_Stalled], Sequence[float]]
) -> list[Row]:
    rows: list[Row] = []
    for one in both:
        each = times(one)
        figure = Figure(len(each), 1, min(each), statistics.median(each))
        rows.append(Row(name, f"write over {one.branches:,} stalled", how, figure))
    first, last = rows
    ratio = last.figure.ns_median / first.figure.ns_median
    verdict = "reached" if ratio <= TARGET else "MISSED"
    note = f"{ratio:.2f} × that of 1; target ≤ {TARGET} ×: {verdict}"
    extra = {"ratio": ratio, "target": TARGET}
    rows[-1] = Row(name, last.label, how, last.figure, note, extra)
    return rows


def _drain_row(one: _Stalled, took_ns: int) -> Row:
    deliveries = one.written * one.branches
    each = took_ns / deliveries
    return Row(
        "drain",
        f"then the drain of {one.branches:,}",
        "per delivery",
        Figure(deliveries, 1, each, each),
        f"{took_ns / 1e6:,.1f} ms for {one.written:,} events each",
        {"drain_s": took_ns / 1e9},
    )


WRITE_ALONE = Table(
    "write-alone",
    "One `await live.write(...)` over queues whose consumers have stalled",
    _NAMES,
    ("Lanes exist and hold an event before the clock starts; reading the clock is taken off.",),
    _measured,
)
