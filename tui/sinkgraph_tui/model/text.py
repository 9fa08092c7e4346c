"""The one choke point of text: what is shown is made of spans, and a span holds no control.

It knows tones, not colours: a theme gives each of them a colour, weight and glyph.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sinkgraph.api.text import clip, safe_text, width

__all__ = ["Line", "Span", "Tone", "gist", "listed", "plural", "said"]

Tone = Literal["text", "dim", "strong", "accent", "warn", "bad", "probing", "manual"]

_MOST = 400
_ASCII = str.maketrans({
    "●": "*", "○": "[O]", "◐": "[H]", "⊘": "[T]", "‖": "[P]", "✕": "[X]", "▲": "^", "▼": "v",
    "→": "->", "⇄": "<>", "·": "-", "—": "-", "–": "-", "×": "x", "…": "~", "≥": ">=", "✓": "ok",
    "◄": "<", "▮": "#", "▯": ".", "▌": "[", "░": ".", "↻": "@", "✗": "X",
})  # fmt: skip
_STATUS = re.compile(r"\b(?:answered|status|HTTP)\D{0,3}([1-5]\d\d)\b")
_CLASS = re.compile(r"^[A-Za-z]*(?:Error|Failed|Rejected|Exception|Overloaded|Closed): ")


@dataclass(frozen=True, slots=True)
class Span:
    """Is a piece of text in one tone; whatever it is given, every character of it is visible."""

    text: str
    tone: Tone = "text"

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", safe_text(self.text))


@dataclass(frozen=True, slots=True)
class Line:
    """Is one line of spans."""

    spans: tuple[Span, ...] = ()

    @property
    def plain(self) -> str:
        """Its text alone."""
        return "".join(span.text for span in self.spans)

    @property
    def columns(self) -> int:
        """How many columns of a terminal it takes."""
        return sum(width(span.text) for span in self.spans)

    def __add__(self, other: Line) -> Line:
        return Line(self.spans + other.spans)

    def __bool__(self) -> bool:
        return bool(self.plain)

    def in_ascii(self) -> Line:
        """Return it with every glyph in ASCII; letters of names stay."""
        return Line(tuple(Span(span.text.translate(_ASCII), span.tone) for span in self.spans))

    def cut(self, columns: int) -> Line:
        """Return it in at most so many columns, with an ellipsis where something is missing."""
        if self.columns <= columns:
            return self
        spans: list[Span] = []
        left = max(0, columns)
        for span in self.spans:
            wide = width(span.text)
            if wide >= left:
                text = clip(span.text, left) if wide > left else clip(span.text + "..", left)
                spans.append(Span(text if left else "", span.tone))
                break
            spans.append(span)
            left -= wide
        return Line(tuple(spans))


def said(*parts: str | tuple[str, Tone] | Line) -> Line:
    """Return a line of texts, of texts with a tone, and of lines."""
    spans: list[Span] = []
    for part in parts:
        match part:
            case Line():
                spans += part.spans
            case str():
                spans += [Span(part[:_MOST])] if part else []
            case (text, tone):
                spans += [Span(text[:_MOST], tone)] if text else []
    return Line(tuple(spans))


def gist(error: str | None, limit: int = 60) -> str:
    """Return the few words of an error that tell one cause from another: `503`, `refused`."""
    if not error:
        return ""
    text = _CLASS.sub("", error.strip())
    found = _STATUS.search(text)
    if found is not None:
        return found[1]
    lowered = text.lower()
    for mark, short in (
        ("connection refused", "connection refused"),
        ("connection reset", "connection reset"),
        ("no answer", "timeout"),
        ("timed out", "timeout"),
        ("timeout", "timeout"),
        ("no space left", "disk full"),
        ("permission denied", "permission denied"),
        ("name or service not known", "unknown host"),
        ("certificate", "bad certificate"),
    ):
        if mark in lowered:
            return short
    return safe_text(text, limit)


def listed(names: Iterable[str], most: int = 3) -> str:
    """Return names as a person lists them: `a`, `a and b`, `a, b, c and 4 more`."""
    held = list(names)
    if len(held) > most:
        return f"{', '.join(held[:most])} and {len(held) - most} more"
    if len(held) < 2:
        return "".join(held)
    return f"{', '.join(held[:-1])} and {held[-1]}"


def plural(count: int, noun: str, many: str | None = None) -> str:
    """Return a count with its noun: `1 event`, `1,200 events`."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"
