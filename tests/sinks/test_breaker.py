"""The breaker: a naive model agrees with it, half-open is always left, nobody probes together."""

from __future__ import annotations

import math
import random
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sinkgraph.sinks.breaker import Breaker, BreakerMachine, Permit

EXACT = Breaker(failure_threshold=2, open_for=5.0, open_for_max=40.0, jitter=0.0)


def machine(policy: Breaker = EXACT) -> BreakerMachine:
    return BreakerMachine(policy, random.Random(1))


def permit(breaker: BreakerMachine, now: float) -> Permit:
    got = breaker.acquire(now)
    assert isinstance(got, Permit)
    return got


def opened(policy: Breaker = EXACT) -> BreakerMachine:
    breaker = machine(policy)
    for _ in range(policy.failure_threshold):
        breaker.failure(permit(breaker, 0.0), 0.0)
    assert breaker.state == "open"
    return breaker


def test_it_trips_after_failures_in_a_row_only() -> None:
    breaker = machine()
    for _ in range(10):
        breaker.failure(permit(breaker, 0.0), 0.0)
        breaker.success(permit(breaker, 0.0), 0.0)
    assert (breaker.state, breaker.failures, breaker.opens) == ("closed", 0, 0)
    breaker.failure(permit(breaker, 1.0), 1.0)
    breaker.failure(permit(breaker, 2.0), 2.0)
    assert (breaker.state, breaker.failures, breaker.opens) == ("open", 2, 1)
    assert breaker.retry_at == 7.0
    assert breaker.acquire(3.0) == 4.0


def test_one_success_closes_and_one_failure_reopens_for_longer() -> None:
    breaker = opened()
    now = 0.0
    for span in (5.0, 10.0, 20.0, 40.0, 40.0, 40.0):
        assert breaker.retry_at == now + span
        now += span
        breaker.failure(permit(breaker, now), now)
        assert breaker.state == "open"
    now += 40.0
    breaker.success(permit(breaker, now), now)
    assert (breaker.state, breaker.failures, breaker.retry_at) == ("closed", 0, None)
    breaker.failure(permit(breaker, now), now)
    breaker.failure(permit(breaker, now), now)
    assert breaker.retry_at == now + 5.0


def test_goevents_20_two_hundred_waiters_never_probe_together() -> None:
    breaker = opened()
    let_through = [got for _ in range(200) if isinstance(got := breaker.acquire(5.0), Permit)]
    assert len(let_through) == 1
    waits = [breaker.acquire(5.5) for _ in range(199)]
    assert all(isinstance(wait, float) and 0 < wait <= 5.0 for wait in waits)
    breaker.success(let_through[0], 6.0)
    assert all(isinstance(breaker.acquire(6.0), Permit) for _ in range(200))


def test_as_many_probes_as_the_policy_says_and_a_released_one_is_free_again() -> None:
    breaker = opened(replace(EXACT, probes=2))
    first, second = permit(breaker, 5.0), permit(breaker, 5.0)
    assert isinstance(breaker.acquire(5.0), float)
    breaker.release(first)
    breaker.release(first)
    third = permit(breaker, 5.0)
    assert isinstance(breaker.acquire(5.0), float)
    breaker.success(first, 5.0)
    assert breaker.state == "half_open"
    breaker.success(third, 5.0)
    assert breaker.state == "closed"
    breaker.failure(second, 5.0)
    breaker.failure(second, 5.0)
    assert (breaker.state, breaker.failures) == ("closed", 0)


def test_half_open_is_left_although_the_probe_never_answers() -> None:
    breaker = opened(replace(EXACT, half_open_max=7.0))
    lost = permit(breaker, 5.0)
    breaker.tick(11.9)
    assert breaker.state == "half_open"
    breaker.tick(12.0)
    assert (breaker.state, breaker.opens, breaker.retry_at) == ("open", 2, 22.0)
    breaker.success(lost, 13.0)
    assert breaker.state == "open"
    permit(breaker, 22.0)


def test_outcomes_of_an_older_generation_are_ignored() -> None:
    breaker = machine()
    old = permit(breaker, 0.0)
    breaker.failure(permit(breaker, 0.0), 0.0)
    breaker.failure(permit(breaker, 0.0), 0.0)
    breaker.success(old, 1.0)
    assert breaker.state == "open"
    probe = permit(breaker, 5.0)
    breaker.failure(old, 5.0)
    assert breaker.state == "half_open"
    breaker.success(probe, 5.0)
    breaker.failure(old, 5.0)
    assert (breaker.state, breaker.failures) == ("closed", 0)


def test_goevents_21_a_step_of_any_other_clock_changes_nothing() -> None:
    """Only `now` is used: a machine told the same times does the same, whatever the wall says."""
    breaker, wait = opened(), opened().acquire(1.0)
    assert breaker.acquire(1.0) == wait == 4.0
    assert isinstance(breaker.acquire(0.0), float)  # not even `now` going back lets a storm through
    permit(breaker, 8 * 3600.0)  # a long suspend is one long wait
    assert isinstance(breaker.acquire(8 * 3600.0), float)


def test_the_operator_isolates_resets_and_disables() -> None:
    breaker = machine()
    old = permit(breaker, 0.0)
    breaker.trip(1.0)
    breaker.trip(1.0)
    assert (breaker.state, breaker.retry_at) == ("isolated", None)
    wait = breaker.acquire(1e9)
    assert isinstance(wait, float)
    assert 0 < wait < math.inf
    breaker.success(old, 2.0)
    assert breaker.state == "isolated"
    breaker.reset(3.0)
    assert breaker.state == "closed"
    breaker.disable()
    for _ in range(50):
        breaker.failure(permit(breaker, 4.0), 4.0)
    assert (breaker.state, breaker.failures) == ("disabled", 0)
    breaker.reset(5.0)
    assert breaker.state == "closed"


def test_an_operator_can_have_an_open_breaker_probe_now() -> None:
    breaker = opened()
    breaker.probe(1.0)
    breaker.success(permit(breaker, 1.0), 1.0)
    assert breaker.state == "closed"
    breaker.probe(2.0)
    assert breaker.state == "closed"


def test_every_transition_is_told_once_with_its_time() -> None:
    told: list[tuple[str, str, float]] = []
    breaker = BreakerMachine(EXACT, random.Random(1), lambda *what: told.append(what))
    for now in (0.0, 1.0):
        breaker.failure(permit(breaker, now), now)
    breaker.failure(permit(breaker, 6.0), 7.0)
    breaker.success(permit(breaker, 17.0), 18.0)
    breaker.trip(19.0)
    breaker.reset(20.0)
    breaker.disable(21.0)
    assert told == [
        ("closed", "open", 1.0),
        ("open", "half_open", 6.0),
        ("half_open", "open", 7.0),
        ("open", "half_open", 17.0),
        ("half_open", "closed", 18.0),
        ("closed", "isolated", 19.0),
        ("isolated", "closed", 20.0),
        ("closed", "disabled", 21.0),
    ]


def test_a_new_policy_keeps_the_state_and_shortens_what_it_no_longer_allows() -> None:
    breaker = opened()
    breaker.retune(replace(EXACT, open_for=1.0))
    assert (breaker.state, breaker.retry_at, breaker.opens) == ("open", 1.0, 1)
    permit(breaker, 1.0)
    breaker.retune(replace(EXACT, half_open_max=2.0))
    breaker.tick(3.0)
    assert breaker.state == "open"
    breaker.reset(4.0)
    breaker.failure(permit(breaker, 4.0), 4.0)
    breaker.retune(replace(EXACT, failure_threshold=1))
    assert breaker.state == "closed"
    breaker.failure(permit(breaker, 4.0), 4.0)
    assert breaker.state == "open"


WINDOW = replace(EXACT, failure_threshold=100, window=10.0, min_calls=10, failure_rate=0.5)


def test_a_share_of_failures_within_the_window_trips_it() -> None:
    breaker = machine(WINDOW)
    for n in range(9):
        (breaker.failure if n % 2 else breaker.success)(permit(breaker, n * 0.1), n * 0.1)
    assert breaker.state == "closed"
    breaker.failure(permit(breaker, 1.0), 1.0)
    assert breaker.state == "open"


def test_what_is_older_than_the_window_no_longer_counts() -> None:
    breaker = machine(WINDOW)
    for _ in range(9):
        breaker.failure(permit(breaker, 0.0), 0.0)
    for now in (11.0, 11.0):
        breaker.failure(permit(breaker, now), now)
    assert breaker.state == "closed"
    assert sum(part[1] for part in breaker.value.window) == 2


def test_slow_attempts_trip_it_although_they_succeed() -> None:
    policy = replace(WINDOW, failure_rate=None, slow_after=1.0, slow_rate=0.8)
    breaker = machine(policy)
    for n in range(10):
        assert breaker.state == "closed"
        breaker.success(permit(breaker, 0.0), 0.0, took_s=2.0 if n > 1 else 0.5)
    assert breaker.state == "open"


def test_a_window_without_a_rate_judges_by_half() -> None:
    assert Breaker(window=10.0).failure_rate == 0.5
    assert Breaker(window=10.0, slow_after=1.0, slow_rate=0.5).failure_rate is None


def test_while_nothing_fails_every_attempt_shares_one_permit() -> None:
    breaker = machine()
    first = permit(breaker, 0.0)
    for now in range(100):
        got = permit(breaker, float(now))
        assert got is first
        breaker.success(got, float(now))
    assert breaker.value == machine().value


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"failure_threshold": 0}, ["failure_threshold", "0"]),
        ({"failure_threshold": 2.5}, ["failure_threshold", "2.5"]),
        ({"probes": True}, ["probes", "True"]),
        ({"open_for": 0.0}, ["open_for", "0.0"]),
        ({"open_for": -1.0}, ["open_for", "-1.0"]),
        ({"open_for": 400.0}, ["open_for", "400.0", "open_for_max", "300.0"]),
        ({"open_for_max": math.inf}, ["open_for_max", "inf"]),
        ({"open_for": "5s"}, ["open_for", "'5s'"]),
        ({"reopen_factor": 0.9}, ["reopen_factor", "0.9"]),
        ({"jitter": 1.5}, ["jitter", "1.5"]),
        ({"half_open_max": math.nan}, ["half_open_max", "nan"]),
        ({"failure_rate": 0.5}, ["failure_rate", "0.5", "window"]),
        ({"window": 10.0, "failure_rate": 0.0}, ["failure_rate", "0.0"]),
        ({"window": 10.0, "slow_rate": 0.5}, ["slow_rate", "slow_after"]),
        ({"window": 10.0, "slow_after": 0.5}, ["slow_after", "slow_rate"]),
        ({"window": 1e-9}, ["window", "1e-09"]),
    ],
)
def test_a_bad_policy_names_field_and_value(fields: dict[str, object], names: list[str]) -> None:
    with pytest.raises(ValueError, match=names[0]) as caught:
        Breaker(**fields)  # type: ignore[arg-type]
    assert all(name in str(caught.value) for name in names)


def test_a_policy_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        EXACT.probes = 2  # type: ignore[misc]


spans = st.floats(1e-6, 1e9)


@given(spans, spans, st.floats(1, 1e6), st.floats(0, 1), st.integers(0, 10**6), st.floats(0, 1))
def test_the_open_span_keeps_its_bounds(
    a: float, b: float, factor: float, jitter: float, reopens: int, draw: float
) -> None:
    low, high = sorted((a, b))
    policy = Breaker(open_for=low, open_for_max=high, reopen_factor=factor, jitter=jitter)
    span = policy.open_span(reopens, draw)
    assert low * (1 - jitter) * 0.999 <= span <= high * 1.001


class GoEventsBreaker:
    """Is `NewBreaker(threshold, backoff)` of go-events, told the time."""

    def __init__(self, threshold: int, backoff: float) -> None:
        self.threshold, self.backoff, self.recent, self.last = threshold, backoff, 0, -1e18

    def proceed(self, now: float) -> float:
        return 0 if self.recent < self.threshold else self.last + self.backoff - now

    def outcome(self, ok: bool, now: float) -> None:
        self.recent, self.last = (0, -1e18) if ok else (self.recent + 1, now)


@given(
    st.integers(1, 6),
    st.integers(1, 50),
    st.lists(st.tuples(st.booleans(), st.integers(0, 60)), max_size=60),
)
def test_for_one_writer_it_equals_goevents_breaker(
    threshold: int, backoff: int, steps: list[tuple[bool, int]]
) -> None:
    policy = Breaker(failure_threshold=threshold, open_for=backoff, jitter=0, reopen_factor=1)
    ours, theirs, now = machine(policy), GoEventsBreaker(threshold, backoff), 0.0
    for ok, pause in steps:
        now += pause
        wait, got = theirs.proceed(now), ours.acquire(now)
        if isinstance(got, float):
            assert wait == got
            now += got
            got = permit(ours, now)
        else:
            assert wait <= 0
        (ours.success if ok else ours.failure)(got, now)
        theirs.outcome(ok, now)


class Naive:
    """Is the breaker written down a second time, by what happened rather than by rules."""

    def __init__(self, policy: Breaker) -> None:
        self.policy, self.mode, self.age = policy, "closed", 0
        self.streak, self.wave, self.opens, self.out, self.due = 0, 0, 0, 0, 0.0

    def change(self, mode: str) -> None:
        self.mode, self.age, self.out, self.streak = mode, self.age + 1, 0, 0

    def open_at(self, when: float, wave: int) -> None:
        self.change("open")
        self.wave, self.opens = wave, self.opens + 1
        span = self.policy.open_for
        for _ in range(min(wave, 100)):
            span = min(span * self.policy.reopen_factor, self.policy.open_for_max)
        self.due = when + span

    def time(self, now: float) -> None:
        if self.mode == "half_open" and now >= self.due:
            self.open_at(self.due, self.wave + 1)

    def ask(self, now: float) -> bool:
        self.time(now)
        if self.mode == "open" and now >= self.due:
            self.change("half_open")
            self.due = now + self.policy.half_open_max
        if self.mode == "half_open" and self.out < self.policy.probes:
            self.out += 1
            return True
        return self.mode in ("closed", "disabled")

    def ended(self, age: int, outcome: str, now: float) -> None:
        if outcome != "released":
            self.time(now)
        if age != self.age:
            return
        if self.mode == "half_open":
            if outcome == "ok":
                self.change("closed")
            elif outcome == "bad":
                self.open_at(now, self.wave + 1)
            else:
                self.out -= 1
        elif self.mode == "closed" and outcome == "ok":
            self.streak = 0
        elif self.mode == "closed" and outcome == "bad":
            self.streak += 1
            if self.streak >= self.policy.failure_threshold:
                self.open_at(now, 0)


policies = st.builds(
    Breaker,
    failure_threshold=st.integers(1, 4),
    open_for=st.integers(1, 8).map(float),
    open_for_max=st.integers(8, 64).map(float),
    reopen_factor=st.sampled_from([1.0, 1.5, 2.0]),
    jitter=st.just(0.0),
    probes=st.integers(1, 3),
    half_open_max=st.integers(1, 12).map(float),
)


class BreakerAgainstModel(RuleBasedStateMachine):
    """Any order of asking, outcomes, cancelled attempts, time and operator: both agree."""

    @initialize(policy=policies)
    def begin(self, policy: Breaker) -> None:
        self.ours, self.naive, self.now = machine(policy), Naive(policy), 0.0
        self.under_way: list[tuple[Permit, int]] = []

    @rule(seconds=st.sampled_from([0.0, 0.5, 1.0, 3.0, 8.0, 100.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def asks(self) -> None:
        got = self.ours.acquire(self.now)
        assert isinstance(got, Permit) == self.naive.ask(self.now)
        if isinstance(got, Permit):
            self.under_way.append((got, self.naive.age))
        else:
            assert 0 < got <= max(self.ours.policy.open_for_max, self.ours.policy.half_open_max)

    @rule(which=st.integers(0, 1000), outcome=st.sampled_from(["ok", "bad", "bad", "released"]))
    def ends(self, which: int, outcome: str) -> None:
        if not self.under_way:
            return
        got, age = self.under_way.pop(which % len(self.under_way))
        if outcome == "released":
            self.ours.release(got)
        else:
            (self.ours.success if outcome == "ok" else self.ours.failure)(got, self.now)
        self.naive.ended(age, outcome, self.now)

    @rule(what=st.sampled_from(["isolated", "closed", "disabled"]))
    def operator(self, what: str) -> None:
        call = {
            "isolated": self.ours.trip,
            "closed": self.ours.reset,
            "disabled": self.ours.disable,
        }[what]
        call(self.now)
        self.naive.change(what)

    @invariant()
    def agree(self) -> None:
        assert self.ours.state == self.naive.mode
        assert self.ours.opens == self.naive.opens
        if self.ours.state == "open":
            assert self.ours.retry_at == pytest.approx(self.naive.due)
        if self.ours.state == "closed":
            assert self.ours.failures == self.naive.streak
        assert 0 <= self.ours.value.leased <= self.ours.policy.probes

    @invariant()
    def half_open_is_left(self) -> None:
        if self.ours.state == "half_open":
            copy = machine(self.ours.policy)
            copy._state = self.ours.value
            copy.tick(self.now + self.ours.policy.half_open_max)
            assert copy.state == "open"


TestBreakerAgainstModel = BreakerAgainstModel.TestCase
TestBreakerAgainstModel.settings = settings(stateful_step_count=40)


def test_whoever_is_told_to_wait_finds_time_moved_on_however_close_the_probe_is() -> None:
    for now in (0.1, 1e3, 1e6):
        breaker = machine(Breaker(failure_threshold=1, open_for=0.48, jitter=0.2))
        breaker.failure(permit(breaker, now), now)
        probe_at = breaker.retry_at
        assert probe_at is not None
        early = math.nextafter(probe_at, 0)
        wait = breaker.acquire(early)
        assert isinstance(wait, float)
        assert early + wait > probe_at
