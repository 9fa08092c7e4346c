"""Turns the wires of a channel into straight runs of cells with the edges that go there.

Where two wires cross, the upright one is drawn over the other: they have nothing to do with
each other. Where wires meet, a joint says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sinkgraph_tui.layout.channels import Channel, Pin, Wire
from sinkgraph_tui.layout.glyphs import E, N, S, W
from sinkgraph_tui.layout.graph import MapEdge
from sinkgraph_tui.layout.ranks import Segment

__all__ = ["Arrow", "Run", "drawn", "pitch"]

_FLAT, _UPRIGHT = E | W, N | S


@dataclass(frozen=True, slots=True)
class Run:
    """Is a rectangle of equal line cells, one cell high or wide. `bits` are sides it joins."""

    x: int
    y: int
    width: int
    height: int
    bits: int
    edges: tuple[int, ...]
    error: bool

    @property
    def layer(self) -> int:
        """Return what is drawn first: flat runs, upright ones over them, then joints."""
        return 0 if self.bits == _FLAT else 1 if self.bits == _UPRIGHT else 2


@dataclass(frozen=True, slots=True)
class Arrow:
    """Is the last cell of wires, before the block numbered `target`.

    Before it, `room` cells are free for a rate. `free`: the writer does not wait.
    """

    x: int
    y: int
    target: int
    room: int
    edges: tuple[int, ...]
    error: bool
    free: bool


def pitch(channel: Channel) -> int:
    """Return how many cells apart uprights stand."""
    return 2 if channel.fan_places + channel.join_places <= 6 else 1


def drawn(
    channel: Channel,
    segments: Mapping[tuple[Pin, Pin], Sequence[Segment]],
    left: int,
    right: int,
    blocks: int,
    room: int,
    edges: Sequence[MapEdge],
) -> tuple[list[Run], list[Arrow]]:
    """Return the runs and arrows of a channel that takes the cells from `left` to `right`."""
    step = pitch(channel)
    joins_at = left + 1 + channel.fan_places * step
    pen = _Pen(edges)
    carried = {
        ends: tuple(sorted({n for segment in parts for n in segment.edges}))
        for ends, parts in segments.items()
    }
    by_source: dict[Pin, list[Wire]] = defaultdict(list)
    by_target: dict[Pin, list[Wire]] = defaultdict(list)
    for wire in channel.wires:
        by_source[wire.source].append(wire)
        by_target[wire.target].append(wire)
    ends_at: dict[Pin, int] = {}
    for target, wires in by_target.items():
        all_of = [n for wire in wires for n in carried[wire.source, target]]
        start = ends_at[target] = (
            joins_at + channel.joins[target] * step if target in channel.joins else right
        )
        stop = right - 1 if target[0] < blocks else right
        if target in channel.joins:
            branches = [(w.track, carried[w.source, target]) for w in wires]
            pen.upright(start, target[1], branches, W, E)
            pen.flat(start + 1, stop, target[1], all_of)
        if stop < right:
            pen.arrow(stop, target, room, all_of)
    for source, wires in by_source.items():
        _leave(pen, channel, source, wires, carried, (left, step, right, blocks), ends_at)
    return pen.runs, pen.arrows


def _leave(
    pen: _Pen,
    channel: Channel,
    source: Pin,
    wires: list[Wire],
    carried: Mapping[tuple[Pin, Pin], tuple[int, ...]],
    place: tuple[int, int, int, int],
    ends_at: Mapping[Pin, int],
) -> None:
    """Draw an exit: its stub, its upright, and from there to where each wire joins or ends."""
    left, step, right, blocks = place
    row = source[1]
    fan = left + 1 + channel.fans[source] * step if source in channel.fans else None
    branches: list[tuple[int, tuple[int, ...]]] = []
    along: list[tuple[int, tuple[int, ...]]] = []
    for wire in wires:
        own = carried[source, wire.target]
        stop = right - 1 if wire.target[0] < blocks else right
        end = min(ends_at[wire.target], stop)
        if wire.track == row:
            along.append((end, own))
        if fan is not None and (wire.fans or wire.track == row):
            branches.append((wire.track, own))
        if wire.track != row and fan is not None:
            pen.flat(fan + 1, end, wire.track, own)
    everything = [n for wire in wires for n in carried[source, wire.target]]
    at = left
    if fan is not None:
        pen.flat(left, fan, row, everything)
        pen.upright(fan, row, branches, E, W)
        at = fan + 1
    for end, _ in sorted(along):
        passing = [n for other, own in along if other >= end for n in own]
        pen.flat(at, end, row, passing)
        at = max(at, end + 1)


class _Pen:
    def __init__(self, edges: Sequence[MapEdge]) -> None:
        self.edges = edges
        self.runs: list[Run] = []
        self.arrows: list[Arrow] = []

    def _error(self, edges: Sequence[int]) -> bool:
        return all(self.edges[number].error for number in edges)

    def flat(self, start: int, stop: int, row: int, edges: Sequence[int]) -> None:
        """Draw from `start` up to, not including, `stop`."""
        if stop > start:
            own = tuple(sorted(set(edges)))
            self.runs.append(Run(start, row, stop - start, 1, _FLAT, own, self._error(own)))

    def arrow(self, x: int, target: Pin, room: int, edges: Sequence[int]) -> None:
        """Draw the arrow into a box."""
        own = tuple(sorted(set(edges)))
        free = not any(self.edges[number].required for number in own)
        self.arrows.append(Arrow(x, target[1], target[0], room, own, self._error(own), free))

    def upright(
        self,
        x: int,
        row: int,
        branches: Sequence[tuple[int, tuple[int, ...]]],
        side: int,
        trunk: int,
    ) -> None:
        """Draw an upright wire with its trunk at `row` on side `trunk` and branches on `side`."""
        at: dict[int, list[int]] = defaultdict(list)
        at[row] += []
        for track, own in branches:
            at[track] += own
        rows = sorted(at)
        above: list[int] = []
        carried: dict[int, list[int]] = {}  # through the gap below each row
        for one in [r for r in rows if r < row]:
            above = above + at[one]
            carried[one] = above
        below: list[int] = []
        for one in reversed([r for r in rows if r > row]):
            below = below + at[one]
            carried[one] = below
        for number, one in enumerate(rows):
            through = carried.get(one, [n for own in at.values() for n in own])
            bits = (N if number else 0) | (S if number + 1 < len(rows) else 0)
            bits |= side if at[one] else 0
            bits |= trunk if one == row else 0
            own = tuple(sorted(set(through)))
            self.runs.append(Run(x, one, 1, 1, bits, own, self._error(own)))
            if number + 1 < len(rows):
                gap = carried[one] if one < row else carried[rows[number + 1]]
                height = rows[number + 1] - one - 1
                if height:
                    edges = tuple(sorted(set(gap)))
                    self.runs.append(
                        Run(x, one + 1, 1, height, _UPRIGHT, edges, self._error(edges))
                    )
