"""Runs sinkgraph beside docker/go-events with tiny counts, and holds what the ratios mean."""

from __future__ import annotations

import json
import math

import pytest

from benchmarks.__main__ import main
from benchmarks.peers.compare import QUICK_COMPARISON, Comparison, Line, compare
from benchmarks.peers.run import PeerUnavailable, find_toolchain


def _line(ratio: float, target: float | None) -> Line:
    return Line("queue_retry", "queue", 1, 100 * ratio, 100.0, ratio, ratio, ratio, target)


def test_a_line_says_whether_its_target_was_reached() -> None:
    assert _line(2.0, 2.0).verdict == "reached"
    assert _line(1.99, 2.0).verdict == "MISSED"
    assert _line(50.0, None).verdict == ""


def test_a_missed_target_stands_in_the_table() -> None:
    text = Comparison("a peer", 3, (_line(1.5, 2.0), _line(0.0012, None))).text()
    lines = text.splitlines()
    assert lines[0] == "Beside a peer, in turn, 3 rounds"
    assert " ".join(lines[2].split()) == "queue write 150.0 100.0 1.5 1.5 1.5 ≥ 2 MISSED"
    assert "0.0012" in lines[3]


def test_without_go_the_command_fails_and_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert main(["--peers", "--quick"]) == 1
    assert "no `go` on PATH" in capsys.readouterr().err


def _needs_go() -> None:
    try:
        find_toolchain()
    except PeerUnavailable as error:
        pytest.skip(str(error))


def test_each_batch_size_is_compared_with_the_peers_one_figure() -> None:
    _needs_go()
    comparison = compare(QUICK_COMPARISON, ["queue_retry", "queue_retry_read"])
    found = [(line.shape, line.batch) for line in comparison.lines]
    shapes = ("queue_retry", "queue_retry_read")
    assert found == [(shape, batch) for shape in shapes for batch in (1, 100, 1_000)]
    for shape in shapes:
        assert len({line.peer_ns for line in comparison.lines if line.shape == shape}) == 1
    for line in comparison.lines:
        assert math.isfinite(line.ratio)
        assert 0 < line.ratio_min <= line.ratio <= line.ratio_max
    assert {line.batch: line.target for line in comparison.lines[:3]} == {1: 2, 100: None, 1000: 40}


def test_rows_without_a_peer_cannot_be_compared(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("wire", "engine.route"):
        with pytest.raises(SystemExit) as left:
            main(["--peers", "--only", name])
        assert left.value.code == 2
        assert f"--peers has nothing to compare {name} with" in capsys.readouterr().err


def test_the_comparison_is_printed_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    _needs_go()
    assert main(["--peers", "--quick", "--json", "--only", "engine.broadcast_10"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["peer"].startswith("docker/go-events (go")
    assert [line["target"] for line in found["lines"]] == [12, 30, None]
    assert {line["shape"] for line in found["lines"]} == {"broadcast_10"}
