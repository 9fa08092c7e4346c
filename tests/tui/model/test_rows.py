"""A node in a row: a state is glyph, word and tone; the worst is on top."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph_tui.model.rows import eta_line, row_of, sorted_rows, state_of
from sinkgraph_tui.model.slope import STEADY, Trend
from tests.tui.model.scenes import breaker, node
from tests.tui.model.situations import draining, full, outage, seen_at


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "● ok text"),
        ({"breaker": breaker("closed")}, "● closed text"),
        ({"breaker": breaker("open"), "status": "degraded"}, "○ OPEN bad"),
        ({"breaker": breaker("half_open")}, "◐ PROBE probing"),
        ({"breaker": breaker("isolated"), "status": "failed"}, "⊘ TRIPPED manual"),
        ({"breaker": breaker("disabled")}, "⊘ disabled manual"),
        ({"paused": True, "breaker": breaker("open")}, "‖ paused manual"),
        ({"status": "failed", "paused": True}, "✕ FAILED bad"),
        ({"status": "degraded"}, "! degraded warn"),
        ({"status": "draining"}, "▼ leaving dim"),
        ({"capacity": 5, "depth": 5}, "▲ FULL bad"),
        ({"max_bytes": 64, "bytes": 70}, "▲ FULL bad"),
    ],
)
def test_a_state_is_glyph_word_and_tone(fields: dict[str, Any], said: str) -> None:
    state = state_of(node("q", "queue", **fields))
    assert f"{state.glyph} {state.word} {state.tone}" == said


def test_the_row_of_a_filling_queue_knows_where_it_will_be() -> None:
    view = seen_at(outage)
    row = view.row("hooks")
    assert row is not None
    assert (row.depth, row.fill, row.level) == (1_000, 0.5, 2)
    assert row.fill_ahead == 1.0  # it is full in 20 s
    assert row.eta_s == pytest.approx(20.0)
    assert row.eta.plain == "▲ +50/s full in 20s"


def test_the_row_of_a_draining_queue_goes_to_nothing() -> None:
    row = seen_at(draining).row("hooks")
    assert row is not None
    assert row.eta.plain == "▼ -100/s empty in 10s"
    assert row.fill_ahead == 0.0
    assert row.level is None


def test_a_full_queue_and_a_steady_one() -> None:
    assert eta_line(STEADY, None, 1.0).plain == "full"
    assert eta_line(STEADY, None, 0.3).plain == "steady"
    assert eta_line(Trend(-5.0, 1.0, False), 3.0, 1.0).plain == "▼ -5/s empty in 3s"


def test_rows_stand_with_the_worst_on_top_and_keep_their_order() -> None:
    view = seen_at(full)
    names = [row.name for row in sorted_rows(view.rows())]
    assert names[:3] == ["hooks", "shop", "hooks.retry"]
    calm = [name for name in view.shape.nodes if view.node_level(name) is None]
    assert [name for name in names if name in calm] == calm
    assert view.row("nobody") is None


@given(st.permutations(range(8)))
def test_every_row_is_there_once(order: list[int]) -> None:
    rows = seen_at(full).rows()
    found = sorted_rows([rows[k] for k in order])
    assert sorted(one.name for one in found) == sorted(one.name for one in rows)


def test_a_queue_without_a_bound_has_no_fill() -> None:
    view = seen_at(outage)
    assert view.snapshot is not None
    row = row_of("hooks.http", view.snapshot, view.shape, view.timeline)
    assert (row.fill, row.fill_ahead, row.eta_s) == (None, None, None)
