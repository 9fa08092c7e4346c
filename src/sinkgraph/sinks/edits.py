"""Changes to one event by dotted paths, as values: the event before and after share what is equal.

It computes nothing and decides nothing about failures. A path is `data.a.b` (`a.b` is the same),
`data`, `meta.x`, `type`, `source` or `time`; a part in backticks may hold dots.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from sinkgraph.errors import Rejected
from sinkgraph.event import Event, Json, Meta
from sinkgraph.formats.times import parse_rfc3339

__all__ = ["Draft", "Path", "read_path"]

_PART = re.compile(r"`([^`]+)`|([^.`]+)")
_HEADS = ("type", "source", "time")
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Path:
    """Is where something stands in an event: a head (`data`, `meta`, `type`, …) and its fields."""

    head: str
    fields: tuple[str, ...]

    def __str__(self) -> str:
        shown = (f"`{one}`" if "." in one else one for one in self.fields)
        return ".".join((self.head, *shown))


def read_path(text: str) -> Path:
    """Return the path a text names; raise ValueError for what is none, with the way to write it."""
    parts: list[str] = []
    at = 0
    while True:
        match = _PART.match(text, at)
        if match is None:
            raise ValueError(f"{text!r} is not a path: write it as `data.a.b`")
        parts.append(match.group(1) or match.group(2))
        at = match.end()
        if at == len(text):
            break
        if text[at] != ".":
            raise ValueError(f"{text!r} is not a path: write it as `data.a.b`")
        at += 1
    head, rest = parts[0], tuple(parts[1:])
    if head == "id":
        raise ValueError(f"the id of an event never changes: the payload's field is `data.{text}`")
    if head == "data":
        return Path("data", rest)
    if head == "meta":
        if not rest:
            raise ValueError("`meta` is changed entry by entry: write `meta.NAME`")
        return Path("meta", rest)
    if head in _HEADS:
        if rest:
            raise ValueError(
                f"`{head}` of an event has no fields: the payload's field is `data.{text}`"
            )
        return Path(head, ())
    return Path("data", tuple(parts))


class Draft:
    """Is an event being changed. It copies the containers on the way to a change, once each."""

    __slots__ = ("_event", "_heads", "_own")

    def __init__(self, event: Event) -> None:
        self._event = event
        self._heads: dict[str, Any] = {}
        self._own: dict[int, Any] = {}  # containers made here, kept so that ids stay theirs

    def finish(self) -> Event:
        """Return the changed event: same id, and what was not changed is shared."""
        event, heads = self._event, self._heads
        if not heads:
            return event
        payload = heads.get("data", event.payload)
        if payload is None and "data" in heads:
            raise Rejected("null is not a payload")
        meta = Meta(heads["meta"]) if "meta" in heads else event.meta
        make = Event if "data" in heads else type(event)
        return make(
            event.id,
            heads.get("type", event.type),
            heads.get("source", event.source),
            heads.get("time", event.time),
            payload,
            meta,
        )

    def set(self, path: Path, value: Any) -> None:
        """Put a value at a path; maps on the way are made where there is nothing.

        Raises `Rejected` where something that is no map stands on the way, or the value does not
        suit (`type` and `source` are text, `time` is Unix seconds or RFC 3339 text).
        """
        if path.fields:
            holder = self._holder(path, make=True)
            holder[path.fields[-1]] = value
        elif path.head == "time":
            self._heads["time"] = _seconds(value)
        elif path.head in ("type", "source"):
            if not isinstance(value, str):
                raise Rejected(f"`{path.head}` of an event is text, not {value!r}")
            self._heads[path.head] = value
        else:
            self._heads[path.head] = value

    def remove(self, path: Path) -> Any:
        """Take a path away and return what stood there, or ABSENT when nothing did."""
        if not path.fields:
            raise ValueError(f"`{path}` cannot be removed")
        holder = self._holder(path, make=False)
        if holder is None:
            return _ABSENT
        return holder.pop(path.fields[-1], _ABSENT)

    def rename(self, old: Path, new: Path) -> None:
        """Move what stands at `old` to `new`; nothing happens when nothing stands there."""
        value = self.remove(old)
        if value is not _ABSENT:
            self.set(new, value)

    def _root(self, head: str) -> Any:
        held = self._heads.get(head, _ABSENT)
        if held is not _ABSENT:
            return held
        held = self._event.payload if head == "data" else self._event.meta
        if held.__class__ is Json:
            try:
                return held.value
            except msgspec.DecodeError as error:
                raise Rejected(f"the payload is not JSON: {error}") from None
        return held

    def _holder(self, path: Path, *, make: bool) -> Any:
        """Return the map that holds the last field of a path, ready to be changed."""
        root = self._root(path.head)
        if not make and not _reaches(root, path.fields):
            return None
        holder = self._owned(root, path.head)
        self._heads[path.head] = holder
        where = path.head
        for name in path.fields[:-1]:
            where = f"{where}.{name}"
            below = self._owned(holder.get(name, _ABSENT), where)
            holder[name] = below
            holder = below
        return holder

    def _owned(self, held: Any, where: str) -> dict[str, Any]:
        """Return a map this draft may change: itself when made here, else a copy."""
        if id(held) in self._own:
            return held  # type: ignore[no-any-return]
        if held is _ABSENT:
            copied: dict[str, Any] = {}
        elif isinstance(held, Mapping):
            copied = dict(held)
        else:
            raise Rejected(f"`{where}` is {_kind(held)}, not a map")
        self._own[id(copied)] = copied
        return copied


def _reaches(root: Any, fields: tuple[str, ...]) -> bool:
    for name in fields:
        if not isinstance(root, Mapping) or name not in root:
            return False
        root = root[name]
    return True


def _kind(value: Any) -> str:
    names = {list: "a list", str: "text", bytes: "bytes", bool: "a bool", type(None): "null"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else "no JSON map")


def _seconds(value: Any) -> float:
    if isinstance(value, str):
        parsed = parse_rfc3339(value)
        if parsed is None:
            raise Rejected(f"{value!r} is not an RFC 3339 time")
        return parsed
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Rejected(f"`time` is Unix seconds or RFC 3339 text, not {value!r}")
    try:
        return float(value)
    except OverflowError:
        raise Rejected("`time` is beyond what a float can hold") from None
