"""The parts of a node: what is told of it, and what gives way where there is little room."""

from __future__ import annotations

import pytest

from sinkgraph_tui.looks import PALETTES, Ink, Styles
from sinkgraph_tui.model.reading import Reading, View
from sinkgraph_tui.panes.side import queue_of, side_rows
from tests.tui.fake import Played

INKS = Styles(PALETTES["sink-dark"])
PLAIN = Styles(PALETTES["sink-dark"], ascii_only=True)


def seen(until_s: float) -> View:
    """Return the recorded outage as it was at a second of it."""
    door = Played(until_s)
    reading = Reading()
    reading.take_graph(door.graph_view)
    while not door._more.empty():
        reading.take(door._more.get_nowait(), door.clock.now)
    return reading.view(door.clock.now)


def texts(rows: list[Ink]) -> list[str]:
    return ["".join(text for text, _ in row).rstrip() for row in rows]


def test_a_broken_lane_is_explained() -> None:
    rows = texts(side_rows(seen(16.5), "hooks.retry", INKS, 44, 40))
    text = "\n".join(rows)
    assert rows[0] == "↻ hooks.retry  retry"
    assert "1.07k/1.20k" in text
    assert "Nothing drains" in text
    assert "in 1s hooks is full" in text
    assert "BREAKER  last 5m" in text
    assert "○○" in text


@pytest.mark.parametrize("width", [1, 8, 20, 44, 90])
@pytest.mark.parametrize("name", ["shop", "fanout", "hooks", "hooks.retry", "audit.file"])
def test_no_row_is_wider_than_the_pane(name: str, width: int) -> None:
    rows = texts(side_rows(seen(16.5), name, INKS, width, 40))
    assert [row for row in rows if len(row) > max(width, 20)] == []


def test_reasons_stay_where_there_is_little_room() -> None:
    view = seen(16.5)
    high = texts(side_rows(view, "hooks", INKS, 44, 60))
    low = texts(side_rows(view, "hooks", INKS, 44, 16))
    assert any("now" in row and "-2m" in row for row in high)
    assert not any("-2m" in row for row in low)
    assert "WHY" in low
    assert "NEXT" in low


def test_without_unicode_every_character_is_ascii() -> None:
    rows = texts(side_rows(seen(16.5), "hooks", PLAIN, 44, 60))
    assert [row for row in rows if not row.isascii()] == []


def test_a_node_that_is_gone_is_no_error() -> None:
    assert texts(side_rows(seen(5.0), "gone", INKS, 30, 10)) == ["no node is chosen"]


def test_the_queue_of_a_lane_is_its_own_or_the_one_above() -> None:
    view = seen(5.0)
    assert queue_of(view, "hooks") == "hooks"
    assert queue_of(view, "hooks.http") == "hooks"
    assert queue_of(view, "shop") is None
