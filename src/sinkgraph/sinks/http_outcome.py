"""What an HTTP answer means for the events that were sent: taken, try again, or at fault.

Pure functions of status, headers and time (SEMANTICS: HTTP outcomes). Nothing here sends or waits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Literal

__all__ = ["Ok", "Outcome", "Override", "Reject", "Retry", "classify", "parse_retry_after"]

Override = Literal["ok", "retry", "reject", "dead_letter"]
"""What a document may say a status means, by code (`404`) or class (`4xx`)."""

ENDPOINT_FAULTS = frozenset({401, 403, 404, 407, 408, 425, 429})
REFUSALS = frozenset({401, 403, 404, 407})
NEVER = frozenset({501, 505})
SPLITTABLE = frozenset({400, 413, 422})
_DIGITS = re.compile(r"[0-9]{1,10}", re.ASCII)
_HTTP_DATE = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (?:[A-Z][a-z]{2}) \d{4} \d\d:\d\d:\d\d GMT"
    r"|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d GMT"
    r"|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Ok:
    """The destination has taken the events."""


@dataclass(frozen=True, slots=True)
class Retry:
    """The endpoint is at fault: try again, not before `retry_after_s` seconds when given.

    `refused`: the endpoint refuses us, which a person should know. `junk`: it sent a Retry-After
    that could not be read.
    """

    retry_after_s: float | None = None
    refused: bool = False
    junk: bool = False


@dataclass(frozen=True, slots=True)
class Reject:
    """The events are at fault. `isolate`: the destination is gone for good.

    `split`: one bad event of a batch may be the reason, so that halves are worth trying.
    """

    isolate: bool = False
    split: bool = False


Outcome = Ok | Retry | Reject


def classify(
    status: int,
    headers: Mapping[str, str],
    overrides: Mapping[str, Override],
    now: float,
    *,
    cap_s: float = 3600.0,
) -> Outcome:
    """Return what an answer means.

    `headers` have lower-case names, `overrides` keys like `"404"` and `"4xx"` (a code beats its
    class), `now` is Unix time, `cap_s` bounds what a Retry-After may ask for.
    """
    said = overrides.get(str(status)) or overrides.get(f"{status // 100}xx")
    match said:
        case "ok":
            return Ok()
        case "reject" | "dead_letter":
            return Reject(split=status in SPLITTABLE)
        case "retry":
            return _retry(status, headers, now, cap_s)
        case None:
            pass
    if 200 <= status <= 299:
        return Ok()
    if status == 410:
        return Reject(isolate=True)
    if status in NEVER or (400 <= status <= 499 and status not in ENDPOINT_FAULTS):
        return Reject(split=status in SPLITTABLE)
    return _retry(status, headers, now, cap_s)


def _retry(status: int, headers: Mapping[str, str], now: float, cap_s: float) -> Retry:
    text = headers.get("retry-after")
    seconds = None if text is None else parse_retry_after(text, now)
    return Retry(
        retry_after_s=None if seconds is None else min(seconds, cap_s),
        refused=status in REFUSALS,
        junk=text is not None and seconds is None,
    )


def parse_retry_after(text: str, now: float) -> float | None:
    """Return the seconds to wait (past dates are 0), or None for what is neither form.

    RFC 9110 §10.2.3: a number of seconds, here at most 10 digits, or an HTTP-date (§5.6.7).
    """
    text = text.strip(" \t")
    if _DIGITS.fullmatch(text):
        return float(int(text))
    if len(text) > 40 or not _HTTP_DATE.fullmatch(text):
        return None
    try:
        when = parsedate_to_datetime(text)
        if when.tzinfo is None:
            when = when.replace(tzinfo=UTC)
        return max(0.0, when.timestamp() - now)
    except (ValueError, OverflowError, TypeError):
        return None
