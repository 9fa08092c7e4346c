"""`python -m sinkgraph_tui`, before a screen opens."""

from __future__ import annotations

import pytest

from sinkgraph_tui.__main__ import main


def test_no_running_graph_is_said_with_the_way_to_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: object
) -> None:
    monkeypatch.setenv("SINKGRAPH_RUNTIME_DIR", str(tmp_path))
    assert main([]) == 3
    said = capsys.readouterr().err
    assert said == "error: no graph of this user is running: start one with `sinkgraph run FILE`\n"
