"""P18: cancel safety. Whoever writes may be cancelled at every await: stored once or not at all.

Each write is run again and again, cancelled at its first wait, its second, and so on until it ends
before; once as it begins to wait, and once when what it waits for has just come true. Afterwards
nothing is torn, nobody stands in a line, every ledger closes, and who wrote meanwhile is served.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sinkgraph.errors import DeliveryFailed
from sinkgraph.event import Batch
from sinkgraph.simulation.disk import VirtualDisk
from sinkgraph.sinks.backoff import ConstantBackoff
from sinkgraph.sinks.balance import Balance
from sinkgraph.sinks.base import Sink, Terminal
from sinkgraph.sinks.batch import BatchSink
from sinkgraph.sinks.breaker_policy import Breaker
from sinkgraph.sinks.breaker_sink import BreakerSink
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.dedupe import Dedupe
from sinkgraph.sinks.fallback import Fallback
from sinkgraph.sinks.filter import Filter
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.rate_limit import RateLimit
from sinkgraph.sinks.retry import Retry
from sinkgraph.sinks.route import Route
from sinkgraph.sinks.timeout import Timeout
from sinkgraph.sources.http import HttpSource
from sinkgraph.testing import run
from tests.reliability.shaky import repeated
from tests.support.virtual import start

VICTIM = range(100, 106)
BEFORE = range(3)
AFTER = range(200, 203)
MOST_WAITS = 200


class Cancelled:
    """Awaits a coroutine and cancels the task at wait number `at`, early or late."""

    def __init__(self, work: Coroutine[Any, Any, Any], at: int, *, late: bool) -> None:
        self.work = work
        self.at = at
        self.late = late
        self.waits = 0
        self.asked = False

    def __await__(self) -> Generator[Any, Any, Any]:
        value: Any = None
        error: BaseException | None = None
        while True:
            try:
                waits_for = self.work.send(value) if error is None else self.work.throw(error)
            except StopIteration as stop:
                return stop.value
            if self.waits == self.at:
                self._cancel(waits_for)
            self.waits += 1
            value, error = None, None
            try:
                value = yield waits_for
            except BaseException as raised:
                error = raised

    def _cancel(self, waits_for: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self.late and isinstance(waits_for, asyncio.Future):
            waits_for.add_done_callback(lambda _: self._now(task))  # before the task itself hears
        else:
            self._now(task)

    def _now(self, task: asyncio.Task[Any]) -> None:
        self.asked = True
        task.cancel()


class End(Terminal):
    """Takes a second for its first write and a tenth for each other, then has it; at most `size`.

    The first `failures` writes end in an error.
    """

    kind = "end"

    def __init__(self, failures: int = 0, size: int | None = None) -> None:
        super().__init__()
        self.failures = failures
        self.max_batch = size
        self.writes = 0
        self.got: list[int] = []

    async def deliver(self, batch: Batch) -> None:
        self.writes += 1
        await asyncio.sleep(1.0 if self.writes == 1 else 0.1)
        if self.failures:
            self.failures -= 1
            raise DeliveryFailed("scripted")
        self.got += [event.data["n"] for event in batch]


@dataclass
class Scene:
    """Is a tree and what of a write may be stored when that is cancelled.

    `agree`: the same at every end; `whole`: all of it or nothing, else what came first.
    """

    root: Sink
    ends: list[End]
    agree: bool = True
    whole: bool = True
    single: bool = False  # the victim is one event


def full_queue() -> Scene:
    end = End()
    return Scene(Queue(end, 6), [end])


def fan_out() -> Scene:
    ends = [End() for _ in range(3)]
    return Scene(Broadcast([Queue(ends[0], 6), Queue(ends[1], 7), Queue(ends[2])]), ends)


def one_event() -> Scene:
    ends = [End(size=1) for _ in range(2)]
    return Scene(Broadcast([Queue(ends[0], 3), Queue(ends[1], 4)]), ends, single=True)


def chosen() -> Scene:
    ends = [End() for _ in range(3)]
    picky = Filter(Queue(ends[0], 6), lambda e: e.data["n"] >= 0, otherwise=Queue(End(), 6))
    route = Route([(lambda e: e.data["n"] >= 0, Queue(ends[1], 6))], default=Queue(End()))
    return Scene(Broadcast([picky, route, Queue(ends[2])]), ends)


def larger_than_capacity() -> Scene:
    ends = [End(size=2) for _ in range(2)]
    return Scene(Broadcast([Queue(ends[0], 3), Queue(ends[1], 4)]), ends, whole=False)


def larger_beside_bare() -> Scene:
    ends = [End(size=2), End()]
    return Scene(Broadcast([Queue(ends[0], 3), ends[1]]), ends, agree=False, whole=False)


def queue_and_bare() -> Scene:
    ends = [End(), End(), End()]
    return Scene(Broadcast([Queue(ends[0], 6), ends[1], Queue(ends[2])]), ends, agree=False)


def retried() -> Scene:
    end = End(failures=3)
    return Scene(Retry(end, ConstantBackoff(0.5)), [end])


def retried_fan() -> Scene:
    ends = [End(failures=2), End(), End(failures=4)]
    breaker = Breaker(failure_threshold=2, open_for=0.5)
    return Scene(Retry(Broadcast(ends), ConstantBackoff(0.5), breaker), ends, agree=False)


def parked() -> Scene:
    end = End(failures=3)
    return Scene(Queue(Retry(end, ConstantBackoff(0.5), hold="event"), 6), [end])


def gathered() -> Scene:
    end = End()
    return Scene(BatchSink(end, max_events=4, max_wait=0.5), [end], whole=False)


def limited() -> Scene:
    end = End()
    return Scene(RateLimit(end, rate=4.0, burst=2), [end], whole=False)


def deduplicated() -> Scene:
    end = End()
    return Scene(Dedupe(Queue(end, 6)), [end])


def guarded() -> Scene:
    end = End()
    return Scene(BreakerSink(Timeout(Queue(end, 6), 60.0), Breaker()), [end])


def failing_over() -> Scene:
    ends = [End(failures=1), End()]
    return Scene(Fallback(ends), ends, agree=False)


def balanced() -> Scene:
    ends = [End(), End()]
    return Scene(Balance(ends), ends, agree=False)


def on_disk() -> Scene:
    end = End()
    return Scene(Queue(end, 6, store="disk"), [end])


def fan_on_disk() -> Scene:
    ends = [End() for _ in range(3)]
    lanes = [Queue(ends[0], 6, store="disk"), Queue(ends[1], 7), Queue(ends[2], 9, store="disk")]
    return Scene(Broadcast(lanes), ends)


def chosen_on_disk() -> Scene:
    ends = [End() for _ in range(2)]
    picky = Filter(Queue(ends[0], 6, store="disk"), lambda e: e.data["n"] >= 0)
    return Scene(Broadcast([picky, Queue(ends[1], 8, store="disk")]), ends)


def larger_on_disk() -> Scene:
    ends = [End(size=2) for _ in range(2)]
    lanes = [Queue(ends[0], 3, store="disk"), Queue(ends[1], 4, store="disk")]
    return Scene(Broadcast(lanes), ends, whole=False)


SCENES = [
    on_disk, fan_on_disk, chosen_on_disk, larger_on_disk,
    full_queue, fan_out, one_event, chosen, larger_than_capacity, larger_beside_bare,
    queue_and_bare, retried, retried_fan, parked, gathered, limited, deduplicated, guarded,
    failing_over, balanced,
]  # fmt: skip


def numbered(numbers: range) -> list[dict[str, int]]:
    return [{"n": n} for n in numbers]


@pytest.mark.parametrize("late", [False, True], ids=["early", "late"])
@pytest.mark.parametrize("make", SCENES, ids=lambda one: one.__name__)
def test_a_cancelled_write_is_stored_once_or_not_at_all(
    make: Callable[[], Scene], late: bool, tmp_path: Path
) -> None:
    for at in range(MOST_WAITS):
        scene = make()
        if not run(_cancel_at(scene, at, tmp_path / str(at), late=late)):
            assert at > 0, "it never waited: nothing was shown"
            return
    raise AssertionError(f"still waiting after {MOST_WAITS} waits")


async def _cancel_at(scene: Scene, at: int, state: Path, *, late: bool) -> bool:
    """Cancel the write at its wait number `at`, and judge; False when it ended before that."""
    victim = VICTIM[:1] if scene.single else VICTIM
    disk = VirtualDisk()
    async with start(scene.root, drain=1e6, state_dir=state, disk=disk) as live:
        before = asyncio.create_task(live.write_many(numbered(BEFORE)))
        await asyncio.sleep(0.01)
        if scene.single:
            write = live.write(numbered(victim)[0])
        else:
            write = live.write_many(numbered(victim))
        cancelled = Cancelled(write, at, late=late)
        task = asyncio.create_task(_await(cancelled))
        await asyncio.sleep(0)
        after = asyncio.create_task(live.write_many(numbered(AFTER)))
        await asyncio.wait([task])
        await asyncio.gather(before, after)
        reached = cancelled.asked
        assert task.cancelled() == reached, "a cancellation was swallowed, or made up"
        assert await live.drain(1e6)
        snapshot = live.snapshot()
        assert (snapshot.residue, snapshot.pending) == (0, 0)
        for node in snapshot.nodes.values():
            assert node.facts.get("waiting_writers", 0) == 0
        await live.write({"n": 300})
        assert await live.drain(1e6)
    _judge(scene, list(victim), all_of_it=not reached)
    return reached


async def _await(work: Cancelled) -> None:
    await work


def _judge(scene: Scene, victim: list[int], *, all_of_it: bool) -> None:
    stored: list[list[int]] = []
    numbers = [n for end in scene.ends for n in end.got]
    one_way = scene.root.__class__ in (Fallback, Balance)
    ends = [numbers] if one_way else [end.got for end in scene.ends]
    for got in ends:
        assert not repeated(got)
        others = [n for n in got if n not in victim]
        assert sorted(others) == [*BEFORE, *AFTER, 300]
        stored.append([n for n in got if n in victim])
    for own in stored:
        assert own == victim[: len(own)], "torn"
        if scene.whole:
            assert len(own) in (0, len(victim)), "torn"
        if all_of_it:
            assert own == victim
    if scene.agree:
        assert all(own == stored[0] for own in stored), "stored on some branches only"


@pytest.mark.parametrize("late", [False, True], ids=["early", "late"])
@pytest.mark.parametrize(
    "make", [full_queue, fan_out, queue_and_bare, retried], ids=lambda one: one.__name__
)
def test_a_cancelled_request_is_stored_once_or_not_at_all(
    make: Callable[[], Scene], late: bool
) -> None:
    async def story(at: int) -> bool:
        scene = make()
        async with start(scene.root, drain=1e6) as live:
            source = HttpSource(scene.root, max_wait=30.0)
            source.name = "in"
            source.bind(live.topology.ctx)
            before = asyncio.create_task(live.write_many(numbered(BEFORE)))
            await asyncio.sleep(0.01)
            batch = source.stamp(numbered(VICTIM))
            cancelled = Cancelled(source._write_answer(batch), at, late=late)
            task = asyncio.create_task(_await(cancelled))
            await asyncio.sleep(0)
            after = asyncio.create_task(live.write_many(numbered(AFTER)))
            await asyncio.wait([task])
            await asyncio.gather(before, after)
            assert task.cancelled() == cancelled.asked
            assert await live.drain(1e6)
            assert (live.snapshot().residue, source.account().residue) == (0, 0)
            await live.write({"n": 300})
        _judge(scene, list(VICTIM), all_of_it=not cancelled.asked)
        return cancelled.asked

    for at in range(MOST_WAITS):
        if not run(story(at)):
            assert at > 0
            return
    raise AssertionError(f"still waiting after {MOST_WAITS} waits")
