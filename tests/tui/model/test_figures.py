"""Numbers for people: few characters, and never a lie about nothing or all."""

from __future__ import annotations

import math
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph_tui.model.figures import (
    clock,
    count,
    latency,
    of,
    per_s,
    share,
    short,
    signed,
    size,
)

SCALES = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0"), (7, "7"), (999, "999"), (999.6, "1.00k"), (1_000, "1.00k"), (1_380, "1.38k"),
        (9_995, "10.0k"), (30_812, "30.8k"), (99_950, "100k"), (999_499, "999k"),
        (999_500, "1.00M"), (1_200_000, "1.20M"), (5e9, "5.00G"), (-40, "-40"),
        (math.nan, "–"), (math.inf, "–"),
    ],
)  # fmt: skip
def test_counts_are_short(number: float, said: str) -> None:
    assert count(number) == said


@given(st.integers(0, 10**15 - 10**12))
def test_a_count_is_true_to_three_digits_and_at_most_five_characters(number: int) -> None:
    said = count(number)
    unit = said[-1] if said[-1].isalpha() else ""
    assert len(said) <= 5
    assert math.isclose(float(said.removesuffix(unit)) * SCALES[unit], number, rel_tol=0.0051)


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (None, "–"), (0, "0/s"), (0.01, "<0.1/s"), (0.31, "0.3/s"), (2.0, "2/s"), (2.94, "2.9/s"),
        (14.2, "14/s"), (266, "266/s"), (1_750, "1.75k/s"),
    ],
)  # fmt: skip
def test_rates(rate: float | None, said: str) -> None:
    assert per_s(rate) == said


def test_a_change_has_its_sign() -> None:
    assert (signed(267), signed(-2.9), signed(0)) == ("+267/s", "-2.9/s", "+0/s")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "–"), (-3, "0s"), (0.4, "0s"), (42, "42s"), (59.6, "1m"), (102, "1m42s"),
        (469, "7m49s"), (3_600, "1h"), (3_900, "1h05m"), (86_399, "23h59m"), (273_600, "3d04h"),
        (86_400 * 400, "400d"),
    ],
)  # fmt: skip
def test_times(seconds: float | None, said: str) -> None:
    assert short(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "–"), (0.0008, "0.8ms"), (0.19, "190ms"), (0.9996, "1.00s"), (1.41, "1.41s"),
        (12.2, "12s"), (70, "1m10s"),
    ],
)  # fmt: skip
def test_latencies(seconds: float | None, said: str) -> None:
    assert latency(seconds) == said


@pytest.mark.parametrize(
    ("bytes_", "said"),
    [
        (None, "–"), (0, "0 B"), (512, "512 B"), (1023, "1023 B"), (1024, "1 KiB"),
        (65_536, "64 KiB"), (1.5 * 1024**3, "1.5 GiB"), (1024**2 - 1, "1 MiB"),
    ],
)  # fmt: skip
def test_sizes(bytes_: float | None, said: str) -> None:
    assert size(bytes_) == said


@given(st.integers(0, 10_000), st.integers(1, 10_000))
def test_only_nothing_is_0_and_only_all_is_100_per_cent(part: int, whole: int) -> None:
    said = share(min(part, whole), whole)
    assert (said == "0%") == (part == 0)
    assert (said == "100%") == (part >= whole)


def test_a_share_of_nothing_is_unknown() -> None:
    assert share(1, 0) == "–"


def test_how_much_of_what_there_is_room_for() -> None:
    assert of(30_812, 50_000) == "30.8k/50.0k"
    assert of(12, None) == "12"


def test_the_time_of_day() -> None:
    assert clock(1_795_491_065.8, UTC) == "03:31:05"
    assert clock(math.nan, UTC) == "–"
    assert clock(1e300, UTC) == "–"
