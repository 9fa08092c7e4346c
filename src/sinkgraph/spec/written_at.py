r"""Where a piece of a text is written, behind quotes, escapes, indentation and folded lines.

It compares what a scalar says with how it is written, in any of the three syntaxes; where the two
cannot be brought together, the place is the whole scalar and never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sinkgraph.diagnostics.source import Span
from sinkgraph.spec.document_tree import Scalar

__all__ = ["written_at"]

_ESCAPE = re.compile(
    r"\\(?:u([0-9a-fA-F]{4})(?:\\u([dD][c-fC-F][0-9a-fA-F]{2}))?"
    r"|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|(\r\n|.))",
    re.DOTALL,
)
_NAMED = dict(zip("0abefnrtvN_LP", "\0\a\b\x1b\f\n\r\t\v\x85\xa0\u2028\u2029", strict=True))
_MAX_COMPARED = 8_192  # characters of a scalar that is not written as it reads
_TRIPLE = ('"""', "'''")

_Unit = tuple[str, int, int]
"""A character that is meant, and where it is written: [start, end)."""


def written_at(scalar: Scalar, start: int, end: int) -> Span | None:
    """Return where `scalar.text[start:end]` stands; None for a scalar without a place.

    The piece has at least one character of the document, also when it is empty.
    """
    whole = scalar.span
    if whole is None:
        return None
    raw, text = whole.text, scalar.text
    start = max(min(start, len(text) - 1), 0)
    end = min(max(end, start + 1), len(text))
    if raw == text:
        return Span(whole.source, whole.start + start, whole.start + end)
    if raw[1:-1] == text and raw[0] in "\"'":
        return Span(whole.source, whole.start + 1 + start, whole.start + 1 + end)
    if len(raw) > _MAX_COMPARED:
        return whole
    units = [unit for unit in _units(raw) if not unit[0].isspace()]
    meant = [index for index, char in enumerate(text) if not char.isspace()]
    if not meant or [unit[0] for unit in units] != [text[index] for index in meant]:
        return whole
    inside = [n for n, index in enumerate(meant) if start <= index < end]
    if not inside:
        return whole
    first, last = units[inside[0]], units[inside[-1]]
    return Span(whole.source, whole.start + first[1], whole.start + last[2])


def _units(raw: str) -> Iterator[_Unit]:
    """Yield the characters of a scalar as they are meant; line breaks are those of the document."""
    if raw.startswith(_TRIPLE):
        return _escaped(raw, 3, len(raw) - 3) if raw[0] == '"' else _plain(raw, 3, len(raw) - 3)
    if raw.startswith('"'):
        return _escaped(raw, 1, len(raw) - 1)
    if raw.startswith("'"):
        return _doubled(raw, 1, len(raw) - 1)
    if raw.startswith(("|", ">")):
        header = re.match(r"[^\r\n]*", raw)
        return _plain(raw, header.end() if header else 0, len(raw))
    return _plain(raw, 0, len(raw))


def _plain(raw: str, start: int, end: int) -> Iterator[_Unit]:
    return ((raw[at], at, at + 1) for at in range(start, end))


def _doubled(raw: str, start: int, end: int) -> Iterator[_Unit]:
    at = start
    while at < end:
        size = 2 if raw.startswith("''", at) and at + 2 <= end else 1
        yield raw[at], at, at + size
        at += size


def _escaped(raw: str, start: int, end: int) -> Iterator[_Unit]:
    at = start
    while at < end:
        found = _ESCAPE.match(raw, at, end) if raw[at] == "\\" else None
        if found is None:
            yield raw[at], at, at + 1
            at += 1
            continue
        yield _char(found), at, found.end()
        at = found.end()


def _char(found: re.Match[str]) -> str:
    """Return the character an escape means; an escaped line break means none, so a space."""
    first, second, eight, two, one = found.groups()
    if second is not None:
        high, low = int(first, 16), int(second, 16)
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
    code = int(first or eight or two or "0", 16)
    if one is None:
        return chr(code) if code < 0x110000 else "\ufffd"
    return " " if one.isspace() else _NAMED.get(one, one)
