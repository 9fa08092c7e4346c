"""In which row each item stands: near its neighbours, in order, without overlap.

The nearest rows that keep order and distance are an isotonic regression, found by pooling
adjacent violators (Ayer et al., 1955).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import floor

from sinkgraph_tui.layout.ranks import Layers, Segment

__all__ = ["placed_rows", "pooled"]

_ERROR = 0.02
_STRAIGHT = 3.0
_HOLD = 0.001
_PASSES = 3


def placed_rows(
    layers: Layers,
    columns: Sequence[Sequence[int]],
    heights: Sequence[int],
    inlet: Sequence[int],
    outlet: Callable[[Segment], int],
    gap: int,
) -> list[int]:
    """Return the top row of each item.

    `inlet` is by how many rows an item's way in stands below its top, `outlet` the same for the
    exit of a segment. `gap` rows stay free between boxes.
    """
    rows = [0] * len(heights)
    offsets: list[list[int]] = []
    for column in columns:
        offsets.append(_offsets(column, heights, gap, layers.blocks))
        for item, offset in zip(column, offsets[-1], strict=True):
            rows[item] = offset
    pulls = _pulls(layers, inlet, outlet)
    forward = range(len(columns))
    for step in range(2 * _PASSES):
        ways: tuple[str, ...] = ("before",) if step % 2 == 0 else ("after",)
        if step >= 2 * _PASSES - 2:
            ways = ("before", "after")
        for number in forward if step % 2 == 0 else reversed(forward):
            _settle(columns[number], offsets[number], rows, pulls, ways)
    top = min(rows, default=0)
    return [row - top for row in rows]


_Pull = tuple[int, int, float]


def _pulls(
    layers: Layers, inlet: Sequence[int], outlet: Callable[[Segment], int]
) -> Mapping[str, list[list[_Pull]]]:
    """Return for each item which neighbour would have it where, and how strongly."""
    fans: dict[int, int] = {}
    joins: dict[int, int] = {}
    for one in layers.segments:
        if not one.error:
            fans[one.source] = fans.get(one.source, 0) + 1
            joins[one.target] = joins.get(one.target, 0) + 1
    before: list[list[_Pull]] = [[] for _ in layers.names]
    after: list[list[_Pull]] = [[] for _ in layers.names]
    for one in layers.segments:
        lone = not one.error and fans[one.source] == 1 and joins[one.target] == 1
        weight = _ERROR if one.error else _STRAIGHT if lone else 1.0
        shift = outlet(one) - inlet[one.target]
        before[one.target].append((one.source, shift, weight))
        after[one.source].append((one.target, -shift, weight))
    return {"before": before, "after": after}


def _offsets(column: Sequence[int], heights: Sequence[int], gap: int, blocks: int) -> list[int]:
    """Return the rows of a column that is pushed together."""
    found, row = [], 0
    for place, item in enumerate(column):
        if place and gap and (item < blocks or column[place - 1] < blocks):
            row += gap
        found.append(row)
        row += heights[item]
    return found


def _settle(
    column: Sequence[int],
    offsets: Sequence[int],
    rows: list[int],
    pulls: Mapping[str, list[list[_Pull]]],
    ways: Sequence[str],
) -> None:
    wished: list[float] = []
    weights: list[float] = []
    held: list[bool] = []
    for item, offset in zip(column, offsets, strict=True):
        held.append(bool(pulls["before"][item] or pulls["after"][item]))
        if not held[-1]:
            continue
        total, weight = rows[item] * _HOLD, _HOLD
        for way in ways:
            for other, shift, pull in pulls[way][item]:
                total += (rows[other] + shift) * pull
                weight += pull
        wished.append(total / weight - offset)
        weights.append(weight)
    pools = pooled(wished, weights)
    level = pools[0] if pools else 0.0
    levels = iter(pools)
    for item, offset, pulled in zip(column, offsets, held, strict=True):
        if pulled:  # what nothing pulls stands right below the item before it
            level = next(levels)
        rows[item] = offset + floor(level + 0.5)


def pooled(wished: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Return the never falling sequence nearest to the wished one, by weighted squares."""
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many
    for value, weight in zip(wished, weights, strict=True):
        mean, total, count = value, weight, 1
        while pools and pools[-1][0] > mean:
            other, much, many = pools.pop()
            mean = (mean * total + other * much) / (total + much)
            total, count = total + much, count + many
        pools.append((mean, total, count))
    return [mean for mean, _, count in pools for _ in range(count)]
