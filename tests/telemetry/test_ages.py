"""The age of the oldest pending event, from counters alone."""

from __future__ import annotations

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.telemetry.ages import Age


def test_nothing_pending_has_no_age() -> None:
    age = Age()
    assert age.look(0.0, 0, 0) is None
    assert age.look(1.0, 5, 0) is None


def test_the_oldest_is_as_old_as_the_look_before_it_came() -> None:
    age = Age()
    age.look(0.0, 0, 0)
    assert age.look(1.0, 1, 1) == 1.0
    assert age.look(7.0, 1, 1) == 7.0


def test_a_new_event_does_not_inherit_the_age_of_one_that_left() -> None:
    age = Age()
    age.look(0.0, 0, 0)
    age.look(1.0, 1, 1)
    age.look(99.0, 1, 1)
    assert age.look(100.0, 2, 1) == 1.0


def test_what_was_there_at_the_first_look_is_at_least_as_old_as_that() -> None:
    age = Age()
    assert age.look(10.0, 4, 4) == 0.0
    assert age.look(15.0, 4, 4) == 5.0


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=120), st.integers(4, 600))
def test_an_age_is_never_understated_and_with_room_is_right_within_one_look(
    steps: list[tuple[int, int]], most: int
) -> None:
    age, came, waiting = Age(most), 0, deque[float]()
    for k, (more, fewer) in enumerate([(0, 0), *steps]):
        now = float(k)
        waiting.extend([now - 0.5] * more)
        came += more
        for _ in range(min(fewer, len(waiting))):
            waiting.popleft()
        told = age.look(now, came, len(waiting))
        if not waiting:
            assert told is None
            continue
        assert told is not None
        true = now - waiting[0]
        assert told >= true
        if len(steps) < most:
            assert told <= true + 0.5
