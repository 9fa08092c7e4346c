"""Routes the wires between two columns, so that no two of them can be taken for one.

Every exit has at most one upright wire on the left, every way in with several wires one on the
right. What would overlap is led over a free row. Drawing is not done here.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

__all__ = ["Channel", "Pin", "Wire", "routed"]

Pin = tuple[int, int]
"""An item, and the row of the drawing at which a wire leaves or enters it."""


@dataclass(slots=True)
class Wire:
    """Is the way of one segment: from `source` to `target`, both as rows.

    `fan` and `join` are the places of the upright wires it uses, None where it needs none;
    `track` is the row between them.
    """

    source: Pin
    target: Pin
    fans: bool = False
    joins: bool = False
    track: int = 0


@dataclass(slots=True)
class Channel:
    """Holds the wires of one channel; `fans` and `joins` give uprights their place, left first."""

    wires: list[Wire] = field(default_factory=list)
    fans: dict[Pin, int] = field(default_factory=dict)
    joins: dict[Pin, int] = field(default_factory=dict)
    bottom: int = 0

    @property
    def fan_places(self) -> int:
        """Return how many places the uprights of exits take."""
        return max(self.fans.values(), default=-1) + 1

    @property
    def join_places(self) -> int:
        """Return how many places the uprights of ways in take."""
        return max(self.joins.values(), default=-1) + 1


def routed(ends: Sequence[tuple[Pin, Pin]]) -> Channel:
    """Route wires, given as pairs of exit and way in; no two exits share a row, nor ways in."""
    return _Router(ends).channel()


class _Before:
    """Keeps which upright stands left of which, and refuses what would close a circle."""

    def __init__(self) -> None:
        self.after: dict[Pin, set[Pin]] = defaultdict(set)

    def put(self, one: Pin, other: Pin) -> bool:
        """Put one left of the other; False when the other stands left already."""
        stack, seen = [other], {other}
        while stack:
            at = stack.pop()
            if at == one:
                return False
            for following in self.after.get(at, ()):
                if following not in seen:
                    seen.add(following)
                    stack.append(following)
        self.after[one].add(other)
        return True


class _Router:
    def __init__(self, ends: Sequence[tuple[Pin, Pin]]) -> None:
        self.wires = [Wire(source, target) for source, target in ends]
        self.of_target: dict[Pin, list[Wire]] = defaultdict(list)
        self.of_source: dict[Pin, list[Wire]] = defaultdict(list)
        for wire in self.wires:
            self.of_target[wire.target].append(wire)
            self.of_source[wire.source].append(wire)
        self.source_at = {pin[1]: pin for pin in self.of_source}
        self.target_at = {pin[1]: pin for pin in self.of_target}
        self.joined = {pin for pin, wires in self.of_target.items() if len(wires) > 1}
        self.left = _Before()
        self.right = _Before()
        self.tracks: set[int] = set()
        self.onward: set[Pin] = set()

    def channel(self) -> Channel:
        """Decide for each wire which uprights it uses, then where these stand."""
        self._part_fans()
        for wire in self.wires:
            self._decide(wire)
        fans, joins = self._extents()
        rows = [pin[1] for wire in self.wires for pin in (wire.source, wire.target)]
        return Channel(
            self.wires,
            _spread(fans, self.left.after),
            _spread(joins, self.right.after),
            max([*rows, *self.tracks], default=0),
        )

    def _part_fans(self) -> None:
        """Keep wires apart that leave and arrive in one row: the leaving one turns first."""
        for row, target in sorted(self.target_at.items()):
            source = self.source_at.get(row)
            if source is None or target in self.joined:
                continue
            wire = self.of_target[target][0]
            if wire.source == source:
                continue
            if not self.left.put(source, wire.source):
                self.joined.add(target)

    def _decide(self, wire: Wire) -> None:
        row, to = wire.source[1], wire.target[1]
        wire.track = row
        if wire.target not in self.joined:
            wire.fans = row != to
            wire.track = to
            return
        if row == to and len(self.of_target[wire.target]) > 1:
            wire.track = to  # straight on: the others join it
            return
        wire.joins = True
        if row != to and self._straight(wire):
            return
        wire.fans = True
        wire.track = self._free(row, to)

    def _straight(self, wire: Wire) -> bool:
        """Tell whether the wire may go on in the row of its exit to the upright of its target."""
        other = self.target_at.get(wire.source[1])
        if wire.source in self.onward:
            return False
        if other is not None:
            own = any(w.source == wire.source for w in self.of_target[other])
            if own or other not in self.joined or not self.right.put(wire.target, other):
                return False
        self.onward.add(wire.source)
        return True

    def _free(self, row: int, to: int) -> int:
        """Take the nearest row in which no wire leaves or arrives."""
        middle = (row + to) // 2
        for distance in range(len(self.wires) * 3 + abs(middle) + 2):
            for track in (middle + distance, middle - distance):
                taken = track in self.source_at or track in self.target_at or track in self.tracks
                if track >= 0 and not taken:
                    self.tracks.add(track)
                    return track
        raise AssertionError("there is always a free row below all others")

    def _extents(self) -> tuple[dict[Pin, tuple[int, int]], dict[Pin, tuple[int, int]]]:
        fans: dict[Pin, list[int]] = defaultdict(list)
        joins: dict[Pin, list[int]] = defaultdict(list)
        for wire in self.wires:
            if wire.fans:
                fans[wire.source] += [wire.source[1], wire.track]
            if wire.joins:
                joins[wire.target] += [wire.target[1], wire.track]
        return (
            {pin: (min(rows), max(rows)) for pin, rows in fans.items()},
            {pin: (min(rows), max(rows)) for pin, rows in joins.items()},
        )


def _spread(extents: dict[Pin, tuple[int, int]], after: dict[Pin, set[Pin]]) -> dict[Pin, int]:
    """Give uprights places from the left, where they neither overlap nor break the order."""
    waiting = dict.fromkeys(extents, 0)
    for one, others in after.items():
        if one in extents:
            for other in others:
                if other in extents:
                    waiting[other] += 1
    ready = [(_preference(pin, extents[pin]), pin) for pin, count in waiting.items() if not count]
    heapq.heapify(ready)
    lowest = dict.fromkeys(extents, 0)
    used: list[list[tuple[int, int]]] = []
    found: dict[Pin, int] = {}
    while ready:
        _, pin = heapq.heappop(ready)
        place = lowest[pin]
        while place < len(used) and _overlaps(extents[pin], used[place]):
            place += 1
        while place >= len(used):
            used.append([])
        used[place].append(extents[pin])
        found[pin] = place
        for other in sorted(after.get(pin, ())):
            if other in extents:
                lowest[other] = max(lowest[other], place + 1)
                waiting[other] -= 1
                if not waiting[other]:
                    heapq.heappush(ready, (_preference(other, extents[other]), other))
    return found


def _preference(pin: Pin, extent: tuple[int, int]) -> tuple[int, int]:
    """Sort uprights so that few cross: rising ones from above, falling ones from below."""
    low, high = extent
    if high <= pin[1]:
        return 0, pin[1]
    return (2, -pin[1]) if low >= pin[1] else (1, pin[1])


def _overlaps(extent: tuple[int, int], others: Iterable[tuple[int, int]]) -> bool:
    return any(extent[0] <= high and low <= extent[1] for low, high in others)
