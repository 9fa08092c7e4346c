"""How a process starts when an earlier one died with many events on disk: time, memory, room.

The dying and the starting happen in processes of their own (`recovery_child`).
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.figures import QUICK, Effort, EventsLost, Figure, Row, Table

__all__ = ["RECOVERY"]

_EVENTS = 1_000_000
_CHILD_S = 300.0
_OPEN_S = 0.05
_MEMORY = 50.0
_DISK = 1024.0
_HOW = {"batches": "in batches of 1,000", "groups": "by 64 writers"}


async def _child(*arguments: str) -> dict[str, Any]:
    """Run the other process; return what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.recovery_child",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[1],
    )
    try:
        async with asyncio.timeout(_CHILD_S):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if not said:
        raise EventsLost(f"recovery_child {' '.join(arguments)} died without a word")
    found: dict[str, Any] = json.loads(said)
    return found


async def _recovered(how: str, effort: Effort) -> Row:
    events, opens = (2_000, 2) if effort is QUICK else (_EVENTS, 5)
    with tempfile.TemporaryDirectory(prefix="sinkgraph-bench-") as place:
        filled = await _child("fill", place, str(events), how)
        disk = _size(place) / events
        said = [await _child("open", place, "plain") for _ in range(opens)]
        traced = await _child("open", place, "traced")
    for one in (*said, traced):
        if one["pending"] != events:
            raise EventsLost(f"of {events} events, {one['pending']} were there after a restart")
    each = sorted(one["first_s"] for one in said)
    open_s = statistics.median(one["open_s"] for one in said)
    memory = statistics.median(one["resident"] for one in said) / events
    note = (
        f"open {open_s * 1e3:.1f} ms, first event after {statistics.median(each) * 1e3:.1f} ms; "
        f"each {memory:.1f} bytes of memory ({traced['traced'] / events:.1f} of Python's), "
        f"{disk:.0f} on disk"
    )
    if events == _EVENTS:
        reached = open_s <= _OPEN_S and memory <= _MEMORY and disk <= _DISK
        note += (
            f"; target ≤ {_OPEN_S * 1e3:.0f} ms, ≤ {_MEMORY:.0f}, ≤ {_DISK:,.0f}: "
            f"{'reached' if reached else 'MISSED'}"
        )
    extra = {
        "open_ms": open_s * 1e3,
        "memory_bytes": memory,
        "traced_bytes": traced["traced"] / events,
        "disk_bytes": disk,
        "fill_s": filled["fill_s"],
    }
    figure = Figure(events, opens, each[0] * 1e9 / events, statistics.median(each) * 1e9 / events)
    return Row(how, "start with pending events", f"written {_HOW[how]}", figure, note, extra)


def _size(place: str) -> int:
    return sum(entry.stat().st_size for entry in os.scandir(place))


async def _measured(effort: Effort, wanted: Callable[[str], bool]) -> list[Row]:
    return [await _recovered(how, effort) for how in _HOW if wanted(how)]


RECOVERY = Table(
    "recovery",
    "Start after a crash: 700 bytes an event on disk, nothing delivered yet",
    tuple(_HOW),
    ("A time runs from `sinkgraph.run` to the first event at the sink, over all pending events.",),
    _measured,
)
