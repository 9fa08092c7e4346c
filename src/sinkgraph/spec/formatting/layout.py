"""What a formatter knows of a document: values as written, their order, and the comments of each.

It knows no syntax: `yaml_layout` and `toml_layout` read it, `yaml_write` and `toml_write` write it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from sinkgraph.spec.formatting.order import DOCUMENT, Shape

__all__ = [
    "MAX_WIDTH",
    "CannotFormatError",
    "Comment",
    "Item",
    "Lines",
    "Value",
    "behind",
    "in_double_quotes",
    "put_in_order",
    "take_head",
]

MAX_WIDTH = 100
"""Columns of a line; what is in brackets and needs more takes several lines."""

_MODELINE = ("yaml-language-server:", ":schema ")


class CannotFormatError(Exception):
    """Says why a document is left as it is."""


@dataclass(slots=True)
class Comment:
    """Is one comment: `text` with its `#`; `own` when nothing stands before it in its line.

    `gap`: how many columns are free before it; `blank`: whether the line before it is empty.
    """

    text: str
    start: int
    column: int
    own: bool
    gap: int
    blank: bool


class Lines:
    """Knows where the lines of a text begin."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = [0]
        at = text.find("\n")
        while at >= 0:
            self.starts.append(at + 1)
            at = text.find("\n", at + 1)

    def number(self, at: int) -> int:
        """Return the number of the line of a place, from 1."""
        return bisect_right(self.starts, at)

    def column(self, at: int) -> int:
        """Return how many characters stand before a place in its line."""
        return at - self.starts[self.number(at) - 1]

    def blank(self, at: int) -> bool:
        """Tell whether the line before the one of a place is empty."""
        number = self.number(at)
        return (
            number > 1 and not self.text[self.starts[number - 2] : self.starts[number - 1]].strip()
        )

    def comment(self, start: int, raw: str) -> Comment:
        """Return the comment that begins at a place."""
        line = self.text[self.starts[self.number(start) - 1] : start]
        before = line.rstrip()
        gap = len(line) - len(before)
        return Comment(raw.rstrip(), start, len(line), not before, gap, self.blank(start))


@dataclass(slots=True)
class Value:
    """Is one value: `raw` is the text of a scalar, `text` what a scalar says.

    `start` and `end` say where it is written. `flow`: written in brackets; `block`: it must not
    stay so, since there are comments in it. `feet`: comments after its last item, in its column.
    """

    role: Literal["scalar", "alias", "mapping", "sequence"]
    start: int
    end: int = 0
    raw: str = ""
    text: str | None = None
    style: str = ""
    anchor: str = ""
    column: int = 0
    flow: bool = False
    block: bool = False
    items: list[Item] = field(default_factory=list)
    feet: list[Comment] = field(default_factory=list)

    def text_of(self, key: str) -> str | None:
        """Return the text of a key: None when there is none, "" when it is no text."""
        for one in self.items:
            if one.name == key:
                return (one.value.text or "") if one.value.role == "scalar" else ""
        return None


@dataclass(slots=True)
class Item:
    """Is an entry of a mapping, with its `key`, or an item of a list.

    `lead`: comments above it; `head`: the one after its key; `tail`: the one after its value.
    `blank`: whether an empty line stands directly above it.
    """

    key: Value | None
    value: Value
    start: int
    lead: list[Comment] = field(default_factory=list)
    head: Comment | None = None
    tail: Comment | None = None
    blank: bool = False

    @property
    def name(self) -> str:
        """The text of its key."""
        return "" if self.key is None else self.key.text or ""


def behind(line: str, comment: Comment | None) -> str:
    """Return a line with the comment behind it: in its column when it was set apart."""
    if comment is None:
        return line
    column = len(line) + 2
    if not comment.own and comment.gap > 2:
        column = max(column, comment.column)
    return line.ljust(column) + comment.text


def in_double_quotes(text: str) -> str:
    """Return a single-quoted text in double quotes, where both would read the same."""
    inner = text[1:-1]
    if '"' in inner or "\\" in inner or not inner.isprintable():
        return text
    return '"' + inner.replace("''", "'") + '"'


def take_head(first: Item) -> tuple[list[Comment], bool]:
    """Take the comments of a whole document from those above its first item.

    They are set apart by an empty line, or hold a line for editors. Also tells whether an empty
    line comes after them.
    """
    lead = first.lead
    blanks = [*(one.blank for one in lead[1:]), first.blank]
    end = max((place + 1 for place in range(len(lead)) if blanks[place]), default=0)
    for place, one in enumerate(lead):
        if one.text.lstrip("# ").startswith(_MODELINE) or one.text.startswith("#:schema "):
            end = max(
                end, next((at + 1 for at in range(place, len(lead)) if blanks[at]), len(lead))
            )
    head, first.lead = lead[:end], lead[end:]
    gap = bool(head) and blanks[end - 1]
    if first.lead:
        first.lead[0].blank = False  # what stood above it is no more
    else:
        first.blank = False
    return head, gap


# --- order ---------------------------------------------------------------------------------------


def put_in_order(root: Value, shape: Shape = DOCUMENT) -> None:
    """Put the keys of all mappings in the order of documents; no alias comes before its anchor."""
    todo = [(root, shape)]
    while todo:
        value, shape = todo.pop()
        if value.role == "mapping":
            shape = shape.settled(value.text_of)
            ranks = [shape.rank(one.name) for one in value.items]
            if any(one > next for one, next in pairwise(ranks)):
                places = sorted(range(len(ranks)), key=ranks.__getitem__)
                wanted = [value.items[place] for place in places]
                if _bound(wanted) == _bound(value.items):
                    value.items = wanted
            todo.extend((one.value, shape.entry(one.name)) for one in value.items)
        elif value.role == "sequence":
            todo.extend((one.value, shape.item()) for one in value.items)


def _bound(items: list[Item]) -> tuple[dict[int, int | None], dict[str, int]]:
    """Return the anchor each alias means among these items, and the last anchor of each name."""
    last: dict[str, int] = {}
    bound: dict[int, int | None] = {}
    for value in _anchored(items):
        if value.role == "alias":
            bound[value.start] = last.get(value.anchor)
        else:
            last[value.anchor] = value.start
    return bound, last


def _anchored(items: list[Item]) -> Iterator[Value]:
    """Yield anchors and aliases in the order of the text."""
    todo = [one for item in reversed(items) for one in (item.value, item.key) if one is not None]
    while todo:
        value = todo.pop()
        if value.anchor:
            yield value
        for item in reversed(value.items):
            todo.append(item.value)
            if item.key is not None:
                todo.append(item.key)
