"""A close report is told in a few lines, however large the graph was."""

from __future__ import annotations

from sinkgraph.telemetry.stats import LedgerView
from sinkgraph.telemetry.status import CloseReport, NodeStatus, Snapshot


def report(kept: dict[str, int], left: dict[str, int]) -> CloseReport:
    ledger = LedgerView(entered=9, delivered=6, dropped={"full": 2}, dead_lettered=1)
    nodes = {f"n{k}": NodeStatus(f"n{k}", "queue", "stopped", ledger) for k in range(500)}
    return CloseReport(Snapshot("shop", 3, 0.0, 60.0, nodes), left, 1.5, 25.0, kept)


def test_a_report_says_the_sums_what_was_kept_and_what_is_lost() -> None:
    head = "shop stopped after 60.0 s (the stop took 1.5 s), 1,000 dropped, 500 dead-lettered"
    assert str(report({"a": 1, "b": 1200}, {"c": 3})).splitlines() == [
        f"{head}, residue 0",
        "kept for the next start: 1,201 (b 1,200, a 1)",
        "lost in memory: 3 (c 3)",
    ]


def test_a_report_of_many_nodes_is_no_wall() -> None:
    held = {f"n{k}": k + 1 for k in range(500)}
    told = str(report(held, {}))
    assert len(told.splitlines()) == 2
    assert len(told) < 300
    assert told.endswith("n499 500, n498 499, n497 498, n496 497, n495 496, and 495 more nodes)")
    assert "NodeStatus" in repr(report(held, {}))


def test_a_name_cannot_break_the_lines() -> None:
    assert len(str(report({}, {"a\nb": 1})).splitlines()) == 2
