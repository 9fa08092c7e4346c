"""Proves how a run is told in plain lines."""

from __future__ import annotations

import pytest

from sinkgraph.cli.options import many
from sinkgraph.cli.show import dead_lines
from sinkgraph.telemetry.stats import LedgerView
from sinkgraph.telemetry.status import NodeStatus, Snapshot


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


def test_one_thing_is_not_several() -> None:
    assert [many(count, "request") for count in (0, 1, 2)] == [
        "0 requests",
        "1 request",
        "2 requests",
    ]
