"""Series in as many columns as there are: for sparklines, fill bars and a breaker's ribbon.

It gives numbers and states from 0 to a stated top, never fitted to what happens to be there; glyphs
are drawn elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from sinkgraph_tui.model.timeline import Timeline

__all__ = ["columns_of", "heights", "ribbon", "spark"]

_WORST = {"open": 3, "isolated": 2, "half_open": 1}
_STATES = ("closed", "half_open", "open", "isolated", "disabled")


def columns_of(
    points: Sequence[tuple[float, float]], columns: int, begin: float, end: float
) -> tuple[float | None, ...]:
    """Return the greatest value in each of equal spans of time; None where there is none."""
    found: list[float | None] = [None] * max(0, columns)
    if not found or end <= begin:
        return tuple(found)
    for at, value in points:
        if begin <= at <= end:
            k = min(columns - 1, int((at - begin) / (end - begin) * columns))
            held = found[k]
            found[k] = value if held is None else max(held, value)
    return tuple(found)


def heights(values: Sequence[float | None], top: float, levels: int) -> tuple[int | None, ...]:
    """Return values as heights from 0 to `levels`; what is more than nothing is at least 1."""
    found: list[int | None] = []
    for value in values:
        if value is None:
            found.append(None)
        elif value <= 0 or top <= 0:
            found.append(0)
        else:
            found.append(max(1, min(levels, round(value / top * levels))))
    return tuple(found)


def spark(
    timeline: Timeline,
    name: str,
    columns: int,
    *,
    capacity: int | None = None,
    over_s: float = 300.0,
    levels: int = 4,
    until: float | None = None,
) -> tuple[int | None, ...]:
    """Return the depth of a node over time; its top is the capacity, or the most it ever was."""
    if not timeline:
        return (None,) * columns
    end = timeline.last if until is None else until
    points = timeline.series(name, "depth", until=end, over_s=over_s)
    top = float(capacity or max((value for _, value in points), default=0.0))
    return heights(columns_of(points, columns, end - over_s, end), top, levels)


def ribbon(
    timeline: Timeline,
    name: str,
    columns: int,
    *,
    over_s: float = 300.0,
    until: float | None = None,
) -> tuple[str | None, ...]:
    """Return the worst state of a breaker in each span of time: closed, half_open, open, …."""
    if not timeline:
        return (None,) * columns
    end = timeline.last if until is None else until
    points = timeline.series(name, "breaker", until=end, over_s=over_s)
    ranked = [(at, float(_rank(code) * 10 + round(code))) for at, code in points]
    found = columns_of(ranked, columns, end - over_s, end)
    return tuple(None if one is None else _STATES[int(one) % 10] for one in found)


def _rank(code: float) -> int:
    return _WORST.get(_STATES[round(code)], 0)
