"""Ten minutes of every node in arrays of fixed size."""

from __future__ import annotations

import math

from sinkgraph.telemetry.history import SERIES, History

NAN = math.nan


def sample(depth: float) -> list[float]:
    return [depth, *[NAN] * (len(SERIES) - 1)]


def test_the_newest_points_are_kept_oldest_first() -> None:
    history = History(3)
    for k in range(5):
        history.add(100.0 + k, {"a": sample(k)})
    assert history.read() == {
        "step_s": 1.0,
        "at": [102.0, 103.0, 104.0],
        "nodes": {"a": {"depth": [2.0, 3.0, 4.0]}},
        "left_out": 0,
    }


def test_a_node_that_came_later_has_gaps_before() -> None:
    history = History(3)
    history.add(1.0, {"a": sample(1)})
    history.add(2.0, {"a": sample(2), "b": sample(9)})
    assert history.read()["nodes"]["b"] == {"depth": [None, 9.0]}


def test_a_node_that_left_is_forgotten_with_its_last_point() -> None:
    history = History(3)
    history.add(1.0, {"a": sample(1), "b": sample(9)})
    for k in range(2, 4):
        history.add(float(k), {"a": sample(k)})
    assert history.read()["nodes"]["b"] == {"depth": [9.0, None, None]}
    history.add(4.0, {"a": sample(4)})
    assert set(history.read()["nodes"]) == {"a"}


def test_only_what_came_since_and_what_is_asked_for_is_read() -> None:
    history = History(10)
    for k in range(4):
        history.add(float(k), {"a": sample(k), "b": sample(k)})
    read = history.read(since=1.0, names=["b"])
    assert (read["at"], read["nodes"]) == ([2.0, 3.0], {"b": {"depth": [2.0, 3.0]}})


def test_too_many_nodes_are_left_out_and_counted() -> None:
    history = History(10, most_bytes=2 * 10 * len(SERIES) * 4)
    for at in (1.0, 2.0):
        history.add(at, {name: sample(1) for name in "abcd"})
    assert sorted(history.read()["nodes"]) == ["a", "b"]
    assert history.read()["left_out"] == 2
