"""Text from users made harmless and measurable before anybody looks at it.

It changes only what is shown; stored text is never touched.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["clip", "safe_text", "width"]

_PLAIN = re.compile(r"[\x20-\x7e]*")
# Format characters (bidi marks, zero-width ones), controls, surrogates, private use, unassigned,
# and the line and paragraph separators.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def safe_text(text: str, limit: int | None = None) -> str:
    r"""Return text in which every character is visible and none can steer a terminal.

    Controls become escapes as in Python (`\x1b`, `\n`, `\u202e`, `\udc80`); at most `limit`
    characters of the text are kept, with an ellipsis for the rest.
    """
    if limit is not None and len(text) > limit:
        text = text[: max(limit - 1, 0)] + "…"
    if _PLAIN.fullmatch(text):
        return text
    return "".join(map(_visible, text))


def _visible(char: str) -> str:
    if " " <= char <= "~" or unicodedata.category(char) not in _UNSAFE:
        return char
    if char in _NAMED:
        return _NAMED[char]
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def width(text: str) -> int:
    """Return how many terminal columns visible text takes (wide 2, combining 0)."""
    if _PLAIN.fullmatch(text):
        return len(text)
    return sum(map(_columns, text))


def _columns(char: str) -> int:
    if unicodedata.category(char) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def clip(text: str, columns: int) -> str:
    """Return visible text cut to at most `columns` terminal columns, with an ellipsis."""
    if width(text) <= columns:
        return text
    used, out = 1, []
    for char in text:
        used += _columns(char)
        if used > columns:
            break
        out.append(char)
    return "".join(out) + "…"
