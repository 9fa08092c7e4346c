"""The policy of a circuit breaker: when it trips, how long it stays open, how it probes.

A value only; the machine that follows it is `sinkgraph.sinks.breaker`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from sinkgraph.sinks.backoff import grown

__all__ = ["Breaker"]


@dataclass(frozen=True, slots=True)
class Breaker:
    """Is the policy of a breaker; times in seconds, shares in [0, 1].

    It trips after `failure_threshold` failures in a row, and, with a `window`, when that holds at
    least `min_calls` attempts of which `failure_rate` failed (half of them, unless given or
    `slow_rate` is) or `slow_rate` took longer than `slow_after`. It stays open for
    `open_for` · `reopen_factor`^(failed probes), varied by `jitter` up and down and never longer
    than `open_for_max`, then lets `probes` attempts through at a time for at most
    `half_open_max`: one success closes it, one failure opens it again.

    `Breaker(failure_threshold=n, open_for=t, jitter=0, reopen_factor=1)` is go-events'
    `NewBreaker(n, t)`.
    """

    failure_threshold: int = 5
    open_for: float = 5.0
    open_for_max: float = 300.0
    reopen_factor: float = 2.0
    jitter: float = 0.2
    probes: int = 1
    half_open_max: float = 60.0
    window: float | None = None
    min_calls: int = 20
    failure_rate: float | None = None
    slow_after: float | None = None
    slow_rate: float | None = None

    def __post_init__(self) -> None:
        for one in fields(self):
            _check(one.name, getattr(self, one.name))
        if self.open_for > self.open_for_max:
            raise ValueError(
                f"open_for {self.open_for!r} is longer than open_for_max {self.open_for_max!r}"
            )
        for name, other in _NEEDS:
            if getattr(self, name) is not None and getattr(self, other) is None:
                raise ValueError(f"{name} {getattr(self, name)!r} means nothing without {other}")
        if self.window is not None and self.failure_rate is None and self.slow_rate is None:
            object.__setattr__(self, "failure_rate", 0.5)

    def open_span(self, reopens: int, draw: float) -> float:
        """Return how long it stays open after `reopens` failed probes; `draw` is in [0, 1)."""
        span = grown(self.open_for, self.reopen_factor, self.open_for_max, reopens)
        low = span * (1 - self.jitter)
        high = min(span * (1 + self.jitter), self.open_for_max)
        return low + (high - low) * draw


_NEEDS = (
    ("failure_rate", "window"),
    ("slow_rate", "window"),
    ("slow_rate", "slow_after"),
    ("slow_after", "slow_rate"),
)
_COUNTS = frozenset({"failure_threshold", "probes", "min_calls"})
_OPTIONAL = frozenset({"window", "failure_rate", "slow_after", "slow_rate"})
_SHARES = frozenset({"jitter", "failure_rate", "slow_rate"})


def _check(name: str, value: object) -> None:
    if value is None and name in _OPTIONAL:
        return
    if name in _COUNTS:
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, not {value!r}")
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, not {value!r}")
    if name in _SHARES:
        if not 0 <= value <= 1 or (value == 0 and name != "jitter"):
            raise ValueError(f"{name} must be a share above 0 and at most 1, not {value!r}")
    elif name == "reopen_factor":
        if value < 1:
            raise ValueError(f"reopen_factor must be at least 1, not {value!r}")
    elif name == "window" and value < 0.001:
        raise ValueError(f"window must be at least 1 ms, not {value!r} s")
    elif value <= 0:
        raise ValueError(f"{name} must be more than 0, not {value!r}")
