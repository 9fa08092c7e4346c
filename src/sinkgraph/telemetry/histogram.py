"""A histogram of durations in fixed logarithmic buckets: two integer operations a batch.

It does not know units of any other kind and never resizes.
"""

from __future__ import annotations

from math import frexp

__all__ = ["Histogram"]

_LOW = -20  # 2**-20 s is about one microsecond
_HIGH = 12  # 2**12 s is more than an hour


class Histogram:
    """Counts durations in seconds; bucket k holds (2**(k-1), 2**k], from 1 µs to over 1 h."""

    __slots__ = ("counts", "total", "total_s")

    def __init__(self) -> None:
        self.counts = [0] * (_HIGH - _LOW + 1)
        self.total = 0
        self.total_s = 0.0

    def add(self, seconds: float, n: int = 1) -> None:
        """Count n observations of the same duration."""
        k = frexp(seconds)[1] - _LOW if seconds > 0 else 0
        self.counts[min(max(k, 0), len(self.counts) - 1)] += n
        self.total += n
        self.total_s += seconds * n

    def quantile(self, q: float) -> float | None:
        """Return the upper bound in seconds of the bucket that holds quantile q in (0, 1]."""
        if not self.total:
            return None
        left = q * self.total
        for k, n in enumerate(self.counts):
            left -= n
            if n and left <= 0:
                return float(2.0 ** (k + _LOW))
        return float(2.0**_HIGH)
