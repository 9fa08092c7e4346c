"""Cards and lanes: what a member says of itself, and a lane in one row."""

from __future__ import annotations

import pytest

from sinkgraph_tui.model.cards import breaker_line, lane_row, lanes_told, member_line
from tests.tui.model.scenes import breaker
from tests.tui.model.situations import (
    Situation,
    broken_disk,
    failing,
    full,
    outage,
    paused,
    seen_at,
    well,
)

LANE = ("hooks", "hooks.retry", "hooks.http")


@pytest.mark.parametrize(
    ("situation", "name", "said"),
    [
        (well, "hooks", "0% 0/1.00k"),
        (well, "hooks.retry", "closed"),
        (well, "hooks.http", "50/s p99 45ms"),
        (well, "fanout", "50/s ×2"),
        (well, "shop", "50/s"),
        (well, "nobody", ""),
        (outage, "hooks", "50% 1.00k/2.00k"),
        (outage, "hooks.retry", "OPEN probe in 3s"),
        (outage, "hooks.http", "0/s p99 –"),
        (full, "hooks", "100% 2.00k/2.00k"),
        (full, "shop", "0/s waits"),
        (paused, "hooks", "paused"),
        (broken_disk, "audit.file", "FAILED permission denied"),
    ],
)
def test_a_member_of_a_card(situation: Situation, name: str, said: str) -> None:
    assert member_line(name, seen_at(situation)).plain == said


def test_a_breaker_on_its_way_to_open_shows_how_near_it_is() -> None:
    assert breaker_line(breaker("closed", failures=3)).plain == "▮▮▮▯▯ 3/5"
    near = breaker("closed", failures=3, failure_threshold=50)
    assert breaker_line(near).plain == "3/50 failures"
    assert breaker_line(breaker("open", retry_in_s=5.0), 2.0).plain == "OPEN probe in 3s"
    assert breaker_line(breaker("isolated", reverts_in_s=60.0)).plain == "TRIPPED resets in 1m"


def test_a_lane_is_as_bad_as_its_worst_member() -> None:
    row = lane_row(LANE, seen_at(outage))
    assert row is not None
    assert (row.state.word, row.level, row.healthy) == ("OPEN", 2, False)
    assert row.queue is not None
    assert (row.queue.fill, row.in_per_s, row.out_per_s) == (0.5, 50.0, 0.0)
    assert row.breaker is not None


def test_a_lane_that_is_well_may_be_folded() -> None:
    view = seen_at(well)
    rows = [row for one in (LANE, ("audit", "audit.file")) if (row := lane_row(one, view))]
    assert [row.healthy for row in rows] == [True, True]
    assert lanes_told(rows).plain == "+ 2 healthy lanes  100/s  worst p99 45ms"
    failed = lane_row(LANE, seen_at(failing))
    assert failed is not None
    assert not failed.healthy
    assert lane_row(("nobody",), view) is None
