"""The characters a map is drawn with: Unicode, and ASCII for terminals that have no more.

Every one of them takes one cell. Colours are no business of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["ASCII", "UNICODE", "E", "Glyphs", "N", "S", "W"]

N, E, S, W = 1, 2, 4, 8

_KINDS = {
    "source": "▶",
    "broadcast": "⇉",
    "filter": "▽",
    "route": "⋔",
    "fallback": "⤳",
    "balance": "⇶",
    "transform": "◇",
    "dedupe": "≠",
    "sample": "∴",
    "rate_limit": "⧗",
    "batch": "▤",
    "queue": "≡",
    "retry": "↻",
    "breaker": "●",
    "timeout": "◷",
    "dead_letter": "✗",
    "http": "↗",
    "file": "▪",
    "stdout": "»",
    "channel": "⊏",
    "call": "λ",
    "blackhole": "∅",
    "other": "□",
}
_ASCII_KINDS = {
    "source": ">",
    "broadcast": "B",
    "filter": "V",
    "route": "Y",
    "fallback": "F",
    "balance": "L",
    "transform": "T",
    "dedupe": "D",
    "sample": "%",
    "rate_limit": "R",
    "batch": "G",
    "queue": "=",
    "retry": "@",
    "breaker": "*",
    "timeout": "t",
    "dead_letter": "X",
    "http": "^",
    "file": "f",
    "stdout": "$",
    "channel": "c",
    "call": "p",
    "blackhole": "0",
    "other": "?",
}
_MARKS = {
    "closed": "●",
    "open": "○",
    "half_open": "◐",
    "tripped": "⊘",
    "paused": "‖",
    "warn": "!",
    "added": "+",
    "removed": "-",
    "changed": "~",
    "marked": "◆",
}
_ASCII_MARKS = {
    "closed": "*",
    "open": "O",
    "half_open": "H",
    "tripped": "/",
    "paused": '"',
    "warn": "!",
    "added": "+",
    "removed": "-",
    "changed": "~",
    "marked": "&",
}
_LINES = " │─╰││╭├─╯─┴╮┤┬┼"
_DASHES = " ┆┄╰┆┆╭├┄╯┄┴╮┤┬┼"
_HEAVY = " ┃━┗┃┃┏┣━┛━┻┓┫┳╋"
_ASCII_LINES = " |-`||.|-'-+.|++"
_ASCII_DASHES = " :~`::.:~'~+.:++"
_ASCII_HEAVY = " #=#####=#=#####"


@dataclass(frozen=True, slots=True)
class Glyphs:
    """Is one set. Lines are indexed by the sum of `N`, `E`, `S` and `W`; `bar` by eighths."""

    name: str
    kinds: Mapping[str, str]
    marks: Mapping[str, str]
    lines: str
    dashes: str
    heavy: str
    bar: str
    ghost: str
    track: str
    arrow: str
    free_arrow: str
    stripe: str
    more: str
    fail: str
    again: str
    to: str

    def kind(self, kind: str, role: str = "") -> str:
        """Return the glyph of a kind; a source of any kind has one."""
        if role == "source":
            return self.kinds["source"]
        return self.kinds.get(kind) or self.kinds["other"]


UNICODE = Glyphs(
    name="unicode",
    kinds=MappingProxyType(_KINDS),
    marks=MappingProxyType(_MARKS),
    lines=_LINES,
    dashes=_DASHES,
    heavy=_HEAVY,
    bar=" ▏▎▍▌▋▊▉█",
    ghost="▒",
    track="░",
    arrow="▸",
    free_arrow="▹",
    stripe="▌",
    more="…",
    fail="✗",
    again="↺",
    to="→",
)
ASCII = Glyphs(
    name="ascii",
    kinds=MappingProxyType(_ASCII_KINDS),
    marks=MappingProxyType(_ASCII_MARKS),
    lines=_ASCII_LINES,
    dashes=_ASCII_DASHES,
    heavy=_ASCII_HEAVY,
    bar="    #####",
    ghost="-",
    track=".",
    arrow=">",
    free_arrow=")",
    stripe="[",
    more="~",
    fail="x",
    again="@",
    to=">",
)
