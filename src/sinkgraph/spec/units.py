"""Numbers with units, read and written: durations, sizes and rates.

It knows no field: which limits a field has beyond "more than nothing, and not absurd" is decided
where the field is declared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from sinkgraph.spec.refused import Refused

__all__ = [
    "DURATION_EXAMPLES",
    "DURATION_PATTERN",
    "MAX_DURATION_S",
    "MAX_SIZE",
    "RATE_EXAMPLES",
    "RATE_PATTERN",
    "SIZE_EXAMPLES",
    "SIZE_PATTERN",
    "format_duration",
    "format_rate",
    "format_size",
    "parse_duration",
    "parse_rate",
    "parse_size",
]

MAX_DURATION_S = 3650 * 86_400.0
MAX_SIZE = 1024**5
MAX_RATE = 1e9

DURATION_EXAMPLES = ("500ms", "1s", "2m", "1h30m", "3d")
SIZE_EXAMPLES = ("64KiB", "10MB", "1GiB")
RATE_EXAMPLES = ("2000/s", "100/m", "10/h")

_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
DURATION_PATTERN = rf"^({_NUMBER}(us|ms|s|m|h|d|w))+$"
SIZE_PATTERN = rf"^{_NUMBER}(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$"
RATE_PATTERN = rf"^{_NUMBER}/(s|m|h|d)$"

_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_BYTES = {
    "B": 1,
    "kB": 1000,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "TB": 1000**4,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
    "TiB": 1024**4,
}
_PER_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_SPELLED = {
    "usec": "us",
    "microsecond": "us",
    "msec": "ms",
    "millisecond": "ms",
    "sec": "s",
    "second": "s",
    "min": "m",
    "minute": "m",
    "hr": "h",
    "hour": "h",
    "day": "d",
    "week": "w",
}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)([A-Za-z]+)")
_SIGNED = re.compile(r"[+-]?[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?")
_SPACED = re.compile(r"[0-9.]+\s+[A-Za-z]+")
_MAX_TEXT = 64

_Units = Mapping[str, float]


def parse_duration(text: str, *, zero: bool = False) -> float:
    """Return the seconds of `500ms`, `1s`, `2m`, `1h30m`, `3d`; raise Refused.

    Units come from large to small, each once. `zero` allows `0s`. At most ten years.
    """
    _check_form(text, _SECONDS, DURATION_EXAMPLES)
    seconds, at, last = 0.0, 0, float("inf")
    while at < len(text):
        part = _PART.match(text, at)
        if part is None or part[2] not in _SECONDS:
            raise _unknown(text, part[2] if part else "", _SECONDS, DURATION_EXAMPLES)
        unit = _SECONDS[part[2]]
        if unit >= last:
            raise Refused(
                "SG127",
                "does not have its units from large to small, each once",
                f"write it like {_some(DURATION_EXAMPLES)}",
            )
        seconds, at, last = seconds + _decimal(part[1], unit), part.end(), unit
    if seconds == 0 and not zero:
        raise Refused("SG123", "is zero", "a duration here is more than nothing")
    if seconds > MAX_DURATION_S:
        raise Refused("SG123", "is longer than ten years", "the longest duration is 3650d")
    return seconds


def parse_size(text: str, *, zero: bool = False) -> int:
    """Return the bytes of `64KiB` (1,024 each) or `10MB` (1,000,000 each); raise Refused."""
    _check_form(text, _BYTES, SIZE_EXAMPLES)
    part = _PART.fullmatch(text)
    if part is None or part[2] not in _BYTES:
        raise _unknown(text, part[2] if part else "", _BYTES, SIZE_EXAMPLES)
    unit = _BYTES[part[2]]
    size = int(part[1]) * unit if part[1].isdigit() else int(float(part[1]) * unit)
    if size == 0 and not zero:
        raise Refused("SG123", "is zero", "a size here is at least one byte")
    if size > MAX_SIZE:
        raise Refused("SG123", "is larger than 1024 TiB", "write a smaller size")
    return size


def parse_rate(text: str) -> float:
    """Return the events per second of `2000/s`, `100/m`, `10/h`; raise Refused."""
    number, slash, unit = text.partition("/")
    help = f"write it like {_some(RATE_EXAMPLES)}"
    if len(text) > _MAX_TEXT:
        raise Refused("SG127", "is too long for a rate", help)
    if text.startswith("-") and _SIGNED.fullmatch(number):
        raise Refused("SG123", "is negative", help)
    if not slash and _SIGNED.fullmatch(text):
        raise Refused("SG127", "does not say per what time", help)
    if unit not in _PER_S or not re.fullmatch(_NUMBER, number):
        raise Refused("SG127", "is not a rate", help)
    rate = float(number) / _PER_S[unit]
    if rate == 0:
        raise Refused("SG123", "is zero", "a rate is more than nothing")
    if rate > MAX_RATE:
        raise Refused("SG123", "is more than 1000000000/s", "write a smaller rate")
    return rate


def format_duration(seconds: float) -> str:
    """Write seconds as a document does: `1h30m`, `500ms`; `parse_duration` reads it back."""
    if seconds == 0:
        return "0s"
    micros = round(seconds * 1_000_000)
    parts = []
    for unit, size in (
        ("d", 86_400_000_000),
        ("h", 3_600_000_000),
        ("m", 60_000_000),
        ("s", 1_000_000),
        ("ms", 1_000),
        ("us", 1),
    ):
        count, micros = divmod(micros, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def format_size(size: int) -> str:
    """Write bytes as a document does, exactly: `64KiB`, `10MB`; else in `B`."""
    for unit in ("TiB", "TB", "GiB", "GB", "MiB", "MB", "KiB", "kB"):
        if size and size % _BYTES[unit] == 0:
            return f"{size // _BYTES[unit]}{unit}"
    return f"{size}B"


def format_rate(per_s: float) -> str:
    """Write events per second as a document does: `2000/s`, `10/h`."""
    for unit, seconds in _PER_S.items():
        count = per_s * seconds
        if abs(count - round(count)) < 1e-9 * max(1.0, count) and round(count):
            return f"{round(count)}/{unit}"
    return f"{per_s:.6f}".rstrip("0").rstrip(".") + "/s"


def _check_form(text: str, units: _Units, like: tuple[str, ...]) -> None:
    help = f"write the unit, for example {_some(like)}"
    if not text.strip():
        raise Refused("SG127", "holds no number", help)
    if len(text) > _MAX_TEXT:
        raise Refused("SG127", "is too long for a number and a unit", help)
    if text[0] == "-" and _SIGNED.match(text):
        raise Refused("SG123", "is negative", f"write it like {_some(like)}")
    if _SIGNED.fullmatch(text):
        raise Refused("SG127", "has no unit", help)
    if _SPACED.fullmatch(text):
        number, unit = text.split()
        if unit in units:
            help = f"write it without the space: `{number}{unit}`"
            raise Refused("SG127", "has a space before its unit", help)
        raise _unknown(number + unit, unit, units, like)


def _unknown(text: str, unit: str, units: _Units, like: tuple[str, ...]) -> Refused:
    part = _PART.match(text)
    if not unit or part is None:
        return Refused("SG127", "is not a number and a unit", f"write it like {_some(like)}")
    meant = _meant(unit, units)
    if meant is not None and part.end() == len(text):
        help = f"write `{part[1]}{meant}`"
    else:
        known = ", ".join(f"`{one}`" for one in units)
        help = f"the units are {known}, as in `{like[-1]}`"
    return Refused("SG127", f"has an unknown unit `{unit}`", help)


def _meant(unit: str, units: _Units) -> str | None:
    """Return the unit that one spelled out, or in other capitals, stands for."""
    folded = unit.lower()
    for one in (_SPELLED.get(folded), _SPELLED.get(folded.removesuffix("s"))):
        if one in units:
            return one
    return next((one for one in units if one.lower() == folded), None)


def _decimal(number: str, unit: float) -> float:
    """Multiply exactly where the unit is a whole number of seconds or divides one."""
    return float(number) * unit if unit >= 1 else float(number) / round(1 / unit)


def _some(examples: tuple[str, ...]) -> str:
    *first, last = (f"`{one}`" for one in examples)
    return f"{', '.join(first)} or {last}"
