"""Compares a retry with a model of its attempts: when each is made, and what it ends with."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinkgraph.errors import DeliveryFailed, Overloaded, Rejected
from sinkgraph.event import Batch
from sinkgraph.sinks.backoff import ConstantBackoff
from sinkgraph.sinks.breaker_policy import Breaker
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.retry import Retry
from sinkgraph.testing import RecordingSink, run
from tests.support.virtual import start

OPEN_FOR = 7.0


@dataclass(frozen=True)
class Policy:
    """Is how a retry is set up."""

    backoff: float = 1.0
    threshold: int = 0  # 0: no breaker
    max_attempts: int = 3
    give_up_after: float = 0.0
    hold: str = "lane"


@dataclass
class Model:
    """Makes the attempts at one event after the other, as they are promised."""

    policy: Policy
    now: float = 0.0
    failures: int = 0  # in a row, as the breaker counts
    open_until: float | None = None
    times: list[tuple[int, float]] = field(default_factory=list)
    ends: dict[int, tuple[str, int]] = field(default_factory=dict)

    def deliver(self, n: int, outcomes: list[str]) -> None:
        began = self.now
        for attempts, outcome in enumerate([*outcomes, "ok"], 1):
            probing = self.open_until is not None
            self.now = max(self.now, self.open_until or 0.0)
            self.times.append((n, self.now))
            if outcome == "ok":
                self.failures, self.open_until = 0, None
                self.ends[n] = ("delivered", attempts)
                return
            if outcome == "reject":  # says nothing about the endpoint: the breaker stays
                if probing:
                    self.open_until = self.now
                self.ends[n] = ("rejected", attempts)
                return
            if outcome == "fail" and self.policy.threshold:
                self.failures += 1
                if probing or self.failures >= self.policy.threshold:
                    self.open_until = self.now + OPEN_FOR
            elif probing:  # `full` does not count: the permit is given back
                self.open_until = self.now
            if attempts >= self.policy.max_attempts and (
                self.now - began >= self.policy.give_up_after
            ):
                self.ends[n] = ("gave_up", attempts)
                return
            self.now += self.policy.backoff


class Scripted(RecordingSink):
    """Ends the attempts at each event as the script says."""

    def __init__(self, scripts: list[list[str]]) -> None:
        super().__init__(max_batch=1)
        self.scripts = [list(one) for one in scripts]
        self.times: list[tuple[int, float]] = []

    async def deliver(self, batch: Batch) -> None:
        (event,) = batch
        n: int = event.data
        self.times.append((n, asyncio.get_running_loop().time()))
        outcome = self.scripts[n].pop(0) if self.scripts[n] else "ok"
        if outcome == "fail":
            raise DeliveryFailed("down")
        if outcome == "full":
            raise Overloaded("busy")
        if outcome == "reject":
            raise Rejected("bad")
        self.keep(batch)


policies = st.builds(
    Policy,
    backoff=st.sampled_from([1.0, 3.0]),
    threshold=st.sampled_from([0, 1, 2]),
    max_attempts=st.integers(1, 5),
    give_up_after=st.sampled_from([0.0, 5.0, 30.0]),
)
scripts = st.lists(
    st.lists(st.sampled_from(["fail", "fail", "full", "reject", "ok"]), max_size=12),
    min_size=1,
    max_size=4,
)


@settings(max_examples=3 * settings().max_examples)
@given(policy=policies, script=scripts)
def test_attempts_are_made_when_and_as_often_as_promised(
    policy: Policy, script: list[list[str]]
) -> None:
    async def story() -> None:
        sink = Scripted(script)
        retry = _retry(sink, policy)
        async with start(Queue(retry)) as live:
            await live.write_many(list(range(len(script))))
            assert await live.drain(10_000)
            dead = _dead(live)
            ledger = live.snapshot()["retry"].ledger
        model = Model(policy)
        for n, outcomes in enumerate(script):
            model.deliver(n, list(outcomes))
        assert [n for n, _ in sink.times] == [n for n, _ in model.times]
        assert [at for _, at in sink.times] == pytest.approx([at for _, at in model.times])
        ends = {n: end for n, end in model.ends.items() if end[0] != "delivered"}
        assert {e.data: (e.meta["reason"], e.meta["attempts"]) for e in dead} == ends
        assert sink.data == [n for n, end in model.ends.items() if end[0] == "delivered"]
        assert (ledger.dead_lettered, ledger.delivered) == (len(ends), len(script) - len(ends))

    run(story())


@settings(max_examples=3 * settings().max_examples)
@given(policy=policies, script=scripts, hold=st.sampled_from(["event", "key"]))
def test_a_parked_event_gets_the_same_attempts_and_holds_up_no_other(
    policy: Policy, script: list[list[str]], hold: str
) -> None:
    async def story() -> None:
        alone = Policy(policy.backoff, 0, policy.max_attempts, policy.give_up_after, hold)
        sink = Scripted(script)
        queue = Queue(_retry(sink, alone), order_by=lambda event: event.data)
        async with start(queue) as live:
            await live.write_many(list(range(len(script))))
            assert await live.drain(10_000)
            dead = {e.data: (e.meta["reason"], e.meta["attempts"]) for e in _dead(live)}
            assert live.snapshot().residue == 0
        for n, outcomes in enumerate(script):
            model = Model(alone)
            model.deliver(n, list(outcomes))
            times = [at for one, at in sink.times if one == n]
            assert times == pytest.approx([at for _, at in model.times])
            end = model.ends[n]
            assert dead.get(n) == (None if end[0] == "delivered" else end)

    run(story())


def _retry(sink: Scripted, policy: Policy) -> Retry:
    breaker = None
    if policy.threshold:
        breaker = Breaker(
            failure_threshold=policy.threshold, open_for=OPEN_FOR, jitter=0, reopen_factor=1
        )
    return Retry(
        sink,
        ConstantBackoff(policy.backoff),
        breaker,
        max_attempts=policy.max_attempts,
        give_up_after=policy.give_up_after,
        hold=policy.hold,
    )


def _dead(live: Any) -> list[Any]:
    return list(live.nodes["dead-letters"].events)
