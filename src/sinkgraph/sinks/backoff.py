"""How long to wait after a failed attempt, as values.

Nothing here waits, keeps count or knows a clock: whoever retries passes the attempt's number and
the last wait in, and gets seconds out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from sinkgraph.clock import Random

__all__ = [
    "FLOOR_S",
    "Backoff",
    "ConstantBackoff",
    "ExponentialBackoff",
    "GoEventsBackoff",
    "Jitter",
    "check_seconds",
    "grown",
    "retry_after_wait",
]

FLOOR_S = 0.01
"""No wait is shorter than this, whatever the policy says: a retry never spins."""

Jitter = Literal["full", "equal", "decorrelated", "none"]


class Backoff(Protocol):
    """Say how long to wait before the next attempt."""

    def wait(self, attempt: int, previous_s: float, random: Random) -> float:
        """Return the seconds to wait after attempt number `attempt` (from 1) has failed.

        `previous_s` is the wait before it, 0 after the first. Never less than `FLOOR_S`, finite
        for any attempt. Raises ValueError for an attempt below 1.
        """
        ...


@dataclass(frozen=True, slots=True)
class ExponentialBackoff:
    """Grows as base · factor^(n−1) up to `cap`, made uneven by `jitter`.

    With wait w = min(cap, base · factor^(n−1)): `full` draws from [0, w), `equal` from [w/2, w),
    `none` takes w, and `decorrelated` draws from [base, min(cap, 3 · previous wait)) and does not
    use `factor` (M. Brooker, "Exponential Backoff and Jitter", AWS 2015). Seconds throughout.
    """

    base: float = 1.0
    factor: float = 2.0
    cap: float = 30.0
    jitter: Jitter = "full"

    def __post_init__(self) -> None:
        _seconds("base", self.base)
        _seconds("cap", self.cap)
        _finite("factor", self.factor)
        if self.factor < 1:
            raise ValueError(f"factor must be at least 1, not {self.factor!r}")
        if self.base > self.cap:
            raise ValueError(f"base {self.base!r} is longer than cap {self.cap!r}")
        if self.jitter not in get_args(Jitter):
            raise ValueError(
                f"jitter must be one of {', '.join(get_args(Jitter))}, not {self.jitter!r}"
            )

    def wait(self, attempt: int, previous_s: float, random: Random) -> float:
        """Return the seconds to wait after attempt number `attempt`; see `Backoff.wait`."""
        _from_one(attempt)
        if self.jitter == "decorrelated":
            high = min(self.cap, max(self.base, 3.0 * previous_s, 3.0 * self.base))
            return _floored(self.base + (high - self.base) * random.random())
        longest = self.ceiling(attempt)
        if self.jitter == "none":
            return _floored(longest)
        if self.jitter == "equal":
            return _floored(longest / 2 + longest / 2 * random.random())
        return _floored(longest * random.random())

    def ceiling(self, attempt: int) -> float:
        """Return the wait after `attempt` before jitter and floor."""
        return grown(self.base, self.factor, self.cap, attempt - 1)


@dataclass(frozen=True, slots=True)
class GoEventsBackoff:
    """Waits min(base + factor · 2^(n−1), max), go-events' formula, without its overflow.

    go-events takes that as the bound of a random draw; `jitter="full"` does too.
    """

    base: float = 1.0
    factor: float = 1.0
    max: float = 20.0
    jitter: Literal["none", "full"] = "none"

    def __post_init__(self) -> None:
        _seconds("base", self.base)
        _seconds("factor", self.factor)
        _seconds("max", self.max)
        if self.base > self.max:
            raise ValueError(f"base {self.base!r} is longer than max {self.max!r}")
        if self.jitter not in ("none", "full"):
            raise ValueError(f"jitter must be none or full, not {self.jitter!r}")

    def wait(self, attempt: int, previous_s: float, random: Random) -> float:
        """Return the seconds to wait after attempt number `attempt`; see `Backoff.wait`."""
        _from_one(attempt)
        longest = self.ceiling(attempt)
        return _floored(longest * random.random() if self.jitter == "full" else longest)

    def ceiling(self, attempt: int) -> float:
        """Return the wait after `attempt` before the floor."""
        return min(self.max, self.base + grown(self.factor, 2.0, self.max, attempt - 1))


@dataclass(frozen=True, slots=True)
class ConstantBackoff:
    """Waits the same number of seconds after every attempt."""

    delay: float = 1.0

    def __post_init__(self) -> None:
        _seconds("delay", self.delay)

    def wait(self, attempt: int, previous_s: float, random: Random) -> float:
        """Return `delay`, at least the floor; see `Backoff.wait`."""
        _from_one(attempt)
        return _floored(self.delay)


def retry_after_wait(
    backoff_s: float, retry_after_s: float | None, cap_s: float, random: Random
) -> float:
    """Return how long to wait when the destination asked for `retry_after_s` seconds.

    That is max(backoff, min(asked, cap)) and up to 10 % more, so that those who were told the
    same do not come back together. A time in the past counts as 0. Without an answer that makes
    sense (None, not a number) it is the backoff.
    """
    if retry_after_s is None or math.isnan(retry_after_s):
        return backoff_s
    longest = max(backoff_s, min(max(0.0, retry_after_s), cap_s))
    return longest + longest * 0.1 * random.random()


def grown(start: float, factor: float, top: float, k: int) -> float:
    """Return min(top, start · factor^k) without overflow, for any k from 0.

    The exponent is cut where `top` is reached, before the power is taken.
    """
    if start <= 0 or factor <= 1:
        return min(start, top)
    steps = (math.log(top) - math.log(start)) / math.log(factor) if top > start else 0.0
    room = 1023 * math.log(2) / math.log(factor)  # the largest power a float holds
    if k >= min(steps, room):
        return top
    return min(top, start * factor**k)


def _floored(seconds: float) -> float:
    return max(FLOOR_S, seconds)


def check_seconds(name: str, value: object) -> None:
    """Raise TypeError for what is no number of seconds, ValueError for one below 0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be seconds, not {value!r}")
    if not value >= 0:
        raise ValueError(f"{name} must not be negative, not {value!r}")


def _finite(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, not {value!r}")


def _seconds(name: str, value: float) -> None:
    _finite(name, value)
    if value < 0:
        raise ValueError(f"{name} must not be negative, not {value!r}")


def _from_one(attempt: int) -> None:
    if attempt < 1:
        raise ValueError(f"attempts count from 1, not {attempt!r}")
