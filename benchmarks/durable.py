"""What it costs to write an event so that it survives the process: disk queues, beside a bare loop.

What is there after a restart, and how fast, is `recovery`'s subject; other products' durable
writes are in `durable_peers`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from time import perf_counter
from typing import Any

import sinkgraph
from benchmarks.durable_peers import peers
from benchmarks.durable_runs import (
    Running,
    Saturation,
    Waits,
    Write,
    bare,
    by_batches,
    by_writers,
    running,
    state_dir,
)
from benchmarks.figures import QUICK, Effort, EventsLost, Once, Row, Table, measure, measure_in_turn
from benchmarks.payloads import event_values, json_texts
from benchmarks.shapes import End, Tree, settle
from benchmarks.write_alone import StalledSink
from sinkgraph import Rejected
from sinkgraph.sinks import DeadLetters, Queue, Retry

__all__ = ["DURABLE", "EVENT_SIZE"]

EVENT_SIZE = 700
"""Bytes of an event as JSON."""

_BRANCHES = 10
_TICK_S = 0.0002
_STALLED = 1_000
_REJECTED = "a disk queue's events, all rejected"
_PATIENCE = 2.0  # times the time of another figure: syncs are not even


def _longer(effort: Effort) -> Effort:
    if effort is QUICK:
        return Effort(effort.budget_s, effort.repeats, most=256, first=1)
    return Effort(effort.budget_s * _PATIENCE, effort.repeats, effort.most, effort.first)


def _few(effort: Effort) -> Effort:
    longer = _longer(effort)
    return Effort(longer.budget_s, longer.repeats, longer.most, first=10)


def _proved(ours: Running, work: Callable[[int], Awaitable[float]]) -> Once:
    async def once(n: int) -> float:
        took = await work(n)
        await ours.prove(n)
        return took

    return once


# rows


async def _writers(effort: Effort, writers: int) -> list[Row]:
    values, texts = event_values(EVENT_SIZE), json_texts(EVENT_SIZE)
    waits = [Waits() for _ in range(3)]
    async with running() as ours, bare(encodes=True) as encoding, bare(encodes=False) as plain:
        write = ours.live.write
        figures = await measure_in_turn(
            [
                _proved(ours, lambda n: by_writers(write, values, n, writers, waits[0])),
                lambda n: by_writers(encoding.write, values, n, writers, waits[1]),
                lambda n: by_writers(plain.write, texts, n, writers, waits[2]),
            ],
            _longer(effort),
            step=writers,
        )
    how = f"{writers:,} writer{'s' * (writers > 1)}"
    labels = ("disk queue", "bare loop, encodes", "bare loop, bytes")
    rows = [
        _with_waits(Row("writers", label, how, figure), one.of_last(figure.repeats))
        for label, figure, one in zip(labels, figures, waits, strict=True)
    ]
    return [_beside(rows[0], rows[1], 0.6 if writers == 64 else None), *rows[1:]]


async def _batches(effort: Effort, batch: int) -> list[Row]:
    values = event_values(EVENT_SIZE)
    async with running() as ours, bare(encodes=True) as encoding:
        write_many = ours.live.write_many
        figures = await measure_in_turn(
            [
                _proved(ours, lambda n: by_batches(write_many, values, n, batch)),
                lambda n: by_batches(encoding.write_many, values, n, batch),
            ],
            _longer(effort),
            step=batch,
        )
    labels = ("disk queue", "bare loop, encodes")
    rows = [
        Row("batches", label, f"write_many {batch:,}", figure)
        for label, figure in zip(labels, figures, strict=True)
    ]
    return [_beside(rows[0], rows[1], None), rows[1]]


async def _fan_out(effort: Effort, batch: int) -> list[Row]:
    values = event_values(EVENT_SIZE)
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(running())
        ten = await stack.enter_async_context(running(_BRANCHES))
        files = [await stack.enter_async_context(running()) for _ in range(_BRANCHES)]

        async def to_files(payload: Any) -> None:
            await asyncio.gather(*(file.live.write(payload) for file in files))

        async def batch_to_files(payloads: Any) -> None:
            await asyncio.gather(*(file.live.write_many(payloads) for file in files))

        def work(write: Write, write_many: Write) -> Callable[[int], Awaitable[float]]:
            if batch == 1:
                return lambda n: by_writers(write, values, n, 64, Waits())
            return lambda n: by_batches(write_many, values, n, batch)

        async def separate(n: int) -> float:
            took = await work(to_files, batch_to_files)(n)
            for file in files:
                await file.prove(n)
            return took

        figures = await measure_in_turn(
            [
                _proved(one, work(one.live.write, one.live.write_many)),
                _proved(ten, work(ten.live.write, ten.live.write_many)),
                separate,
            ],
            _longer(effort),
            step=64 if batch == 1 else batch,
        )
    how = "64 writers" if batch == 1 else f"write_many {batch:,}"
    labels = ("1 disk queue", f"{_BRANCHES} disk queues", f"{_BRANCHES} state dirs")
    rows = [
        Row("fanout", label, how, figure) for label, figure in zip(labels, figures, strict=True)
    ]
    dearer = figures[1].ns_median / figures[0].ns_median
    faster = figures[2].ns_median / figures[1].ns_median
    reached = "reached" if dearer <= 1.3 and faster >= 3 else "MISSED"
    note = (
        f"{dearer:.2f} × the time of 1, {faster:.1f} × as fast as {_BRANCHES} state dirs; "
        f"target ≤ 1.3 ×, ≥ 3 ×: {reached}"
    )
    rows[1] = Row("fanout", labels[1], how, figures[1], note, {"dearer": dearer, "faster": faster})
    return rows


async def _saturated(effort: Effort) -> list[Row]:
    values = event_values(EVENT_SIZE)
    rows: list[Row] = []
    async with running() as ours:
        for writers in (1, 64):
            waits = Waits()

            async def once(n: int, writers: int = writers, waits: Waits = waits) -> float:
                with Saturation(_TICK_S):
                    took = await by_writers(ours.live.write, values, n, writers, waits)
                await ours.prove(n)
                return took

            figure = await measure(once, _few(effort), step=writers)
            how = f"{writers} writer{'s' * (writers > 1)}"
            row = Row("saturated", f"disk queue, loop of {_TICK_S * 1e6:.0f} µs ticks", how, figure)
            rows.append(_with_waits(row, waits.of_last(figure.repeats)))
    commits = rows[0].figure.events_per_s
    verdict = "reached" if commits >= 100 else "MISSED"
    note = f"{rows[0].note}; a commit each, target ≥ 100/s: {verdict}"
    rows[0] = Row("saturated", rows[0].label, rows[0].how, rows[0].figure, note, rows[0].extra)
    return rows


async def _consume(effort: Effort) -> list[Row]:
    values, released = event_values(EVENT_SIZE), asyncio.Event()
    sink = StalledSink(released)
    queue = Queue(sink, store="disk")
    tree = Tree(queue, (queue,), (End(lambda: sink.seen),))
    async with state_dir() as place, sinkgraph.run(queue, state_dir=place) as live:
        ours = Running(live, tree)

        async def once(n: int) -> float:
            released.clear()
            await by_batches(live.write_many, values, n, _STALLED)
            began = perf_counter()
            released.set()
            await settle(live, tree)
            took = perf_counter() - began
            await ours.prove(n)
            return took

        figure = await measure(once, _longer(effort), step=_STALLED)
    return [Row("consume", "a stalled disk queue is emptied", "batches of 1,000", figure)]


class _Refusing:
    """Rejects whatever it is given."""

    async def write(self, events: Any) -> None:
        """Reject."""
        raise Rejected("no thanks")

    async def close(self) -> None:
        """Hold nothing."""


async def _rejected(effort: Effort) -> list[Row]:
    """Have batches rejected whole, straight below a queue and below a retry."""
    values = event_values(EVENT_SIZE)

    async def once(n: int, *, retried: bool) -> float:
        letters = DeadLetters(capacity=n + _STALLED)
        sink = Retry(_Refusing(), dead_letter=letters) if retried else _Refusing()
        queue = Queue(sink, store="disk", dead_letter=letters)
        async with state_dir() as place, sinkgraph.run(queue, state_dir=place) as live:
            began = perf_counter()
            await by_batches(live.write_many, values, n, _STALLED)
            await live.drain()
            took = perf_counter() - began
            if letters.pending() != n:
                raise EventsLost(f"{letters.pending()} of {n} rejected events are dead letters")
        return took

    rows = []
    for label, retried in ((_REJECTED, False), (f"{_REJECTED}, below a retry", True)):
        figure = await measure(partial(once, retried=retried), _longer(effort), step=_STALLED)
        rows.append(Row("rejected", label, "batches of 1,000", figure))
    return rows


def _with_waits(row: Row, waits: tuple[float, float]) -> Row:
    p50, p99 = waits
    note = f"a write {p50:.2f} ms, p99 {p99:.2f} ms"
    return Row(row.name, row.label, row.how, row.figure, note, {"p50_ms": p50, "p99_ms": p99})


def _beside(ours: Row, other: Row, target: float | None) -> Row:
    """Return our row with what share of the bare loop's throughput it has."""
    ratio = other.figure.ns_median / ours.figure.ns_median
    note = f"{ratio:.2f} × the bare loop"
    if target is not None:
        note += f", target ≥ {target} ×: {'reached' if ratio >= target else 'MISSED'}"
    note = f"{ours.note}; {note}" if ours.note else note
    return Row(ours.name, ours.label, ours.how, ours.figure, note, {**ours.extra, "ratio": ratio})


_Measured = Callable[[Effort], Awaitable[list[Row]]]

_SUBJECTS: tuple[tuple[str, _Measured], ...] = (
    *(("writers", lambda e, w=w: _writers(e, w)) for w in (1, 16, 64, 256)),
    *(("batches", lambda e, b=b: _batches(e, b)) for b in (100, 1_000)),
    *(("fanout", lambda e, b=b: _fan_out(e, b)) for b in (1, 1_000)),
    ("saturated", _saturated),
    ("consume", _consume),
    ("rejected", _rejected),
    ("peers", peers),
)


async def _measured(effort: Effort, wanted: Callable[[str], bool]) -> list[Row]:
    rows: list[Row] = []
    for name, measured in _SUBJECTS:
        if wanted(name):
            rows += await measured(effort)
    return rows


DURABLE = Table(
    "durable",
    f"Durable writes: {EVENT_SIZE} bytes an event, on disk before a write returns",
    tuple(dict.fromkeys(name for name, _ in _SUBJECTS)),
    (
        "A time ends with the last write; consume: from when the sink is up to the last delivery.",
        "The bare loop is coroutines, one thread and apsw: one INSERT a group, nothing else.",
        "Both have WAL and synchronous=FULL: what a write returned is on disk.",
        "Peers: persist-queue, and Redis with its Python client, are left out where they are not.",
    ),
    _measured,
)
