"""The last ten minutes of every node, one look a second, in arrays of fixed size.

It computes nothing from the numbers it is given; who looks, and when, is decided elsewhere.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Collection, Mapping, Sequence
from typing import Any

__all__ = ["BREAKER_CODES", "POINTS", "SERIES", "History"]

SERIES = (
    "depth",
    "in_per_s",
    "out_per_s",
    "filtered_per_s",
    "dropped_per_s",
    "dead_per_s",
    "failed_per_s",
    "attempts_per_s",
    "latency_p99_s",
    "breaker",
)
"""What is kept of a node at each look; NaN stands for what it does not have."""

BREAKER_CODES = {"closed": 0.0, "half_open": 1.0, "open": 2.0, "isolated": 3.0, "disabled": 4.0}
"""How a breaker's state stands in its series."""

POINTS = 600
_MOST_BYTES = 32 * 1024**2
_FLOAT = 4


class History:
    """Keeps the last `points` looks at each node, at most `most_bytes` in all.

    A node that has left is forgotten when its last point is. Nodes past the limit have none.
    """

    def __init__(
        self, points: int = POINTS, *, step_s: float = 1.0, most_bytes: int = _MOST_BYTES
    ) -> None:
        self.points = points
        self.step_s = step_s
        self.left_out = 0
        self._most = max(1, most_bytes // (points * len(SERIES) * _FLOAT))
        self._at = array("d", [0.0]) * points
        self._count = 0
        self._rings: dict[str, array[float]] = {}
        self._seen: dict[str, int] = {}  # the look at which a node was there last

    def add(self, at: float, samples: Mapping[str, Sequence[float]]) -> None:
        """Add one look, at Unix time `at`: for each node a value for each of SERIES."""
        place, count = self._count % self.points, self._count
        self._at[place] = at
        self._count += 1
        width = len(SERIES)
        self.left_out = 0
        for name, values in samples.items():
            ring = self._rings.get(name)
            if ring is None:
                if len(self._rings) >= self._most:
                    self.left_out += 1
                    continue
                ring = self._rings[name] = array("f", [math.nan]) * (self.points * width)
            ring[place * width : (place + 1) * width] = array("f", values)
            self._seen[name] = count
        if len(self._rings) > len(samples) - self.left_out:
            self._forget(samples, place, count)

    def _forget(self, samples: Mapping[str, Sequence[float]], place: int, count: int) -> None:
        width = len(SERIES)
        nothing = array("f", [math.nan]) * width
        for name in [name for name in self._rings if name not in samples]:
            if self._seen[name] <= count - self.points:
                del self._rings[name], self._seen[name]
            else:
                self._rings[name][place * width : (place + 1) * width] = nothing

    def read(
        self, since: float | None = None, names: Collection[str] | None = None
    ) -> dict[str, Any]:
        """Return the looks after Unix time `since`, of `names` or of all, oldest first.

        What was not there is None. The result holds plain values.
        """
        first = max(0, self._count - self.points)
        places = [n % self.points for n in range(first, self._count)]
        if since is not None:
            places = [place for place in places if self._at[place] > since]
        width = len(SERIES)
        nodes = {
            name: {
                series: [_plain(ring[place * width + k]) for place in places]
                for k, series in enumerate(SERIES)
            }
            for name, ring in self._rings.items()
            if names is None or name in names
        }
        return {
            "step_s": self.step_s,
            "at": [self._at[place] for place in places],
            "nodes": {name: _told(series) for name, series in nodes.items()},
            "left_out": self.left_out,
        }


def _plain(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _told(series: dict[str, list[float | None]]) -> dict[str, list[float | None]]:
    """Leave out series a node never had."""
    return {name: values for name, values in series.items() if any(v is not None for v in values)}
