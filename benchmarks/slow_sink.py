"""What fifty queued branches cost each other: from the write to the arrival, one of them stalled.

Pairs of runs, with and without a branch that takes nothing, are measured in turn; what is compared
is the 99th percentile of the other branches. Its queue never fills.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter_ns

import sinkgraph
from benchmarks.figures import QUICK, Effort, EventsLost, Figure, Row, Table
from benchmarks.write_alone import StalledSink
from sinkgraph import Event
from sinkgraph.sinks import Broadcast, Queue

__all__ = ["SLOW_SINK", "TARGET"]

TARGET = 1.1
"""How much later the others' slowest hundredth may be beside a stalled branch."""

_BRANCHES = 50
_WARM = 200
_NAMES = ("beside",)


class ArrivalSink:
    """Notes how long each event took from its write to here."""

    def __init__(self) -> None:
        self.took_ns: list[int] = []

    async def write(self, events: Sequence[Event]) -> None:
        """Compare the clock with the time in each payload."""
        now = perf_counter_ns()
        self.took_ns += [now - event.data["at"] for event in events]

    async def close(self) -> None:
        """Hold nothing."""


@dataclass(frozen=True, slots=True)
class _Latency:
    median_ns: float
    p99_ns: float
    arrivals: int


async def _run(writes: int, *, stalled: bool) -> _Latency:
    """Write that many events, each in a turn of its own, and see when they arrive."""
    released = asyncio.Event()
    others = [ArrivalSink() for _ in range(_BRANCHES - 1)]
    odd = StalledSink(released)
    queues = [Queue(one) for one in others]
    beside = Queue(odd)
    queues.insert(_BRANCHES // 2, beside)
    if not stalled:
        released.set()
    async with sinkgraph.run(Broadcast(queues)) as live:
        for n in range(_WARM + writes):
            if n == _WARM:
                for one in others:
                    one.took_ns.clear()
                gc.collect()
            await live.write({"at": perf_counter_ns()})
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        live.topology.flush()
        for queue in queues:
            if queue is not beside:
                await queue.drain()
        if stalled and odd.seen:
            raise EventsLost("the sink that should have stalled did not")
        released.set()
        await live.drain()
        snapshot = live.snapshot()
    counts = {len(one.took_ns) for one in others} | {odd.seen - _WARM}
    if counts != {writes} or snapshot.residue or snapshot.pending:
        raise EventsLost(f"of {writes} events, {sorted(counts)} arrived")
    each = sorted(took for one in others for took in one.took_ns)
    return _Latency(statistics.median(each), each[len(each) * 99 // 100], len(each))


async def _measured(effort: Effort, wanted: Callable[[str], bool]) -> list[Row]:
    if not wanted(_NAMES[0]):
        return []
    pairs, writes = (1, 50) if effort is QUICK else (5, 2_000)
    well: list[_Latency] = []
    beside: list[_Latency] = []
    for _ in range(pairs):
        well.append(await _run(writes, stalled=False))
        beside.append(await _run(writes, stalled=True))
    ratio = statistics.median(b.p99_ns / a.p99_ns for a, b in zip(well, beside, strict=True))
    verdict = "reached" if ratio <= TARGET else "MISSED"
    note = f"{ratio:.2f} × that of none stalled; target ≤ {TARGET} ×: {verdict}"
    return [
        _row("none stalled", well, "", {}),
        _row("1 stalled", beside, note, {"ratio": ratio, "target": TARGET}),
    ]


def _row(how: str, runs: list[_Latency], note: str, extra: dict[str, float]) -> Row:
    each = [one.p99_ns for one in runs]
    figure = Figure(runs[0].arrivals, len(runs), min(each), statistics.median(each))
    median_us = statistics.median(one.median_ns for one in runs) / 1e3
    said = f"median {median_us:,.0f} µs"
    return Row(
        _NAMES[0],
        f"write to arrival, p99 of {_BRANCHES - 1}",
        how,
        figure,
        f"{said}; {note}" if note else said,
        extra,
    )


SLOW_SINK = Table(
    "slow-sink",
    f"{_BRANCHES} queued branches, one of which stalls: when the others get an event",
    _NAMES,
    ("Here ns/event is a latency: from the write to the arrival, of the slowest 1 in 100.",),
    _measured,
)
