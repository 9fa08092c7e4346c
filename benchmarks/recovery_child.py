"""The process that the recovery benchmark starts: fills a state dir and dies, or opens it.

`python -m benchmarks.recovery_child fill DIR EVENTS batches|groups`, or `… open DIR plain|traced`;
it says what it found as one JSON object. It never ends well: what it leaves is what a crash leaves.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import tempfile
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import sinkgraph
from benchmarks.payloads import event_values
from sinkgraph import Event
from sinkgraph.sinks import Queue

_SIZE = 700
_WRITERS = 64
_BATCH = 1_000
_SETTLED_S = 0.2
_STATM = Path("/proc/self/statm")


class _Stalled:
    """Takes what it is given and never gives an answer."""

    def __init__(self) -> None:
        self.began: float | None = None
        self.given = asyncio.Event()

    async def write(self, events: Sequence[Event]) -> None:
        """Note when the first event came."""
        if self.began is None:
            self.began = perf_counter()
            self.given.set()
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Hold nothing."""


def _queue(sink: _Stalled) -> Queue:
    return Queue(sink, capacity=100_000_000, max_bytes=1 << 40, store="disk")


async def _fill(directory: str, events: int, how: str) -> dict[str, Any]:
    values = event_values(_SIZE)
    async with sinkgraph.run(_queue(_Stalled()), state_dir=directory, drain=0) as live:

        async def one(first: int) -> None:
            for k in range(first, events, _WRITERS):
                await live.write(values[k % _BATCH])

        began = perf_counter()
        if how == "batches":
            for k in range(0, events, _BATCH):
                await live.write_many(values[: min(_BATCH, events - k)])
        else:
            await asyncio.gather(*(one(k) for k in range(_WRITERS)))
        _die({"fill_s": perf_counter() - began})
    raise AssertionError("it has died before")


async def _open(directory: str, traced: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="sinkgraph-bench-") as empty:
        sink = _Stalled()
        async with sinkgraph.run(_queue(sink), state_dir=empty, drain=0) as live:
            await live.write({})  # what happens once in a process is not what is measured
            await sink.given.wait()
    gc.collect()
    if traced:
        tracemalloc.start()
    resident, sink = _resident(), _Stalled()
    began = perf_counter()
    async with sinkgraph.run(_queue(sink), state_dir=directory, drain=0) as live:
        opened = perf_counter()
        await sink.given.wait()
        await asyncio.sleep(_SETTLED_S)
        snapshot = live.snapshot()
        assert sink.began is not None
        _die(
            {
                "open_s": opened - began,
                "first_s": sink.began - began,
                "pending": snapshot["queue"].depth,
                "resident": _resident() - resident,
                "traced": tracemalloc.get_traced_memory()[0] if traced else 0,
            }
        )
    raise AssertionError("it has died before")


def _resident() -> int:
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _die(said: dict[str, Any]) -> None:
    """Say something and end as if the power had gone: nothing is closed."""
    print(json.dumps(said), flush=True)
    os._exit(0)


if __name__ == "__main__":
    command, place, *rest = sys.argv[1:]
    if command == "fill":
        asyncio.run(_fill(place, int(rest[0]), rest[1]))
    else:
        asyncio.run(_open(place, rest[0] == "traced"))
