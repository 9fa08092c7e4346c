"""The first screen: the map of the graph, what is wrong in it, and what to do about it."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from sinkgraph.api.models import GraphView
from sinkgraph_tui.frame import Frame
from sinkgraph_tui.layout import ZOOMS, MapGraph, Way
from sinkgraph_tui.model.reading import View
from sinkgraph_tui.model.text import Line, Tone, said
from sinkgraph_tui.topology.mapped import looks_of, loud_of, map_of
from sinkgraph_tui.widgets.canvas import Canvas

__all__ = ["TopologyScreen"]


class TopologyScreen(Frame):
    """Shows the map."""

    tab = "topology"
    hints = (
        ("hjkl", "move"), ("⏎", "detail"), ("z", "zoom"), ("f", "fit"), ("c", "fold"),
        ("e", "dead-letter edges"),
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h,left", "step('upstream')", "upstream", id="map.upstream"),
        Binding("l,right", "step('downstream')", "downstream", id="map.downstream"),
        Binding("k,up", "step('above')", "lane above", id="map.above"),
        Binding("j,down", "step('below')", "lane below", id="map.below"),
        Binding("z", "zoom(1)", "zoom in", id="map.zoom_in"),
        Binding("Z,upper_z", "zoom(-1)", "zoom out", id="map.zoom_out"),
        Binding("f", "fit", "fit the screen", id="map.fit"),
        Binding("c", "fold", "fold healthy lanes", id="map.fold"),
        Binding("e", "errors", "dead-letter edges", id="map.errors"),
    ]

    def compose_body(self) -> ComposeResult:
        """Yield the map."""
        yield Canvas(self.inks, id="map")

    @property
    def canvas(self) -> Canvas:
        """The map."""
        return self.query_one(Canvas)

    def show_body(self, view: View) -> None:
        """Draw the map as it stands."""
        graph = view.shape.graph
        if graph is None or view.snapshot is None:
            return
        self.canvas.draw(_mapped(_Known(graph)), looks_of(view, selected=self.top.chosen),
                         loud_of(view))  # fmt: skip

    def tab_note(self, view: View) -> Line:
        """Return at which zoom the map is."""
        made = self.canvas.arrangement.zoom if self.canvas.size else ""
        parts: list[str | tuple[str, Tone] | Line] = ["zoom"]
        parts += [(f" {one}", "accent" if one == made else "dim") for one in ZOOMS]
        return said(*parts)

    # moving

    def action_step(self, way: Way) -> None:
        """Choose the next node that way."""
        self.top.choose(self.canvas.beside(self.top.chosen, way) or self.top.chosen)

    def action_zoom(self, by: int) -> None:
        """Show more of each node, or more nodes."""
        at = ZOOMS.index(self.canvas.arrangement.zoom) + by
        self.canvas.zoom = ZOOMS[max(0, min(at, len(ZOOMS) - 1))]
        self.top.show_now()

    def action_fit(self) -> None:
        """Show the largest zoom that fits."""
        self.canvas.zoom = None
        self.top.show_now()

    def action_fold(self) -> None:
        """Fold healthy lanes, or unfold them."""
        self.canvas.fold = not self.canvas.fold
        self.top.show_now()

    def action_errors(self) -> None:
        """Draw where dead letters go, or do not."""
        self.canvas.errors = not self.canvas.errors
        self.top.show_now()

    async def on_canvas_chosen(self, message: Canvas.Chosen) -> None:
        """Choose what was pointed at; twice, look closer."""
        if message.again:
            await self.top.action_screen("detail")
        else:
            self.top.choose(message.node)


class _Known:
    """Is a graph that is told from another by its generation and digest."""

    def __init__(self, graph: GraphView) -> None:
        self.graph = graph
        self.key = (graph.name, graph.generation, graph.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Known) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


@lru_cache(maxsize=4)
def _mapped(known: _Known) -> MapGraph:
    return map_of(known.graph)
