"""Stores in which queues wait for known events, written as the engine writes them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
from hypothesis import strategies as st

from sinkgraph.event import Batch, Json
from sinkgraph.log.disk.chunk import encode
from sinkgraph.log.disk.format import Takers, key_of, pack_record, pack_takers
from sinkgraph.log.disk.intervals import Intervals
from sinkgraph.log.disk.store import NewRow, Store

__all__ = ["QUEUES", "Commit", "InlineDisk", "Step", "commits", "filled"]

QUEUES = ("one", "two", "replay/two")
LOGS = (1, 2, 3)
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Step:
    """Is a row of a commit: its log, its number of events, and which of them each queue takes."""

    log: int
    n: int
    takers: Takers


@dataclass(frozen=True)
class Commit:
    """Is one commit: rows, and which of the events it waits for a queue settles with it."""

    rows: list[Step]
    settled: dict[int, list[int]]


@dataclass
class Queue:
    """Is what a queue waits for: (seq, log, position) in the order in which they come."""

    number: int
    waits: list[tuple[int, int, int]] = field(default_factory=list)
    done: dict[int, Intervals] = field(default_factory=dict)

    def settle(self, which: list[int]) -> None:
        for k in which:
            if k < len(self.waits):
                _, log, at = self.waits.pop(k)
                self.done[log].add(at, at + 1)

    def row(self, seq: int, heads: dict[int, int]) -> NewRow:
        """Return its record; what a log took since is found by the rows behind its head."""
        n = Counter(log for _, log, _ in self.waits)
        logs = {
            log: [one.low, one.beyond, heads[log], n[log], 10 * n[log]]
            for log, one in self.done.items()
            if n[log]
        }
        ended = {log: heads[log] for log in self.done if not n[log]}
        value = msgspec.msgpack.encode([1, logs, ended])
        record = pack_record("cursor", QUEUES[self.number - 1], value)
        return self.number, seq, 0, 0, None, record


def _ranges(draw: Any, n: int) -> list[list[int]] | None:
    if draw(st.booleans()):
        return None
    found: list[list[int]] = []
    for k in range(n):
        if draw(st.booleans()):
            if found and found[-1][1] == k:
                found[-1][1] = k + 1
            else:
                found.append([k, k + 1])
    return found


@st.composite
def commits(draw: Any) -> list[Commit]:
    """Draw what is committed to a store, one commit after the other."""
    made: list[Commit] = []
    for _ in range(draw(st.integers(1, 12))):
        rows: list[Step] = []
        for log in draw(st.lists(st.sampled_from(LOGS), max_size=4)):
            n = draw(st.integers(1, 5))
            takers = {k: _ranges(draw, n) for k in draw(st.frozensets(st.integers(1, 3)))}
            rows.append(Step(log, n, {k: one for k, one in takers.items() if one != []}))
        told = draw(st.frozensets(st.integers(1, 3)))
        some = st.lists(st.integers(0, 20), max_size=6)
        made.append(Commit(rows, {number: draw(some) for number in told}))
    return made


def filled(directory: str, made: list[Commit]) -> dict[str, list[str]]:
    """Write a store; return the ids of the events each queue waits for, in their order."""
    store = Store.open(directory)
    queues = {number: Queue(number) for number in range(1, len(QUEUES) + 1)}
    heads = dict.fromkeys(LOGS, 0)
    named = [
        (len(QUEUES) + log, 1, 0, 0, None, pack_record("log", f"entrance {log}", b"%d" % log))
        for log in LOGS
    ]
    store.commit([*(one.row(1, heads) for one in queues.values()), *named])
    for commit in made:
        seq = store.seq + 1
        for number, which in commit.settled.items():
            queues[number].settle(which)
        told, before, rows = set(commit.settled), dict(heads), []
        known = {number: list(one.waits) for number, one in queues.items()}
        for step in commit.rows:
            at, heads[step.log] = heads[step.log], heads[step.log] + step.n
            body = encode([batch(step.log, at, step.n)])
            packed = pack_takers(step.takers)
            rows.append((key_of(step.log, at), seq, step.n, 10 * step.n, packed, body))
            for number, ranges in step.takers.items():
                one = queues[number]
                if step.log not in one.done:
                    one.done[step.log] = Intervals(before[step.log])
                    told.add(number)
                for a, b in [[0, step.n]] if ranges is None else ranges:
                    known[number] += [(seq, step.log, at + k) for k in range(a, b)]
        store.commit([*rows, *(queues[number].row(seq, before) for number in sorted(told))])
        for number, one in queues.items():
            one.waits = sorted(known[number])
    store.close()
    return {
        name: [f"e{log}-{at}" for _, log, at in queues[k].waits] for k, name in enumerate(QUEUES, 1)
    }


def batch(log: int, at: int, n: int) -> Batch:
    """Return events `e<log>-<position>`, whose time is their position."""
    values: list[Any] = [Json(b'{"at":%d}' % (at + k)) for k in range(n)]
    page = Batch.from_payloads(values, f"e{log}", at, source="s", type="t", time=float(at))
    page.page.marks = [(k, float(at + k)) for k in range(n)]
    return page


class InlineDisk:
    """Does on the loop what a disk's thread does."""

    def submit(self, call: Callable[[], _Result]) -> asyncio.Future[_Result]:
        """Do it now."""
        future: asyncio.Future[_Result] = asyncio.get_running_loop().create_future()
        try:
            future.set_result(call())
        except Exception as error:
            future.set_exception(error)
        return future

    async def close(self) -> None:
        """Hold nothing."""
