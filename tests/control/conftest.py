"""Every test has a runtime directory of its own, and leaves no task, file or thread behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.leaks import leaves_nothing_behind

__all__ = ["leaves_nothing_behind"]


@pytest.fixture(autouse=True)
def runtime(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have runs register below a directory of this test."""
    place = tmp_path_factory.mktemp("rt") / "sinkgraph"
    monkeypatch.setenv("SINKGRAPH_RUNTIME_DIR", str(place))
    return place
