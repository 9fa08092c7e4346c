"""Patches of a text: which characters become which, how they are applied and taken back.

It knows no syntax and no document; what a patch is for is decided where it is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Patch", "applied", "inverse"]


@dataclass(frozen=True, slots=True)
class Patch:
    """Replaces the characters [start, end) of a text, counted from 0, by `text`."""

    start: int
    end: int
    text: str


def applied(text: str, patches: Sequence[Patch]) -> str:
    """Return a text with all patches made; every one counts in the text given.

    Raises ValueError when one lies outside the text or two overlap; of two insertions at one
    place the first stays first.
    """
    parts, at = list[str](), 0
    for one in _in_order(text, patches):
        parts += [text[at : one.start], one.text]
        at = one.end
    return "".join([*parts, text[at:]])


def inverse(text: str, patches: Sequence[Patch]) -> tuple[Patch, ...]:
    """Return what brings the patched text back to `text`; it counts in the patched text."""
    made, grown = list[Patch](), 0
    for one in _in_order(text, patches):
        start = one.start + grown
        made.append(Patch(start, start + len(one.text), text[one.start : one.end]))
        grown += len(one.text) - (one.end - one.start)
    return tuple(made)


def _in_order(text: str, patches: Sequence[Patch]) -> list[Patch]:
    ordered = sorted(patches, key=lambda one: (one.start, one.end))
    at = 0
    for one in ordered:
        if not at <= one.start <= one.end <= len(text):
            raise ValueError(f"patch [{one.start}, {one.end}) overlaps another or is outside")
        at = one.end
    return ordered
