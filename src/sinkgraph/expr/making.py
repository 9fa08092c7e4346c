"""What generated code makes values with: sums, texts, numbers of texts, and what loops give.

Each gives what the library would give, or gives up by raising; how long a loop may be is bounded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sinkgraph.expr.certain import EXACT, MAX, MIN, Unsure, certain_int, certain_text
from sinkgraph.expr.patterns import Pattern
from sinkgraph.expr.values import cel_time, to_cel

__all__ = ["MAKERS"]

_BLANKS = " \t\n\v\f\r"
_DIGITS = 18  # every integer of so many is one of 64 bit


def _pair(one: Any, other: Any) -> Any:
    """Return the common type of two numbers of CEL's, else give up."""
    kind: Any = one.__class__
    if other.__class__ is kind:
        if kind is float:
            return kind
        if kind is int and MIN <= one <= MAX and MIN <= other <= MAX:
            return kind
    raise Unsure


def _fitting(number: Any) -> Any:
    """Return a result that is no overflow, else give up."""
    if number.__class__ is int and not MIN <= number <= MAX:
        raise Unsure
    return number


def _add(one: Any, other: Any) -> Any:
    if one.__class__ is str:
        return certain_text(one) + certain_text(other)
    _pair(one, other)
    return _fitting(one + other)


def _subtract(one: Any, other: Any) -> Any:
    _pair(one, other)
    return _fitting(one - other)


def _multiply(one: Any, other: Any) -> Any:
    _pair(one, other)
    return _fitting(one * other)


def _divide(one: Any, other: Any) -> Any:
    if _pair(one, other) is float:
        return one / other
    whole = abs(one) // abs(other)
    return _fitting(whole if (one < 0) == (other < 0) else -whole)


def _modulo(one: Any, other: Any) -> Any:
    if _pair(one, other) is float or (one == MIN and other == -1):
        raise Unsure
    rest = abs(one) % abs(other)
    return -rest if one < 0 else rest


def _negative(value: Any) -> Any:
    _pair(value, value)
    return _fitting(-value)


# texts ------------------------------------------------------------------------------------------


def _plain(text: str) -> str:
    """Return ASCII text without the controls that are blanks to some and not to others."""
    if not text.isascii() or not text.isprintable():
        raise Unsure
    return text


def _lower(text: str) -> str:
    return _plain(text).lower()


def _upper(text: str) -> str:
    return _plain(text).upper()


def _trim(text: str) -> str:
    return _plain(text.strip(_BLANKS))


def _replace(text: str, old: str, new: str) -> str:
    return text.replace(old, new) if old else certain_text(None)


def _split(text: str, separator: str) -> list[str]:
    return text.split(separator)


def _join(items: Any, separator: str) -> str:
    if items.__class__ is not list:
        raise Unsure
    return separator.join([certain_text(item) for item in items])


def _substring(text: str, start: int, end: int | None) -> str:
    # What goes up to the end of the text is left to the library, which refuses some of it.
    if not 0 <= start <= (start if end is None else end) < len(text):
        raise Unsure
    return text[start:end]


def _char_at(text: str, at: int) -> str:
    if not 0 <= at < len(text):
        raise Unsure
    return text[at]


def _matches(ask: Callable[..., Any], text: str) -> bool:
    """Return whether the library finds its pattern in a text."""
    found = ask(data={"ev.id": text})
    if str(found.type()) != "BOOL":
        raise Unsure
    return found.plain_value() is True


def _found(pattern: Pattern, ask: Callable[..., Any], text: str) -> bool:
    """Return whether a pattern is found; a text that may take long is the library's."""
    if len(text) > pattern.longest:
        return _matches(ask, text)
    return pattern.find(text) is not None


# of one type into another -----------------------------------------------------------------------


def _to_int(value: Any) -> Any:
    kind = value.__class__
    if kind is str:
        digits = value.removeprefix("-")
        if digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS:
            return int(value)
    elif kind is float and -EXACT <= value <= EXACT:
        return int(value)
    return certain_int(value)


def _to_double(value: Any) -> Any:
    kind = value.__class__
    if kind is float:
        return value
    if kind is not int or not -EXACT <= value <= EXACT:
        raise Unsure
    return float(value)


def _to_string(value: Any) -> Any:
    kind = value.__class__
    if kind is bool:
        return "true" if value else "false"
    return str(certain_int(value)) if kind is int else certain_text(value)


def _out(value: Any) -> Any:
    """Return a value of a payload as it leaves an expression; what holds others is a copy."""
    return to_cel(value)


# loops ------------------------------------------------------------------------------------------


def _items(most: int, items: Any) -> Any:
    """Return a list that is not too long to be gone through here, else give up."""
    if items.__class__ is not list or len(items) > most:
        raise Unsure
    return items


def _exists(most: int, items: Any, test: Callable[[Any], bool]) -> bool:
    return any(map(test, _items(most, items)))


def _all(most: int, items: Any, test: Callable[[Any], bool]) -> bool:
    return all(map(test, _items(most, items)))


def _exists_one(most: int, items: Any, test: Callable[[Any], bool]) -> bool:
    return sum(map(test, _items(most, items))) == 1


def _filter(most: int, items: Any, test: Callable[[Any], bool]) -> list[Any]:
    return list(filter(test, _items(most, items)))


def _map(most: int, items: Any, make: Callable[[Any], Any]) -> list[Any]:
    return list(map(make, _items(most, items)))


MAKERS: dict[str, Any] = {
    "add": _add, "subtract": _subtract, "multiply": _multiply, "divide": _divide,
    "modulo": _modulo, "negative": _negative, "lower": _lower, "upper": _upper, "trim": _trim,
    "replace": _replace, "split": _split, "join": _join, "substring": _substring,
    "char_at": _char_at, "matches": _matches, "found": _found, "to_int": _to_int,
    "to_double": _to_double, "to_string": _to_string, "when": cel_time, "out": _out,
    "exists": _exists, "all": _all, "exists_one": _exists_one, "filter": _filter, "map": _map,
}  # fmt: skip
