"""Gives every comment of a YAML layout to the item it stands at, as a reader would.

A comment above an item is that item's; one behind a value is the value's; one that is indented
like the items of a block that ends there is the block's last line.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sinkgraph.spec.formatting.layout import Comment, Item, Value
from sinkgraph.spec.formatting.yaml_layout import YamlLayout

__all__ = ["give_comments"]


@dataclass(slots=True)
class _Slot:
    """Is a place in the text where an item, or its value, begins or ends.

    `holder`: the collection the item stands in; `brackets`: the collections in brackets around it.
    """

    at: int
    what: Literal["item", "value", "close", "end"]
    item: Item | None
    holder: Value
    brackets: tuple[Value, ...]


def give_comments(layout: YamlLayout) -> None:
    """Move `layout.comments` to items; those in brackets make a block of what is around them."""
    root = layout.root
    if root is None:
        return
    slots = list(_slots(root))
    places = [one.at for one in slots]
    lead_of: Item | None = None
    for comment in layout.comments:
        index = bisect_right(places, comment.start)
        before = slots[index - 1] if index else None
        after = slots[index] if index < len(slots) else None
        if not comment.own:
            _behind(comment, before, after, root)
            continue
        lead_of = _above(comment, before, after, root, lead_of)
    layout.comments = []


def _slots(root: Value) -> Iterator[_Slot]:
    """Yield every slot in the order of the text."""
    if root.flow:
        yield _Slot(root.start, "value", None, root, (root,))
    yield from _inside(root, (root,) if root.flow else ())
    if root.flow:
        yield _Slot(root.end - 1, "close", None, root, (root,))


def _inside(holder: Value, brackets: tuple[Value, ...]) -> Iterator[_Slot]:
    for item in holder.items:
        value = item.value
        inner = (*brackets, value) if value.flow else brackets
        yield _Slot(item.start, "item", item, holder, brackets)
        if value.flow or value.role in ("scalar", "alias"):
            yield _Slot(value.start, "value", item, holder, inner)
        yield from _inside(value, inner)
        if value.flow:
            yield _Slot(value.end - 1, "close", item, value, inner)
        yield _Slot(value.end, "end", item, holder, brackets)


def _behind(comment: Comment, before: _Slot | None, after: _Slot | None, root: Value) -> None:
    """Give a comment that stands behind something in its line."""
    if before is None or before.item is None:
        if root.flow and before is not None and before.what == "close":
            root.feet.append(comment)
            root.block = True
        elif root.items:
            root.items[0].lead.append(comment)
            root.block = root.flow
        else:
            root.feet.append(comment)
        return
    _open_up(before.brackets)
    if before.brackets:
        comment.gap = 2  # what it was aligned with moves away
    item = before.item
    if before.what == "end":
        item = _last(item)
        if item.tail is None:
            item.tail = comment
            return
    elif item.head is None and before.what in ("item", "value"):
        item.head = comment
        return
    target = after.item if after is not None and after.item is not None else item
    target.lead.append(comment)


def _above(
    comment: Comment, before: _Slot | None, after: _Slot | None, root: Value, lead_of: Item | None
) -> Item | None:
    """Give a comment that has its line for itself; return the item it now leads, if any."""
    if after is None or after.item is None:
        chain = _chain(root) if not root.flow else []
        fitting = [one for one in chain if one.column <= comment.column and comment.column > 0]
        holder = fitting[-1] if fitting else root
        holder.feet.append(comment)
        _open_up((root,) if root.flow else ())
        return None
    inside = after.brackets
    if after.what == "value" and after.item.value.flow:
        inside = inside[:-1]  # it stands before the bracket
    _open_up(inside)
    item = after.item
    if after.what == "close" and after.holder.items:
        after.holder.feet.append(comment)
        return None
    if after.what == "item" and before is not None and before.what == "end" and lead_of is not item:
        assert before.item is not None
        chain = _chain(before.item.value)
        column = comment.column
        fitting = [one for one in chain if one.column <= column and column > after.holder.column]
        if fitting and not after.holder.flow:
            fitting[-1].feet.append(comment)
            return None
    item.lead.append(comment)
    return item


def _chain(value: Value) -> list[Value]:
    """Return a block and those that end with it, outermost first."""
    made: list[Value] = []
    while value.role in ("mapping", "sequence") and not value.flow:
        made.append(value)
        if not value.items:
            break
        value = value.items[-1].value
    return made


def _last(item: Item) -> Item:
    """Return the item in whose last line an item ends."""
    while item.value.role in ("mapping", "sequence") and not item.value.flow and item.value.items:
        item = item.value.items[-1]
    return item


def _open_up(brackets: tuple[Value, ...]) -> None:
    for value in brackets:
        value.block = True
