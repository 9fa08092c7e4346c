"""A state dir with known dead letters for the dlq commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from sinkgraph.log.disk.store import Store
from tests.support.letters import a_row, bury

__all__ = ["no_other_state", "state"]

CONTROL = "no such key: data.\x1b]52;c;aGk=\x07\u202e\x9b2J"


@pytest.fixture(autouse=True)
def no_other_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("SINKGRAPH_STATE_DIR", "STATE_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("TZ", "UTC")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return a state dir with seven letters: #2 damaged, #6 bytes, #5 and #7 of one event."""
    folder = tmp_path / "state"
    rows = [
        *(a_row(k) for k in range(4)),
        a_row(
            4,
            node="choose",
            reason="expression_error",
            id="x\x1b[31m-1",
            errors=[CONTROL],
            meta={"tenant": "\x1b[2Jacme", "replayed": 2},
        ),
        a_row(5, data=bytes(range(40)), reason="rejected", errors=["Rejected: 400", "last \x07"]),
        a_row(6, node="other", id="x\x1b[31m-1", type="order.placed"),
    ]
    bury(str(folder), rows)
    store = Store.open(str(folder))
    store.db.execute("UPDATE dead SET body = x'00' WHERE number = 2")
    store.close()
    return folder
