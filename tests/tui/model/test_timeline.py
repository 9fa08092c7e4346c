"""Ten minutes of a graph: what is kept, what was before, and the cursor that goes back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.api.models import HistoryView
from sinkgraph_tui.model.timeline import KEPT_S, LIVE, Cursor, Timeline
from tests.tui.model.scenes import AT, breaker, node, snapshot


def queue_at(k: float, depth: int = 0, **fields: float) -> Timeline:
    timeline = Timeline()
    timeline.add(snapshot([node("q", "queue", depth=depth, **fields)], AT + k))
    return timeline


def filled(seconds: int, step: float = 0.5) -> Timeline:
    timeline = Timeline()
    for k in range(int(seconds / step)):
        at = AT + k * step
        timeline.add(snapshot([node("q", "queue", depth=k, in_per_s=float(k))], at))
    return timeline


def test_one_snapshot_a_second_is_kept_for_ten_minutes() -> None:
    timeline = filled(700)
    assert timeline.last - timeline.first == pytest.approx(KEPT_S, abs=1.5)
    assert len(timeline.snapshots()) == pytest.approx(KEPT_S, abs=3)
    assert timeline.latest.nodes["q"].depth == 1_399


def test_the_newest_is_there_though_the_second_is_not_over() -> None:
    timeline = queue_at(0.0, depth=1)
    timeline.add(snapshot([node("q", "queue", depth=7)], AT + 0.2))
    assert timeline.latest.nodes["q"].depth == 7
    assert timeline.series("q", "depth") == [(AT, 1.0), (AT + 0.2, 7.0)]


def test_another_run_begins_anew() -> None:
    timeline = filled(30)
    timeline.add(snapshot([node("q", "queue")], AT + 40, run_id="other"))
    assert timeline.first == timeline.last == AT + 40


def test_a_clock_set_back_begins_anew_and_a_late_snapshot_is_passed_over() -> None:
    timeline = filled(30)
    last = timeline.last
    timeline.add(snapshot([node("q", "queue", depth=99_999)], last - 1))
    assert timeline.last == last
    timeline.add(snapshot([node("q", "queue")], last - 100))
    assert timeline.first == timeline.last == last - 100


def test_a_moment_shows_the_snapshot_that_was_newest_then() -> None:
    timeline = filled(30, step=1.0)
    assert timeline.at(AT + 12.4).snapshot.nodes["q"].depth == 12
    assert timeline.at(AT - 100).snapshot.nodes["q"].depth == 0
    assert timeline.at(None).snapshot is timeline.latest
    assert timeline.at(AT + 9_999).snapshot is timeline.latest


def history(*depths: float | None, states: tuple[float | None, ...] = ()) -> HistoryView:
    nodes: dict[str, dict[str, list[float | None]]] = {
        "q": {"depth": list(depths), "in_per_s": [5.0] * len(depths)},
        "r": {"depth": [0.0] * len(depths), "breaker": list(states or [0.0] * len(depths))},
    }
    at = [AT - len(depths) + k for k in range(len(depths))]
    return HistoryView(step_s=1.0, at=at, nodes=nodes, left_out=0)


def with_history() -> Timeline:
    timeline = Timeline()
    broken = node("r", "retry", breaker=breaker("open"))
    timeline.add(snapshot([node("q", "queue", depth=50), broken], AT))
    timeline.seed(history(10, 20, None, 40, states=(0.0, 2.0, 1.0, 2.0)))
    return timeline


def test_what_was_before_the_first_snapshot_comes_from_the_servers_history() -> None:
    timeline = with_history()
    assert timeline.first == AT - 4
    then = timeline.at(AT - 3)
    assert not then.whole
    assert then.snapshot.at == AT - 3
    assert then.snapshot.nodes["q"].depth == 20
    assert then.snapshot.nodes["q"].in_per_s == 5.0
    held = then.snapshot.nodes["r"].breaker
    assert held is not None
    assert held.state == "open"
    assert timeline.at(AT - 4).snapshot.nodes["r"].status == "ok"
    assert [depth for _, depth in timeline.series("q", "depth")] == [10, 20, 40, 50]
    assert timeline.at(AT).whole


def test_since_when_a_breaker_is_not_closed_is_known_from_history_too() -> None:
    assert with_history().broken_since("r") == AT - 3
    assert with_history().broken_since("q") is None


def test_a_series_tells_what_is_usual_before_a_moment() -> None:
    timeline = filled(60, step=1.0)
    assert timeline.usual("q", "in_per_s", before=AT + 20) == 10
    assert timeline.usual("q", "in_per_s", before=AT + 5) is None  # too little is known
    assert timeline.usual("nobody", "in_per_s") is None


def test_a_counter_that_went_back_counts_from_nothing() -> None:
    timeline = Timeline()
    for k, depth in enumerate((5, 8, 2, 3)):
        timeline.add(snapshot([node("q", "queue", depth=depth)], AT + k))
    assert timeline.grown("q", lambda one: one.depth) == (3 + 2 + 1, 3.0)


def test_since_when_something_holds_without_a_break() -> None:
    timeline = Timeline()
    for k, paused in enumerate((True, False, True, True)):
        timeline.add(snapshot([node("q", "queue", paused=paused)], AT + k))
    assert timeline.since("q", lambda one: one.paused) == AT + 2
    assert timeline.since("q", lambda one: one.depth > 3) is None


# the cursor


def test_stepping_back_and_forth_stays_within_what_is_kept() -> None:
    timeline = filled(30, step=1.0)
    back = LIVE.stepped(-5, timeline)
    assert back == Cursor(AT + 24)
    assert back.stepped(1, timeline) == Cursor(AT + 25)
    assert back.stepped(-900, timeline) == Cursor(AT)
    assert back.stepped(900, timeline) is LIVE
    assert LIVE.stepped(-1, Timeline()) is LIVE


def test_jumping_from_event_to_event() -> None:
    timeline = filled(30, step=1.0)
    ats = [AT - 500, AT + 3.5, AT + 20.0]
    latest = LIVE.to_event(ats, -1, timeline)
    assert latest == Cursor(AT + 20.0)
    first = latest.to_event(ats, -1, timeline)
    assert first == Cursor(AT + 3.5)
    assert first.to_event(ats, -1, timeline) == first  # what is older is not kept
    assert first.to_event(ats, 1, timeline) == latest
    assert latest.to_event(ats, 1, timeline) is LIVE


@given(st.lists(st.sampled_from((-60.0, -1.0, 1.0, 5.0)), max_size=40))
def test_a_cursor_always_stands_at_a_moment_that_is_there(steps: list[float]) -> None:
    timeline = filled(120, step=1.0)
    cursor = LIVE
    for step in steps:
        cursor = cursor.stepped(step, timeline)
        assert cursor.live or timeline.first <= (cursor.at or 0) < timeline.last
        assert timeline.at(cursor.at).snapshot.at <= timeline.last
