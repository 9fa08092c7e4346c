"""sinkgraph and docker/go-events in turn, in one run, on the same shapes: ratios.

In each round a shape is measured on the peer, then on us; the ratio of a line is the median of
its rounds' ratios, so that a noisy moment meets both. The peer has no batches: its time per event
is what all our batch sizes are compared with.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.engine import BATCHES, how, measure_shape
from benchmarks.figures import QUICK, ROUND, Effort
from benchmarks.peers.run import PeerFigure, build, find_toolchain, run
from benchmarks.report import aligned, nanoseconds
from benchmarks.shapes import SHAPES, Shape

__all__ = ["FULL_COMPARISON", "QUICK_COMPARISON", "Comparison", "Line", "Plan", "compare"]

TARGETS: dict[tuple[str, int], float] = {
    ("queue_retry", 1): 2,
    ("queue_retry", 1_000): 40,
    ("queue_retry_read", 1_000): 3,
    ("queue_retry_offer", 1_000): 3,
    ("broadcast_10", 1): 12,
    ("broadcast_10", 100): 30,
    ("broadcast_1000", 100): 100,
}
"""How many times as fast as the peer a shape is to be, by batch size; the rest is published."""

_NOTES = (
    "×: the peer's time per event divided by ours, the median of the rounds, their extremes.",
    "The peer writes one value again and again, which costs it no allocation, runs with one",
    "processor and with all, and its faster median counts. Its filter shape has no queue, nor",
    "has ours. A sink that reads makes us build an Event; the peer hands over a pointer.",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """Is how much is measured: rounds, and for each the effort of ours and of the peer."""

    rounds: int
    effort: Effort
    peer_budget_s: float
    peer_repeats: int


FULL_COMPARISON = Plan(rounds=5, effort=ROUND, peer_budget_s=0.3, peer_repeats=3)
QUICK_COMPARISON = Plan(rounds=1, effort=QUICK, peer_budget_s=0.02, peer_repeats=1)


@dataclass(frozen=True, slots=True)
class Line:
    """Is one shape written one way, beside the peer; times are medians in ns per event."""

    shape: str
    label: str
    batch: int
    peer_ns: float
    ours_ns: float
    ratio: float
    ratio_min: float
    ratio_max: float
    target: float | None

    @property
    def verdict(self) -> str:
        """`reached`, `MISSED`, or nothing where there is no target."""
        if self.target is None:
            return ""
        return "reached" if self.ratio >= self.target else "MISSED"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Holds the lines of one run."""

    peer: str
    rounds: int
    lines: tuple[Line, ...]

    def plain(self) -> dict[str, Any]:
        """Return it as plain values, for `--json`."""
        lines = [{**asdict(line), "verdict": line.verdict} for line in self.lines]
        return {"peer": self.peer, "rounds": self.rounds, "lines": lines}

    def text(self) -> str:
        """Return it as an aligned table."""
        head = ["", "", "go ns/event", "ours", "×", "min", "max", "target", ""]
        cells = [head]
        for line in self.lines:
            target = "" if line.target is None else f"≥ {line.target:g}"
            cells.append(
                [
                    line.label,
                    how(line.batch),
                    nanoseconds(line.peer_ns),
                    nanoseconds(line.ours_ns),
                    *(_times(one) for one in (line.ratio, line.ratio_min, line.ratio_max)),
                    target,
                    line.verdict,
                ]
            )
        title = f"Beside {self.peer}, in turn, {self.rounds} rounds"
        return "\n".join([title, *aligned(cells, 2), *_NOTES])


def compare(
    plan: Plan,
    names: Sequence[str] | None = None,
    *,
    new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
) -> Comparison:
    """Measure the named shapes (None: all) that the peer has too; raises PeerUnavailable."""
    shapes = [one for one in SHAPES if one.peer and (names is None or one.name in names)]
    go, gopath = find_toolchain()
    theirs: dict[str, list[PeerFigure]] = {one.name: [] for one in shapes}
    ours: dict[tuple[str, int], list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="sinkgraph-peers-") as scratch:
        program = build(go, gopath, Path(scratch))
        with asyncio.Runner(loop_factory=new_loop) as runner:
            for _ in range(plan.rounds):
                for shape in shapes:
                    theirs[shape.name].append(_measure_peer(program, shape, plan))
                    for batch in BATCHES:
                        figure = runner.run(measure_shape(shape, batch, plan.effort))
                        ours.setdefault((shape.name, batch), []).append(figure.ns_median)
    lines = [
        _line(shape, batch, theirs[shape.name], ours[shape.name, batch])
        for shape in shapes
        for batch in BATCHES
    ]
    found = [figure for figures in theirs.values() for figure in figures]
    toolchain = found[0].toolchain if found else "go"
    return Comparison(f"docker/go-events ({toolchain})", plan.rounds, tuple(lines))


def _times(ratio: float) -> str:
    return f"{ratio:,.1f}" if ratio >= 1 else f"{ratio:.2g}"


def _measure_peer(program: Path, shape: Shape, plan: Plan) -> PeerFigure:
    """Run the peer with one processor and with all; return the figure that is better."""
    assert shape.peer is not None
    every = max(2, os.cpu_count() or 2)
    figures = [
        run(program, [shape.peer], procs, plan.peer_budget_s, plan.peer_repeats)[shape.peer]
        for procs in (1, every)
    ]
    return min(figures, key=lambda figure: figure.ns_median)


def _line(shape: Shape, batch: int, theirs: list[PeerFigure], ours: list[float]) -> Line:
    ratios = [a.ns_median / b for a, b in zip(theirs, ours, strict=True)]
    return Line(
        shape=shape.name,
        label=shape.label,
        batch=batch,
        peer_ns=statistics.median(figure.ns_median for figure in theirs),
        ours_ns=statistics.median(ours),
        ratio=statistics.median(ratios),
        ratio_min=min(ratios),
        ratio_max=max(ratios),
        target=TARGETS.get((shape.name, batch)),
    )
