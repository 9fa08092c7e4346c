"""What changed in a running graph, one sentence a change."""

from __future__ import annotations

from typing import Any

from sinkgraph.api.models import (
    BreakerView,
    DriftView,
    HeldView,
    LedgerTerms,
    NodeView,
    SnapshotView,
)
from sinkgraph.cli.standing import lasting, status_lines
from sinkgraph.cli.telling import Teller

LEDGER = LedgerTerms(
    entered=0, recovered=0, replayed_in=0, delivered=0, filtered={}, dropped={},
    dead_lettered=0, returned=0, pending=0, residue=0,
)  # fmt: skip


def breaker(state: str, **more: Any) -> BreakerView:
    given = {"failures": 5, "failure_threshold": 5, "opens": 1, "retry_in_s": None}
    return BreakerView(state=state, **{**given, "reverts_in_s": None, **more})  # type: ignore[arg-type]


def node(name: str, **more: Any) -> NodeView:
    given: dict[str, Any] = {
        "kind": "queue", "role": "reliability", "group": None, "origin": None, "status": "ok",
        "paused": False, "resumes_in_s": None, "depth": 0, "waiting": 0, "in_flight": 0,
        "capacity": None, "bytes": None, "max_bytes": None, "oldest_s": None, "in_per_s": 0.0,
        "out_per_s": 0.0, "attempts": None, "breaker": None, "latency": None, "last_error": None,
        "ledger": LEDGER, "facts": {},
    }  # fmt: skip
    return NodeView(name=name, **{**given, **more})


def seen(*nodes: NodeView, at: float = 0.0, **more: Any) -> SnapshotView:
    given: dict[str, Any] = {
        "name": "shop", "run_id": "r", "status": "ok", "generation": 1, "digest": "d", "at": at,
        "uptime_s": 61.0, "pending": 0, "residue": 0, "loop_lag_s": 0.0, "removed": {},
    }  # fmt: skip
    return SnapshotView(nodes={one.name: one for one in nodes}, **{**given, **more})


def told(*looks: SnapshotView) -> list[str]:
    """Return what is told of the last look."""
    teller = Teller()
    for one in looks[:-1]:
        teller.changes(one)
    return teller.changes(looks[-1])


def test_it_begins_with_how_things_stand() -> None:
    well = "shop is running, generation 1, 0 events pending"
    assert told(seen(node("q"))) == [f"{well}, all is well"]
    bad = node("again", kind="retry", breaker=breaker("open"), last_error="503")
    assert told(seen(bad, node("q", paused=True))) == [
        well,
        "the breaker of again is open: 503",
        "q is paused",
    ]


def test_a_breaker_that_opens_is_told_of_once() -> None:
    shut = node("b", kind="breaker", breaker=breaker("closed"))
    opened = node("b", kind="breaker", breaker=breaker("open"), status="degraded")
    assert told(seen(shut), seen(opened)) == ["the breaker of b opened after 5 failures"]


def test_who_holds_a_node_back_and_why_is_said() -> None:
    whom = HeldView(by="ops", why="rate\x1blimit", since=1.0)
    free = node("q", breaker=breaker("closed"))
    paused = node("q", paused=True, pause=whom)
    tripped = node("q", breaker=breaker("isolated", isolated=whom))
    (said,) = told(seen(free), seen(paused))
    assert said.startswith("q was paused by ops: rate")
    assert said.isprintable()
    (said,) = told(seen(free), seen(tripped))
    assert said.startswith("the breaker of q was tripped by ops: rate")
    for one in (paused, tripped):
        (_, first) = told(seen(one))
        assert "by ops: rate" in first
        assert "by ops: rate" in status_lines(seen(one))[2]


def test_numbers_that_only_move_are_no_change() -> None:
    before = node("q", capacity=100, depth=3, in_per_s=5.0)
    after = node("q", capacity=100, depth=9, in_per_s=9.0)
    assert told(seen(before), seen(after)) == []


def test_a_breaker_is_told_with_its_reason_and_its_time() -> None:
    looks = [
        node("again", breaker=breaker("closed")),
        node("again", breaker=breaker("open", retry_in_s=2.0), last_error="answered 503"),
        node("again", breaker=breaker("half_open")),
        node("again", breaker=breaker("isolated", reverts_in_s=300.0)),
        node("again", breaker=breaker("closed")),
    ]
    said = [told(*(seen(one) for one in looks[: k + 1])) for k in range(1, 5)]
    assert said == [
        ["the breaker of again opened after 5 failures, probes in 2.0s, last error answered 503"],
        ["the breaker of again probes"],
        ["the breaker of again was tripped, nothing passes for 5m"],
        ["the breaker of again closed"],
    ]


def test_a_queue_that_fills_is_told_at_marks_and_once_it_has_room_again() -> None:
    def fill(depth: int) -> SnapshotView:
        return seen(node("q", capacity=100, depth=depth, in_per_s=10.0, out_per_s=2.0))

    assert told(fill(10), fill(49)) == []
    assert told(fill(10), fill(60)) == ["q is 50% full, growing 8 a second, full in 5.0s"]
    assert told(fill(60), fill(70)) == []
    assert told(fill(60), fill(100)) == ["q is full, 100 events"]
    assert told(fill(100), fill(30)) == []
    assert told(fill(100), fill(30), fill(20)) == ["q has room again, 20 events wait"]


def test_losses_are_told_every_ten_seconds_at_most() -> None:
    def lost(n: int, at: float) -> SnapshotView:
        ledger = LEDGER.model_copy(update={"dropped": {"drop_oldest": n}, "dead_lettered": n})
        return seen(node("q", ledger=ledger), at=at)

    first = ["q dropped 5 events (drop_oldest)", "5 events of q became dead letters"]
    assert told(lost(0, 0), lost(5, 20)) == first
    assert told(lost(0, 0), lost(5, 20), lost(9, 25)) == []
    again = ["q dropped 4 events (drop_oldest)", "4 events of q became dead letters"]
    assert told(lost(0, 0), lost(5, 20), lost(9, 31)) == again


def test_trouble_and_its_end_are_told() -> None:
    bad = seen(node("q", status="degraded", last_error="refused"), at=10.0)
    assert told(seen(node("q")), bad) == ["q is degraded: refused"]
    assert told(seen(node("q")), bad, seen(node("q"), at=75.0)) == ["q works again after 1m5s"]


def test_a_reload_and_a_stop_are_told() -> None:
    before = seen(node("q"), node("old"))
    after = seen(node("q"), node("new"), generation=2, status="draining")
    assert told(before, after) == [
        "generation 2 runs now",
        "the graph is draining",
        "old was removed",
        "new was added, a queue",
    ]


def test_a_file_that_is_refused_and_its_repair_are_told() -> None:
    drift = DriftView(
        why="refused",
        said="g.yaml was refused: `brodcast` is not a kind",
        since=1.0,
        running="a",
        file=None,
        reasons=[],
        diagnostics=[],
    )
    fine, bad = seen(node("q")), seen(node("q")).model_copy(update={"drift": drift})
    assert told(fine, bad, bad) == []
    assert told(fine, bad) == ["drift: g.yaml was refused: `brodcast` is not a kind"]
    assert told(fine, bad, fine) == ["what runs is what the file says"]


def test_a_node_that_is_added_has_its_article() -> None:
    added = ["a was added, an http", "b was added, an endpoint"]
    assert told(seen(), seen(node("a", kind="http"), node("b", kind="endpoint"))) == added


def test_another_run_begins_anew() -> None:
    other = seen(node("q"), run_id="other")
    assert told(seen(node("q", paused=True)), other)[0].startswith("shop is running")


def test_what_users_wrote_steers_no_terminal() -> None:
    bad = node("q\x1b[2J", status="failed", last_error="\x1b]52;c;aGk=\x07")
    lines = [*told(seen(bad)), *status_lines(seen(bad))]
    assert all(line.isprintable() for line in lines)


def test_a_status_has_the_worst_first_and_leaves_out_an_empty_grave() -> None:
    nodes = [
        node("fan", kind="broadcast"),
        node("q", capacity=100, depth=7, oldest_s=61.0, in_per_s=3.25, out_per_s=1200.0),
        node("again", kind="retry", breaker=breaker("open", retry_in_s=3.0), last_error="503"),
        node("held", paused=True, resumes_in_s=90.0),
        node("dead-letters", kind="dead_letter"),
    ]
    assert status_lines(seen(*nodes, pending=7)) == [
        "shop, ok, generation 1, up 1m1s, 7 pending",
        "  node   kind       state         depth  in/s  out/s  oldest",
        "  again  retry      breaker open            0      0          probes in 3.0s; 503",
        "  held   queue      paused                  0      0          resumes in 1m30s",
        "  fan    broadcast  ok                      0      0",
        "  q      queue      ok            7/100   3.2  1,200    1m1s",
    ]


def test_times_are_said_in_two_units_at_most() -> None:
    said = [lasting(s) for s in (0, 0.04, 9.96, 59, 61, 3_599, 3_661, 90_061)]
    assert said == ["0.0s", "0.0s", "10.0s", "59s", "1m1s", "59m59s", "1h1m", "1d1h"]
