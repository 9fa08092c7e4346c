"""How old what is shown is: always said, by the local clock, never hidden by an alarm."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sinkgraph.api.client import Seen
from sinkgraph_tui.model.figures import clock
from sinkgraph_tui.model.freshness import freshness_of
from sinkgraph_tui.model.reading import Reading
from sinkgraph_tui.model.timeline import Cursor
from tests.tui.model.scenes import AT, shop, shop_nodes, snapshot


@pytest.mark.parametrize(
    ("age", "live", "error", "said", "frozen"),
    [
        (0.4, True, None, "● LIVE", False),
        (2.4, True, None, "● LATE 2s", False),
        (4.2, True, None, "✕ STALE 4s — values frozen", True),
        (0.5, False, None, "✕ STALE 0s — values frozen, reconnecting", True),
        (
            75.0,
            False,
            "connection refused",
            "✕ STALE 1m15s — values frozen, reconnecting (connection refused)",
            True,
        ),
    ],
)
def test_the_header_says_how_old_it_is(
    age: float, live: bool, error: str | None, said: str, frozen: bool
) -> None:
    found = freshness_of(received=100.0, now=100.0 + age, live=live, error=error)
    assert found.line.plain == said
    assert found.frozen == frozen
    assert (found.sign is not None) == frozen


def test_before_the_first_snapshot_it_connects() -> None:
    view = Reading().view(5.0)
    assert view.freshness.line.plain == "… connecting"
    assert (view.snapshot, view.alarms, view.totals, view.why("x"), view.next("x")) == (
        None, (), None, (), (),
    )  # fmt: skip


def test_an_older_moment_is_named() -> None:
    found = freshness_of(received=1.0, now=1.5, live=True, behind_s=90.0, at=AT)
    here = clock(AT, datetime.now(UTC).astimezone().tzinfo)
    assert found.line.plain == f"◄ 1m30s AGO at {here} — \\ for live"


def test_a_lost_stream_is_the_first_alarm_and_freezes_the_countdowns() -> None:
    reading = Reading()
    reading.take_graph(shop())
    for k in range(3):
        reading.take(Seen(snapshot(shop_nodes(), AT + k), True), float(k))
    assert reading.view(3.0).now == AT + 3.0
    held = reading.timeline.latest
    reading.take(Seen(held, False, "it ended the stream"), 3.5)
    view = reading.view(9.0)
    assert [view.headline(one).plain for one in view.alarms] == ["✕ STALE 7s — values frozen"]
    assert view.now == AT + 2.0
    assert view.level == 1
    reading.take(Seen(snapshot(shop_nodes(), AT + 30), True), 30.0)
    assert reading.view(30.1).alarms == ()


def test_staleness_is_said_while_the_past_is_looked_at() -> None:
    reading = Reading()
    for k in range(10):
        reading.take(Seen(snapshot(shop_nodes(), AT + k), True), float(k))
    reading.take(Seen(reading.timeline.latest, False, "gone"), 9.5)
    assert reading.view(20.0, Cursor(AT + 3)).freshness.state == "lost"
