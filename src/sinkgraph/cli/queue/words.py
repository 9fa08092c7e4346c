"""How the queue commands put numbers into words: sizes, ages, times, tables.

It prints nothing and reads no clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sinkgraph.diagnostics.safe import safe_text, width

__all__ = ["age_words", "events", "queue_words", "size_words", "table", "time_words", "verb"]

REPLAY = "replay/"
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def events(count: int) -> str:
    """Return `1 event`, `2,000 events`."""
    return f"{count:,} event{'' if count == 1 else 's'}"


def verb(count: int) -> str:
    """Return `waits` of one, else `wait`."""
    return "waits" if count == 1 else "wait"


def size_words(size: int) -> str:
    """Return bytes as a person reads them: `812 B`, `1.4 MiB`."""
    value, k = float(size), 0
    while value >= 1024 and k < len(_UNITS) - 1:
        value, k = value / 1024, k + 1
    return f"{size:,} B" if k == 0 else f"{value:.1f} {_UNITS[k]}"


def age_words(seconds: float | None) -> str:
    """Return an age in its two largest units: `3d 4h`, `12m 5s`, `0s`; `—` for none."""
    if seconds is None or seconds != seconds:
        return "—"
    if seconds < 0:
        return "in the future"
    if seconds >= 1e10:
        return "ages"
    left = int(seconds)
    parts: list[str] = []
    for unit, each in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        n, left = divmod(left, each)
        if n or parts:
            parts.append(f"{n}{unit}")
    return " ".join(parts[:2]) or "0s"


def time_words(seconds: float) -> str:
    """Return a Unix time in local time, to the millisecond; as a number where no calendar does."""
    try:
        when = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).astimezone()
        return when.strftime("%Y-%m-%d %H:%M:%S.") + f"{when.microsecond // 1000:03d}"
    except (OverflowError, ValueError, OSError):
        return f"{seconds:g}"


def queue_words(name: str) -> str:
    """Return how the name of a queue is shown: a replay is told as one."""
    if name.startswith(REPLAY):
        return f"{safe_text(name)} (replay)"
    return safe_text(name)


def table(rows: Sequence[Sequence[str]], *, right: frozenset[int], indent: str = "  ") -> list[str]:
    """Return rows as aligned lines; the columns in `right` are aligned there."""
    widths = [max(width(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines: list[str] = []
    for row in rows:
        cells: list[str] = []
        for k, cell in enumerate(row):
            blanks = " " * (widths[k] - width(cell))
            cells.append(blanks + cell if k in right else cell + blanks)
        lines.append((indent + "  ".join(cells)).rstrip())
    return lines
