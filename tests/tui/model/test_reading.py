"""The front of the model: what it takes, and what it forgets."""

from __future__ import annotations

from sinkgraph.api.client import Seen
from sinkgraph.api.messages import JournalEntry
from sinkgraph_tui.model.commands import command
from sinkgraph_tui.model.reading import Reading
from sinkgraph_tui.model.shape import Shape
from tests.tui.model.scenes import AT, graph, shop, shop_nodes, snapshot
from tests.tui.model.situations import outage, seen_at


def entry(seq: int, at: float = AT) -> JournalEntry:
    return JournalEntry(seq=seq, at=at, kind="breaker_opened", node="hooks.retry", facts={})


def test_a_new_generation_asks_for_its_graph() -> None:
    reading = Reading()
    assert reading.wants_graph()
    reading.take_graph(shop())
    assert not reading.wants_graph()
    reading.take(Seen(snapshot(shop_nodes()), True), 0.0)
    assert not reading.wants_graph()
    reading.take(Seen(snapshot(shop_nodes(), AT + 1, generation=2, digest="e"), True), 1.0)
    assert reading.wants_graph()


def test_journal_entries_are_kept_in_order_and_once() -> None:
    reading = Reading()
    for seq in (3, 1, 2, 3, 1):
        reading.take_entry(entry(seq, AT + seq))
    assert [one.seq for one in reading.entries] == [1, 2, 3]


def test_another_run_has_another_journal() -> None:
    reading = Reading()
    reading.take(Seen(snapshot(shop_nodes()), True), 0.0)
    reading.take_entry(entry(1))
    reading.take(Seen(snapshot(shop_nodes(), AT + 1, run_id="other"), True), 1.0)
    assert reading.entries == []


def test_acknowledging_through_the_front() -> None:
    view = seen_at(outage)
    reading = Reading()
    reading.take_graph(shop())
    reading.timeline, reading.board = view.timeline, reading.board
    for one in view.timeline.snapshots():
        reading.take(Seen(one, True), one.at - AT)
    (alarm,) = reading.view(0.0).alarms
    reading.acknowledge(alarm.key, 60.0)
    view = reading.view(0.0)
    assert view.strip.plain == "NO NEW ALARMS · 1 acknowledged"
    assert view.level == 6


def test_the_signs_of_a_node_and_its_worst_level() -> None:
    view = seen_at(outage)
    assert [sign.kind for sign in view.signs("hooks")] == ["filling"]
    assert view.node_level("hooks") == 2
    assert view.node_level("audit") is None
    assert view.trend("hooks").per_s == 50.0


def test_a_graph_nobody_declared_has_no_lanes_and_still_reads() -> None:
    shape = Shape(None)
    assert (shape.below("x"), shape.above("x"), shape.section("x")) == ((), (), ())
    assert (shape.label("x"), shape.host("x"), shape.kind("x")) == ("x", None, "")


def test_the_host_of_a_lane_is_shown_without_its_user() -> None:
    made = graph(
        {"q": "queue", "end": "http"}, ("q end",), end={"url": "https://me:pw@host.example:8443/x"}
    )
    assert Shape(made).host("q") == "host.example:8443"


def test_commands_can_be_pasted() -> None:
    assert command("pause", "hooks", lasting="10m", why="rate limit") == (
        "sinkgraph pause hooks --for 10m --why 'rate limit'"
    )
    assert command("trip", "a/b", address="orders") == "sinkgraph breaker trip a/b orders"
    assert command("resume", "-x", why="a") == "sinkgraph resume --why a -- -x"
    assert command("replay", "hooks", address="orders") == (
        "sinkgraph dlq replay --node hooks --live orders"
    )
    assert command("replay") == "sinkgraph dlq replay --all --live ADDR"
    assert command("letters") == "sinkgraph dlq ls"
    assert command("status") == "sinkgraph status"
