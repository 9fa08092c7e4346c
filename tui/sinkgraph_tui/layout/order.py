"""In which order items stand in their column: as in the document, with few crossings.

A drawing without crossings keeps the document's order. Barycentres and swaps are those of
Sugiyama, Tagawa and Toda (1981), as in Gansner, Koutsofios, North and Vo (1993).
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from sinkgraph_tui.layout.ranks import Layers

__all__ = ["crossings", "ordered"]

SWEEPS = 8
_Near = list[list[int]]


def ordered(layers: Layers, previous: Mapping[str, int] | None = None) -> list[list[int]]:
    """Return the columns in order.

    `previous` are rows of an earlier drawing by item name: items it knows keep their order, new
    ones are put between them.
    """
    columns = _as_written(layers)
    above, below = _near(layers)
    best, fewest = columns, _all_crossings(columns, below)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        columns = [list(column) for column in columns]
        _swept(columns, above, below, down=sweep % 2 == 0)
        _swapped(columns, above, below)
        count = _all_crossings(columns, below)
        if count < fewest:
            best, fewest = columns, count
    if previous:
        best = [_kept(column, layers.names, previous) for column in best]
    return best


def crossings(above: Sequence[int], place: Mapping[int, int], below: _Near) -> int:
    """Count the crossings between a column and the next one, whose places are given."""
    seen: list[int] = []
    count = 0
    for item in above:
        targets = sorted(place[other] for other in below[item])
        count += sum(len(seen) - bisect_right(seen, target) for target in targets)
        for target in targets:
            insort(seen, target)
    return count


def _as_written(layers: Layers) -> list[list[int]]:
    out: dict[int, list[int]] = defaultdict(list)
    entered = set()
    for segment in sorted(layers.segments, key=lambda one: one.error):
        out[segment.source].append(segment.target)
        entered.add(segment.target)
    columns: list[list[int]] = [[] for _ in layers.columns]
    seen: set[int] = set()
    total = len(layers.names)
    for start in [n for n in range(total) if n not in entered] + list(range(total)):
        stack = [start]
        while stack:
            item = stack.pop()
            if item in seen:
                continue
            seen.add(item)
            columns[layers.column_of[item]].append(item)
            stack += reversed(out[item])
    return columns


def _near(layers: Layers) -> tuple[_Near, _Near]:
    above: _Near = [[] for _ in layers.names]
    below: _Near = [[] for _ in layers.names]
    for source, target in {(one.source, one.target): None for one in layers.segments}:
        below[source].append(target)
        above[target].append(source)
    return above, below


def _all_crossings(columns: list[list[int]], below: _Near) -> int:
    return sum(
        crossings(one, {item: at for at, item in enumerate(other)}, below)
        for one, other in pairwise(columns)
    )


def _swept(columns: list[list[int]], above: _Near, below: _Near, *, down: bool) -> None:
    numbers = range(1, len(columns)) if down else range(len(columns) - 2, -1, -1)
    near = above if down else below
    for number in numbers:
        fixed = columns[number - 1 if down else number + 1]
        place = {item: at for at, item in enumerate(fixed)}
        was = {item: at for at, item in enumerate(columns[number])}
        columns[number].sort(key=_barycentre(near, place, was))


def _barycentre(
    near: _Near, place: Mapping[int, int], was: Mapping[int, int]
) -> Callable[[int], tuple[float, int]]:
    def key(item: int) -> tuple[float, int]:
        places = [place[other] for other in near[item]]
        return (sum(places) / len(places) if places else was[item], was[item])

    return key


def _swapped(columns: list[list[int]], above: _Near, below: _Near) -> None:
    """Swap neighbours where that saves crossings."""
    for number, column in enumerate(columns):
        places: dict[int, int] = {}
        for beside in columns[max(number - 1, 0) : number + 2 : 1]:
            if beside is not column:
                places.update({item: at for at, item in enumerate(beside)})
        for at in range(len(column) - 1):
            one, other = column[at], column[at + 1]
            if _saved(above, places, one, other) + _saved(below, places, one, other) > 0:
                column[at], column[at + 1] = other, one


def _saved(near: _Near, places: Mapping[int, int], one: int, other: int) -> int:
    saved = 0
    for left in near[one]:
        for right in near[other]:
            saved += (places[left] > places[right]) - (places[left] < places[right])
    return saved


def _kept(column: list[int], names: Sequence[str], previous: Mapping[str, int]) -> list[int]:
    """Return the column with the items of the earlier drawing in their order.

    A new item stays behind the known one it stands behind.
    """
    known = sorted((n for n in column if names[n] in previous), key=lambda n: previous[names[n]])
    old = set(known)
    following: dict[int, list[int]] = defaultdict(list)
    last = -1
    for item in column:
        if item in old:
            last = item
        else:
            following[last].append(item)
    found = following[-1]
    for item in known:
        found = [*found, item, *following[item]]
    return found
