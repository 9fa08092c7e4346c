"""Numbers for people: rates, counts, sizes, times, ages, shares, in few characters.

It rounds for the eye and never for arithmetic: nothing here is read back.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, tzinfo

__all__ = ["clock", "count", "latency", "of", "per_s", "share", "short", "signed", "size"]

_STEPS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB")
_NOTHING = "–"


def count(number: float) -> str:
    """Return a count of at most five characters: `0`, `999`, `1.38k`, `30.8k`, `1.20M`."""
    if not math.isfinite(number):
        return _NOTHING
    if number < 0:
        return "-" + count(-number)
    if round(number) < 1_000:
        return f"{number:.0f}"
    for step, unit in _STEPS:
        for places, bound in ((2, 9.995), (1, 99.95), (0, 999.5)):
            if step <= number + step * 0.0005 and number / step < bound:
                return f"{number / step:.{places}f}{unit}"
    return f"{number:.2g}"


def per_s(rate: float | None) -> str:
    """Return a rate: `0/s`, `0.3/s`, `14/s`, `1.75k/s`; a dash when it is unknown."""
    if rate is None or not math.isfinite(rate):
        return _NOTHING
    if 0 < rate < 0.05:
        return "<0.1/s"
    if 0 < rate < 9.95:
        shown = f"{rate:.1f}"
        return f"{shown.removesuffix('.0')}/s"
    return f"{count(rate)}/s"


def signed(rate: float) -> str:
    """Return a change a second with its sign: `+267/s`, `-2.9/s`."""
    return ("-" if rate < 0 else "+") + per_s(abs(rate))


def size(number: float | None) -> str:
    """Return bytes: `0 B`, `512 B`, `64 KiB`, `1.5 GiB`."""
    if number is None or not math.isfinite(number):
        return _NOTHING
    step = 0
    held = float(number)
    while round(held, 1) >= 1024 and step < len(_BINARY) - 1:
        held, step = held / 1024, step + 1
    shown = f"{held:.1f}" if step and held < 99.95 else f"{held:.0f}"
    return f"{shown.removesuffix('.0')} {_BINARY[step]}"


def of(part: int, whole: int | None) -> str:
    """Return how much of what there is room for: `30.8k/50.0k`, or the part alone."""
    return count(part) if not whole else f"{count(part)}/{count(whole)}"


def share(part: float, whole: float = 1.0) -> str:
    """Return a share in per cent; only nothing is 0 %, and only all is 100 %."""
    if whole <= 0 or not math.isfinite(part / whole):
        return _NOTHING
    held = 100 * part / whole
    if 0 < held < 1:
        return "<1%"
    return f"{min(99, round(held)) if held < 100 else round(held)}%"


def short(seconds: float | None) -> str:
    """Return how long something lasts, in two units at most: `0s`, `42s`, `1m42s`, `3d04h`."""
    if seconds is None or not math.isfinite(seconds):
        return _NOTHING
    whole = round(max(0.0, seconds))
    if whole < 60:
        return f"{whole}s"
    for unit, below, larger, smaller in (
        (60, 3_600, "m", "s"),
        (3_600, 86_400, "h", "m"),
        (86_400, None, "d", "h"),
    ):
        if below is None or whole < below:
            step = {"s": 1, "m": 60, "h": 3_600}[smaller]
            rest = whole % unit // step
            return f"{whole // unit}{larger}" + (f"{rest:02d}{smaller}" if rest else "")
    raise AssertionError("the last unit has no bound")


def latency(seconds: float | None) -> str:
    """Return how long a write took: `0.8ms`, `190ms`, `1.41s`, `1m10s`."""
    if seconds is None or not math.isfinite(seconds):
        return _NOTHING
    if seconds < 0.00995:
        return f"{seconds * 1e3:.1f}ms"
    if seconds < 0.9995:
        return f"{seconds * 1e3:.0f}ms"
    return f"{seconds:.2f}s" if seconds < 9.995 else short(seconds)


def clock(at: float, zone: tzinfo | None = None) -> str:
    """Return the time of day of Unix time `at`, here unless in `zone`: `03:12:47`."""
    try:
        return datetime.fromtimestamp(at, UTC).astimezone(zone).strftime("%H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return _NOTHING
