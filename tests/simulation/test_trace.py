"""The trace: plain values in order, a hash of them, and where two runs part."""

from __future__ import annotations

import itertools

import pytest

from sinkgraph.simulation.trace import Trace


def told(*steps: tuple[str, dict[str, object]]) -> Trace:
    count = itertools.count()
    trace = Trace(lambda: float(next(count)))
    for what, facts in steps:
        trace.note(what, **facts)
    return trace


def test_equal_steps_have_equal_hashes_whatever_the_order_of_their_facts() -> None:
    one = told(("sent", {"a": 1, "b": [1.5, None]}))
    same = told(("sent", {"b": [1.5, None], "a": 1}))
    other = told(("sent", {"a": 2, "b": [1.5, None]}))
    assert one.digest == same.digest != other.digest
    assert one.difference(same) is None


def test_the_first_difference_is_shown() -> None:
    one = told(("a", {}), ("b", {"n": 1}), ("c", {}))
    other = told(("a", {}), ("b", {"n": 2}), ("c", {}))
    found = one.difference(other)
    assert found is not None
    assert [str(step) for step in found] == ['1.000000 b {"n": 1}', '1.000000 b {"n": 2}']


def test_a_trace_that_goes_on_differs_where_the_other_ends() -> None:
    short, long = told(("a", {})), told(("a", {}), ("b", {}))
    assert short.difference(long) == (None, long.steps[1])
    assert long.difference(short) == (long.steps[1], None)


def test_what_might_not_repeat_is_refused() -> None:
    with pytest.raises(TypeError, match="a trace holds JSON values, not set"):
        told(("a", {"who": {"x"}}))


def test_facts_can_be_asked_for() -> None:
    trace = told(("sent", {"n": 1}), ("got", {}), ("sent", {"n": 2}))
    assert list(trace.of("sent")) == [{"at": 0.0, "n": 1}, {"at": 2.0, "n": 2}]
    assert trace.last(1) == '2.000000 sent {"n": 2}'
