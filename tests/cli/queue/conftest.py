"""State dirs with known content for the queue commands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sinkgraph.log.disk.store import Store
from tests.log.disk.pending import Commit, Step, filled


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return a state dir: `one` waits for 40 events in four chunks, `two` for the first ten."""
    folder = tmp_path / "state"
    rows = [Step(1, 10, {1: None, 2: None}), *[Step(1, 10, {1: None})] * 3]
    filled(str(folder), [Commit([row], {}) for row in rows])
    return folder


@pytest.fixture
def used(state: Path) -> Iterator[Path]:
    """Yield the same state dir while this process uses it."""
    store = Store.open(str(state))
    yield state
    store.close()


@pytest.fixture(autouse=True)
def _no_other_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("SINKGRAPH_STATE_DIR", "STATE_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
