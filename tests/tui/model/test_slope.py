"""The slope of a depth: exact on lines, deaf to wild points, silent where there is nothing."""

from __future__ import annotations

import math
import random
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph_tui.model.slope import STEADY, Trend, latest_trend, trend

Points = list[tuple[float, float]]


def line(per_s: float, seconds: int = 30, start: float = 10_000.0) -> Points:
    return [(float(k), start + per_s * k) for k in range(seconds)]


@given(st.floats(0.5, 300).map(lambda v: round(v, 2)), st.sampled_from((1, -1)))
def test_a_line_has_its_slope(per_s: float, way: int) -> None:
    found = trend(line(way * per_s))
    assert math.isclose(found.per_s, way * per_s, rel_tol=1e-6)
    assert found.sure == 1.0
    assert (found.grows, found.shrinks) == (way > 0, way < 0)


@given(
    st.floats(5, 300),
    st.lists(st.floats(0, 1e6), min_size=5, max_size=5),
    st.randoms(use_true_random=False),
)
def test_five_wild_points_of_thirty_do_not_turn_it(
    per_s: float, wild: list[float], chance: random.Random
) -> None:
    points = line(per_s)[:24]
    for place, depth in zip(chance.sample(range(2, 17), 5), wild, strict=True):
        points[place] = (points[place][0], depth)
    assert math.isclose(trend(points).per_s, per_s, rel_tol=0.5)


@given(st.lists(st.tuples(st.floats(0, 60), st.floats(0, 1e9)), max_size=40))
def test_anything_has_a_finite_slope_and_a_confidence(points: Points) -> None:
    for found in (trend(sorted(points)), latest_trend(sorted(points))):
        assert math.isfinite(found.per_s)
        assert 0 <= found.sure <= 1
        assert not (found.grows and found.shrinks)


@given(st.floats(0, 1e6), st.floats(-1e6, 1e6), st.floats(1, 200))
def test_neither_the_hour_nor_the_depth_matters(at: float, depth: float, per_s: float) -> None:
    moved = [(t + at, d + depth) for t, d in line(per_s)]
    assert math.isclose(trend(moved).per_s, per_s, rel_tol=1e-3)


@given(st.randoms(use_true_random=False))
def test_a_queue_that_only_trembles_is_steady(chance: random.Random) -> None:
    points = [(float(k), float(chance.choice((0, 1, 2)))) for k in range(30)]
    assert trend(points).steady
    assert latest_trend(points).steady


@pytest.mark.parametrize(
    "points",
    [
        [],
        [(0.0, 1.0)],
        line(100, seconds=4),
        [(k / 10, 100.0 * k) for k in range(20)],
        line(0),
        [*line(50, 24), *((24.0 + k, 11_200.0) for k in range(8))],
    ],
    ids=["none", "one", "too few", "too short", "flat", "has stopped growing"],
)
def test_too_little_to_say_is_steady(points: Points) -> None:
    found = trend(points)
    assert found.steady
    assert found.reaches_s(100, 1_000) is None


def test_a_sawtooth_is_steady() -> None:
    assert latest_trend([(float(k), 100.0 * (k % 4)) for k in range(30)]).steady


def test_the_calm_before_an_outage_is_not_averaged_with_it() -> None:
    calm = [(float(k), float(k % 2)) for k in range(22)]
    points = [*calm, *((22.0 + k, 100.0 * k) for k in range(8))]
    assert math.isclose(latest_trend(points).per_s, 100, rel_tol=0.05)


def test_a_queue_that_turned_shrinks() -> None:
    grown = line(100, 20)
    points = [*grown, *((20.0 + k, grown[-1][1] - 150.0 * k) for k in range(10))]
    assert math.isclose(latest_trend(points).per_s, -150, rel_tol=0.05)


def test_when_it_is_full_and_when_it_is_empty() -> None:
    grows, shrinks = Trend(267.0, 1.0, False), Trend(-2.0, 1.0, False)
    assert grows.reaches_s(31_000, 50_000) == pytest.approx(71.16, abs=0.01)
    assert grows.reaches_s(31_000, 0) is None
    assert shrinks.reaches_s(100, 0) == 50
    assert shrinks.reaches_s(100, 500) is None
    assert Trend(0.0001, 1.0, False).reaches_s(0, 50_000) is None  # in more than a day
    assert STEADY.reaches_s(5, 10) is None


def test_the_depth_in_a_minute_stays_within_bounds() -> None:
    grows = Trend(10.0, 1.0, False)
    assert grows.after(100, 60) == 700
    assert grows.after(100, 60, 500) == 500
    assert Trend(-10.0, 1.0, False).after(100, 60) == 0
    assert STEADY.after(100, 60) == 100


@given(st.lists(st.integers(1, 50), min_size=8, max_size=60))
def test_what_never_shrinks_is_never_said_to_shrink(steps: list[int]) -> None:
    points = [(float(k), float(depth)) for k, depth in enumerate(accumulate(steps))]
    assert not latest_trend(points).shrinks
