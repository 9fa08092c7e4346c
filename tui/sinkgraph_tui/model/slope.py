"""How fast a depth grows, and when it reaches its end: a robust slope, or nothing.

Theil-Sen: the median of the slopes of all pairs (Sen 1968). Up to 29 % of the points may be wild.
It knows numbers only; what is full, and what that means, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

__all__ = ["STEADY", "WINDOW_S", "Trend", "latest_trend", "trend"]

WINDOW_S = 30.0
_RECENT_S = 10.0
_VERY_SURE = 0.9
_TURNED = 0.25
HELD_S = 5.0
LONGEST_S = 86_400.0
_MOST_POINTS = 16
_FEWEST_POINTS = 5
_SURE = 0.6
_NOISE = 3.0  # events: what comes and goes with every look


@dataclass(frozen=True, slots=True)
class Trend:
    """Is the slope of a depth. `sure` is how much pairs agree, from 0 to 1 (Kendall's tau).

    `steady` when nothing is to be said of it: too few points, no agreement, or only noise.
    """

    per_s: float = 0.0
    sure: float = 0.0
    steady: bool = True

    @property
    def grows(self) -> bool:
        """Whether it is known to grow."""
        return not self.steady and self.per_s > 0

    @property
    def shrinks(self) -> bool:
        """Whether it is known to shrink."""
        return not self.steady and self.per_s < 0

    def reaches_s(self, now: float, end: float) -> float | None:
        """Return in how many seconds the depth is `end`; None when it does not go there."""
        if self.steady or not self.per_s:
            return None
        left = (end - now) / self.per_s
        return left if 0 <= left <= LONGEST_S else None

    def after(self, now: float, seconds: float, most: float | None = None) -> float:
        """Return the depth in so many seconds, within 0 and `most`."""
        held = max(0.0, now + (0.0 if self.steady else self.per_s) * seconds)
        return held if most is None else min(held, most)


STEADY = Trend()


def trend(points: Sequence[tuple[float, float]], *, held_s: float = HELD_S) -> Trend:
    """Return the trend of (seconds, depth), oldest first; its sign held for `held_s` at least."""
    used = _thinned(points)
    if len(used) < _FEWEST_POINTS or used[-1][0] - used[0][0] < held_s:
        return STEADY
    slopes, up, down = [], 0, 0
    for k, (t0, y0) in enumerate(used):
        for t1, y1 in used[k + 1 :]:
            if t1 > t0:
                slopes.append((y1 - y0) / (t1 - t0))
                up += y1 > y0
                down += y1 < y0
    if not slopes:
        return STEADY
    slope = median(slopes)
    sure = abs(up - down) / len(slopes)
    moved = abs(slope) * (used[-1][0] - used[0][0])
    steady = (
        sure < _SURE or moved < _NOISE or slope * (up - down) <= 0 or not _held(used, slope, held_s)
    )
    return Trend(slope, sure, steady)


def latest_trend(points: Sequence[tuple[float, float]]) -> Trend:
    """Return the trend over 30 s, or over the last 10 s where those beyond doubt go another way.

    So the first seconds of an outage are not averaged with the calm before it.
    """
    if not points:
        return STEADY
    end = points[-1][0]
    whole = trend(_since_calm([one for one in points if one[0] >= end - WINDOW_S]))
    recent = trend(_since_calm([one for one in points if one[0] >= end - _RECENT_S]))
    turned = abs(recent.per_s - whole.per_s) > _TURNED * abs(recent.per_s)
    if not recent.steady and recent.sure >= _VERY_SURE and (whole.steady or turned):
        return recent
    return whole


def _since_calm(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """Return points from the last of those at the beginning between which nothing moved."""
    calm = 0
    while calm + 1 < len(points) and abs(points[calm + 1][1] - points[0][1]) <= _NOISE:
        calm += 1
    return points[calm:]


def _held(points: Sequence[tuple[float, float]], slope: float, held_s: float) -> bool:
    """Whether the depth went the way of the slope over the last seconds too."""
    end, last = points[-1]
    before = [depth for at, depth in points if at <= end - held_s]
    return bool(before) and (last - before[-1]) * slope > 0


def _thinned(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """Return some of the points, evenly, with the newest: all pairs of many are too many."""
    if len(points) <= _MOST_POINTS:
        return points
    step = -(-(len(points) - 1) // (_MOST_POINTS - 1))
    return points[::-1][::step][::-1]
