"""RFC 3339 times to Unix seconds and back.

No clock is read here. A time the calendar of Python cannot hold is None, never an error.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

__all__ = ["is_rfc3339", "parse_rfc3339", "write_rfc3339"]

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,30}))?"
    r"(?:([Zz])|([+-])(\d\d):(\d\d))",
    re.ASCII,
)


def is_rfc3339(text: str) -> bool:
    """Tell whether a text has the form of such a time, whatever the calendar says of it."""
    return _RFC3339.fullmatch(text) is not None


def parse_rfc3339(text: str) -> float | None:
    """Return Unix seconds, or None for what is not such a time (a leap second is not).

    A float holds a present time to about 0.2 µs; further digits are rounded.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zulu, sign, off_h, off_m = match.groups()
    try:
        base = datetime(
            int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=UTC
        )
    except ValueError:
        return None
    offset = 0
    if zulu is None:
        if int(off_h) > 23 or int(off_m) > 59:
            return None
        offset = (int(off_h) * 3600 + int(off_m) * 60) * (-1 if sign == "-" else 1)
    return base.timestamp() - offset + (float(f"0.{fraction}") if fraction else 0.0)


def write_rfc3339(seconds: float) -> str | None:
    """Return UTC text with microseconds, or None outside the years 1 to 9999."""
    try:
        when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        return None
    return when.isoformat(timespec="microseconds").replace("+00:00", "Z")
