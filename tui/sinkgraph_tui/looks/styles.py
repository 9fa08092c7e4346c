"""Turns tones of text and parts of the map into styles of a terminal, in the colours of a palette.

A style never says more than the glyph and the word it belongs to.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from rich.style import Style

from sinkgraph_tui.looks.palette import Palette
from sinkgraph_tui.model.text import Line

__all__ = ["Ink", "Styles"]

Ink = tuple[tuple[str, Style], ...]
"""One row as it is drawn: texts with their style."""

_QUIET = frozenset({"border", "edge", "error", "faint"})
_LOUD = frozenset({"warn", "bad", "probing", "manual", "added", "changed", "removed"})
_BOLD_PARTS = frozenset({"title", "word", "stripe", "sign"})
_SURFACES = ("ground", "strip", "alarm", "raised")


class Styles:
    """Gives the styles of one palette; `faded` ones where values are frozen.

    With `ascii_only` every glyph of a line is written in ASCII.
    """

    def __init__(self, palette: Palette, *, faded: bool = False, ascii_only: bool = False) -> None:
        self.palette = palette
        self.faded = faded
        self.ascii_only = ascii_only
        self._known: dict[tuple[str, str], Style] = {}
        self._cells: dict[str, Style] = {}

    @cached_property
    def dimmed(self) -> Styles:
        """The same, for values that are frozen."""
        return Styles(self.palette, faded=True, ascii_only=self.ascii_only)

    def tone(self, tone: str, on: str = "ground") -> Style:
        """Return the style of a text's tone on a surface: ground, strip, alarm or raised."""
        style = self._known.get((tone, on))
        if style is None:
            bold = tone == "strong" or (tone == "bad" and not self.faded)
            colour = self._colour(tone)
            style = Style(color=colour, bgcolor=getattr(self.palette, on), bold=bold or None)
            if self.palette.ansi and on in ("strip", "raised"):
                style += Style(reverse=on == "strip" or None, bold=True)
            self._known[tone, on] = style
        return style

    def _colour(self, tone: str) -> str:
        return self.palette.tone("dim" if self.faded and tone != "accent" else tone)

    def chip(self, tone: str) -> Style:
        """Return the style of a word that is to be seen from afar: ground on the tone's colour."""
        if self.palette.ansi:
            return Style(color=self._colour(tone), reverse=True, bold=True)
        return Style(color=self.palette.ground, bgcolor=self._colour(tone), bold=True)

    def cell(self, name: str) -> Style:
        """Return the style of a cell of the map by its name: a part, a tone, `selected`."""
        style = self._cells.get(name)
        if style is None:
            style = self._cells[name] = self._made(name)
        return style

    def _made(self, name: str) -> Style:
        part, _, rest = (name or "blank normal").partition(" ")
        tone, _, chosen = rest.partition(" ")
        on = "raised" if chosen else "ground"
        palette = self.palette
        ground = getattr(palette, on)
        loud = tone in _LOUD
        if part == "blank":
            return Style(bgcolor=ground)
        if part in ("track", "bar", "tip", "ghost") and not palette.ansi:
            return self._filled(part, tone or "normal")
        if part == "track":
            return Style(color=palette.rule, bgcolor=ground)
        if part in _QUIET and not loud:
            colour = palette.tone("dim") if part == "faint" else palette.rule
            if chosen and part == "border":
                colour = palette.tone("accent")
            return Style(color=colour, bgcolor=ground)
        if part == "rate" and not loud:
            tone = "normal"
        if part in ("title", "name") and not loud and tone != "dim":
            tone = "strong" if part == "title" else "text"
        bold = (part in _BOLD_PARTS and (loud or part == "title")) or (chosen and palette.ansi)
        return Style(
            color=self._colour(tone or "normal"),
            bgcolor=ground,
            bold=bold or None,
            dim=True if part == "ghost" else None,
            reverse=True if chosen and palette.ansi and part in ("title", "name") else None,
        )

    def _filled(self, part: str, tone: str) -> Style:
        """Return a cell of a bar: its colour is behind the glyph too, so that it has no gaps."""
        track, colour = self.palette.track, self._colour(tone)
        if part == "bar":
            return Style(color=colour, bgcolor=track if self.ascii_only else colour)
        if part == "tip":
            return Style(color=colour, bgcolor=track)
        if part == "ghost":
            colour = _between(track, colour, 0.42)
            return Style(color=colour, bgcolor=track if self.ascii_only else colour)
        shown = self.palette.rule if self.ascii_only else track
        return Style(color=shown, bgcolor=track)

    def ink(self, line: Line, on: str = "ground") -> Ink:
        """Return a line as it is drawn on a surface."""
        shown = line.in_ascii() if self.ascii_only else line
        return tuple((span.text, self.tone(span.tone, on)) for span in shown.spans if span.text)

    def cells(self, row: Iterable[tuple[str, str]]) -> Ink:
        """Return a row of the map as it is drawn."""
        return tuple((text, self.cell(name)) for text, name in row)

    def blank(self, on: str = "ground") -> Style:
        """Return the style of an empty cell."""
        return self.tone("text", on)


def _between(one: str, other: str, share: float) -> str:
    """Return a colour on the way from one to another; both are #rrggbb."""
    pairs = ((int(one[k : k + 2], 16), int(other[k : k + 2], 16)) for k in (1, 3, 5))
    return "#" + "".join(f"{round(low + (high - low) * share):02x}" for low, high in pairs)
