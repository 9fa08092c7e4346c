"""A YAML document as a layout: every value as it is written, and every comment with its place.

It expects text that was read without an error; what a comment belongs to is `yaml_comments`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from sinkgraph.spec.formatting.layout import CannotFormatError, Comment, Item, Lines, Value

__all__ = ["YamlLayout", "read_yaml"]

_COMMENT = re.compile(r"#[^\n]*")
_SKIP = r"(?:[ \t\n]|#[^\n]*)*"
_SPACE = re.compile(_SKIP)
_DASH = re.compile(_SKIP + r"(-)")
_COLON = re.compile(_SKIP + r"(:)")
_CHOMPING = re.compile(r"[+-]")
_ANCHOR = re.compile(r"&[^\s,\[\]{}]+")


@dataclass(slots=True)
class YamlLayout:
    """Is a whole text: what stands up to `---`, the root, what stands from `...` on, comments."""

    before: list[str] = field(default_factory=list)
    root: Value | None = None
    after: list[str] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)


@dataclass(slots=True)
class _Open:
    """Is a collection whose end is not reached; `start` and `key` are of the item it is read for.

    `bracket`: it begins with one.
    """

    value: Value
    start: int
    bracket: bool
    key: Value | None = None
    key_start: int = 0


def read_yaml(text: str) -> YamlLayout:
    """Return the layout of a document; comments are not yet given to what they belong to."""
    reader = _Reader(text)
    reader.read()
    return reader.made


class _Reader:
    """Reads one text; `at` is the end of what was read last.

    `kept`: the end of the last text that keeps the empty lines after it.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.made = YamlLayout()
        self.at = 0
        self.kept = 0
        self.lines = Lines(text)
        self.stack: list[_Open] = []

    def read(self) -> None:
        """Fill `made`."""
        parser = yaml.cyaml.CParser(self.text)  # type: ignore[attr-defined]
        while True:
            event = parser.get_event()
            match event:
                case ScalarEvent():
                    self._scalar(event)
                case AliasEvent():
                    self._alias(event)
                case MappingStartEvent() | SequenceStartEvent():
                    self._open(event)
                case MappingEndEvent() | SequenceEndEvent():
                    self._close(event)
                case DocumentStartEvent() if event.explicit and event.end_mark is not None:
                    end = event.end_mark.index
                    self.made.before = _lines(self.text[:end])
                    self.at = end
                case DocumentEndEvent() if event.explicit and event.start_mark is not None:
                    self._go(event.start_mark.index)
                    self.made.after = _lines(self.text[event.start_mark.index :])
                    return
                case StreamEndEvent():
                    self._go(len(self.text))
                    return

    # --- values ---------------------------------------------------------------------------------

    def _scalar(self, event: Any) -> None:
        start, end, style = event.start_mark.index, event.end_mark.index, event.style or ""
        item = self._begin(start)
        value = Value("scalar", self.at, self.at, text=event.value, style=style)
        if start < end or style:
            value.start = self._properties(value, event)
            block = style in ("|", ">")
            raw = self.text[value.start : end]
            if block and end == len(self.text) and not raw.endswith("\n"):
                raw = _without_end(raw)
            if block and "+" not in raw.partition("\n")[0].partition("#")[0]:
                raw = _without_trailing(raw)
            elif block:
                self.kept = end
            value.raw = raw.rstrip(" \t") if not block else raw
            value.end = self.at = min(end, value.start + len(value.raw))
        self._place(value, item)

    def _alias(self, event: Any) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        item = self._begin(start)
        self._go(start)
        self.at = end
        raw = self.text[start:end]
        self._place(Value("alias", start, end, raw=raw, anchor=event.anchor), item)

    def _open(self, event: Any) -> None:
        role, flow = type(event) is MappingStartEvent, bool(event.flow_style)
        item = self._begin(event.start_mark.index)
        value = Value("mapping" if role else "sequence", 0, flow=flow)
        value.start = self._properties(value, event, block=not flow)
        bracket = flow and self.text[value.start : value.start + 1] in ("[", "{")
        if bracket:
            self.at = value.start + 1
        value.column = self.lines.column(value.start)
        self.stack.append(_Open(value, item, bracket))

    def _close(self, event: Any) -> None:
        frame = self.stack.pop()
        if frame.bracket:
            self._go(event.end_mark.index - 1)
            self.at = event.end_mark.index
        frame.value.end = self.at
        self._place(frame.value, frame.start)

    def _begin(self, start: int) -> int:
        """Read the dash or colon before a value; return where its item begins."""
        frame = self.stack[-1] if self.stack else None
        if frame is None or (frame.value.role == "mapping" and frame.key is None):
            self._go(start)
            return start
        if frame.value.role == "mapping":
            colon = _COLON.match(self.text, self.at)
            if colon is not None:
                self._go(colon.start(1))
                self.at = colon.end()
            return frame.key_start
        if frame.value.flow:
            return start
        dash = _DASH.match(self.text, self.at)
        if dash is None:
            raise CannotFormatError("an item of a list has no dash")
        self._go(dash.start(1))
        self.at = dash.end()
        return dash.start(1)

    def _properties(self, value: Value, event: Any, *, block: bool = False) -> int:
        """Read the anchor before a value; return where the value itself begins."""
        self._go(event.start_mark.index)
        if event.anchor:
            found = _ANCHOR.match(self.text, self.at)
            if found is None:
                raise CannotFormatError("an anchor is not where it is expected")
            value.anchor, self.at = event.anchor, found.end()
        space = _SPACE.match(self.text, self.at, len(self.text) if block else event.end_mark.index)
        begin = space.end() if space is not None else self.at
        if not block:
            self._go(begin)
        return begin

    def _place(self, value: Value, start: int) -> None:
        """Put a value into the collection that is open."""
        if not self.stack:
            self.made.root = value
            return
        frame = self.stack[-1]
        if frame.value.role == "mapping" and frame.key is None:
            frame.key, frame.key_start = value, start
            return
        frame.value.items.append(Item(frame.key, value, start, blank=self._blank(start)))
        frame.key = None

    # --- between values -------------------------------------------------------------------------

    def _go(self, to: int) -> None:
        """Go on to a place, and collect the comments on the way."""
        if self.text.find("#", self.at, to) >= 0:
            self._comments(to)
        self.at = max(self.at, to)

    def _comments(self, to: int) -> None:
        for found in _COMMENT.finditer(self.text, self.at, to):
            comment = self.lines.comment(found.start(), found[0])
            comment.blank = comment.blank and self._blank(comment.start)
            self.made.comments.append(comment)

    def _blank(self, at: int) -> bool:
        """Tell whether the line before the one of a place is empty, and no text keeps it."""
        return self.lines.blank(at) and self.lines.starts[self.lines.number(at) - 2] >= self.kept


def _without_trailing(raw: str) -> str:
    """Return a block without the empty lines at its end, which say nothing."""
    header, *lines = raw.split("\n")
    filled = next((one for one in lines if one.strip(" ")), None)
    indent = len(raw) if filled is None else len(filled) - len(filled.lstrip(" "))
    while lines and not lines[-1].strip(" ") and len(lines[-1]) <= indent:
        lines.pop()
    return "\n".join((header, *lines))


def _without_end(raw: str) -> str:
    """Return a block whose last line has no end, as one that says so."""
    header, newline, rest = raw.partition("\n")
    indicators, sign, comment = header.partition("#")
    spaces = indicators[len(indicators.rstrip()) :]
    return f"{_CHOMPING.sub('', indicators.rstrip())}-{spaces}{sign}{comment}{newline}{rest}"


def _lines(text: str) -> list[str]:
    return [one.rstrip() for one in text.rstrip().split("\n")]
