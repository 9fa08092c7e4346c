"""Values into CEL and back, and the part of a payload an expression needs.

The library cuts text at NUL, fails on lone surrogates and on integers beyond 64 bit, and dies on
very deep values; all of these become `Unreadable` here, and only where the expression looks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from sinkgraph.event import Json, to_payload
from sinkgraph.expr.library import CONTAINER, Value
from sinkgraph.expr.tree import Call, Const, Ident, Node, Select, children

__all__ = [
    "MAX_DEPTH", "Need", "Unreadable", "cel_time", "from_cel", "needs", "paths", "project",
    "to_cel",
]  # fmt: skip

MAX_DEPTH = 200
_MIN_INT, _MAX_UINT = -(2**63), 2**64 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INDEXED = frozenset({"_[_]", "_?._", "_[?_]"})


class Unreadable(Exception):
    """Say that a value has no counterpart in CEL, with the path that led to it."""

    def __init__(self, reason: str, path: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path


# what an expression needs -----------------------------------------------------------------------


@dataclass(slots=True)
class Need:
    """Says which part of a variable is read: all of it, some fields, or only that it is there."""

    whole: bool = False
    fields: dict[str, Need] = field(default_factory=dict)


def needs(root: Node) -> dict[str, Need]:
    """Return what an expression reads of each variable, by the variable's short name."""
    found: dict[str, Need] = {}
    _collect(root, found)
    return found


def _collect(node: Node, found: dict[str, Need]) -> None:
    need = _path(node, found)
    if need is None:
        for child in children(node):
            _collect(child, found)
    elif not (isinstance(node, Select) and node.test):
        need.whole = True


def _path(node: Node, found: dict[str, Need]) -> Need | None:
    """Return the need a chain of field reads ends at, or None for any other node."""
    step: str
    if isinstance(node, Ident):
        head, dot, name = node.name.partition(".")
        return found.setdefault(name, Need()) if dot and head == CONTAINER else None
    if isinstance(node, Select):
        below, step = node.operand, node.field
    elif (
        isinstance(node, Call)
        and node.function in _INDEXED
        and isinstance(node.args[1], Const)
        and isinstance(node.args[1].value, str)
    ):
        below, step = node.args[0], node.args[1].value
    else:
        return None
    need = _path(below, found)
    return None if need is None else need.fields.setdefault(step, Need())


def paths(found: Mapping[str, Need], last: str | None) -> Iterator[str]:
    """Yield the read paths `data.a.b` that end at the field `last` (None: of two fields or more).

    A field whose name is no identifier is quoted the way `has()` takes it.
    """
    stack = [(name, need) for name, need in reversed(list(found.items()))]
    while stack:
        path, need = stack.pop()
        for name, below in need.fields.items():
            shown = name if name.isidentifier() and name.isascii() else f"`{name}`"
            if name == last or (last is None and "." in path):
                yield path if last is None else f"{path}.{shown}"
            stack.append((f"{path}.{shown}", below))


def project(need: Need, value: Any) -> Any:
    """Return the part of `value` that is needed, as CEL can hold it; raise `Unreadable`."""
    if need.whole:
        return to_cel(value)
    if value.__class__ is not dict:
        value = _normal(value)
        if value.__class__ is not dict:
            # Only its kind matters: reading a field of it is an error whatever it holds.
            return value.__class__() if value is not None else None
    part: dict[str, Any] = {}
    for name, below in need.fields.items():
        if name not in value:
            continue
        held = value[name]
        if not below.whole and not below.fields:
            part[name] = True
            continue
        try:
            part[name] = project(below, held)
        except Unreadable as error:
            raise Unreadable(error.reason, (name, *error.path)) from None
    return part


# into CEL ---------------------------------------------------------------------------------------


def to_cel(value: Any, depth: int = 0) -> Any:
    """Return `value` as the library takes it without loss; raise `Unreadable`."""
    kind = value.__class__
    if kind is str:
        return _text(value)
    if value is None or kind is bool or kind is float:
        return value
    if kind is int:
        if not _MIN_INT <= value <= _MAX_UINT:
            raise Unreadable("it is an integer beyond 64 bit")
        return value
    if depth > MAX_DEPTH:
        raise Unreadable(f"it nests deeper than {MAX_DEPTH} levels")
    if kind is dict:
        return {_text(_key(key)): to_cel(item, depth + 1) for key, item in value.items()}
    if kind is list:
        return [to_cel(item, depth + 1) for item in value]
    if kind is bytes:
        if 0 in value:
            raise Unreadable("its bytes hold a NUL")
        return value
    return to_cel(_normal(value), depth + 1)


def _text(value: str) -> str:
    if "\0" in value:
        raise Unreadable("its text holds a NUL character")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Unreadable("its text holds a lone surrogate") from None
    return value


def _key(key: Any) -> str:
    """Return the name a key has when the payload is written as JSON."""
    if isinstance(key, str):
        return key if key.__class__ is str else str.__str__(key)
    try:
        (name,) = msgspec.to_builtins({key: None}, str_keys=True)
    except (TypeError, ValueError):
        raise Unreadable(f"a {type(key).__name__} cannot be a key") from None
    return str(name)


def _normal(value: Any) -> Any:
    """Return a value of a plain type for one of any other, as the payload table has it."""
    match value:
        case None | bool() | int() | float() | str() | bytes() | dict() | list():
            return _bare(value)
        case Json():
            try:
                return value.value
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise Unreadable(f"it is not JSON: {error}") from None
        case bytearray() | memoryview():
            return bytes(value)
        case tuple() | Set():
            return list(value)
        case Mapping():
            return dict(value)
    try:
        plain = to_payload(value)
    except (TypeError, ValueError, RecursionError):
        raise Unreadable(f"a {type(value).__name__} is not a JSON value") from None
    if plain.__class__ is value.__class__:
        raise Unreadable(f"a {type(value).__name__} is not a JSON value")
    return plain


def _bare(value: Any) -> Any:
    """Return the plain value inside an instance of a subclass of a plain type."""
    kinds: tuple[Any, ...] = (bool, int, float, bytes, dict, list)
    for kind in kinds:
        if isinstance(value, kind):
            return value if value.__class__ is kind else kind(value)
    return str.__str__(value) if isinstance(value, str) else value


def cel_time(seconds: Any) -> datetime:
    """Return Unix seconds as a timestamp; raise `Unreadable` outside the years 1 to 9999."""
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except (OverflowError, ValueError, TypeError):
        raise Unreadable(f"{seconds!r} is not a time between the years 1 and 9999") from None


# out of CEL -------------------------------------------------------------------------------------


def from_cel(value: Value) -> Any:
    """Return a result as a JSON value (or bytes); raise `Unreadable` for what is none.

    A timestamp becomes RFC 3339 text, a duration seconds with an `s`, a type its name. The value
    must not be an error.
    """
    kind = str(value.type())
    head = kind.partition("<")[0]
    if head == "LIST":
        inner: Any = value.value()
        return [from_cel(item) for item in inner]
    if head == "MAP":
        entries: Any = value.value()
        if not all(key.__class__ is str for key in entries):
            # Python holds 1 and True to be one key, so the library has lost entries by now.
            raise Unreadable("the result has a key that is not text; write `string(…)` for it")
        return {key: from_cel(item) for key, item in entries.items()}
    if head == "TYPE":
        return str(value).partition("<")[0]
    if head not in {"BOOL", "INT", "UINT", "DOUBLE", "STRING", "BYTES", "NULL", *_TIMES}:
        what = "an optional" if head in {"ERROR", "UNKNOWN"} else f"a {kind}"
        raise Unreadable(f"the result holds {what}, which is not a JSON value")
    plain: Any = value.plain_value()
    if head == "BYTES":
        return bytes(plain)
    if head == "TIMESTAMP":
        return plain.isoformat().replace("+00:00", "Z")
    return _duration_text(plain) if head == "DURATION" else plain


_TIMES = ("TIMESTAMP", "DURATION")


def _duration_text(length: timedelta) -> str:
    micros = length // timedelta(microseconds=1)
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    whole, part = divmod(micros, 1_000_000)
    tail = f".{part:06d}".rstrip("0") if part else ""
    return f"{sign}{whole}{tail}s"
