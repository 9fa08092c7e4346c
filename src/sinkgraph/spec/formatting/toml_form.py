"""TOML in the one form `sinkgraph fmt` writes: read, put in order, written.

Braces stay in their line, since TOML breaks none; a list that was written over several lines stays
so. Tables stay where they are when a name would change its place among others.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from sinkgraph.spec.document_tree import Mapping, Node, Sequence
from sinkgraph.spec.formatting.layout import (
    MAX_WIDTH,
    Comment,
    Item,
    Value,
    behind,
    in_double_quotes,
    put_in_order,
    take_head,
)
from sinkgraph.spec.formatting.order import DOCUMENT, Shape
from sinkgraph.spec.formatting.same import text_in
from sinkgraph.spec.formatting.toml_layout import Table, read_toml

__all__ = ["format_toml"]

_Place = tuple[tuple[int, int], ...]


def format_toml(text: str, tree: Mapping) -> tuple[str, list[str]]:
    """Return a TOML text in order, and its comments; `tree` is what it says.

    Raises CannotFormatError.
    """
    layout = read_toml(text)
    comments = [one.text for one in layout.comments]
    first = layout.tables[0]
    head, gap = _head(layout.tables)
    seen: dict[tuple[str, ...], int] = {}
    rows: dict[tuple[str, ...], int] = {}
    placed: list[tuple[_Place, Table]] = []
    movable = True
    for table in layout.tables:
        late = table.names in seen  # the first of what is in it has a header of its own, above
        place, shape = _placed(table, tree, seen, rows)
        movable = movable and not (late and not table.many and shape.free)
        put_in_order(table.body, shape)
        placed.append((place, table))
    if movable:
        placed.sort(key=lambda one: one[0])
    writer = _Writer(
        apart=any(one.lead[0].blank if one.lead else one.blank for one in layout.tables)
    )
    for at, comment in enumerate(head):
        writer.line(comment.text, blank=comment.blank and at > 0)
    writer.gap = gap
    for _, table in placed:
        writer.table(table, top=table is first)
    for comment in layout.feet:
        writer.line(comment.text, blank=comment.blank)
    return "\n".join(writer.lines) + "\n", comments


def _head(tables: list[Table]) -> tuple[list[Comment], bool]:
    """Take the comments of the whole document from what stands first in it."""
    root = tables[0].body
    if root.items:
        return take_head(root.items[0])
    if len(tables) == 1:
        return [], False
    item = Item(None, Value("scalar", 0), 0, lead=tables[1].lead, blank=tables[1].blank)
    head, gap = take_head(item)
    tables[1].lead, tables[1].blank = item.lead, item.blank
    return head, gap


def _placed(
    table: Table,
    tree: Mapping,
    seen: dict[tuple[str, ...], int],
    rows: dict[tuple[str, ...], int],
) -> tuple[_Place, Shape]:
    """Return where a table stands among all, and what it is.

    `seen` numbers the names in the order they are first written; `rows` counts `[[tables]]`.
    """
    node: Node | None = tree
    shape = DOCUMENT
    place: list[tuple[int, int]] = []
    at: tuple[str, ...] = ()
    for number, name in enumerate(table.names):
        if isinstance(node, Mapping):
            shape = shape.settled(partial(text_in, node))
        at = (*at, name)
        place.append((shape.rank(name), seen.setdefault(at, len(seen))))
        node = node.get(name) if isinstance(node, Mapping) else None
        shape = shape.entry(name)
        if isinstance(node, Sequence):
            if table.many and number == len(table.names) - 1:
                rows[at] = rows.get(at, -1) + 1
            row = rows.get(at, 0)
            at = (*at, f"[{row}]")
            place.append((row, 0))
            node, shape = node.items[row], shape.item()
    if isinstance(node, Mapping):
        shape = shape.settled(partial(text_in, node))
    return tuple(place), shape


class _Writer:
    """Writes lines; `gap`: an empty line comes before the next one.

    `apart`: one comes before each header, as before one of them.
    """

    def __init__(self, *, apart: bool) -> None:
        self.apart = apart
        self.lines: list[str] = []
        self.gap = False

    def line(self, text: str, *, blank: bool = False) -> None:
        """Write a line, after an empty one if `blank`."""
        if (blank or self.gap) and self.lines:
            self.lines.append("")
        self.gap = False
        self.lines.append(text)

    def table(self, table: Table, *, top: bool) -> None:
        """Write a table; the first one has no header."""
        if not top:
            blank = self.apart
            for comment in table.lead:
                self.line(comment.text, blank=blank or comment.blank)
                blank = False
            self.line(
                behind(table.raw, table.tail), blank=blank or (bool(table.lead) and table.blank)
            )
        for place, item in enumerate(table.body.items):
            blank = place > 0 and (item.lead[0].blank if item.lead else item.blank)
            for at, comment in enumerate(item.lead):
                self.line(comment.text, blank=comment.blank if at else blank)
            self.entry(item, blank=item.blank if item.lead else blank)
        for place, comment in enumerate(table.body.feet):
            self.line(comment.text, blank=bool(place) and comment.blank)

    def entry(self, item: Item, *, blank: bool) -> None:
        """Write `key = value`."""
        assert item.key is not None
        first, *rest = _lines(item.value, f"{item.key.raw} = ", 0)
        if not rest:
            self.line(behind(first, item.tail), blank=blank)
            return
        self.line(first, blank=blank)
        self.lines.extend(rest)
        self.lines[-1] = behind(self.lines[-1], item.tail)


def _lines(value: Value, lead: str, indent: int) -> Iterator[str]:
    """Yield the lines of a value; `lead` stands before it."""
    margin = " " * indent
    if value.role != "sequence" or not (value.items or value.feet):
        yield f"{margin}{lead}{_one_line(value)}"
        return
    if value.flow and not value.block and value.end - value.start <= 4 * MAX_WIDTH:
        line = f"{margin}{lead}{_one_line(value)}"
        if len(line) <= MAX_WIDTH:
            yield line
            return
    yield f"{margin}{lead}["
    inner = margin + "  "
    for place, item in enumerate(value.items):
        for comment in item.lead:
            if comment.blank and place:
                yield ""
            yield inner + comment.text
        *lines, last = _lines(item.value, "", indent + 2)
        yield from lines
        yield behind(f"{last},", item.tail)
    for comment in value.feet:
        yield inner + comment.text
    yield f"{margin}]"


def _one_line(value: Value) -> str:
    """Return a value in one line, but for line breaks within a text."""
    if value.role == "scalar":
        raw = value.raw
        return in_double_quotes(raw) if raw[:1] == "'" and raw[:3] != "'''" else raw
    inner = [
        _one_line(one.value) if one.key is None else f"{one.key.raw} = {_one_line(one.value)}"
        for one in value.items
    ]
    if value.role == "sequence":
        return f"[{', '.join(inner)}]"
    return f"{{ {', '.join(inner)} }}" if inner else "{}"
