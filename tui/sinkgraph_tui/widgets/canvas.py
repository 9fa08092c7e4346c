"""The map on the screen: arranged for its size, coloured for the moment, scrolled to a node.

What is chosen, and what happens then, is the screen's affair: it is told by messages.
"""

from __future__ import annotations

from collections.abc import Collection

from textual import events
from textual.message import Message

from sinkgraph_tui.layout import (
    ASCII,
    UNICODE,
    Arrangement,
    Looks,
    MapGraph,
    Way,
    Zoom,
    arrange,
    fitted,
    hit,
    painted,
    scrolled,
    step,
)
from sinkgraph_tui.looks import Styles
from sinkgraph_tui.widgets.rows import Rows

__all__ = ["Canvas"]

_EMPTY = MapGraph((), ())


class Canvas(Rows):
    """Shows a map. `zoom` None is the largest that fits; `errors` draws where dead letters go."""

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
        self.graph = _EMPTY
        self.looks = Looks()
        self._loud: frozenset[str] = frozenset()
        self._arrangement: Arrangement | None = None
        self._made_for: tuple[object, ...] = ()
        self._origin = (0, 0)

    # what is shown

    def draw(self, graph: MapGraph, looks: Looks, loud: Collection[str] = ()) -> None:
        """Show a graph as it looks now; branches with a `loud` node are never folded."""
        self.graph, self.looks, self._loud = graph, looks, frozenset(loud)
        self.redraw()

    def redraw(self) -> None:
        """Show the same once more: after a change of size, zoom or choice."""
        width, height = self.size
        if not width or not height:
            return
        made = self.arrangement
        self._origin = scrolled(made, (width, height), self._origin, self.looks.selected)
        glyphs = ASCII if self.inks.ascii_only else UNICODE
        grid = painted(made, self.looks, glyphs, (*self._shifted(made), width, height))
        self.show([self.inks.cells(grid.line(y)) for y in range(height)])

    def _shifted(self, made: Arrangement) -> tuple[int, int]:
        """Return where the window begins: a map that is smaller than it stands in its middle."""
        width, height = self.size
        left, top = self._origin
        spare_x, spare_y = max(0, width - made.width), max(0, height - made.height)
        return left - min(spare_x // 2, 2), top - min(spare_y // 2, 2)

    @property
    def arrangement(self) -> Arrangement:
        """The map as it is arranged for the present size."""
        width, height = self.size
        loud = self._loud if self.fold else None
        key = (self.graph, self.zoom, self.errors, loud, width, height if self.zoom is None else 0)
        if self._arrangement is None or key != self._made_for:
            was, self._made_for = self._arrangement, key
            if self.zoom is None:
                self._arrangement = fitted(
                    self.graph, width, height, errors=self.errors, loud=loud or (), previous=was
                )
            else:
                self._arrangement = arrange(
                    self.graph, zoom=self.zoom, width=width, errors=self.errors, loud=loud,
                    previous=was,
                )  # fmt: skip
        return self._arrangement

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
