"""P15: backoff and breaker are sound. Every valid policy, under any order of operations.

A second breaker, written from the promises (SEMANTICS: breaker) as a plain log of what happened,
agrees with ours after each operation; HALF_OPEN is always left; no wait leaves its bounds.
`tests/sinks/test_breaker.py` drives the machine by hand, `test_retry_model.py` a whole retry.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinkgraph.sinks.backoff import (
    FLOOR_S,
    Backoff,
    ConstantBackoff,
    ExponentialBackoff,
    GoEventsBackoff,
    Jitter,
    retry_after_wait,
)
from sinkgraph.sinks.breaker import BreakerMachine, Permit
from sinkgraph.sinks.breaker_policy import Breaker

SLOTS = 10


class Fixed(random.Random):
    """Draws what it was told to."""

    draw = 0.0

    def random(self) -> float:
        return self.draw


@dataclass
class Twin:
    """Is the breaker once more: what is so now, worked out from what happened."""

    policy: Breaker
    mode: str = "closed"
    age: int = 0  # how many transitions there were
    entered: float = 0.0
    until: float = 0.0
    reopens: int = 0
    opens: int = 0
    streak: int = 0
    out: int = 0
    calls: list[tuple[float, bool, bool]] = field(default_factory=list)  # when, failed, slow

    def _to(self, mode: str, now: float) -> None:
        self.mode, self.entered, self.age = mode, now, self.age + 1
        self.out, self.calls, self.until = 0, [], 0.0
        if mode not in ("open", "half_open"):
            self.streak = self.reopens = 0

    def _open(self, now: float, reopens: int, draw: float) -> None:
        self._to("open", now)
        self.opens, self.reopens = self.opens + 1, reopens
        nominal = self.policy.open_for
        for _ in range(min(reopens, 2_000)):
            nominal = min(nominal * self.policy.reopen_factor, self.policy.open_for_max)
        low = nominal * (1 - self.policy.jitter)
        high = min(nominal * (1 + self.policy.jitter), self.policy.open_for_max)
        self.until = now + low + (high - low) * draw

    def time(self, now: float, draw: float) -> None:
        if self.mode == "half_open" and now >= self.until:
            self._open(self.until, self.reopens + 1, draw)

    def ask(self, now: float, draw: float) -> bool:
        self.time(now, draw)
        if self.mode == "open" and now >= self.until:
            self._to("half_open", now)
            self.until = now + self.policy.half_open_max
        if self.mode == "half_open" and self.out < self.policy.probes:
            self.out += 1
            return True
        return self.mode in ("closed", "disabled")

    def end(self, age: int, how: str, now: float, took_s: float, draw: float) -> None:
        if how == "released":
            if age == self.age and self.mode == "half_open":
                self.out -= 1
            return
        self.time(now, draw)
        if age != self.age:
            return
        if self.mode == "half_open":
            if how == "ok":
                self._to("closed", now)
            else:
                self._open(now, self.reopens + 1, draw)
        elif self.mode == "closed":
            self.streak = self.streak + 1 if how == "bad" else 0
            if how == "bad" and self.streak >= self.policy.failure_threshold:
                self._open(now, 0, draw)
            else:
                self._judge(now, how == "bad", took_s, draw)

    def _judge(self, now: float, bad: bool, took_s: float, draw: float) -> None:
        policy = self.policy
        if policy.window is None:
            return
        slow = policy.slow_after is not None and took_s > policy.slow_after
        self.calls.append((now, bad, slow))
        newest = math.floor(now / policy.window * SLOTS)
        counted = [
            one for one in self.calls if math.floor(one[0] / policy.window * SLOTS) > newest - SLOTS
        ]
        if len(counted) < policy.min_calls:
            return
        for rate, part in ((policy.failure_rate, 1), (policy.slow_rate, 2)):
            if rate is not None and sum(one[part] for one in counted) >= rate * len(counted):
                self._open(now, 0, draw)
                return

    def retune(self, policy: Breaker) -> None:
        old, self.policy = self.policy, policy
        if self.mode == "open":
            nominal = policy.open_for
            for _ in range(min(self.reopens, 2_000)):
                nominal = min(nominal * policy.reopen_factor, policy.open_for_max)
            longest = min(nominal * (1 + policy.jitter), policy.open_for_max)
            self.until = min(self.until, self.entered + longest)
        elif self.mode == "half_open":
            self.until = min(self.until, self.entered + policy.half_open_max)
        elif old.window != policy.window:
            self.calls = []


_seconds = st.one_of(st.floats(0.001, 1_000), st.sampled_from([0.001, 1.0, 5.0, 60.0, 86_400.0]))
_shares = st.floats(0.01, 1.0)


@st.composite
def policies(draw: st.DrawFn) -> Breaker:
    """Draw any policy that is valid."""
    low, high = sorted((draw(_seconds), draw(_seconds)))
    fields: dict[str, Any] = {
        "failure_threshold": draw(st.integers(1, 6)),
        "open_for": low,
        "open_for_max": high,
        "reopen_factor": draw(st.sampled_from([1.0, 1.5, 2.0, 10.0])),
        "jitter": draw(st.one_of(st.just(0.0), st.floats(0.0, 1.0))),
        "probes": draw(st.integers(1, 4)),
        "half_open_max": draw(_seconds),
    }
    if draw(st.booleans()):
        fields["window"] = draw(st.floats(0.001, 100.0))
        fields["min_calls"] = draw(st.integers(1, 8))
        if draw(st.booleans()):
            fields["failure_rate"] = draw(_shares)
        if draw(st.booleans()):
            fields |= {"slow_after": draw(st.floats(0.001, 10.0)), "slow_rate": draw(_shares)}
    return Breaker(**fields)


Operation = tuple[str, float, float]  # what, a share that chooses, a draw of chance

_share = st.floats(0, 1, exclude_max=True)
operations = st.lists(
    st.tuples(
        st.sampled_from(
            ["ask"] * 8
            + ["bad"] * 6
            + ["ok"] * 4
            + ["released"] * 2
            + ["wait"] * 4
            + ["due", "trip", "reset", "disable", "probe", "retune"]
        ),
        _share,
        _share,
    ),
    min_size=20,
    max_size=120,
)


class Both:
    """Does each operation to our breaker and to its twin, and compares them."""

    def __init__(self, policy: Breaker, others: list[Breaker]) -> None:
        self.chance = Fixed()
        self.told: list[tuple[str, str]] = []
        self.ours = BreakerMachine(policy, self.chance, lambda a, b, _: self.told.append((a, b)))
        self.twin = Twin(policy)
        self.others = others
        self.retuned = False
        self.now = 0.0
        self.under_way: list[tuple[Permit, int]] = []

    def do(self, operation: Operation) -> None:
        what, share, draw = operation
        self.chance.draw = draw
        ours, twin, now = self.ours, self.twin, self.now
        match what:
            case "ask":
                self._ask(draw)
            case "ok" | "bad" | "released" if self.under_way:
                permit, age = self.under_way.pop(int(share * len(self.under_way)))
                took_s = 20.0 * draw
                if what == "released":
                    ours.release(permit)
                else:
                    (ours.success if what == "ok" else ours.failure)(permit, now, took_s)
                twin.end(age, what, now, took_s, draw)
            case "wait":
                self.now += [0.0, 0.001, 0.5, 7.0, 500.0][int(share * 5)]
            case "due" if twin.mode in ("open", "half_open"):
                self.now = max(now, twin.until)
            case "trip" | "reset" | "disable":
                getattr(ours, what)(now)
                to = {"trip": "isolated", "reset": "closed", "disable": "disabled"}[what]
                twin._to(to, now)
            case "probe":
                ours.probe(now)
                if twin.mode == "open":
                    twin.until = min(twin.until, now)
            case "retune":
                self.retuned = True
                policy = self.others[int(share * len(self.others))]
                ours.retune(policy)
                twin.retune(policy)

    def _ask(self, draw: float) -> None:
        got = self.ours.acquire(self.now)
        assert isinstance(got, Permit) == self.twin.ask(self.now, draw)
        if isinstance(got, Permit):
            self.under_way.append((got, self.twin.age))
            return
        policy = self.ours.policy
        assert 0 < got <= max(policy.open_for_max, policy.half_open_max, 0.001) + 1e-6

    def compare(self) -> None:
        ours, twin = self.ours, self.twin
        assert (ours.state, ours.opens) == (twin.mode, twin.opens)
        value = ours.value
        if twin.mode == "open":
            assert ours.retry_at == pytest.approx(twin.until, rel=1e-9, abs=1e-6)
            longest = ours.policy.open_for_max
            assert value.until - value.since <= longest * (1 + 1e-9) + 1e-6
            twin.until = value.until  # the last digit of a sum is nobody's promise
        if twin.mode == "half_open":
            assert value.until - value.since <= ours.policy.half_open_max * (1 + 1e-9) + 1e-6
            assert value.leased == twin.out <= max(ours.policy.probes, value.leased)
        if twin.mode == "closed":
            assert ours.failures == twin.streak
            assert twin.streak < ours.policy.failure_threshold or self.retuned
        for (_, to), (then, _) in zip(self.told, self.told[1:], strict=False):
            assert to == then, "a transition was not told"

    def left(self) -> None:
        """From wherever it is, time and probes that succeed lead it back to closed."""
        if self.ours.state in ("isolated", "disabled"):
            self.ours.reset(self.now)
        for _ in range(4):
            got = self.ours.acquire(self.now)
            if isinstance(got, Permit):
                self.ours.success(got, self.now)
            if self.ours.state == "closed":
                return
            policy = self.ours.policy
            self.now += 2 * max(policy.open_for_max, policy.half_open_max)
        raise AssertionError(f"it stays {self.ours.state}: {self.ours.value}")


@settings(max_examples=4 * settings().max_examples)
@given(policies(), st.lists(policies(), min_size=1, max_size=2), operations)
def test_whatever_happens_the_breaker_is_what_was_promised(
    policy: Breaker, others: list[Breaker], program: list[Operation]
) -> None:
    both = Both(policy, [policy, *others])
    for operation in program:
        both.do(operation)
        both.compare()
    both.left()


@given(policies(), st.floats(0, 1e9), _share)
def test_half_open_is_left_in_time_although_nobody_ever_answers(
    policy: Breaker, began: float, draw: float
) -> None:
    policy = replace(policy, failure_threshold=1)
    chance = Fixed()
    chance.draw = draw
    breaker = BreakerMachine(policy, chance)
    permit = breaker.acquire(began)
    assert isinstance(permit, Permit)
    breaker.failure(permit, began)
    now, asked, probes = began, 0, 0
    until = began + 3 * (policy.open_for_max + policy.half_open_max) + 1.0
    while now < until and asked < 200:
        got = breaker.acquire(now)
        asked += 1
        if isinstance(got, Permit):
            probes += 1  # and never comes back
            continue
        assert now + got > now, "who waits would ask again at the same time"
        now += got
        since = breaker.value.since
        if breaker.state == "half_open":
            assert now <= since + policy.half_open_max + policy.open_for + 0.002
    assert probes <= policy.probes * breaker.opens
    breaker.tick(now + policy.half_open_max + 1.0)
    assert breaker.state == "open"


_any = st.floats(0, 1e6)


@st.composite
def backoffs(draw: st.DrawFn) -> tuple[Backoff, float, Callable[[int], float]]:
    """Draw any backoff that is valid, its longest wait, and its shortest after each attempt."""
    low, high = sorted((draw(_any), draw(_any)))
    match draw(st.integers(0, 2)):
        case 0:
            jitter: Jitter = draw(st.sampled_from(get_args(Jitter)))
            made = ExponentialBackoff(low, draw(st.floats(1, 1e3)), high, jitter)
            least = {"none": 1.0, "equal": 0.5}.get(jitter, 0.0)
            return made, high, lambda n: least * made.ceiling(n)
        case 1:
            other = GoEventsBackoff(low, draw(_any), high)
            return other, high, other.ceiling
        case _:
            return ConstantBackoff(high), high, lambda _n: high


@given(backoffs(), st.integers(1, 10**12), _any, _any, _any, st.integers(0, 2**32))
def test_no_wait_leaves_its_bounds_whatever_the_destination_asks_for(
    drawn: tuple[Backoff, float, Callable[[int], float]],
    attempt: int,
    previous_s: float,
    asked_s: float,
    cap_s: float,
    seed: int,
) -> None:
    backoff, longest, shortest = drawn
    chance = random.Random(seed)
    wait = backoff.wait(attempt, previous_s, chance)
    most = max(FLOOR_S, longest)
    assert max(FLOOR_S, shortest(attempt) * (1 - 1e-9)) <= wait <= most
    asked = retry_after_wait(wait, asked_s, cap_s, chance)
    assert max(wait, min(asked_s, cap_s)) <= asked <= 1.1 * max(wait, min(asked_s, cap_s)) + 1e-9
