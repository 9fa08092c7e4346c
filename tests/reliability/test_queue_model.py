"""Compares a queue with a model of it, a list and a line of writers, after every step."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinkgraph.errors import DeliveryFailed, Overloaded, Rejected
from sinkgraph.event import Batch
from sinkgraph.log.disk.depot import ACK_AFTER_S
from sinkgraph.runtime.live import Live
from sinkgraph.sinks.base import Terminal
from sinkgraph.sinks.queue import Queue
from sinkgraph.testing import run
from tests.support.virtual import start

Op = tuple[str, int]

ops = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(1, 4)),
        st.tuples(st.just("patient"), st.integers(1, 4)),
        st.tuples(st.sampled_from(["ok", "ok", "fail", "reject"]), st.just(0)),
        st.tuples(st.just("cancel"), st.integers(0, 3)),
        st.tuples(st.just("sleep"), st.just(0)),
    ),
    max_size=30,
)


class Asked(Terminal):
    """Holds each write until the test says how it ends."""

    kind = "asked"

    def __init__(self) -> None:
        super().__init__()
        self.asks: deque[tuple[list[int], asyncio.Future[None]]] = deque()

    async def deliver(self, batch: Batch) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.asks.append(([event.data for event in batch], future))
        await future


@dataclass
class Model:
    """Is what a queue of one lane is: what it keeps, what the lane holds, who waits."""

    policy: str
    capacity: int
    max_batch: int
    kept: deque[int] = field(default_factory=deque)
    held: deque[list[int]] = field(default_factory=deque)  # parts of what the lane took
    line: list[tuple[int, list[int]]] = field(default_factory=list)  # (write, numbers)
    aside: list[int] = field(default_factory=list)  # rejected, and not buried yet
    aside_at: float = 0.0
    delivered: list[int] = field(default_factory=list)
    dead: list[int] = field(default_factory=list)
    dropped: int = 0
    fresh: bool = False  # what the lane holds was just taken
    outcomes: dict[int, str] = field(default_factory=dict)

    @property
    def depth(self) -> int:
        return len(self.kept) + sum(map(len, self.held)) + len(self.aside)

    @property
    def room(self) -> int:
        return self.capacity - self.depth

    def write(self, write: int, numbers: list[int]) -> None:
        policy, n = self.policy, len(numbers)
        if policy == "block" and (self.line or n > self.room):
            self.line.append((write, numbers))
            return
        self.outcomes[write] = "taken"
        if policy == "reject" and n > self.room:
            self.outcomes[write] = "refused"
            return
        if policy == "drop_newest":
            kept = max(0, min(n, self.room))
            self.dropped += n - kept
            numbers = numbers[:kept]
        self.kept.extend(numbers)
        while policy == "drop_oldest" and self.room < 0:
            self.kept.popleft()
            self.dropped += 1
        self.settle()

    def settle(self) -> None:
        self._take()
        while self.line and len(self.line[0][1]) <= self.room:
            write, numbers = self.line.pop(0)
            self.outcomes[write] = "taken"
            self.kept.extend(numbers)
        self._take()

    def _take(self) -> None:
        if not self.held and self.kept:
            n = min(self.max_batch, len(self.kept))
            self.held.append([self.kept.popleft() for _ in range(n)])
            self.fresh = True

    def give_back(self, n: int) -> None:
        self.fresh = False
        self.kept.extendleft(reversed(self.held[0][len(self.held[0]) - n :]))
        del self.held[0][len(self.held[0]) - n :]

    def end(self, how: str, now: float) -> None:
        part = self.held.popleft()
        if how == "fail":
            self.held.appendleft(part)
        elif how == "ok":
            self.delivered += part
        elif len(part) == 1:
            self.aside_at = self.aside_at if self.aside else now
            self.aside += part
        else:
            half = len(part) // 2
            self.held.extendleft([part[half:], part[:half]])
        if how == "fail" or not self.held or now - self.aside_at >= ACK_AFTER_S:
            self.dead += self.aside
            self.aside = []
        self.settle()

    def leave(self, writes: list[int], outcome: str) -> None:
        self.line = [one for one in self.line if one[0] not in writes]
        self.outcomes |= dict.fromkeys(writes, outcome)
        self.settle()


class Play:
    """Does the same to a queue and to its model, and compares them."""

    def __init__(self, live: Live, queue: Queue, sink: Asked, model: Model) -> None:
        self.live, self.queue, self.sink, self.model = live, queue, sink, model
        self.writes: list[asyncio.Task[None]] = []
        self.until: dict[int, float] = {}
        self.delivered: list[int] = []
        self.count = 0

    async def do(self, op: Op) -> None:
        what, n = op
        model = self.model
        loop = asyncio.get_running_loop()
        match what:
            case "write" | "patient":
                n = min(n, model.capacity)
                numbers = list(range(self.count, self.count + n))
                self.count += n
                write = len(self.writes)
                limit = 5.0 if what == "write" else None
                if limit is not None:
                    self.until[write] = loop.time() + limit
                work = self.live.write_many(numbers, timeout=limit)
                self.writes.append(asyncio.create_task(work))
                model.write(write, numbers)
            case "ok" | "fail" | "reject" if self.sink.asks:
                numbers, future = self.sink.asks.popleft()
                errors = {"fail": DeliveryFailed("no"), "reject": Rejected("never")}
                if what == "ok":
                    self.delivered += numbers
                    future.set_result(None)
                else:
                    future.set_exception(errors[what])
                model.end(what, loop.time())
                if what == "fail":
                    await asyncio.sleep(40)  # longer than any backoff
                    self._expire(loop.time())
            case "cancel" if model.line:
                write, _ = model.line[n % len(model.line)]
                self.writes[write].cancel()
                model.leave([write], "cancelled")
            case "sleep":
                await asyncio.sleep(6)
                self._expire(loop.time())
        for _ in range(8):
            await asyncio.sleep(0)
        self.compare()

    def _expire(self, now: float) -> None:
        late = [write for write, _ in self.model.line if self.until.get(write, now + 1) <= now]
        self.model.leave(late, "refused")

    def compare(self) -> None:
        model = self.model
        if self.sink.asks and model.fresh:  # a lane need not take all it might
            numbers, _ = self.sink.asks[0]
            model.give_back(len(model.held[0]) - len(numbers))
        node = self.live.snapshot()["queue"]
        assert node.ledger.residue == 0
        assert node.facts["depth"] == model.depth
        assert node.facts["waiting_writers"] == len(model.line)
        assert sum(node.ledger.dropped.values()) == model.dropped
        assert self.delivered == model.delivered
        assert [event.data for event in self._dead()] == model.dead
        assert [numbers for numbers, _ in self.sink.asks] == [*model.held][:1]
        assert {k: _outcome(task) for k, task in enumerate(self.writes) if task.done()} == (
            model.outcomes
        )

    def _dead(self) -> list[Any]:
        return list(self.live.nodes["dead-letters"].events)  # type: ignore[attr-defined]


def _outcome(task: asyncio.Task[None]) -> str:
    if task.cancelled():
        return "cancelled"
    error = task.exception()
    assert error is None or isinstance(error, Overloaded), error
    return "taken" if error is None else "refused"


@pytest.mark.parametrize("policy", ["block", "reject", "drop_oldest", "drop_newest"])
@settings(max_examples=5 * settings().max_examples)
@given(program=ops, capacity=st.integers(1, 6), max_batch=st.sampled_from([1000, 2, 1]))
def test_a_queue_is_what_its_model_is(
    policy: str, program: list[Op], capacity: int, max_batch: int
) -> None:
    async def story() -> None:
        sink = Asked()
        queue = Queue(sink, capacity, policy, max_batch=max_batch)
        async with start(queue, drain=0.0) as live:
            play = Play(live, queue, sink, Model(policy, capacity, max_batch))
            for op in program:
                await play.do(op)
            for task in play.writes:
                task.cancel()
            await asyncio.gather(*play.writes, return_exceptions=True)
        assert live.report is not None
        assert live.report.left.get("queue", 0) == play.model.depth
        assert live.report.residue == 0

    run(story())
