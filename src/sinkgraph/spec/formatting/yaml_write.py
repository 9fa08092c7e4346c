"""A YAML layout as text, in the one form `sinkgraph fmt` writes.

Two columns for a level, lists below their key too, one space after a colon, two before a comment
(more where comments are aligned), one empty line at most. What is in brackets stays in one line of
at most 100 columns, or becomes a block; what is a block stays one.
"""

from __future__ import annotations

import json
import re

from sinkgraph.spec.formatting.layout import (
    MAX_WIDTH,
    CannotFormatError,
    Comment,
    Item,
    Value,
    behind,
    in_double_quotes,
)

__all__ = ["write_yaml"]

_MAX_KEY = 1000  # longer keys are read only after a `?`
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
_UNITS = re.compile(r"(?:[0-9]{1,9}(?:ms|[smhd]|[kKMGT]i?B))+")
_NOT_TEXT = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))
"""Words that some readers of YAML take for something else, so their quotes stay."""
_DIGIT = re.compile(r"[1-9]")


def write_yaml(root: Value, head: list[Comment], *, gap: bool) -> list[str]:
    """Return the lines of a document; `head` stands above it, with an empty line after it if `gap`.

    Raises CannotFormatError.
    """
    writer = _Writer()
    for place, comment in enumerate(head):
        writer.own(comment, 0, blank=comment.blank and place > 0)
    writer.gap = gap and bool(head)
    if root.anchor:
        writer.lines.append(f"&{root.anchor}")
    line = writer.one_line(root)
    if root.role in ("scalar", "alias") or (root.flow and line is not None and _fits(line)):
        writer.lines.append(line or "")
    else:
        writer.items(root, 0, top=True)
    return writer.lines


def _fits(line: str) -> bool:
    return len(line) <= MAX_WIDTH


class _Writer:
    """Writes lines; `gap`: an empty line comes before the next one.

    `kept`: what was written last keeps the empty lines after it. `known`: collections in one line.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.gap = False
        self.kept = False
        self.known: dict[int, str | None] = {}

    # --- lines ----------------------------------------------------------------------------------

    def line(self, text: str, *, blank: bool = False) -> None:
        """Write a line, after an empty one if `blank`."""
        if (blank or self.gap) and self.lines and self.lines[-1] and not self.kept:
            self.lines.append("")
        self.gap = self.kept = False
        self.lines.append(text)

    def own(self, comment: Comment, indent: int, *, blank: bool) -> None:
        """Write a comment into a line of its own."""
        self.line(" " * indent + comment.text, blank=blank)

    # --- items ----------------------------------------------------------------------------------

    def items(self, holder: Value, indent: int, *, top: bool = False) -> None:
        """Write the items of a block, and the comments that end it.

        Where an empty line sets apart one section of the document, one sets apart each.
        """
        sequence = holder.role == "sequence"
        section = False
        apart = top and not holder.flow and any(map(self._blank, holder.items))
        for place, item in enumerate(holder.items):
            blank = place > 0 and not holder.flow and self._blank(item)
            if apart:
                was, section = section, self._is_section(item)
                blank = place > 0 and (blank or was or section)
            for at, comment in enumerate(item.lead):
                self.own(comment, indent, blank=comment.blank if at else blank)
            if item.lead:
                blank = item.blank and not holder.flow
            if sequence:
                self._listed(item, holder, indent, blank=blank)
            else:
                self._value(item, holder, f"{self._key(item)}:", indent, blank=blank)
        for place, comment in enumerate(holder.feet):
            self.own(comment, indent, blank=comment.blank and bool(place or holder.items))

    @staticmethod
    def _blank(item: Item) -> bool:
        return item.lead[0].blank if item.lead else item.blank

    def _is_section(self, item: Item) -> bool:
        value = item.value
        if value.role not in ("mapping", "sequence") or not value.items:
            return False
        line = self.one_line(value) if value.flow else None
        return line is None or not _fits(f"{self._key(item)}: {line}")

    def _key(self, item: Item) -> str:
        key = item.key
        assert key is not None
        if key.role == "alias":
            return f"{key.raw} "
        text = _anchored(key, _joined(key))
        if len(text) > _MAX_KEY:
            raise CannotFormatError(f"a key is longer than {_MAX_KEY} characters")
        return text

    def _listed(self, item: Item, holder: Value, indent: int, *, blank: bool) -> None:
        """Write an item of a list; a block begins in the line of the dash where it can."""
        value = item.value
        line = self.one_line(value)
        inline = line is not None and (not value.flow or _fits(" " * indent + f"- {line}"))
        whole = value.role in ("mapping", "sequence") and not inline
        plain = not (item.head or item.tail or value.anchor)
        if not whole or not plain or not value.items or _begins_with_comment(value.items[0]):
            self._value(item, holder, "-", indent, blank=blank)
            return
        start = len(self.lines)
        self.gap = self.gap or blank
        self.items(value, indent + 2)
        if not self.lines[start]:
            start += 1
        first = self.lines[start]
        self.lines[start] = " " * indent + "- " + first[indent + 2 :]

    def _value(self, item: Item, holder: Value, lead: str, indent: int, *, blank: bool) -> None:
        """Write a key or dash with its value, which may take more lines."""
        value, margin = item.value, " " * indent
        line = self.one_line(value)
        if line is not None and value.flow and not _fits(f"{margin}{lead} {line}"):
            line = None if value.items else line
        if value.role in ("mapping", "sequence") and line is None:
            first, second = item.head or item.tail, item.tail if item.head else None
            if first is not None and value.flow:
                first.gap = 2  # it stood behind the brackets
            if second is not None:
                self.own(second, indent, blank=blank)
                blank = False
            text = f"{margin}{lead}" + (f" &{value.anchor}" if value.anchor else "")
            self.line(behind(text, first), blank=blank)
            self.items(value, indent + 2)
            return
        tail = item.tail or item.head
        if item.head is not None and item.tail is not None:
            self.own(item.head, indent, blank=blank)
            blank = False
        if line is not None:
            text = f"{margin}{lead} {line}" if line else f"{margin}{lead}"
            self.line(behind(text, tail), blank=blank)
            return
        if tail is not None and value.style in ("|", ">"):
            self.own(tail, indent, blank=blank)
            tail, blank = None, False
        first_line, *rest = _lines_of(value, holder, indent)
        text = f"{margin}{lead} {_anchored(value, first_line)}"
        self.line(text if rest else behind(text, tail), blank=blank)
        if rest:
            self.lines.extend(rest)
            self.lines[-1] = behind(self.lines[-1], tail)
        self.kept = value.style in ("|", ">") and "+" in first_line.partition("#")[0]

    # --- one line -------------------------------------------------------------------------------

    def one_line(self, value: Value) -> str | None:
        """Return a value in one line; None when it takes more."""
        if value.role == "alias":
            return value.raw
        if value.role == "scalar":
            if value.style in ("|", ">") or "\n" in value.raw:
                return None
            return _anchored(value, _scalar(value))
        if value.items and (not value.flow or value.block):
            return None
        key = id(value)
        if key not in self.known:
            self.known[key] = self._bracketed(value)
        return self.known[key]

    def _bracketed(self, value: Value) -> str | None:
        """Return a collection in brackets; None when no line has room for it."""
        inner: list[str] = []
        width = 0
        for item in value.items:
            text = self._in_brackets(item.value)
            if text is None:
                return None
            if item.key is not None:
                key = self._key(item)
                text = f"{key}: {text}" if text else key
            width += len(text) + 2
            if width > MAX_WIDTH:
                return None
            inner.append(text)
        pair = "{}" if value.role == "mapping" else "[]"
        return _anchored(value, pair[0] + ", ".join(inner) + pair[1])

    def _in_brackets(self, value: Value) -> str | None:
        """Return a value in one line, where lines of a text are joined as YAML joins them."""
        return self.one_line(value) if value.role != "scalar" else _anchored(value, _joined(value))


def _begins_with_comment(item: Item) -> bool:
    """Tell whether a comment is written above an item, its own or one without another place."""
    block = item.value.style in ("|", ">")
    return bool(item.lead or (item.head and item.tail) or (block and (item.head or item.tail)))


def _anchored(value: Value, text: str) -> str:
    return " ".join(one for one in (f"&{value.anchor}" if value.anchor else "", text) if one)


def _scalar(value: Value) -> str:
    """Return a text in one line."""
    if not value.style:
        return value.raw
    return _needed(in_double_quotes(value.raw) if value.style == "'" else value.raw)


def _needed(quoted: str) -> str:
    """Return a text without its quotes when it is plain words."""
    inner = quoted[1:-1]
    plain = _PLAIN.fullmatch(inner) or _UNITS.fullmatch(inner)
    return inner if plain and inner.lower() not in _NOT_TEXT else quoted


def _joined(value: Value) -> str:
    """Return a text in one line, its lines joined as YAML joins them."""
    text = value.text or ""
    if "\n" not in value.raw:
        return _scalar(value)
    if not value.style and "\n" not in text:
        return text
    return _needed(json.dumps(text, ensure_ascii=False))


def _lines_of(value: Value, holder: Value, indent: int) -> list[str]:
    """Return the lines of a text that takes several, moved to where they now stand."""
    first, *rest = value.raw.split("\n")
    margin = " " * (indent + 2)
    if value.style not in ("|", ">"):
        return [first.rstrip(), *(margin + one.strip() if one.strip() else "" for one in rest)]
    if rest and not rest[-1]:
        rest.pop()  # the last line has an end
    header = first.partition("#")[0]
    digit = _DIGIT.search(header)
    filled = [one for one in rest if one.strip(" ")]
    if digit is not None:
        was = holder.column + int(digit[0])
        margin = " " * (indent + int(digit[0]))
    else:
        was = min((len(one) - len(one.lstrip(" ")) for one in filled[:1]), default=0)
    first = header.rstrip() + ("  #" + first.partition("#")[2] if "#" in first else "")
    return [first, *(margin + one[was:] if len(one) > was else "" for one in rest)]
