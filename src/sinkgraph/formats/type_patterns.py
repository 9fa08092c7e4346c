"""Which of several patterns of event types an event of a type belongs to.

A pattern is a type, or the beginning of types followed by `*`. The type itself comes first, then
the longest beginning; `default` stands for every other type. Nothing here reads events.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["DEFAULT", "best_pattern", "meets"]

DEFAULT = "default"


def best_pattern(patterns: Iterable[str], type: str) -> str | None:
    """Return the pattern a type belongs to; None when there is none."""
    best: str | None = None
    for one in patterns:
        if one == type and one != DEFAULT:
            return one
        if one == DEFAULT:
            best = best or one
        elif one.endswith("*") and type.startswith(one[:-1]):
            best = one if best is None or best == DEFAULT or len(one) > len(best) else best
    return best


def meets(pattern: str, others: Iterable[str], beginning: str) -> bool:
    """Tell whether some type with that beginning may belong to a pattern, beside the others."""
    inner = [one[:-1] for one in others if one.endswith("*")]
    if pattern != DEFAULT and not pattern.endswith("*"):
        return pattern.startswith(beginning)
    own = "" if pattern == DEFAULT else pattern[:-1]
    if not (own.startswith(beginning) or beginning.startswith(own)):
        return False
    return not any(len(one) > len(own) and beginning.startswith(one) for one in inner)
