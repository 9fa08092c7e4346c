"""A window of cells, each with a character and the name of a style.

Names of styles are for the screen to colour: a part (`bar`, `edge`, `title` …), a tone, and
`selected` where it is. It draws no map by itself.
"""

from __future__ import annotations

from sinkgraph_tui.layout.text import cells

__all__ = ["BLANK", "Grid"]

BLANK = ""


class Grid:
    """Holds the cells from column `left` and row `top` of a drawing."""

    def __init__(self, left: int, top: int, width: int, height: int) -> None:
        self.left, self.top = left, top
        self.width, self.height = max(width, 0), max(height, 0)
        self.chars = [[" "] * self.width for _ in range(self.height)]
        self.styles = [[BLANK] * self.width for _ in range(self.height)]

    def put(self, x: int, y: int, text: str, style: str) -> None:
        """Write a text from a cell of the drawing on; what is outside the window is cut."""
        row = y - self.top
        if not 0 <= row < self.height:
            return
        shown = cells(text)
        start = x - self.left
        first, last = max(start, 0), min(start + len(shown), self.width)
        if first >= last:
            return
        part = list(shown[first - start : last - start])
        if part[0] == "":
            part[0] = " "  # its other half is left of the window
        if last - start < len(shown) and shown[last - start] == "":
            part[-1] = " "
        chars = self.chars[row]
        if first and chars[first] == "":
            chars[first - 1] = " "  # half of what stood here is written over
        if last < self.width and chars[last] == "":
            chars[last] = " "
        chars[first:last] = part
        self.styles[row][first:last] = [style] * (last - first)

    def fill(self, x: int, y: int, width: int, height: int, char: str, style: str) -> None:
        """Write one character into every cell of a rectangle."""
        for row in range(max(y, self.top), min(y + height, self.top + self.height)):
            self.put(x, row, char * width, style)

    def line(self, row: int) -> tuple[tuple[str, str], ...]:
        """Return a row of the window as texts with their style."""
        found: list[tuple[str, str]] = []
        text, style = "", BLANK
        for char, other in zip(self.chars[row], self.styles[row], strict=True):
            if other != style and text:
                found.append((text, style))
                text = ""
            style = other
            text += char
        if text:
            found.append((text, style))
        return tuple(found)

    def text(self) -> str:
        """Return the rows without styles, and without blanks at their end."""
        return "\n".join("".join(row).rstrip() for row in self.chars)
