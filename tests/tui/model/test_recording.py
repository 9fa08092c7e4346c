"""A real outage of a real graph, read again: what an operator would have seen, second by second."""

from __future__ import annotations

import re

import pytest

from sinkgraph.api.client import Seen
from sinkgraph_tui.model.changes import changes_between
from sinkgraph_tui.model.reading import Reading, View
from sinkgraph_tui.model.timeline import Cursor
from tests.tui.model.scenes import recording


def played(until_s: float) -> tuple[Reading, View]:
    """Play the recording up to a second of it."""
    graph, snapshots, entries = recording()
    reading = Reading()
    reading.take_graph(graph)
    began = snapshots[0].at
    for one in snapshots:
        if one.at - began <= until_s:
            reading.take(Seen(one, True), one.at - began)
    for entry in entries:
        if entry.at - began <= until_s:
            reading.take_entry(entry)
    return reading, reading.view(reading.timeline.last - began)


ENDED = "○ hooks OPEN 20s connection refused → queue full → shop waits"
WHY = (
    "Nothing drains: the breaker of hooks.retry has been open for 17s, 6 probes failed, "
    "last: connection refused from 127.0.0.1:9000."
)


def told(view: View) -> list[str]:
    return [f"P{one.level} {view.headline(one).plain}" for one in view.alarms]


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (5.0, []),
        (8.5, ["P3 ○ hooks OPEN 1s connection refused"]),
        (12.5, ["P2 ○ hooks OPEN 5s connection refused → queue full in 5s → blocks fanout"]),
        (16.5, ["P2 ○ hooks OPEN 9s connection refused → queue full in 1s → blocks fanout"]),
        (24.5, ["P2 ○ hooks OPEN 17s connection refused → queue full → shop waits"]),
        (
            29.5,
            [
                f"P2 ✓ ended just now: {ENDED}"
            ],
        ),
        (
            40.0,
            [
                f"P2 ✓ ended 12s ago: {ENDED}"
            ],
        ),
    ],
)  # fmt: skip
def test_the_strip_of_a_real_outage(second: float, said: list[str]) -> None:
    assert told(played(second)[1]) == said


def test_the_time_to_full_is_right_within_two_seconds_from_the_fifth_on() -> None:
    _, snapshots, _ = recording()
    began = snapshots[0].at
    full_at = next(one.at for one in snapshots if one.nodes["hooks"].depth >= 1_200)
    foretold = 0
    for second in range(12, 18):
        _, view = played(second + 0.5)
        (alarm,) = view.alarms
        assert alarm.impact_at is not None
        assert abs(alarm.impact_at - full_at) <= 2.0, second
        foretold += 1
    assert foretold == 6
    assert full_at - began > 17


def test_why_and_next_of_a_real_outage() -> None:
    _, view = played(24.5)
    assert [line.plain for line in view.why("hooks")] == [
        WHY,
        "hooks is full, 1.20k/1.20k, the oldest waits 19s.",
    ]
    said = [step.told(view.now).plain for step in view.next("hooks")]
    assert said[0] == "now hooks is full: shop waits, and audit gets nothing either"
    assert re.fullmatch(
        r"in \ds hooks.retry probes; if that works, hooks drains in about \d+s", said[1]
    )
    assert said[2:] == [
        "try now: sinkgraph breaker probe hooks.retry",
        "take nothing more in: sinkgraph pause shop --for 5m",
    ]


def test_what_has_ended_explains_nothing_any_more() -> None:
    _, view = played(29.5)
    assert view.alarms != ()  # it is told for five seconds more that it ended
    assert [line.plain for line in view.why("hooks")] == ["All is well: 99/s in, 99/s out."]
    assert view.node_level("hooks.retry") is None


def test_totals_of_a_real_run() -> None:
    _, view = played(5.5)
    assert view.totals is not None
    assert view.totals.in_per_s == pytest.approx(100, abs=3)
    assert view.totals.delivered_per_s == pytest.approx(200, abs=6)
    _, view = played(24.5)
    assert view.totals is not None
    assert view.totals.in_per_s < 40  # averages of ten seconds: it was full for six of them
    assert (
        view.totals.line(view.level)
        .plain.partition("queued")[2]
        .startswith(" 1.20k  dead 0  oldest 19s  lag ")
    )


def test_a_broadcast_counts_an_event_once() -> None:
    from sinkgraph_tui.model.totals import rates_of

    _, view = played(5.5)
    assert view.snapshot is not None
    fanout = view.snapshot.nodes["fanout"]
    assert fanout.in_per_s == pytest.approx(200, abs=6)
    assert rates_of(fanout, view.shape)[0] == pytest.approx(100, abs=3)
    assert rates_of(view.snapshot.nodes["hooks"], view.shape)[0] == pytest.approx(100, abs=3)


def test_going_back_in_time_shows_what_was_seen_then() -> None:
    reading, live = played(40.0)
    began = recording()[1][0].at
    cursor = Cursor(began + 12.6)
    then = reading.view(41.0, cursor)
    assert then.freshness.state == "past"
    assert told(then) == told(played(12.6)[1])
    assert [line.plain for line in then.why("hooks")] == [
        line.plain for line in played(12.6)[1].why("hooks")
    ]
    assert then.strip.plain == "1 ALARM"
    assert live.strip.plain == "NO ALARMS · all 9 nodes nominal"


def test_what_changed_since_a_mark() -> None:
    _, snapshots, _ = recording()
    lines = [line.plain for line in changes_between(snapshots[4], snapshots[24])]
    assert lines[:2] == [
        "hooks.retry breaker closed → open",
        "hooks depth 0 → 1.20k (+1.20k)",
    ]
    assert [line.plain for line in changes_between(snapshots[3], snapshots[4])] == [
        "nothing changed in 1s"
    ]


def test_every_second_of_it_is_short_enough_for_a_narrow_strip() -> None:
    for second in (8.5, 12.5, 18.5, 24.5, 29.5, 40.0):
        _, view = played(second)
        for alarm in view.alarms:
            assert view.headline(alarm).columns <= 120
            assert view.headline(alarm).cut(80).columns <= 80
