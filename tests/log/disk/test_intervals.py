"""Settled ranges and what two lists of ranges share, held against sets of positions."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.log.disk.intervals import Intervals, Range, overlap, runs

POSITIONS = st.sets(st.integers(0, 60))
STEPS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12)), max_size=30)


def ranges(positions: set[int]) -> list[Range]:
    return runs(sorted(positions))


def covered(found: list[Range]) -> list[int]:
    return [position for start, end in found for position in range(start, end)]


@given(POSITIONS, POSITIONS)
def test_what_lies_in_both_is_found_once_and_in_order(one: set[int], other: set[int]) -> None:
    assert covered(overlap(ranges(one), ranges(other))) == sorted(one & other)


@given(POSITIONS)
def test_runs_are_what_they_were_made_of(positions: set[int]) -> None:
    found = ranges(positions)
    assert covered(found) == sorted(positions)
    assert all(end < start for (_, end), (start, _) in pairwise(found))


@given(st.integers(0, 20), STEPS, st.integers(0, 70), st.integers(0, 70))
def test_settled_and_missing_positions_are_all_there_are(
    low: int, steps: list[tuple[int, int]], start: int, end: int
) -> None:
    held, model = Intervals(low), set(range(low))
    for at, n in steps:
        fresh = set(range(at, at + n)) - model
        assert held.add(at, at + n) == len(fresh)
        model |= fresh
        assert held.low == min(set(range(100)) - model)
        above = covered(held.beyond)
        assert above == sorted(position for position in model if position >= held.low)
        again = Intervals(held.low, held.beyond)
        assert (again.low, again.beyond) == (held.low, held.beyond)
    assert covered(held.missing(start, end)) == sorted(set(range(start, end)) - model)
