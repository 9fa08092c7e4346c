"""What generated predicates call off their fast way: each answers for certain, or gives up.

Certain means that the library would answer the same; it is asked whenever `Unsure` is raised.
"""

from __future__ import annotations

from typing import Any

from sinkgraph.expr.values import Unreadable, to_cel

__all__ = ["EXACT", "KNOWN", "MAX", "MIN", "Unsure", "certain_scalar", "certain_text"]

MIN, MAX = -(2**63), 2**63 - 1
EXACT = 2**53  # integers up to here are doubles without loss


class Unsure(Exception):
    """Say that only the library can judge this event."""


def _unsure() -> bool:
    raise Unsure


def _dirty(text: str) -> bool:
    """Return False for text CEL can hold, else give up."""
    try:
        to_cel(text)
    except Unreadable:
        raise Unsure from None
    return False


def _odd(value: Any) -> bool:
    """Return False for a scalar that equals nothing of another kind, else give up."""
    kind = value.__class__
    if kind is str:
        return _dirty(value)
    if kind is int:
        if not MIN <= value <= MAX:
            raise Unsure
    elif value is not None and kind is not bool and kind is not float:
        raise Unsure
    return False


def _null(value: Any) -> bool:
    kind = value.__class__
    return False if kind is dict or kind is list else _odd(value)


def _number(value: Any, other: Any) -> bool:
    """Return whether a value of another kind equals a number."""
    kind = value.__class__
    if kind in (int, float):
        return bool(_comparable(value, other) == other)
    return _odd(value)


def _comparable(value: Any, other: Any) -> Any:
    """Return a number that Python and CEL compare with `other` alike, else give up."""
    kind = value.__class__
    if kind is int and MIN <= value <= MAX:
        if other.__class__ is int or -EXACT <= value <= EXACT:
            return value
    elif kind is float and (other.__class__ is float or -EXACT <= other <= EXACT):
        return value
    raise Unsure


def certain_text(value: Any) -> Any:
    """Return text that CEL can hold, else give up."""
    if value.__class__ is not str:
        raise Unsure
    _dirty(value)
    return value


def certain_scalar(value: Any) -> Any:
    """Return a scalar that comes back from CEL as it went in, else give up."""
    _odd(value)
    return value


def _member(text: str, holder: Any) -> bool:
    """Return whether a text is in a list or among the keys of a map; give up on odd contents."""
    kind = holder.__class__
    if kind is not list and kind is not dict:
        raise Unsure
    if kind is dict and text in holder:
        return True
    for item in holder:
        if item.__class__ is not str:
            if kind is dict:
                raise Unsure
            _odd(item)
        elif item == text:
            return True
        else:
            _dirty(item)
    return False


KNOWN: dict[str, Any] = {
    "Exception": Exception, "enumerate": enumerate, "dict": dict, "str": str, "int": int,
    "float": float, "unsure": _unsure, "odd": _odd, "dirty": _dirty, "null": _null,
    "number": _number, "comparable": _comparable, "text": certain_text, "member": _member,
}  # fmt: skip
