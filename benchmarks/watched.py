"""What it costs a running graph to be watched: its processor time an event, with and without.

Who watches is `sinkgraph watch` in a process of its own, which gets the stream twice a second. Runs
with and without it are measured in turn.
"""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import perf_counter, process_time

import sinkgraph
from benchmarks.figures import QUICK, Effort, EventsLost, Figure, Row, Table
from sinkgraph.control.server import Control, Listen
from sinkgraph.runtime.live import Live
from sinkgraph.sinks import Blackhole, Broadcast, Queue, Retry

__all__ = ["TARGET", "WATCHED"]

TARGET = 1.02
"""How much more processor time an event may take while somebody watches."""

_BRANCHES = 10
_TURN = 500
_NAMES = ("cpu",)


async def _spent(live: Live, secs: float) -> tuple[float, int]:
    """Write for some seconds; return the processor time of an event, and how many there were."""
    gc.collect()
    n, until, began = 0, perf_counter() + secs, process_time()
    while perf_counter() < until:
        for _ in range(_TURN):
            await live.write({"n": n})
            n += 1
        await asyncio.sleep(0)
    if not await live.drain():
        raise EventsLost("not everything was delivered")
    spent = process_time() - began
    if live.snapshot().residue:
        raise EventsLost("events are unaccounted for")
    return spent / n, n


@asynccontextmanager
async def _watched(live: Live, place: str) -> AsyncIterator[None]:
    """Have the graph watched from another process."""
    async with Control(live, listen=Listen(socket=os.path.join(place, "s"))) as control:
        if control.socket is None:
            raise EventsLost("there is no socket to watch it by")
        watch = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sinkgraph", "watch", control.socket,
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            assert watch.stdout is not None, "it was asked for"
            async with asyncio.timeout(60):
                await watch.stdout.readline()  # it says how the graph stands
            yield
        finally:
            watch.kill()
            await watch.wait()


async def _measured(effort: Effort, wanted: Callable[[str], bool]) -> list[Row]:
    if not wanted(_NAMES[0]):
        return []
    pairs, secs = (1, 0.1) if effort is QUICK else (10, 2.0)
    alone: list[float] = []
    seen: list[float] = []
    events = 0
    tree = Broadcast([Queue(Retry(Blackhole())) for _ in range(_BRANCHES)])
    with tempfile.TemporaryDirectory(prefix="sg-") as place:
        async with sinkgraph.run(tree) as live:
            await _spent(live, secs / 2)
            for _ in range(pairs):
                cost, events = await _spent(live, secs)
                alone.append(cost)
                async with _watched(live, place):
                    seen.append((await _spent(live, secs))[0])
    ratio = statistics.median(b / a for a, b in zip(alone, seen, strict=True))
    verdict = "reached" if ratio <= TARGET else "MISSED"
    note = f"{ratio:.3f} × that of nobody watching; target ≤ {TARGET} ×: {verdict}"
    return [
        _row("nobody watches", alone, events, "", {}),
        _row("watched", seen, events, note, {"ratio": ratio, "target": TARGET}),
    ]


def _row(how: str, costs: list[float], events: int, note: str, extra: dict[str, float]) -> Row:
    each = [cost * 1e9 for cost in costs]
    figure = Figure(events, len(each), min(each), statistics.median(each))
    label = f"write to {_BRANCHES} queues, retries and ends"
    return Row(_NAMES[0], label, how, figure, note, extra)


WATCHED = Table(
    "watched",
    "what it costs to be watched by `sinkgraph watch`, in another process",
    _NAMES,
    ("Here ns/event is processor time of the graph's process, all threads.",),
    _measured,
)
