"""Regular expressions that Python's `re` finds exactly as RE2 does, and in as bounded a time.

They are sequences of characters, classes, and groups of plain words, in which no choice is ever
taken back: whatever a repeated item stops at, it could not have taken. All others are RE2's.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from sys import maxsize

__all__ = ["Pattern", "read_pattern"]

_STEPS = 65_536  # at most so many for a text, where the match may begin anywhere in it
_DIGITS, _WORD, _SPACE = string.digits, string.ascii_letters + string.digits + "_", "\t\n\f\r "
_NAMED = {"d": _DIGITS, "w": _WORD, "s": _SPACE, "n": "\n", "t": "\t", "r": "\r", "f": "\f"}
_SPECIAL = frozenset(r"\.+*?()[]{}|^$")
_ALNUM = frozenset(string.ascii_letters + string.digits)


@dataclass(frozen=True, slots=True)
class Pattern:
    """Is a pattern for Python: `find` gives None where there is no match.

    A text longer than `longest` might take too many steps.
    """

    find: Callable[[str], object]
    longest: int


@dataclass(frozen=True, slots=True)
class _Set:
    """Is a set of characters: these, or all but these."""

    chars: frozenset[str]
    negated: bool = False

    def meets(self, other: _Set) -> bool:
        """Return whether a character may be in both."""
        if self.negated and other.negated:
            return True
        if self.negated or other.negated:
            some, without = (other, self) if self.negated else (self, other)
            return not some.chars <= without.chars
        return not self.chars.isdisjoint(other.chars)

    def code(self) -> str:
        """Return it as `re` writes it."""
        if len(self.chars) == 1 and not self.negated:
            return re.escape(next(iter(self.chars)))
        return f"[{'^' if self.negated else ''}{''.join(map(re.escape, sorted(self.chars)))}]"


@dataclass(frozen=True, slots=True)
class _Item:
    """Is one place of a pattern: what it may begin with, its code, how often it may stand."""

    first: _Set
    code: str
    often: str


class _Other(Exception):
    """Say that a pattern is not one of ours."""


def read_pattern(text: str) -> Pattern | None:
    """Return a pattern of RE2 for Python's `re`, or None for one that only RE2 finds for sure."""
    from_start = text.startswith("^")
    body = text[from_start:]
    to_end = body.endswith("$") and not body.endswith("\\$")
    try:
        items = list(_items(body[:-1] if to_end else body))
    except _Other:
        return None
    for n, item in enumerate(items):
        if item.often and any(item.first.meets(one.first) for one in _next(items[n + 1 :])):
            return None
    codes = [f"{item.code}{item.often}{'+' if item.often else ''}" for item in items]
    code = "".join(["\\A" if from_start else "", *codes, "\\Z" if to_end else ""])
    longest = maxsize
    if not from_start:
        repeats = any(item.often in {"*", "+"} for item in items)
        longest = int(_STEPS**0.5) if repeats else _STEPS // (len(items) + 1)
    return Pattern(re.compile(code).search, longest)


def _next(items: list[_Item]) -> Iterator[_Item]:
    """Yield what may stand first."""
    for item in items:
        yield item
        if item.often not in {"*", "?"}:
            return


def _items(body: str) -> Iterator[_Item]:
    at = 0
    while at < len(body):
        if body[at] == "(":
            end = body.find(")", at)
            yield _words(body[at + 1 : end].removeprefix("?:"), end)
            at = end + 1
            if body[at : at + 1] in {"*", "+", "?", "{"}:
                raise _Other
            continue
        chars, at = _class(body, at + 1) if body[at] == "[" else _one(body, at)
        often = body[at] if at < len(body) and body[at] in "*+?" else ""
        at += len(often)
        yield _Item(chars, chars.code(), often)


def _words(inside: str, end: int) -> _Item:
    """Return the item of a group of words, none of which another begins with."""
    words = inside.split("|")
    if end < 0 or not all(words) or _SPECIAL & set("".join(words)):
        raise _Other
    for word in words:
        if sum(other.startswith(word) for other in words) > 1:
            raise _Other
    first = _Set(frozenset(word[0] for word in words))
    return _Item(first, f"(?:{'|'.join(map(re.escape, words))})", "")


def _one(body: str, at: int) -> tuple[_Set, int]:
    """Return the characters that match one item, and where it ends."""
    char = body[at]
    if char == ".":
        return _Set(frozenset("\n"), negated=True), at + 1
    if char == "\\":
        chars, at = _escaped(body, at + 1)
        return chars, at
    if char in _SPECIAL:
        raise _Other
    return _Set(frozenset(char)), at + 1


def _escaped(body: str, at: int) -> tuple[_Set, int]:
    char = body[at : at + 1]
    if char in _NAMED:
        return _Set(frozenset(_NAMED[char])), at + 1
    if char in {"D", "W", "S"}:
        return _Set(frozenset(_NAMED[char.lower()]), negated=True), at + 1
    if char not in string.punctuation or not char:
        raise _Other
    return _Set(frozenset(char)), at + 1


def _class(body: str, at: int) -> tuple[_Set, int]:
    """Return the characters of a class, and where it ends."""
    negated = body[at : at + 1] == "^"
    at += negated
    chars: set[str] = set()
    while body[at : at + 1] != "]":
        char, low = body[at : at + 1], at
        if char == "\\":
            part, at = _escaped(body, at + 1)
            if part.negated:
                raise _Other
            chars |= part.chars
        elif not char or char in "[^" or (char == "-" and chars):
            raise _Other
        else:
            chars.add(char)
            at += 1
        if body[at : at + 1] == "-" and body[at + 1 : at + 2] != "]":
            if at != low + 1 or not {char, body[at + 1 : at + 2]} <= _ALNUM or char > body[at + 1]:
                raise _Other
            chars.update(map(chr, range(ord(char), ord(body[at + 1]) + 1)))
            at += 2
        elif body[at : at + 2] == "-]":
            chars.add("-")
            at += 1
    if not chars:
        raise _Other
    return _Set(frozenset(chars), negated), at + 1
