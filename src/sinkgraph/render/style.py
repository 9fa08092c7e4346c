"""How drawings look: a colour for each kind, two themes, one shape for each form.

Hues keep their distance for colour-blind eyes, and nothing is said by colour alone: the kind
stands in every node. Nothing here knows a graph.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from sinkgraph.render.parts import Form, Mark, Tone

__all__ = [
    "DARK",
    "FONT",
    "LIGHT",
    "SHAPES",
    "THEMES",
    "Paint",
    "Theme",
    "ThemeName",
    "contrast",
    "mix",
    "paint_of",
    "quiet",
    "swaps",
    "tone_paint",
]

FONT = "Helvetica,Arial,sans-serif"

SKY, BLUE, TEAL, GREEN = "#56b4e9", "#5b8def", "#35b5a2", "#3fae6a"
YELLOW, AMBER, ORANGE, RED = "#e3cf3d", "#f0b429", "#e8863a", "#ff5f45"
PINK, VIOLET, GREY = "#d58fc0", "#a78bda", "#9aa4af"

_HUES: dict[str, str] = {
    "http": SKY,
    "file": TEAL,
    "stdin": GREY,
    "stdout": GREY,
    "generate": GREEN,
    "inlet": PINK,
    "channel": PINK,
    "call": VIOLET,
    "blackhole": GREY,
    "broadcast": BLUE,
    "filter": YELLOW,
    "route": YELLOW,
    "fallback": VIOLET,
    "balance": BLUE,
    "transform": GREEN,
    "dedupe": TEAL,
    "sample": TEAL,
    "rate_limit": TEAL,
    "batch": TEAL,
    "queue": AMBER,
    "retry": ORANGE,
    "breaker": ORANGE,
    "timeout": ORANGE,
    "dead_letter": RED,
}
_BY_FORM: dict[Form, str] = {
    "source": GREEN,
    "fan": BLUE,
    "change": TEAL,
    "reliability": ORANGE,
    "terminal": VIOLET,
    "missing": RED,
}
_TONES: dict[Tone, str] = {
    "good": GREEN,
    "fair": AMBER,
    "poor": RED,
    "calm": GREY,
    "added": GREEN,
    "removed": RED,
    "changed": AMBER,
    "renamed": VIOLET,
}

SHAPES: dict[Form, str] = {
    "source": "cds",
    "fan": "hexagon",
    "change": "component",
    "reliability": "box",
    "terminal": "box",
    "durable_queue": "cylinder",
    "memory_queue": "plain",
    "dead": "folder",
    "lane": "plain",
    "folded": "tab",
    "missing": "box",
}
"""Graphviz' shape of each form; a memory queue and a lane are tables, drawn by their labels."""


ThemeName = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class Theme:
    """Is a set of colours. `shade` darkens a hue to a border, `tint` thins it to a fill.

    `line` is for edges, `faint` for those to dead letters, `quiet` for borders of what is not the
    subject.
    """

    ground: str
    text: str
    dim: str
    line: str
    faint: str
    quiet: str
    group_fill: str
    group_line: str
    shade: float
    tint: float


LIGHT = Theme(
    ground="#ffffff",
    text="#1b2129",
    dim="#56606b",
    line="#5d6772",
    faint="#99574d",
    quiet="#b4bcc5",
    group_fill="#f6f8fa",
    group_line="#d3dae1",
    shade=0.42,
    tint=0.13,
)
DARK = Theme(
    ground="#0c0f14",
    text="#e2e7ec",
    dim="#9ba5b0",
    line="#8a949f",
    faint="#c07a70",
    quiet="#444d57",
    group_fill="#12161d",
    group_line="#2b333d",
    shade=0.0,
    tint=0.14,
)
THEMES: dict[ThemeName, Theme] = {"light": LIGHT, "dark": DARK}


@dataclass(frozen=True, slots=True)
class Paint:
    """Is what a node is painted with."""

    border: str
    fill: str


def paint_of(kind: str, form: Form, theme: Theme) -> Paint:
    """Return border and fill of a node; kinds nobody knows take the colour of their form."""
    return _paint(_HUES.get(kind) or _BY_FORM.get(form, GREY), theme)


def tone_paint(tone: Tone | Mark, theme: Theme) -> Paint:
    """Return what a chip, or a node that became different, is painted with."""
    return _paint(_TONES[tone], theme) if tone in _TONES else quiet(theme)


def quiet(theme: Theme) -> Paint:
    """Return what a node is painted with when others are the subject."""
    return Paint(theme.quiet, theme.ground)


def swaps() -> dict[str, str]:
    """Return every colour of the light theme → what stands for it in the dark one."""
    made = {}
    hues = dict.fromkeys([*_HUES.values(), *_BY_FORM.values(), *_TONES.values()])
    for hue in hues:
        light, dark = _paint(hue, LIGHT), _paint(hue, DARK)
        made[light.border], made[light.fill] = dark.border, dark.fill
    for one in fields(Theme):
        light_colour = getattr(LIGHT, one.name)
        if isinstance(light_colour, str):
            made[light_colour] = getattr(DARK, one.name)
    return made


def _paint(hue: str, theme: Theme) -> Paint:
    return Paint(mix(hue, "#000000", theme.shade), mix(theme.ground, hue, theme.tint))


def mix(one: str, other: str, share: float) -> str:
    """Return `one` with a share (0 to 1) of `other` in it, channel by channel in sRGB."""
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [c / 255 for c in _channels(colour)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
