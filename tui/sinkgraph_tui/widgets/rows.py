"""A widget of rows that draws again only the rows that changed.

It measures nothing and holds no subject; what stands in a row is made by who shows it.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from sinkgraph_tui.looks import Ink, Styles

__all__ = ["Rows"]


class Rows(Widget):
    """Shows rows of ink from its top on; what is left of it is blank."""

    DEFAULT_CSS = "Rows { height: 1fr; width: 1fr; }"

    def __init__(
        self, inks: Styles, *, on: str = "ground", id: str | None = None, classes: str = ""
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.inks = inks
        self.on_surface = on
        self._rows: tuple[Ink, ...] = ()
        self._strips: dict[int, Strip] = {}

    def show(self, rows: Sequence[Ink]) -> None:
        """Show these rows; those that are as they were are not drawn again."""
        fresh = tuple(rows)
        was, self._rows = self._rows, fresh
        changed = [
            y
            for y in range(max(len(was), len(fresh)))
            if (was[y] if y < len(was) else ()) != (fresh[y] if y < len(fresh) else ())
        ]
        if not changed:
            return
        width, height = self.size
        regions = [Region(0, y, width, 1) for y in changed if y < height]
        for y in changed:
            self._strips.pop(y, None)
        if regions and width:
            self.refresh(*regions)

    @property
    def texts(self) -> tuple[str, ...]:
        """What stands in the rows, without styles."""
        return tuple("".join(text for text, _ in row).rstrip() for row in self._rows)

    def notify_style_update(self) -> None:
        """Draw everything again: colours have changed."""
        self._strips.clear()
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        """Return one row as the terminal gets it."""
        width = self.size.width
        held = self._strips.get(y)
        if held is not None and held.cell_length == width:
            return held
        blank = self.inks.blank(self.on_surface)
        row = self._rows[y] if y < len(self._rows) else ()
        strip = Strip([Segment(text, style) for text, style in row if text])
        strip = strip.adjust_cell_length(width, blank)
        self._strips[y] = strip
        return strip
