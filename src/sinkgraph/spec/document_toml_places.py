"""Where the keys and values of a TOML text stand; tomllib says what they are.

It reads valid TOML 1.0 and stops quietly at anything else: judging is tomllib's work. Only
nesting that is too deep is its own finding, since tomllib would recurse into it.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import NamedTuple

from sinkgraph.spec.document_text import MAX_DEPTH, MAX_VALUES

__all__ = ["Place", "Places", "scan_places"]

_BLANK = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
_SPACE = re.compile(r"[ \t]*")
_PART = re.compile(r"[A-Za-z0-9_-]++|\"(?:[^\"\\\n]++|\\.)*+\"|'[^'\n]*+'")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_TEXT = re.compile(
    r'"""(?:[^"\\]++|\\.|"{1,2}(?!"))*+"{3,5}'
    r"|'''(?:[^']++|'{1,2}(?!'))*+'{3,5}"
    r'|"(?:[^"\\\n]++|\\.)*+"'
    r"|'[^'\n]*+'",
    re.DOTALL,
)
_MAX_BARE = 1000
_LINE = re.compile(
    r"([A-Za-z0-9_-]++)[ \t]*+=[ \t]*+"
    r"(\"[^\"\\\n]*+\"|'[^'\n]*+'|[0-9A-Za-z_.+:-]{1,100}+)[ \t]*+\r?\n"
)
"""A plain key with a plain value on a line of its own, as most lines are."""
_BARE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9][0-9:.Zz+-]*|[^\s,\]}#]+")


@dataclass(slots=True)
class Place:
    """Is where a value stands, [start, end), and its key; `kids` are the places inside it."""

    key: tuple[int, int]
    start: int
    end: int
    depth: int
    kids: dict[str, Place] | list[Place] | None = None
    declared: bool = False


@dataclass(slots=True)
class Places:
    """Is what a scan found: the root, the first key that stands twice, the first value too deep.

    `too_many`: where the first value stands that is one too many; `too_long`: a bare value no
    number or word is as long as.
    """

    root: Place
    twice: tuple[tuple[int, int], tuple[int, int]] | None = None
    too_deep: int | None = None
    too_many: int | None = None
    too_long: tuple[int, int] | None = None


class _Part(NamedTuple):
    name: str
    start: int
    end: int


class _StopScanningError(Exception):
    """Ends the scan."""


def scan_places(text: str) -> Places:
    """Return the places of all keys and values up to the first thing that is not TOML."""
    scanner = _Scanner(text)
    try:
        scanner.scan()
    except _StopScanningError:
        pass
    return scanner.places


class _Scanner:
    """Scans one text from front to back."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.places = Places(Place((0, 0), 0, len(text), 1, {}))
        self.left = MAX_VALUES

    def scan(self) -> None:
        """Fill `places`; raise _StopScanningError at the first thing that is not TOML."""
        text, table = self.text, self.places.root
        at = self._blank(0)
        while at < len(text):
            line = _LINE.match(text, at)
            if line is not None:
                self._line(table, line)
                at = line.end()
            elif text.startswith("[[", at):
                table, at = self._header(at, 2)
            elif text[at] == "[":
                table, at = self._header(at, 1)
            else:
                parts, at = self._key(at)
                holder = self._walk(table, parts[:-1])
                if text[at : at + 1] != "=":
                    raise _StopScanningError
                at = self._value(holder, parts[-1], self._space(at + 1))
            at = self._blank(at)

    def _line(self, table: Place, line: re.Match[str]) -> None:
        """Read a plain key and value, as `_key` and `_value` would."""
        key = _Part(line[1], line.start(1), line.end(1))
        self._attach(table, key, self._place(table, key, line.start(2), line.end(2), None))

    # --- tables ---------------------------------------------------------------------------------

    def _header(self, at: int, brackets: int) -> tuple[Place, int]:
        start = at
        parts, at = self._key(self._space(at + brackets))
        if not self.text.startswith("]" * brackets, at):
            raise _StopScanningError
        end = at + brackets
        holder = self._walk(self.places.root, parts[:-1])
        kids = holder.kids
        if not isinstance(kids, dict):
            raise _StopScanningError
        last = parts[-1]
        known = kids.get(last.name)
        if brackets == 2:
            if known is None:
                known = self._place(holder, last, start, end, [])
                kids[last.name] = known
            if not isinstance(known.kids, list):
                self._found_twice(known, last)
                raise _StopScanningError
            row = self._place(known, last, start, end, {})
            known.kids.append(row)
            return row, end
        if known is None:
            known = kids[last.name] = self._place(holder, last, start, end, {})
        elif known.declared or not isinstance(known.kids, dict):
            self._found_twice(known, last)
        else:
            known.key, known.start, known.end = (last.start, last.end), start, end
        known.declared = True
        return known, end

    def _walk(self, table: Place, parts: list[_Part]) -> Place:
        """Return the table that a dotted key leads to, making the ones it implies."""
        for part in parts:
            kids = table.kids
            if not isinstance(kids, dict):
                raise _StopScanningError
            found = kids.get(part.name)
            if found is None:
                found = kids[part.name] = self._place(table, part, part.start, part.end, {})
            if isinstance(found.kids, list):
                if not found.kids:
                    raise _StopScanningError
                found = found.kids[-1]
            table = found
        return table

    def _place(
        self,
        holder: Place,
        key: _Part,
        start: int,
        end: int,
        kids: dict[str, Place] | list[Place] | None,
    ) -> Place:
        self.left -= 2 if key.name else 1  # an item of a list has no key
        if self.left < 0:
            self.places.too_many = start
            raise _StopScanningError
        depth = holder.depth + 1
        if kids is not None and depth > MAX_DEPTH:
            self.places.too_deep = start
            raise _StopScanningError
        return Place((key.start, key.end), start, end, depth, kids)

    def _found_twice(self, first: Place, again: _Part) -> None:
        if self.places.twice is None:
            self.places.twice = first.key, (again.start, again.end)

    # --- keys and values ------------------------------------------------------------------------

    def _key(self, at: int) -> tuple[list[_Part], int]:
        """Read a dotted key; return its parts and where the next thing after it stands."""
        parts: list[_Part] = []
        while True:
            found = _PART.match(self.text, at)
            if found is None:
                raise _StopScanningError
            raw = found[0]
            name = raw
            if raw[0] in "\"'":
                name = raw[1:-1] if "\\" not in raw or raw[0] == "'" else _decoded(raw)
            parts.append(_Part(name, found.start(), found.end()))
            if len(parts) > MAX_DEPTH:
                self.places.too_deep = found.start()
                raise _StopScanningError
            dot = _DOT.match(self.text, found.end())
            if dot is None:
                return parts, self._space(found.end())
            at = dot.end()

    def _value(self, holder: Place, key: _Part, at: int) -> int:
        """Read one value with all it holds, put its places below `holder`, return its end."""
        opened: list[Place] = []
        while True:
            char = self.text[at : at + 1]
            if char in {"[", "{"}:
                place = self._place(holder, key, at, at, [] if char == "[" else {})
                self._attach(holder, key, place)
                opened.append(place)
                at = self._blank(at + 1)
            else:
                found = _TEXT.match(self.text, at) or _BARE.match(self.text, at)
                if found is None:
                    raise _StopScanningError
                if found.re is _BARE and found.end() - at > _MAX_BARE:
                    self.places.too_long = at, found.end()
                    raise _StopScanningError
                self._attach(holder, key, self._place(holder, key, at, found.end(), None))
                at = found.end()
            at = self._close(opened, at)
            if not opened:
                return at
            if isinstance(opened[-1].kids, dict):
                parts, at = self._key(at)
                if self.text[at : at + 1] != "=":
                    raise _StopScanningError
                at = self._space(at + 1)
                holder, key = self._walk(opened[-1], parts[:-1]), parts[-1]
            else:
                holder, key = opened[-1], _Part("", at, at)

    def _close(self, opened: list[Place], at: int) -> int:
        """Read commas and closers after a value; return where the next value or key stands."""
        while opened:
            place = opened[-1]
            closer = "]" if isinstance(place.kids, list) else "}"
            at = self._blank(at)
            if self.text[at : at + 1] == ",":
                at = self._blank(at + 1)
                if self.text[at : at + 1] != closer:
                    return at
            if self.text[at : at + 1] != closer:
                if place.end == place.start and not place.kids:
                    return at
                raise _StopScanningError
            place.end = at = at + 1
            opened.pop()
        return at

    def _attach(self, holder: Place, key: _Part, place: Place) -> None:
        kids = holder.kids
        if isinstance(kids, list):
            kids.append(place)
        elif kids is not None:
            if key.name in kids:
                self._found_twice(kids[key.name], key)
            else:
                kids[key.name] = place
        else:
            raise _StopScanningError

    def _blank(self, at: int) -> int:
        found = _BLANK.match(self.text, at)
        return at if found is None else found.end()

    def _space(self, at: int) -> int:
        found = _SPACE.match(self.text, at)
        return at if found is None else found.end()


def _decoded(raw: str) -> str:
    try:
        name = tomllib.loads(f"k = {raw}")["k"]
    except ValueError:
        raise _StopScanningError from None
    return str(name)
