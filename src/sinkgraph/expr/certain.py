"""What generated code asks about single values: each answers for certain, or gives up.

Certain means that the library would answer the same; it is asked whenever `Unsure` is raised.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from sinkgraph.event import Meta
from sinkgraph.expr.values import Unreadable, to_cel

__all__ = ["EXACT", "JUDGES", "MAX", "MIN", "Unsure", "certain_text", "is_equal", "unsure"]

MIN, MAX = -(2**63), 2**63 - 1
EXACT = 2**53  # integers up to here are doubles without loss
_TEXT_KEYS = {str}


class Unsure(Exception):
    """Say that only the library can judge this event."""


def unsure() -> bool:
    """Give up."""
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


def certain_int(value: Any) -> Any:
    """Return an integer of CEL's `int`, else give up."""
    if value.__class__ is int and MIN <= value <= MAX:
        return value
    raise Unsure


def is_equal(one: Any, other: Any) -> bool:
    """Return whether two scalars are equal; give up on containers."""
    kind = one.__class__
    if kind is other.__class__:
        if kind is str:
            return (one == other and not _dirty(one)) or _dirty(one) or _dirty(other)
        _odd(one)
        _odd(other)
        return bool(one == other)
    if kind in (int, float) and other.__class__ in (int, float):
        return bool(_comparable(one, other) == _comparable(other, one))
    return _odd(one) or _odd(other)


def _sides(one: Any, other: Any) -> None:
    """Give up on two values of which Python and CEL may differ on which comes first."""
    kind = one.__class__
    if kind is str:
        if other.__class__ is not str:
            raise Unsure
        if not (one.isascii() and other.isascii()) or "\0" in one or "\0" in other:
            _dirty(one)
            _dirty(other)
    elif other.__class__ is kind:
        if kind is not float and (kind is not int or not MIN <= one <= MAX >= other >= MIN):
            raise Unsure
    elif kind in (int, float) and other.__class__ in (int, float):
        _comparable(one, other)
        _comparable(other, one)
    else:
        raise Unsure


def _less(one: Any, other: Any) -> bool:
    _sides(one, other)
    return bool(one < other)


def _less_equal(one: Any, other: Any) -> bool:
    _sides(one, other)
    return bool(one <= other)


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


def _within(value: Any, holder: Any) -> bool:
    """Return whether a scalar is in a list, or a text in a map."""
    if value.__class__ is str:
        return _member(certain_text(value), holder)
    if holder.__class__ is not list:
        raise Unsure
    _odd(value)
    return any(is_equal(value, item) for item in holder)


# containers -------------------------------------------------------------------------------------


def _field(holder: Any, name: str) -> Any:
    """Return a field of a map all of whose names are text."""
    if holder.__class__ is not dict or set(map(type, holder)) != _TEXT_KEYS:
        raise Unsure
    return holder[name]


def _item(holder: Any, key: Any) -> Any:
    """Return an element of a list, or what a map has under a text."""
    if key.__class__ is str:
        return _field(holder, certain_text(key))
    if holder.__class__ is not list or key.__class__ is not int or key < 0:
        raise Unsure
    return holder[key]


def _maybe(holder: Any, name: str) -> Any:
    """Return a field of a map, UNSET where there is none or no map either."""
    if holder is UNSET:
        return UNSET
    if holder.__class__ is not dict and holder.__class__ is not Meta:
        raise Unsure
    return holder.get(name, UNSET)


def _maybe_field(holder: Any, name: str) -> Any:
    """Return what `_maybe` does, of a map all of whose names are text."""
    if holder.__class__ is dict and holder and set(map(type, holder)) != _TEXT_KEYS:
        raise Unsure
    return _maybe(holder, name)


def _or_value(optional: Any, instead: Any) -> Any:
    return instead if optional is UNSET else optional


def _size(value: Any) -> int:
    """Return how many characters, elements or entries a value has."""
    kind = value.__class__
    if kind is str:
        _dirty(value)
    elif kind is dict:
        if value and set(map(type, value)) != _TEXT_KEYS:
            raise Unsure
    elif kind is not list:
        raise Unsure
    return len(value)


def _is_kind(value: Any, kind: type) -> bool:
    """Return whether a value is of a kind of CEL's."""
    if value.__class__ is not dict and value.__class__ is not list:
        _odd(value)
    return value.__class__ is kind


JUDGES: dict[str, Any] = {
    "Exception": Exception, "UNSET": UNSET, "Meta": Meta, "dict": dict, "str": str, "int": int,
    "float": float, "list": list, "bool": bool, "len": len, "enumerate": enumerate,
    "unsure": unsure, "odd": _odd, "dirty": _dirty, "null": _null, "number": _number,
    "comparable": _comparable, "text": certain_text, "integer": certain_int, "equal": is_equal,
    "less": _less, "less_equal": _less_equal, "member": _member, "within": _within,
    "field": _field, "item": _item, "maybe": _maybe, "maybe_field": _maybe_field,
    "or_value": _or_value, "size": _size, "is_kind": _is_kind,
}  # fmt: skip
