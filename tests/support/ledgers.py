"""Reading what a run says at its end: the printed ledger, or a close report."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sinkgraph.runtime.live import Live

__all__ = ["Row", "assert_nothing_lost", "ledger"]


@dataclass(frozen=True)
class Row:
    """Is one node's row of the printed ledger."""

    kind: str
    entered: int
    delivered: int
    filtered: int
    dropped: int
    dead: int
    returned: int
    pending: int
    residue: int


_ROW = re.compile(r"^  (\S+)  +([a-z_]+)((?:  +-?[\d,]+){8})$", re.MULTILINE)


def ledger(text: str) -> dict[str, Row]:
    """Return the rows of the ledger in what a run printed, by node."""
    assert "conservation law: residue 0 " in text, text
    rows = {
        name: Row(kind, *(int(cell.replace(",", "")) for cell in cells.split()))
        for name, kind, cells in _ROW.findall(text)
    }
    assert rows, text
    return rows


def assert_nothing_lost(live: Live) -> None:
    """Hold that a closed graph accounts for every event, and that none was left behind."""
    report = live.report
    assert report is not None, "the graph was closed"
    assert report.residue == 0
    assert report.left == {}
    assert all(node.ledger.residue == 0 for node in report.snapshot.nodes.values())
