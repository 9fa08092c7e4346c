"""Runs the program that measures docker/go-events, where Go and the library are installed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.peers import run as peers


def test_without_go_the_error_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(peers.PeerUnavailable, match="no `go` on PATH; on Debian: apt-get install"):
        peers.find_toolchain({"PATH": str(tmp_path)})


def test_without_the_library_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = tmp_path / "go"
    go.touch(mode=0o755)
    monkeypatch.setattr(peers, "SHARED_GOPATHS", (tmp_path,))
    with pytest.raises(peers.PeerUnavailable, match="no source of docker/go-events in a GOPATH"):
        peers.find_toolchain({"PATH": str(tmp_path)})


def test_an_unknown_shape_is_refused_before_anything_is_built() -> None:
    with pytest.raises(ValueError, match="no shape is named 'brodcast_10'; known: queue_retry"):
        peers.measure(["brodcast_10"])


def test_no_shape_needs_no_toolchain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert peers.measure([]) == {}


def test_a_line_of_the_program_becomes_a_figure() -> None:
    line = {
        "shape": "filter",
        "branches": 1,
        "events": 100,
        "repeats": 3,
        "ns_min": 4.0,
        "ns_median": 4.5,
        "procs": 2,
        "go": "go1.19",
    }
    assert peers.parse(json.dumps(line)) == peers.PeerFigure(
        "filter", 1, 100, 3, 4.0, 4.5, 2, "go1.19"
    )


def test_go_events_delivers_every_event_of_every_shape() -> None:
    try:
        peers.find_toolchain()
    except peers.PeerUnavailable as error:
        pytest.skip(str(error))
    figures = peers.measure(["queue_retry", "filter", "broadcast_10"], budget_s=0.05, repeats=3)
    assert [one.shape for one in figures.values()] == ["queue_retry", "filter", "broadcast_10"]
    assert [one.branches for one in figures.values()] == [1, 1, 10]
    assert all(0 < one.ns_min <= one.ns_median for one in figures.values())
    assert all(one.events >= 16 for one in figures.values())
