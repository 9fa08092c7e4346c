"""Holds random trees of full and empty queues to atomic admission (P26): all of a write or none."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sinkgraph.errors import Overloaded, PartialWrite
from sinkgraph.runtime.live import Live
from sinkgraph.sinks.queue import Queue
from sinkgraph.testing import run
from tests.reliability.trees import Forest, Path, Spec, queue_trees
from tests.support.virtual import start


@dataclass(frozen=True)
class Try:
    """Is one write: how many events, how long it may wait, when it is cancelled."""

    size: int
    timeout: float | None = None
    cancel_after: int | None = None  # ticks
    pause: float = 0.0  # seconds before it


tries = st.lists(
    st.builds(
        Try,
        size=st.integers(1, 6),
        timeout=st.sampled_from([0.5, None, 3.0]),
        cancel_after=st.sampled_from([None, None, 0, 1, 2, 3]),
        pause=st.sampled_from([0.0, 0.0, 0.7]),
    ),
    min_size=1,
    max_size=8,
)


class Stores:
    """Knows what every node has been given, and what a write has to give it."""

    def __init__(self, forest: Forest) -> None:
        self.ways: dict[Queue, Path] = {}
        for path in forest.paths:
            for k, step in enumerate(path.steps):
                if isinstance(step.node, Queue):
                    self.ways.setdefault(step.node, Path(path.steps[:k], path.spot))

    def entered(self, live: Live) -> dict[str, int]:
        """Return how many events entered each queue so far."""
        snapshot = live.snapshot()
        return {queue.name: snapshot[queue.name].ledger.entered for queue in self.ways}

    def expected(self, numbers: list[int]) -> dict[str, int | None]:
        """Return how many of these each queue has to be given; None where chance decides."""
        return {queue.name: self._through(way, numbers) for queue, way in self.ways.items()}

    @staticmethod
    def _through(way: Path, numbers: list[int]) -> int | None:
        fates = [way.fate(n) for n in numbers]
        return None if "maybe" in fates else fates.count("pass")


@settings(max_examples=5 * settings().max_examples)
@given(spec=queue_trees(), program=tries)
def test_a_refused_write_has_stored_nothing_anywhere(spec: Spec, program: list[Try]) -> None:
    run(_play(spec, program))


async def _play(spec: Spec, program: list[Try]) -> None:
    forest = Forest()
    count = 0
    async with start(forest.build(spec)) as live:
        stores = Stores(forest)
        smallest = min((q.capacity for q in stores.ways if q.bounds), default=100)
        for one in program:
            await asyncio.sleep(one.pause)
            numbers = list(range(count, count + one.size))
            count += one.size
            before = stores.entered(live)
            taken = await _write(live, one, numbers)
            after = stores.entered(live)
            gained = {name: after[name] - before[name] for name in before}
            expected = stores.expected(numbers)
            wanted = {name: n if taken else 0 for name, n in expected.items()}
            if taken is None and one.size > smallest:
                pass  # it was cut into several writes, and some of them were made
            elif taken is None:  # cancelled: all or nothing
                full = {name for name, n in gained.items() if n}
                assert not full or full >= {name for name, n in expected.items() if n}, gained
            else:
                wrong = {n: k for n, k in gained.items() if wanted[n] not in (None, k)}
                assert not wrong, (taken, gained, wanted)
            assert live.snapshot().residue == 0
        for path in forest.paths:
            path.spot.script.clear()
        assert await live.drain(10_000)


async def _write(live: Live, one: Try, numbers: list[int]) -> bool | None:
    """Return whether a write was taken; None when it was cancelled, or cut."""
    values: list[Any] = [{"n": n, "k": n % 3} for n in numbers]
    work = live.write(values[0], timeout=one.timeout)
    if len(values) > 1:
        work.close()
        work = live.write_many(values, timeout=one.timeout)
    task = asyncio.create_task(work)
    if one.cancel_after is not None:
        for _ in range(one.cancel_after):
            await asyncio.sleep(0)
        task.cancel()
    try:
        await task
    except Overloaded:
        return False
    except (PartialWrite, asyncio.CancelledError):
        return None
    return True
