"""JSON in the one form `sinkgraph fmt` writes: two columns for a level, short lines kept together.

Texts and numbers stay as they are written. JSON has no comments.
"""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.spec.document_tree import Mapping, Node, Scalar, Sequence
from sinkgraph.spec.formatting.layout import MAX_WIDTH, Item, Value, put_in_order

__all__ = ["format_json"]


def format_json(text: str, tree: Mapping) -> tuple[str, list[str]]:
    """Return a JSON text in order, and its comments: none; `tree` is what it says."""
    root = _value(tree)
    put_in_order(root)
    return "\n".join(_lines(root, "", "", 0)) + "\n", []


def _value(node: Node) -> Value:
    """Return a node as it is written."""
    assert node.span is not None
    start, end = node.span.start, node.span.end
    raw = node.span.text
    if isinstance(node, Scalar):
        return Value("scalar", start, end, raw=raw, text=node.text)
    flow = "\n" not in raw and "\r" not in raw
    if isinstance(node, Mapping):
        items = [Item(_value(one.key), _value(one.value), start) for one in node.entries]
        return Value("mapping", start, end, flow=flow, items=items)
    assert isinstance(node, Sequence)
    items = [Item(None, _value(one), start) for one in node.items]
    return Value("sequence", start, end, flow=flow, items=items)


def _lines(value: Value, lead: str, tail: str, indent: int) -> Iterator[str]:
    """Yield the lines of a value; `lead` stands before it, `tail` behind it."""
    margin = " " * indent
    line = _one_line(value)
    if line is not None and (not value.items or len(margin + lead + line + tail) <= MAX_WIDTH):
        yield f"{margin}{lead}{line}{tail}"
        return
    opening, closing = "{}" if value.role == "mapping" else "[]"
    yield f"{margin}{lead}{opening}"
    last = len(value.items) - 1
    for place, item in enumerate(value.items):
        key = "" if item.key is None else f"{item.key.raw}: "
        yield from _lines(item.value, key, "," if place < last else "", indent + 2)
    yield f"{margin}{closing}{tail}"


def _one_line(value: Value) -> str | None:
    """Return a value in one line; None when it takes more."""
    if value.role == "scalar":
        return value.raw
    if value.items and (not value.flow or value.end - value.start > 4 * MAX_WIDTH):
        return None
    inner: list[str] = []
    for item in value.items:
        text = _one_line(item.value)
        if text is None:
            return None
        inner.append(text if item.key is None else f"{item.key.raw}: {text}")
    opening, closing = "{}" if value.role == "mapping" else "[]"
    return opening + ", ".join(inner) + closing
