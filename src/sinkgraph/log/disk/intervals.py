"""Which positions of a log one reader has settled: everything below `low`, and ranges beyond it.

Pure arithmetic over half-open ranges; it knows no event and no disk.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

__all__ = ["Intervals", "Range", "overlap", "runs"]

Range = tuple[int, int]


class Intervals:
    """Holds settled positions as `low` and sorted ranges beyond it that touch nothing."""

    __slots__ = ("_ends", "_starts", "low")

    def __init__(self, low: int = 0, beyond: Iterable[Sequence[int]] = ()) -> None:
        self.low = low
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in beyond:
            self.add(start, end)

    def __repr__(self) -> str:
        return f"<settled below {self.low}, and {self.beyond}>"

    @property
    def beyond(self) -> list[Range]:
        """The settled ranges above `low`, in order."""
        return list(zip(self._starts, self._ends, strict=True))

    def add(self, start: int, end: int) -> int:
        """Settle [start, end); return how many of these positions were not settled before."""
        start = max(start, self.low)
        if start >= end:
            return 0
        starts, ends = self._starts, self._ends
        if not starts:
            if start == self.low:
                self.low = end
            else:
                starts.append(start)
                ends.append(end)
            return end - start
        first = bisect_left(ends, start)
        last = bisect_right(starts, end)
        fresh = end - start
        for k in range(first, last):
            fresh -= max(0, min(ends[k], end) - max(starts[k], start))
        if first < last:
            start, end = min(start, starts[first]), max(end, ends[last - 1])
        if start <= self.low:
            self.low = end
            del starts[:last], ends[:last]
        else:
            starts[first:last] = [start]
            ends[first:last] = [end]
        return fresh

    def missing(self, start: int, end: int) -> list[Range]:
        """Return what of [start, end) is not settled, as ranges in order."""
        start = max(start, self.low)
        left: list[Range] = []
        k = bisect_right(self._ends, start)
        while start < end:
            if k >= len(self._starts) or self._starts[k] >= end:
                left.append((start, end))
                break
            if self._starts[k] > start:
                left.append((start, self._starts[k]))
            start = self._ends[k]
            k += 1
        return left


def runs(positions: Sequence[int]) -> list[Range]:
    """Return positions as ranges, in the order given; neighbours that count up are one range."""
    if isinstance(positions, range):
        return [(positions.start, positions.stop)] if positions else []
    found: list[Range] = []
    at = 0
    n = len(positions)
    while at < n:
        until = at + 1
        start = positions[at]
        while until < n and positions[until] == start + until - at:
            until += 1
        found.append((start, start + until - at))
        at = until
    return found


def overlap(ranges: Sequence[Range], others: Sequence[Range]) -> list[Range]:
    """Return what lies in both of two lists of ranges, each in order and without overlap.

    The second is gone through, the first only looked up in.
    """
    found: list[Range] = []
    for start, end in others:
        k = bisect_right(ranges, start, key=_end)
        while k < len(ranges) and ranges[k][0] < end:
            found.append((max(start, ranges[k][0]), min(end, ranges[k][1])))
            k += 1
    return found


def _end(one: Range) -> int:
    return one[1]
