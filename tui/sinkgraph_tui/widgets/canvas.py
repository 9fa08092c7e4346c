"""The map on the screen: arranged for its size, coloured for the moment, scrolled to a node.

What is chosen, and what happens then, is the screen's affair: it is told by messages.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from textual import events
from textual.geometry import Offset
from textual.message import Message

from sinkgraph_tui.layout import (
    ASCII,
    UNICODE,
    Arrangement,
    Box,
    Looks,
    MapGraph,
    Way,
    Zoom,
    arrange,
    box_tones,
    fitted,
    hit,
    painted,
    ribbon,
    scrolled,
    step,
)
from sinkgraph_tui.layout.grid import Grid
from sinkgraph_tui.looks import Styles
from sinkgraph_tui.widgets.rows import Rows

__all__ = ["Canvas"]

_EMPTY = MapGraph((), ())
_WHEEL = 3
_LARGE: tuple[Zoom, Zoom] = ("cards", "lanes")


class Canvas(Rows):
    """Shows a map. `zoom` None is the largest that fits; `errors` draws where dead letters go.

    It is faded while `frozen`.
    """

    class Chosen(Message):
        """Say that a node was pointed at; `again` when it was the chosen one already."""

        def __init__(self, node: str, *, again: bool) -> None:
            super().__init__()
            self.node, self.again = node, again

    def __init__(self, inks: Styles, *, id: str | None = None) -> None:
        super().__init__(inks, id=id)
        self.zoom: Zoom | None = None
        self.errors = False
        self.fold = True
        self.frozen = False
        self.graph = _EMPTY
        self.looks = Looks()
        self._loud: frozenset[str] = frozenset()
        self._arrangement: Arrangement | None = None
        self._made_for: tuple[object, ...] = ()
        self._origin = (0, 0)
        self._looked_at: str | None = None
        self._free = False
        self.labels: Mapping[str, str] = {}

    # what is shown

    def draw(self, graph: MapGraph, looks: Looks, loud: Collection[str] = ()) -> None:
        """Show a graph as it looks now; branches with a `loud` node are never folded."""
        self.load(graph, loud)
        self.looks = looks
        self.redraw()

    def load(self, graph: MapGraph, loud: Collection[str] = ()) -> tuple[Box, ...]:
        """Take a graph without drawing it; return its boxes."""
        self.graph, self._loud = graph, frozenset(loud)
        return self.arrangement.boxes if self.size.width and self.size.height else ()

    def redraw(self) -> None:
        """Show the same once more: after a change of size, zoom or choice."""
        width, height = self.size
        if not width or not height:
            return
        made = self.arrangement
        if self.looks.selected != self._looked_at:
            self._looked_at, self._free = self.looks.selected, False
        focus = None if self._free else self.looks.selected
        self._origin = scrolled(made, (width, height), self._origin, focus)
        glyphs = ASCII if self.inks.ascii_only else UNICODE
        shifted = self._shifted(made)
        grid = painted(made, self.looks, glyphs, (*shifted, width, height))
        self._label(made, grid)
        if made.height > height:
            self._draw_ribbon(made, grid, shifted[1])
        inks = self.inks.dimmed if self.frozen else self.inks
        self.show([inks.cells(grid.line(y)) for y in range(height)])

    def _label(self, made: Arrangement, grid: Grid) -> None:
        """Draw the keys that jump to a box over its corner."""
        for key, name in self.labels.items():
            home = made.homes.get(name)
            if home is not None:
                box = made.boxes[home]
                grid.put(box.x, box.y, f"[{key}]", "label bad")

    def _draw_ribbon(self, made: Arrangement, grid: Grid, top: int) -> None:
        """Draw the whole map as one column: the worst of each part, and what is seen of it."""
        tones = box_tones(made, self.looks)
        plain = self.inks.ascii_only
        x = grid.left + grid.width - 1
        for y, (tone, seen) in enumerate(ribbon(made, tones, grid.height, top, grid.height)):
            loud = tone not in (None, "normal", "dim")
            char = ("#" if loud else "|") if plain else ("█" if loud else "┃" if seen else "│")
            style = f"curve {tone}" if loud else "curve normal" if seen else "faint normal"
            grid.put(x, grid.top + y, char, style)

    @property
    def seen(self) -> tuple[str, ...]:
        """The first node of each box that is on the screen, from the left top on."""
        made = self.arrangement
        (left, top), (width, height) = self._shifted(made), self.size
        boxes = [
            box
            for box in made.boxes
            if left <= box.x < left + width and top <= box.y < top + height
        ]
        return tuple(box.block.key for box in sorted(boxes, key=lambda one: (one.x, one.y)))

    def place_of(self, node: str | None) -> Offset | None:
        """Return where a node is drawn in the pane; None of one that is not seen."""
        made = self.arrangement
        if node is None or node not in made.homes:
            return None
        box = made.boxes[made.homes[node]]
        spot = next(
            (one for one in box.form.spots(box.block, made.nodes) if one.node == node), None
        )
        left, top = self._shifted(made)
        x, y = box.x + (spot.x if spot else 0) - left, box.y + (spot.y if spot else 0) - top
        return Offset(x, y) if 0 <= x < self.size.width and 0 <= y < self.size.height else None

    def scroll_by(self, columns: int, rows: int) -> None:
        """Look elsewhere, wherever the chosen node is, until another is chosen."""
        left, top = self._origin
        self._free, self._origin = True, (left + columns, top + rows)
        self.redraw()

    def _shifted(self, made: Arrangement) -> tuple[int, int]:
        """Return where the window begins: a map that is smaller than it stands in its middle."""
        width, height = self.size
        left, top = self._origin
        spare_x, spare_y = max(0, width - made.width), max(0, height - made.height)
        return left - min(spare_x // 2, 2), top - min(spare_y // 2, 2)

    @property
    def arrangement(self) -> Arrangement:
        """The map as it is arranged for the present size."""
        width, height = max(1, self.size.width - 1), self.size.height
        loud = self._loud if self.fold else None
        key = (self.graph, self.zoom, self.errors, loud, width, height if self.zoom is None else 0)
        if self._arrangement is None or key != self._made_for:
            was, self._made_for = self._arrangement, key
            if self.zoom is None and loud is None:
                self._arrangement = self._unfolded(width, height, was)
            elif self.zoom is None:
                self._arrangement = fitted(
                    self.graph, width, height, errors=self.errors, loud=loud or (), previous=was
                )
            else:
                self._arrangement = arrange(
                    self.graph, zoom=self.zoom, width=width, errors=self.errors, loud=loud,
                    previous=was,
                )  # fmt: skip
        return self._arrangement

    def _unfolded(self, width: int, height: int, was: Arrangement | None) -> Arrangement:
        """Return cards where all of them fit, else all lanes, which may be scrolled."""
        cards, lanes = (
            arrange(self.graph, zoom=zoom, width=width, errors=self.errors, previous=was)
            for zoom in _LARGE
        )
        return cards if cards.width <= width and cards.height <= height else lanes

    def beside(self, node: str | None, way: Way) -> str | None:
        """Return the node one step from another, or the first there is."""
        made = self.arrangement
        if node is None or node not in made.homes:
            return next(iter(made.homes), None)
        return step(made, node, way)

    # what happens to it

    def on_resize(self, event: events.Resize) -> None:
        """Arrange it anew."""
        self.redraw()

    def on_click(self, event: events.Click) -> None:
        """Tell which node was pointed at."""
        left, top = self._shifted(self.arrangement)
        found = hit(self.arrangement, event.x + left, event.y + top)
        if found is not None and found.node is not None:
            self.post_message(self.Chosen(found.node, again=found.node == self.looks.selected))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Look further down, or to the right."""
        self._wheel(event, _WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Look further up, or to the left."""
        self._wheel(event, -_WHEEL)

    def _wheel(self, event: events.MouseEvent, by: int) -> None:
        event.stop()
        self.scroll_by(2 * by if event.shift else 0, 0 if event.shift else by)
