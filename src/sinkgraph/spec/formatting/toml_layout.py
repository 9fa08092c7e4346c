"""A TOML document as a layout: its tables in the order written, every value as it is written.

It expects text that was read without an error, with `\\n` at the end of lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sinkgraph.spec.formatting.layout import CannotFormatError, Comment, Item, Lines, Value

__all__ = ["Table", "TomlLayout", "read_toml"]

_BLANK = re.compile(r"[ \t\n]*")
_SPACE = re.compile(r"[ \t]*")
_COMMENT = re.compile(r"#[^\n]*")
_PART = re.compile(r"[A-Za-z0-9_-]+|\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_TEXT = re.compile(
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}'
    r"|'''(?:[^']|'{1,2}(?!'))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9][0-9:.Zz+-]*|[^\s,\]}#]+",
    re.DOTALL,
)


@dataclass(slots=True)
class Table:
    """Is a header, `[a.b]` or `[[a.b]]`, and what stands below it; the first has no header.

    `lead`: comments above it; `tail`: the one behind it. `blank`: an empty line stands above it.
    """

    names: tuple[str, ...]
    raw: str
    many: bool
    body: Value
    lead: list[Comment] = field(default_factory=list)
    tail: Comment | None = None
    blank: bool = False


@dataclass(slots=True)
class TomlLayout:
    """Is a whole text: its tables, the comments at its end, and all comments in it."""

    tables: list[Table]
    feet: list[Comment] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)


def read_toml(text: str) -> TomlLayout:
    """Return the layout of a document."""
    reader = _Reader(text)
    reader.read()
    return reader.made


class _Reader:
    """Reads one text from front to back; `at` is where it goes on."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = Lines(text)
        self.at = 0
        self.made = TomlLayout([Table((), "", False, Value("mapping", 0))])

    def read(self) -> None:
        """Fill `made`."""
        while True:
            above = self._gap()
            if self.at >= len(self.text):
                self._end(above)
                return
            table = self.made.tables[-1]
            start = self.at
            blank = self.lines.blank(start)
            if self.text[start] == "[":
                self.made.tables.append(self._header(self._ended(table, above, blank), blank))
                continue
            item = self._entry()
            item.lead, item.blank, item.tail = above, blank, self._behind()
            table.body.items.append(item)

    def _end(self, above: list[Comment]) -> None:
        """Give the comments at the end of the text to the last table, or to the document."""
        apart = next((place for place, one in enumerate(above) if one.blank), len(above))
        self.made.tables[-1].body.feet.extend(above[:apart])
        self.made.feet = above[apart:]

    def _ended(self, table: Table, above: list[Comment], blank: bool) -> list[Comment]:
        """Give a table the comments at its end; return those that are of the next header."""
        blanks = [*(one.blank for one in above[1:]), blank]
        if not above or above[0].blank or not (table.body.items or table.names):
            return above
        end = next((place + 1 for place, empty in enumerate(blanks) if empty), 0)
        table.body.feet.extend(above[:end])
        return above[end:]

    def _header(self, lead: list[Comment], blank: bool) -> Table:
        many = self.text.startswith("[[", self.at)
        self._move(_SPACE, 2 if many else 1)
        names, raw = self._key()
        self._move(_SPACE)
        self.at += 2 if many else 1
        shown = f"[[{raw}]]" if many else f"[{raw}]"
        table = Table(tuple(names), shown, many, Value("mapping", self.at), lead, blank=blank)
        table.tail = self._behind()
        return table

    # --- keys and values ------------------------------------------------------------------------

    def _entry(self) -> Item:
        """Read `key = value`."""
        start = self.at
        names, raw = self._key()
        self._move(_SPACE)
        self._move(_SPACE, 1)
        return Item(Value("scalar", start, self.at, raw=raw, text=names[0]), self._value(), start)

    def _key(self) -> tuple[list[str], str]:
        """Read a dotted key; return the names, and the key as it is to be written."""
        names: list[str] = []
        parts: list[str] = []
        while True:
            found = _PART.match(self.text, self.at)
            if found is None:
                raise CannotFormatError(f"line {self.lines.number(self.at)} has no key")
            self.at = found.end()
            raw = found[0]
            name = raw
            if raw[0] in "\"'":
                name = raw[1:-1]
                if raw[0] == '"' and "\\" in raw:
                    name = _decoded(raw)
                if _PLAIN.fullmatch(name):
                    raw = name
            names.append(name)
            parts.append(raw)
            dot = _DOT.match(self.text, self.at)
            if dot is None:
                return names, ".".join(parts)
            self.at = dot.end()

    def _value(self) -> Value:
        char = self.text[self.at]
        if char == "[":
            return self._list()
        if char == "{":
            return self._braces()
        start = self.at
        found = _TEXT.match(self.text, start)
        if found is None:
            raise CannotFormatError(f"line {self.lines.number(start)} has no value")
        self.at = found.end()
        raw = found[0]
        quoted = raw[0] in "\"'"
        plain = not quoted or raw.startswith(('"""', "'''")) or "\\" in raw
        text = raw if plain else raw[1:-1]
        return Value("scalar", start, self.at, raw=raw, text=text, style="'" if quoted else "")

    def _list(self) -> Value:
        made = Value("sequence", self.at, flow=True)
        self.at += 1
        above = self._gap()
        while self.text[self.at] != "]":
            start, blank = self.at, self.lines.blank(self.at)
            made.items.append(Item(None, self._value(), start, lead=above, blank=blank))
            above = self._gap()
            if self.text[self.at] == ",":
                self.at += 1
                above += self._gap()
            if above and not above[0].own:
                made.items[-1].tail = above.pop(0)
        made.feet = above
        self.at += 1
        made.end = self.at
        made.flow = self.lines.number(made.start) == self.lines.number(made.end)
        commented = made.feet or any(one.lead or one.tail for one in made.items)
        made.block = bool(commented) or any(one.value.block for one in made.items)
        return made

    def _braces(self) -> Value:
        made = Value("mapping", self.at, flow=True)
        self._move(_SPACE, 1)
        while self.text[self.at] != "}":
            item = self._entry()
            made.items.append(item)
            if item.value.block:
                line = self.lines.number(self.at)
                raise CannotFormatError(f"line {line} ends a list with comments within braces")
            self._move(_SPACE)
            if self.text[self.at] == ",":
                self._move(_SPACE, 1)
        self.at += 1
        made.end = self.at
        return made

    # --- between values -------------------------------------------------------------------------

    def _move(self, over: re.Pattern[str], first: int = 0) -> None:
        """Go on over some characters, and then over all that a pattern matches."""
        found = over.match(self.text, self.at + first)
        self.at = found.end() if found is not None else self.at + first

    def _gap(self) -> list[Comment]:
        """Go on to what comes next that is no comment; return the comments on the way."""
        found: list[Comment] = []
        while True:
            self._move(_BLANK)
            comment = self._comment()
            if comment is None:
                return found
            found.append(comment)

    def _behind(self) -> Comment | None:
        """Read the comment behind a value or header."""
        self._move(_SPACE)
        return self._comment()

    def _comment(self) -> Comment | None:
        found = _COMMENT.match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        made = self.lines.comment(found.start(), found[0])
        self.made.comments.append(made)
        return made


def _decoded(raw: str) -> str:
    import tomllib

    (name,) = tomllib.loads(f"{raw} = 0")
    return name
