"""Which kinds each function and operator takes, and what kind it gives.

It speaks of kinds alone; a function that is not listed is one nothing is known of.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["COMPARED", "gives", "is_known"]

_NUMBERS = frozenset({"int", "uint", "double"})
COMPARED = frozenset({"_<_", "_<=_", "_>_", "_>=_"})
_ORDERED = frozenset({"bool", "string", "bytes", "timestamp", "duration"})
_KEYS = frozenset({"bool", "int", "uint", "double", "string"})

_S = "string"
_PARTS_OF_TIME = (
    "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear",
    "getHours", "getMinutes", "getSeconds", "getMilliseconds",
)  # fmt: skip
_TAKES: Mapping[str, Mapping[tuple[str, ...], str]] = {
    "_+_": {
        ("int", "int"): "int", ("uint", "uint"): "uint", ("double", "double"): "double",
        (_S, _S): _S, ("bytes", "bytes"): "bytes", ("list", "list"): "list",
        ("timestamp", "duration"): "timestamp", ("duration", "timestamp"): "timestamp",
        ("duration", "duration"): "duration",
    },
    "_-_": {
        ("int", "int"): "int", ("uint", "uint"): "uint", ("double", "double"): "double",
        ("timestamp", "timestamp"): "duration", ("timestamp", "duration"): "timestamp",
        ("duration", "duration"): "duration",
    },
    "_*_": {(kind, kind): kind for kind in ("int", "uint", "double")},
    "_/_": {(kind, kind): kind for kind in ("int", "uint", "double")},
    "_%_": {(kind, kind): kind for kind in ("int", "uint")},
    "-_": {("int",): "int", ("double",): "double"},
    "!_": {("bool",): "bool"},
    "_&&_": {("bool", "bool"): "bool"},
    "_||_": {("bool", "bool"): "bool"},
    "size": {(kind,): "int" for kind in (_S, "bytes", "list", "map")},
    **{name: {(_S, _S): "bool"} for name in ("contains", "startsWith", "endsWith", "matches")},
    **{name: {(_S,): _S} for name in ("lowerAscii", "upperAscii", "trim", "reverse")},
    "indexOf": {(_S, _S): "int", (_S, _S, "int"): "int"},
    "lastIndexOf": {(_S, _S): "int", (_S, _S, "int"): "int"},
    "replace": {(_S, _S, _S): _S, (_S, _S, _S, "int"): _S},
    "split": {(_S, _S): "list", (_S, _S, "int"): "list"},
    "substring": {(_S, "int"): _S, (_S, "int", "int"): _S},
    "charAt": {(_S, "int"): _S},
    "join": {("list",): _S, ("list", _S): _S},
    "string": {
        (kind,): _S
        for kind in ("bool", "int", "uint", "double", _S, "bytes", "timestamp", "duration")
    },
    **{
        name: {("timestamp",): "int", ("timestamp", _S): "int", ("duration",): "int"}
        for name in _PARTS_OF_TIME
    },
}  # fmt: skip


def is_known(function: str) -> bool:
    """Tell whether it is known what a function takes."""
    return function in _TAKES or function in COMPARED or function in {"_==_", "_!=_", "@in"}


def gives(function: str, kinds: tuple[str, ...]) -> str | None:
    """Return the kind a known function gives for these kinds, or None when it takes no such."""
    if function in {"_==_", "_!=_"}:
        return "bool"
    if function == "@in":
        return "bool" if kinds[1] == "list" or (kinds[1] == "map" and kinds[0] in _KEYS) else None
    if function in COMPARED:
        one, two = kinds
        fits = (one in _NUMBERS and two in _NUMBERS) or (one == two and one in _ORDERED)
        return "bool" if fits else None
    if function == "reverse" and kinds == ("list",):
        return "list"
    return _TAKES[function].get(kinds)
