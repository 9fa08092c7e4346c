"""The first screen: the map of the graph, what is wrong in it, and what to do about it.

What stands in its panes is made in `panes`; how the map is lit, in `topology`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.geometry import Offset

from sinkgraph_tui.layout import ZOOMS, Looks, Way
from sinkgraph_tui.model.blast import blast_of, if_stopped
from sinkgraph_tui.model.chronicle import Told
from sinkgraph_tui.model.figures import short
from sinkgraph_tui.model.reading import View
from sinkgraph_tui.model.text import Line, Tone, said
from sinkgraph_tui.panes.alone import alone_rows
from sinkgraph_tui.panes.events import event_rows
from sinkgraph_tui.panes.nodes import first_shown, node_head, node_rows
from sinkgraph_tui.panes.side import side_rows
from sinkgraph_tui.topology.filtered import Filtered
from sinkgraph_tui.topology.keys import KEYS
from sinkgraph_tui.topology.lit import found_of, in_ascii, lit, marked, only
from sinkgraph_tui.topology.lower import Lower, rule, titles_of
from sinkgraph_tui.topology.mapped import folds_of, looks_of, loud_of, mapped
from sinkgraph_tui.topology.moving import JUMPS, after, alarm_after, alarm_of
from sinkgraph_tui.topology.sizes import Panes, panes_for
from sinkgraph_tui.widgets.canvas import Canvas
from sinkgraph_tui.widgets.pane import Pane

__all__ = ["TopologyScreen"]

_RULE_ROWS = 1
_AGAIN_S = 1.5
_ACK_S = 600.0
_WIDE = 150
_WAYS = {"below": 1, "above": -1}


class TopologyScreen(Filtered):
    """Shows the map, and beside and below it what there is room for."""

    tab = "topology"
    AUTO_FOCUS = ""
    hints = (
        ("/", "filter"), ("hjkl", "move"), ("⏎", "detail"), ("z", "zoom"), (".", "alarm"),
        ("p", "pause"), ("b", "breaker"), ("t", "tap"), ("d", "dead"), ("x", "blast"),
        ("w", "why"), ("[ ]", "time"), ("f", "fit"), ("c", "fold"), ("e", "dead-letter edges"),
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = KEYS
    DEFAULT_CSS = """
    TopologyScreen #lower, TopologyScreen #rule, TopologyScreen #told { height: 0; }
    TopologyScreen #side, TopologyScreen #events { width: 0; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.pane = "map"
        self.blast = False
        self.why = False
        self._panes = Panes()
        self._side_top = 0
        self._event: int | None = None
        self.lower = Lower()
        self._g_at = float("-inf")
        self._first = 0
        self._made_for = 0

    def compose_body(self) -> ComposeResult:
        """Yield the map, the panes, and the field of the filter."""
        with Vertical(id="panes"):
            with Horizontal(id="upper"):
                yield Canvas(self.inks, id="map")
                yield Pane(self.inks, id="side")
            yield Pane(self.inks, id="rule", classes="line")
            yield Pane(self.inks, id="told")
            with Horizontal(id="lower"):
                yield Pane(self.inks, id="nodes")
                yield Pane(self.inks, id="events")
        yield Pane(self.inks, id="alone")
        yield from self.compose_filter()

    @property
    def canvas(self) -> Canvas:
        """The map."""
        return self.query_one(Canvas)

    # what is shown

    def show_body(self, view: View) -> None:
        """Draw the panes as they stand."""
        if self._resized():
            self.call_after_refresh(self.top.show_now)
        if view.shape.graph is None or view.snapshot is None:
            return
        width, height = self.size
        if not self._panes.map:
            self.row("alone").show(alone_rows(view, self.inks, width, height - 4))
            return
        graph = mapped(view.shape.graph)
        loud = loud_of(view)
        boxes = self.canvas.load(graph, loud)
        self.canvas.frozen = view.freshness.frozen
        looks = replace(self._looks(view), folds=folds_of(boxes, view))
        self.canvas.draw(graph, in_ascii(looks) if self.inks.ascii_only else looks, loud)
        self._show_side(view)
        self._show_lower(view)

    def _resized(self) -> bool:
        """Give the panes their room; tell whether that has changed."""
        width, height = self.size
        panes = panes_for(width, height)
        told = self.why and panes.map and not panes.side
        key = (panes, told, height)
        if key == (self._panes, self.query_one("#told").display, self._made_for):
            return False
        self._panes, self._made_for = panes, height
        if self.pane not in panes.names:
            self.pane = "map"
        self.query_one("#panes").display = panes.map
        self.row("alone").display = not panes.map
        lower = panes.lower if not told else 0
        sizes = {"side": panes.side, "events": panes.events}
        for name, wide in sizes.items():
            self.row(name).display = bool(wide)
            self.row(name).styles.width = wide
        self.row("nodes").display = panes.table
        self.query_one("#lower").display = bool(lower)
        self.query_one("#lower").styles.height = max(0, lower - _RULE_ROWS)
        self.row("rule").display = bool(lower) or told
        self.row("rule").styles.height = _RULE_ROWS
        self.row("told").display = told
        self.row("told").styles.height = max(1, height // 2 - 4)
        return True

    def _looks(self, view: View) -> Looks:
        looks = marked(looks_of(view, selected=self.top.chosen), self.top.marked)
        if self.blast and self.top.chosen is not None:
            graph = self.canvas.graph
            return lit(looks, blast_of(view.shape, self.top.chosen), graph.nodes)
        if self.filter:
            return only(looks, found_of(view.rows(), self.filter))
        return looks

    def _show_side(self, view: View) -> None:
        name = self.top.chosen
        if self.row("told").display:
            wide, high = self.row("told").size
            rows = side_rows(view, name, self.inks, wide - 2, high, first="why", does=self.does)
            self.row("told").show([self.inks.ink(said(" ")) + row for row in rows])
        if not self._panes.side:
            return
        wide, high = self._panes.side - 3, self.row("side").size.height
        first = "why" if self.why else ""
        rows = side_rows(view, name, self.inks, wide, high, first=first, does=self.does)
        self._side_top = max(0, min(self._side_top, len(rows) - high))
        rows = rows[self._side_top :]
        held = self.pane == "side"
        bar = "|" if self.inks.ascii_only else "┃" if held else "│"
        edge = ((f"{bar} ", self.inks.cell("curve accent" if held else "edge normal")),)
        rows += [()] * (high - len(rows))
        self.row("side").show([edge + row for row in rows[:high]])

    def _show_lower(self, view: View) -> None:
        panes, width = self._panes, self.size.width
        if self.row("rule").display:
            told = self.row("told").display
            titles = titles_of(panes, width, told=told)
            self.row("rule").show([rule(self.inks, width, titles, self.pane)])
        if not self.query_one("#lower").display:
            return
        high = panes.lower - _RULE_ROWS
        if panes.table:
            wide = width - panes.events
            rows = self.lower.sorted(view, held=self.pane == "nodes")
            self._first = first_shown(rows, self.top.chosen, high - 1)
            seen = rows[self._first : self._first + high - 1]
            lines = node_rows(view, seen, self.inks, wide - 2, chosen=self.top.chosen)
            self.row("nodes").show([self.inks.ink(node_head(wide - 2)), *lines])
        if panes.events:
            chosen = self._event if self.pane == "events" else None
            facts = self._facts(view)
            rows_ = event_rows(facts, self.inks, panes.events, high, chosen=chosen)
            self.row("events").show(rows_)

    def _facts(self, view: View) -> tuple[Told, ...]:
        return self.lower.facts(view, self.top.reading.entries)

    def tab_note(self, view: View) -> Line:
        """Return at which zoom the map is, what is marked, and who is hit."""
        if not self._panes.map:
            return said()
        made = self.canvas.arrangement.zoom if self.canvas.size else ""
        parts: list[str | tuple[str, Tone] | Line] = ["zoom"]
        parts += [(f" {one}", "accent" if one == made else "dim") for one in ZOOMS]
        if self.top.marked:
            parts.append((f"  {len(self.top.marked)} marked", "accent"))
        if self.blast and self.top.chosen is not None and self.size.width >= _WIDE:
            parts += ["  ", if_stopped(view.shape, self.top.chosen)]
        return said(*parts)

    def foot(self, view: View) -> Line:
        """Return what was asked for, while it is on: letters, a blast radius, a filter."""
        if self.canvas.labels:
            return said((" press a letter to jump to its box", "accent"), ("  esc to leave", "dim"))
        if self.blast and self.top.chosen is not None and self.size.width < _WIDE:
            told = if_stopped(view.shape, self.top.chosen)
            return said((" BLAST ", "accent"), " ", told, ("  x closes", "dim"))
        return self.filter_foot(view)

    def parked(self) -> Offset | None:
        """Return where the chosen node stands on the screen."""
        place = self.canvas.place_of(self.top.chosen) if self._panes.map else None
        return super().parked() if place is None else self.canvas.region.offset + place

    # moving

    def action_step(self, way: Way) -> None:
        """Choose the next node that way, or go on in the pane that has the keys."""
        by = _WAYS.get(way, 0)
        match self.pane:
            case "side" if by:
                self._side_top = max(0, self._side_top + by)
                self.top.show_now()
            case "nodes" if by:
                names = [row.name for row in self.lower.sorted(self.top.view(), held=True)]
                at = names.index(self.top.chosen) if self.top.chosen in names else -1
                self.top.choose(names[max(0, min(at + by, len(names) - 1))] if names else None)
            case "events" if by:
                last = len(self._facts(self.top.view())) - 1
                at = last if self._event is None else self._event + by
                self._event = max(0, min(at, last)) if last >= 0 else None
                self.top.show_now()
            case _:
                self.top.choose(self.canvas.beside(self.top.chosen, way) or self.top.chosen)

    def action_first(self, at_once: bool = False) -> None:
        """Choose the first node, at the second key."""
        now = self.top.clock()
        again, self._g_at = now - self._g_at <= _AGAIN_S, now
        if again or at_once:
            self._g_at = float("-inf")
            self.top.choose(next(iter(self._names()), None))

    def action_last(self) -> None:
        """Choose the last node."""
        self.top.choose(next(reversed(self._names()), None))

    def _names(self) -> tuple[str, ...]:
        view = self.top.view()
        if self.pane == "nodes":
            return tuple(row.name for row in self.lower.sorted(view, held=self.pane == "nodes"))
        return tuple(row.name for row in view.rows())

    def action_alarm(self, by: int) -> None:
        """Choose the node of the next alarm."""
        self.top.choose(alarm_after(self.top.view().alarms, self.top.chosen, by))

    def action_acknowledge(self) -> None:
        """Acknowledge the alarm of the chosen node, else the first; forget those that are over."""
        alarms = [one for one in self.top.view().alarms if not one.cleared]
        self.top.reading.look_at_cleared()
        if alarms:
            alarm = alarms[alarm_of(alarms, self.top.chosen) or 0]
            self.top.reading.acknowledge(alarm.key, _ACK_S)
            name = alarm.nodes[0] if alarm.nodes else "the alarm"
            told = said(f"{name}: acknowledged for {short(_ACK_S)}").plain
            self.notify(told, timeout=4, markup=False)
        self.top.show_now()

    def action_pane(self, by: int) -> None:
        """Give the keys to the next pane."""
        self.pane = after(self._panes.names, self.pane, by) or "map"
        self.top.show_now()

    async def action_look(self) -> None:
        """Look closer at the chosen node; from the events, choose theirs."""
        told = self._facts(self.top.view())
        if self.pane == "events" and self._event is not None and self._event < len(told):
            self.top.choose(told[self._event].node)
            return
        await self.top.action_screen("detail")

    def action_jump(self) -> None:
        """Put a letter on every box that is seen."""
        self.canvas.labels = dict(zip(JUMPS, self.canvas.seen, strict=False))
        self.top.show_now()

    def on_key(self, event: events.Key) -> None:
        """Take the letter that jumps, or the one that ends the filter."""
        if self.canvas.labels:
            event.stop()
            name = self.canvas.labels.get(event.character or "")
            self.canvas.labels = {}
            self.top.choose(name)

    # the map

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

    def action_blast(self) -> None:
        """Light who waits and who loses if the chosen node takes nothing, or no longer."""
        self.blast = not self.blast
        self.top.show_now()

    def action_why(self) -> None:
        """Put the reasons first, or where they were."""
        self.why, self._side_top = not self.why, 0
        self.top.show_now()

    def action_mark(self) -> None:
        """Mark the chosen node, or no longer."""
        if self.top.chosen is not None:
            self.top.marked ^= {self.top.chosen}
        self.top.show_now()

    # what was begun

    async def action_clear(self) -> None:
        """End what was begun: the filter, the blast radius; nothing else is left of it."""
        if self.end_filter():
            return
        if self.blast or self.why:
            self.blast = self.why = False
            self.top.show_now()
        else:
            await self.top.action_back()

    # the mouse

    async def on_canvas_chosen(self, message: Canvas.Chosen) -> None:
        """Choose what was pointed at; twice, look closer."""
        self.pane = "map"
        if message.again:
            await self.top.action_screen("detail")
        else:
            self.top.choose(message.node)

    async def on_pane_pointed(self, message: Pane.Pointed) -> None:
        """Choose what a row stands for."""
        name = message.pane.id or ""
        self.pane = name if name in self._panes.names else self.pane
        if name == "nodes" and message.row >= 1:
            rows = self.lower.sorted(self.top.view(), held=True)
            at = self._first + message.row - 1
            self.top.choose(rows[at].name if at < len(rows) else None)
            if message.again:
                await self.top.action_screen("detail")
        elif name == "events":
            told = self._facts(self.top.view())
            at = max(0, len(told) - self.row("events").size.height) + message.row
            self._event = at if at < len(told) else None
            self.top.choose(told[at].node if at < len(told) else None)
        self.top.show_now()

    def on_pane_wheeled(self, message: Pane.Wheeled) -> None:
        """Go on in the pane under the wheel."""
        name = message.pane.id or ""
        if name in self._panes.names:
            self.pane = name
            self.action_step("below" if message.by > 0 else "above")
