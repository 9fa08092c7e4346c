"""How wide a text is on a terminal, and how it is cut to a width.

It makes no text safe against control sequences but its own: what has no cell is shown as `�`.
"""

from __future__ import annotations

from functools import lru_cache
from unicodedata import category, combining, east_asian_width

__all__ = ["cells", "clip", "width"]

_NO_CELL = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


@lru_cache(maxsize=4096)
def cells(text: str) -> tuple[str, ...]:
    """Return what stands in each cell; the second cell of a wide character is empty.

    A mark that has no cell of its own stays with the character before it.
    """
    if text.isascii() and text.isprintable():
        return tuple(text)
    found: list[str] = []
    for char in text:
        kind = category(char)
        if kind in _NO_CELL:
            found.append("�")
        elif combining(char) or kind in ("Mn", "Me"):
            last = len(found) - 1
            while last > 0 and not found[last]:
                last -= 1
            if last >= 0:
                found[last] += char
        elif east_asian_width(char) in "WF":
            found += [char, ""]
        else:
            found.append(char)
    return tuple(found)


def width(text: str) -> int:
    """Return how many cells a text takes."""
    return len(cells(text))


def clip(text: str, most: int, more: str = "…") -> str:
    """Return the text, or as much of it as fits with `more` behind it, in at most `most` cells."""
    if most <= 0:
        return ""
    shown = cells(text)
    if len(shown) <= most:
        return "".join(shown)
    kept = shown[: most - 1]
    if kept and shown[most - 1] == "":  # half of a wide character
        kept = kept[:-1]
    return "".join(kept) + more
