"""RFC 3339 in and out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.formats.times import parse_rfc3339, write_rfc3339


def test_nanoseconds_of_a_registry_are_read() -> None:
    when = parse_rfc3339("2026-11-23T08:03:33.238793443Z")
    exact = datetime(2026, 11, 23, 8, 3, 33, 238793, UTC).timestamp()
    assert when == pytest.approx(exact, abs=1e-6)


def test_offsets_are_subtracted() -> None:
    assert parse_rfc3339("1970-01-01T02:00:00+02:00") == 0
    assert parse_rfc3339("1969-12-31T22:30:00-01:30") == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2016-12-31T23:59:60Z",
        "2026-02-30T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "-001-01-01T00:00:00Z",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00+99:00",
        "2026-01-01T00:00:00Z\n",
        "\u0662026-01-01T00:00:00Z",
    ],
)
def test_what_the_calendar_cannot_hold_is_none(text: str) -> None:
    assert parse_rfc3339(text) is None


def test_the_first_and_the_last_year_are_read() -> None:
    first = parse_rfc3339("0001-01-01T00:00:00Z")
    last = parse_rfc3339("9999-12-31T23:59:59Z")
    assert first is not None
    assert last is not None
    assert first < 0 < last


@given(st.integers(-62_135_596_800, 253_402_300_799))
def test_written_times_are_read_back(seconds: int) -> None:
    text = write_rfc3339(float(seconds))
    assert text is not None
    assert parse_rfc3339(text) == seconds


@pytest.mark.parametrize("seconds", [1e20, -1e20, float("inf"), float("nan")])
def test_times_out_of_range_are_not_written(seconds: float) -> None:
    assert write_rfc3339(seconds) is None
