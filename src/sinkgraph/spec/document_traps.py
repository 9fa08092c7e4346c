"""Expressions that YAML reads as something else, recognised so that one finding says to quote.

An expression is known by its key alone. Nothing here knows CEL beyond its quotes and brackets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.source import SourceText, Span

__all__ = ["EXPRESSION_KEYS", "EXPRESSION_MAPS", "Trap", "balanced", "find_trap"]

EXPRESSION_KEYS = frozenset({"where", "when", "by", "key", "order_by"})
"""Keys whose value is an expression."""
EXPRESSION_MAPS = frozenset({"compute"})
"""Keys whose value is a mapping of expressions."""

_GAP = re.compile(r"[ \t]*:[ \t]+")
_NESTED = re.compile(r"""(["'])(?:(?!\1).)+\1[\w"'].*\1$""", re.DOTALL)
_CLOSERS: Mapping[str, str] = {"(": ")", "[": "]", "{": "}"}
_STARTS: Mapping[str, str] = {
    "!": "`!` begins a tag in YAML",
    '"': "YAML ends the text at the second quote",
    "'": "YAML ends the text at the second quote",
    "[": "`[` begins a list in YAML",
    "{": "`{` begins a mapping in YAML",
    "&": "`&` begins an anchor in YAML",
    "*": "`*` begins an alias in YAML",
    "|": "`|` begins a block of text in YAML",
    ">": "`>` begins a block of text in YAML",
    "%": "`%` cannot begin a value in YAML",
    "@": "`@` cannot begin a value in YAML",
    "`": "a backtick cannot begin a value in YAML",
    "-": "`- ` begins a list in YAML",
    "?": "`? ` begins a key in YAML",
}


@dataclass(frozen=True, slots=True)
class Trap:
    """Is an expression that YAML misreads: [start, end) of what was meant, and the finding."""

    start: int
    end: int
    finding: Diagnostic


def find_trap(source: SourceText, key: Span, *, flow: bool, at: int | None = None) -> Trap | None:
    """Return the expression written after `key`, with the finding that says to quote it.

    `flow`: it stands inside `{…}` or `[…]`. `at`: where YAML gave up or stopped reading.
    """
    text = source.text
    gap = _GAP.match(text, key.end)
    if gap is None:
        return None
    start = gap.end()
    line = source.line_col(start)[0]
    stop = source.offset(line, len(source.line(line)) + 1)
    end = _expression_end(text, start, stop, flow=flow)
    if start >= end:
        return None
    raw = text[start:end]
    place, label = _blame(text, start, end, at)
    finding = Diagnostic(
        "SG116",
        f"YAML does not read the expression of `{key.text}` as text",
        span=Span(source, place, place + 1),
        label=label,
        help=(f"quote it: `{key.text}: {quoted(raw)}`",),
    )
    return Trap(start, end, finding)


def quoted(raw: str) -> str:
    """Return text as YAML writes it in quotes, changing as little of it as can be.

    An expression that was put in quotes of the kind it uses itself is taken out of them.
    """
    if _NESTED.match(raw):
        raw = raw[1:-1]
    if "'" not in raw:
        return f"'{raw}'"
    if '"' not in raw and "\\" not in raw:
        return f'"{raw}"'
    return "'" + raw.replace("'", "''") + "'"


def balanced(raw: str) -> bool:
    """Tell whether every quote and bracket of an expression is closed."""
    depth, at = 0, 0
    while at < len(raw):
        char = raw[at]
        if char in "\"'":
            at = _string_end(raw, at, len(raw))
            if at > len(raw):
                return False
            continue
        depth += (char in "([{") - (char in ")]}")
        at += 1
    return depth == 0


def _expression_end(text: str, start: int, stop: int, *, flow: bool) -> int:
    """Return where an expression ends: at a comment, or in flow at a comma or closer of YAML's."""
    depth, at = 0, start
    while at < stop:
        char = text[at]
        if char in "\"'":
            at = min(_string_end(text, at, stop), stop)
            continue
        if depth == 0 and char == "#" and text[at - 1] in " \t":
            break
        if flow and depth == 0 and char in ",]}":
            break
        depth += (char in _CLOSERS) - (char in ")]}")
        at += 1
    while at > start and text[at - 1] in " \t":
        at -= 1
    return at


def _string_end(text: str, at: int, stop: int) -> int:
    """Return the offset after the string that opens at `at`; `stop` + 1 when it never closes."""
    quote = text[at]
    at += 1
    while at < stop:
        if text[at] == "\\":
            at += 2
        elif text[at] == quote:
            return at + 1
        else:
            at += 1
    return stop + 1


def _blame(text: str, start: int, end: int, at: int | None) -> tuple[int, str]:
    """Return the character YAML stumbles over, and what it takes it for."""
    first = text[start]
    if first in _STARTS and (first not in "-?" or text[start + 1 : start + 2] in {" ", ""}):
        return start, _STARTS[first]
    comment = re.compile(r"[ \t]#").search(text, start, end)
    if comment and (at is None or at >= comment.start()):
        return comment.start() + 1, "` #` begins a comment in YAML"
    colon = re.compile(r":(?=[ \t]|$)").search(text, start, end)
    if colon:
        return colon.start(), "`: ` begins a mapping in YAML"
    if at is not None and start < at < end and text[at] in ",[]{}":
        return at, f"YAML ends the text at `{text[at]}` inside braces"
    place = min(max(at if at is not None else start, start), end - 1)
    return place, "YAML cannot read on here"
