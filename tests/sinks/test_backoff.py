"""Backoff policies: bounds, no overflow, and configurations that are refused."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
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

RANDOM = random.Random(7)
positive = st.floats(min_value=0, max_value=1e308, allow_nan=False)
attempts = st.one_of(st.integers(1, 200), st.integers(1, 10**9), st.just(10**400))
jitters = st.sampled_from(["full", "equal", "decorrelated", "none"])


@given(positive, st.floats(1, 1e308), positive, jitters, attempts, positive)
def test_every_wait_is_between_the_floor_and_the_cap(
    base: float, factor: float, cap: float, jitter: Jitter, attempt: int, previous: float
) -> None:
    base, cap = sorted((base, cap))
    backoff = ExponentialBackoff(base, factor, cap, jitter)
    wait = backoff.wait(attempt, previous, RANDOM)
    assert FLOOR_S <= wait <= max(cap, FLOOR_S)


@given(positive, positive, positive, attempts)
def test_goevents_backoff_is_its_formula_with_exact_integers(
    base: float, factor: float, longest: float, attempt: int
) -> None:
    base, longest = sorted((base, longest))
    wait = GoEventsBackoff(base, factor, longest).wait(attempt, 0.0, RANDOM)
    assert FLOOR_S <= wait <= max(longest, FLOOR_S)
    if 1e-9 < factor < 1e9 and 1e-9 < longest < 1e9 and attempt < 10**3:
        power = 2 ** (attempt - 1)
        exact = longest if power * factor > 1e300 else min(base + factor * power, longest)
        assert wait == pytest.approx(max(exact, FLOOR_S))


@given(st.integers(1, 400))
def test_unjittered_waits_follow_the_formula_and_never_shrink(attempt: int) -> None:
    backoff = ExponentialBackoff(1.0, 2.0, 30.0, "none")
    assert backoff.wait(attempt, 0.0, RANDOM) == min(30.0, 2.0 ** (attempt - 1))
    assert backoff.wait(attempt + 1, 0.0, RANDOM) >= backoff.wait(attempt, 0.0, RANDOM)


def test_goevents_02_the_wait_stays_at_its_longest_after_any_number_of_failures() -> None:
    backoff = GoEventsBackoff(1.0, 1.0, 20.0)
    waits = [backoff.wait(n, 0.0, RANDOM) for n in range(1, 200)]
    assert waits[:5] == [2.0, 3.0, 5.0, 9.0, 17.0]
    assert set(waits[5:]) == {20.0}


def test_goevents_03_a_base_of_zero_waits_the_floor_or_longer() -> None:
    for n in range(1, 100):
        assert GoEventsBackoff(0.0, 0.0, 0.0).wait(n, 0.0, RANDOM) == FLOOR_S
        assert GoEventsBackoff(0.0, 1.0, 20.0, "full").wait(n, 0.0, RANDOM) >= FLOOR_S
        assert ExponentialBackoff(0.0).wait(n, 0.0, RANDOM) == FLOOR_S


def test_goevents_full_jitter_draws_below_the_formula() -> None:
    backoff = GoEventsBackoff(1.0, 1.0, 20.0, "full")
    waits = [backoff.wait(40, 0.0, RANDOM) for _ in range(200)]
    assert max(waits) < 20.0
    assert min(waits) < 5.0


def test_full_and_equal_jitter_draw_from_their_ranges() -> None:
    full = [ExponentialBackoff().wait(3, 0.0, RANDOM) for _ in range(500)]
    equal = [ExponentialBackoff(jitter="equal").wait(3, 0.0, RANDOM) for _ in range(500)]
    assert max(full) < 4.0
    assert min(full) < 1.0
    assert 2.0 <= min(equal) < 2.5
    assert 3.5 < max(equal) < 4.0


def test_decorrelated_jitter_grows_from_the_last_wait() -> None:
    backoff = ExponentialBackoff(1.0, 2.0, 30.0, "decorrelated")
    assert all(1.0 <= backoff.wait(1, 0.0, RANDOM) <= 3.0 for _ in range(200))
    assert all(1.0 <= backoff.wait(9, 5.0, RANDOM) <= 15.0 for _ in range(200))
    assert max(backoff.wait(9, 30.0, RANDOM) for _ in range(500)) > 25.0


def test_a_constant_backoff_waits_the_same() -> None:
    assert {ConstantBackoff(2.5).wait(n, 9.0, RANDOM) for n in (1, 2, 10**9)} == {2.5}
    assert ConstantBackoff(0.0).wait(1, 0.0, RANDOM) == FLOOR_S


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (lambda: ExponentialBackoff(base=31.0), ["base", "31.0", "cap", "30.0"]),
        (lambda: ExponentialBackoff(factor=0.5), ["factor", "0.5"]),
        (lambda: ExponentialBackoff(factor=math.inf), ["factor", "inf"]),
        (lambda: ExponentialBackoff(base=-1.0), ["base", "-1.0"]),
        (lambda: ExponentialBackoff(base=math.nan), ["base", "nan"]),
        (lambda: ExponentialBackoff(cap=math.inf), ["cap", "inf"]),
        (lambda: ExponentialBackoff(base=True), ["base", "True"]),
        (lambda: ExponentialBackoff(jitter="some"), ["jitter", "'some'"]),  # type: ignore[arg-type]
        (lambda: GoEventsBackoff(base=21.0), ["base", "21.0", "max", "20.0"]),
        (lambda: GoEventsBackoff(factor=-1.0), ["factor", "-1.0"]),
        (lambda: GoEventsBackoff(max=math.nan), ["max", "nan"]),
        (lambda: ConstantBackoff(-0.5), ["delay", "-0.5"]),
    ],
)
def test_a_bad_configuration_names_field_and_value(make: object, names: list[str]) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=names[0]) as caught:
        make()
    assert all(name in str(caught.value) for name in names)


@pytest.mark.parametrize("backoff", [ExponentialBackoff(), GoEventsBackoff(), ConstantBackoff()])
def test_attempts_count_from_one(backoff: Backoff) -> None:
    with pytest.raises(ValueError, match="attempts count from 1, not 0"):
        backoff.wait(0, 0.0, RANDOM)


@pytest.mark.parametrize(
    ("asked", "low"),
    [(7.0, 7.0), (1e9, 60.0), (-5.0, 2.0), (math.inf, 60.0), (0.5, 2.0)],
)
def test_what_the_destination_asked_for_is_capped_and_spread(asked: float, low: float) -> None:
    waits = [retry_after_wait(2.0, asked, 60.0, RANDOM) for _ in range(100)]
    assert low <= min(waits)
    assert low < max(waits) <= low * 1.1


@pytest.mark.parametrize("asked", [None, math.nan])
def test_without_a_time_from_the_destination_the_backoff_stands(asked: float | None) -> None:
    assert retry_after_wait(2.0, asked, 60.0, RANDOM) == 2.0
