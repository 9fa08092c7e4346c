"""Proves how a run is told in plain lines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sinkgraph.cli.options import many
from sinkgraph.cli.show import dead_lines, end_summary, kept_lines, ledger_table, state_lines
from sinkgraph.telemetry.stats import LedgerView
from sinkgraph.telemetry.status import CloseReport, NodeStatus, Snapshot


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (1, "1 dead letter was kept in memory only and ends with this process:"),
        (2000, "2,000 dead letters were kept in memory only and end with this process:"),
    ],
)
def test_dead_letters_that_end_with_the_process_are_counted(count: int, said: str) -> None:
    ledger = LedgerView(count, 0, 0, 0, 0, 0, count, {}, {})
    facts = {"reasons": {"bad_line": count}}
    node = NodeStatus("dead-letters", "dead_letter", "ok", ledger, facts)
    shown = dead_lines(Snapshot("g", 1, 0.0, 0.0, {node.name: node}))
    assert shown == [said, f"  bad_line: {count:,}"]


def test_dead_letters_on_disk_do_not_end_with_the_process() -> None:
    ledger = LedgerView(3, 7, 0, 0, 0, 0, 8, {}, {"dead_letters_full": 1, "expired": 1})
    facts = {"reasons": {"rejected": 9}, "came": {"rejected": 2}, "durable": True}
    node = NodeStatus("letters", "dead_letter", "ok", ledger, facts)
    shown = dead_lines(Snapshot("g", 1, 0.0, 0.0, {node.name: node}), "/state")
    assert shown == [
        "2 dead letters were kept in /state:",
        "  rejected: 2",
        "  without room, and dropped: 1",
    ]


def test_letters_that_could_not_be_stored_are_not_kept() -> None:
    ledger = replace(LedgerView(4, 0, 0, 0, 0, 0, 1, {}, {}), returned=3)
    facts = {"came": {"gave_up": 1}, "durable": True}
    node = NodeStatus("letters", "dead_letter", "ok", ledger, facts)
    shown = dead_lines(Snapshot("g", 1, 0.0, 0.0, {node.name: node}), "/state")
    assert shown == ["1 dead letter was kept in /state:", "  gave_up: 1"]
    ledger = replace(ledger, entered=3, pending=0)
    node = NodeStatus("letters", "dead_letter", "ok", ledger, facts)
    assert dead_lines(Snapshot("g", 1, 0.0, 0.0, {node.name: node}), "/state") == []


def held(name: str, recovered: int, pending: int) -> NodeStatus:
    return NodeStatus(name, "queue", "ok", LedgerView(0, recovered, 0, 0, 0, 0, pending, {}, {}))


def test_what_is_kept_on_disk_is_told_beside_what_is_lost() -> None:
    nodes = {name: held(name, n, n) for name, n in (("hooks", 1200), ("mail", 1))}
    report = CloseReport(Snapshot("g", 1, 0.0, 0.0, nodes), {"mail": 1}, 1.0, 25.0, {"hooks": 1200})
    assert kept_lines(report, "/state") == [
        "1,200 events were kept in /state for the next start:",
        "  hooks: 1,200",
    ]
    told = "\n".join(end_summary(report, "/state"))
    assert "1,200 events were kept in /state" in told
    assert "1 event was still pending in memory and lost:\n  mail: 1" in told
    assert kept_lines(CloseReport(report.snapshot, {}, 1.0, 25.0), "/state") == []


def test_the_start_says_where_the_state_is_and_what_was_still_there() -> None:
    nodes = {name: held(name, n, n) for name, n in (("hooks", 1200), ("mail", 1), ("new", 0))}
    assert state_lines("/state", Snapshot("g", 1, 0.0, 0.0, nodes)) == [
        "  state in /state",
        "  hooks: 1,200 stored events recovered",
        "  mail: 1 stored event recovered",
    ]


def test_one_thing_is_not_several() -> None:
    assert [many(count, "request") for count in (0, 1, 2)] == [
        "0 requests",
        "1 request",
        "2 requests",
    ]


def test_the_ledger_says_why_events_ended() -> None:
    ledger = LedgerView(6, 3, 1, 5, 0, 0, 1, {"where": 2}, {"drop_oldest": 2})
    node = NodeStatus("hooks", "queue", "ok", ledger)
    snapshot = Snapshot("g", 1, 0.0, 0.0, {"hooks": node}, {"gone": LedgerView(2, 0, 0, 2)})
    told = ledger_table(snapshot)
    assert "  hooks: 3 recovered, 1 replayed, 2 filtered: where, 2 dropped: drop_oldest" in told
    assert any(line.split()[:4] == ["gone", "removed", "2", "2"] for line in told)
    assert told[-1] == "conservation law: residue 0 (every event is accounted for)"


def test_what_no_ledger_accounts_for_is_named_as_a_bug() -> None:
    node = NodeStatus("hooks", "queue", "ok", LedgerView(5, 0, 0, 3, 0, 0, 0))
    told = ledger_table(Snapshot("g", 1, 0.0, 0.0, {"hooks": node}))
    assert told[-1] == (
        "conservation law: residue 2 (EVENTS ARE UNACCOUNTED FOR: hooks +2; this is a bug in"
        " sinkgraph, please report it with this ledger)"
    )
