"""The board: delays, flapping, acknowledgement, and what is over but was not looked at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.api.client import Seen
from sinkgraph_tui.model.alarms import Board
from sinkgraph_tui.model.headlines import headline, summary
from sinkgraph_tui.model.reading import Reading
from sinkgraph_tui.model.shape import Shape
from sinkgraph_tui.model.signs import Kind, Sign
from tests.tui.model.scenes import AT, ERROR, breaker, shop, shop_nodes, snapshot

SHOP = Shape(shop())
SLOW = Sign(Kind.SLOW, "hooks.http", 4, number=1.41, usual=0.14)
OPEN = Sign(Kind.OPEN, "hooks.retry", 3, reason="503")
KEY = ("slow", "hooks.http")


def fed(*looks: tuple[float, list[Sign]]) -> Board:
    board = Board()
    for at, signs in looks:
        board = board.advanced(signs, at)
    return board


def told(board: Board) -> list[str]:
    return [headline(one, SHOP, board.at).plain for one in board.alarms(SHOP)]


def test_what_is_there_for_one_snapshot_only_is_no_alarm() -> None:
    assert told(fed((0.0, [SLOW]))) == []
    assert told(fed((0.0, [SLOW]), (0.5, []), (1.0, []))) == []
    assert told(fed((0.0, [SLOW]), (0.5, [SLOW]))) == ["! hooks slow p99 1.41s · 10× usual"]


def test_what_is_known_to_be_there_for_longer_is_an_alarm_at_once() -> None:
    old = Sign(Kind.OPEN, "hooks.retry", 3, since=0.0)
    assert told(fed((60.0, [old]))) == ["○ hooks OPEN 1m"]


def test_the_same_snapshot_counts_once() -> None:
    assert told(fed((0.0, [SLOW]), (0.0, [SLOW]))) == []


def test_an_alarm_goes_after_five_seconds_and_says_so_before() -> None:
    looks = [(0.0, [SLOW]), (0.5, [SLOW]), (1.0, [SLOW])]
    line = "! hooks slow p99 1.41s · 10× usual"
    assert told(fed(*looks, (3.0, []))) == [f"✓ ended just now: {line}"]
    over = fed(*looks, (3.0, []), (7.0, []))
    assert told(over) == [f"✓ ended 6s ago: {line}"]
    assert summary(over.alarms(SHOP), 8).plain == "NO ALARMS · all 8 nodes nominal"


def test_an_alarm_that_ended_unseen_is_kept_until_it_was_seen() -> None:
    board = fed((0.0, [SLOW]), (0.5, [SLOW]), (60.0, []), (500.0, []))
    (alarm,) = board.alarms(SHOP)
    assert alarm.cleared
    assert told(board.seen([alarm.key])) == []
    assert told(board.seen()) == []
    assert told(board.advanced([], 601.0)) == []  # ten minutes are enough


def test_looking_at_what_is_over_hides_nothing_that_stands() -> None:
    board = fed((0.0, [SLOW]), (0.5, [SLOW]))
    assert told(board.seen()) == told(board)


def test_flapping_is_one_line_with_a_count() -> None:
    looks: list[tuple[float, list[Sign]]] = []
    for k in range(3):
        begin = 20.0 * k
        looks += [(begin, [SLOW]), (begin + 0.5, [SLOW]), (begin + 10.0, [])]
    board = fed(*looks, (60.0, [SLOW]), (60.5, [SLOW]))
    assert told(board) == ["! hooks slow p99 1.41s · 10× usual · 4 times in 10m"]


def test_a_breaker_that_probes_is_the_same_alarm() -> None:
    half = Sign(Kind.PROBING, "hooks.retry", 4, reason="503")
    board = fed((0.0, [OPEN]), (0.5, [OPEN]), (1.0, [half]), (1.5, [OPEN]))
    (alarm,) = board.alarms(SHOP)
    assert (alarm.key, alarm.times) == (("open", "hooks.retry"), 1)


def test_an_acknowledged_alarm_comes_last_and_returns_when_its_time_is_over() -> None:
    board = fed((0.0, [OPEN, SLOW]), (0.5, [OPEN, SLOW]))
    (only,) = board.alarms(SHOP)  # the slow sink follows from the open breaker
    assert only.key == ("open", "hooks.retry")
    dead = Sign(Kind.FAILED, "audit.file", 1)
    board = board.advanced([OPEN, dead], 1.0).advanced([OPEN, dead], 1.5)
    keys = [one.key for one in board.alarms(SHOP)]
    assert keys == [("failed", "audit.file"), ("open", "hooks.retry")]
    board = board.acknowledged(("failed", "audit.file"), 10.0)
    alarms = board.alarms(SHOP)
    assert [one.key for one in alarms] == keys[::-1]
    assert summary(alarms, 8).plain == "1 ALARM"
    board = board.advanced([OPEN, dead], 5.0)
    assert board.alarms(SHOP)[1].acked_until == 11.5
    board = board.advanced([OPEN, dead], 12.0)
    assert [one.key for one in board.alarms(SHOP)] == keys


def test_what_was_acknowledged_is_not_called_nominal() -> None:
    board = fed((0.0, [SLOW]), (0.5, [SLOW])).acknowledged(KEY)
    assert summary(board.alarms(SHOP), 8).plain == "NO NEW ALARMS · 1 acknowledged"


def test_a_clock_that_goes_back_begins_anew() -> None:
    board = fed((100.0, [SLOW]), (100.5, [SLOW])).advanced([], 3.0)
    assert told(board) == []


@pytest.mark.parametrize(
    ("alarms", "said"), [(0, "NO ALARMS · 1 node nominal"), (1, "1 ALARM"), (2, "2 ALARMS")]
)
def test_the_strip_counts(alarms: int, said: str) -> None:
    signs = [SLOW, Sign(Kind.SLOW, "audit.file", 4)][:alarms]
    board = fed((0.0, signs), (0.5, signs))
    assert summary(board.alarms(SHOP), 1).plain == said


SIGNS = [SLOW, OPEN, Sign(Kind.FULL, "hooks", 2), Sign(Kind.PAUSED, "audit", 5)]


@given(st.lists(st.tuples(st.floats(0.1, 20), st.sets(st.sampled_from(SIGNS))), max_size=30))
def test_a_sign_of_two_looks_in_a_row_is_always_told(
    looks: list[tuple[float, set[Sign]]],
) -> None:
    board, at, before = Board(), 0.0, set[Sign]()
    for step, signs in looks:
        at += step
        board = board.advanced(sorted(signs, key=repr), at)
        alarms = board.alarms(SHOP)
        told = [sign for one in alarms for two in one.troubles for sign in two.signs]
        assert {one.key for one in signs & before} <= {one.key for one in told}
        assert len({one.key for one in alarms}) == len(alarms)
        assert len({sign.key for sign in told}) == len(told)
        before = signs


def test_an_outage_longer_than_what_is_kept_is_as_old_as_it_is() -> None:
    reading = Reading()
    reading.take_graph(shop())
    for second in range(1_000):
        opens = max(0, second - 90) // 10
        held = {"breaker": breaker("open" if opens else "closed", opens=opens)}
        nodes = shop_nodes(hooks_retry={**held, "last_error": ERROR})
        reading.take(Seen(snapshot(nodes, AT + second), True), float(second))
    view = reading.view(999.0)
    assert [view.headline(one).plain for one in view.alarms] == ["○ hooks OPEN 14m59s 503"]
    assert view.alarms[0].trouble.cause.number == 89  # it opened 90 times, first without a probe


def test_an_outage_that_was_there_before_says_what_is_known_of_its_probes() -> None:
    reading = Reading()
    reading.take_graph(shop())
    for second in range(30):
        nodes = shop_nodes(hooks_retry={"breaker": breaker("open", opens=7 + second // 10)})
        reading.take(Seen(snapshot(nodes, AT + second), True), float(second))
    assert reading.view(29.0).alarms[0].trouble.cause.number == 2
