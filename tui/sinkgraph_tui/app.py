"""The terminal interface of a running graph: screens, what is chosen, and when it is drawn.

It knows the graph only through a door, and does nothing to it by itself. What is known is kept in
a reading; what is done goes through `acting`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.theme import Theme

from sinkgraph_tui.bars import TABS
from sinkgraph_tui.door import Door
from sinkgraph_tui.feed import Feed
from sinkgraph_tui.frame import Frame
from sinkgraph_tui.looks import PALETTES, Palette, Styles
from sinkgraph_tui.model.reading import Reading, View
from sinkgraph_tui.model.text import Line, said
from sinkgraph_tui.reader import Announcer
from sinkgraph_tui.screens.registry import SCREENS
from sinkgraph_tui.settings import Settings
from sinkgraph_tui.travel import Travelling

__all__ = ["Top"]

_TICK_S = 1.0
_SHOW_CURSOR = "\x1b[?25h"


class Top(Travelling):
    """Shows a graph until it is quit. `clock` is monotonic, `wall` the time of day."""

    MODES = SCREENS
    DEFAULT_MODE = "topology"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(str(number), f"screen('{name}')", title, show=False, id=f"screen.{name}")
            for number, (name, title) in enumerate(TABS, 1)
        ),
        Binding("q", "leave", "quit", show=False, id="quit"),
        Binding("escape", "back", "back", show=False, id="back"),
    ]

    def __init__(
        self,
        door: Door,
        settings: Settings | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        address: str | None = None,
    ) -> None:
        self.settings = settings or Settings()
        palette = PALETTES[self.settings.theme]
        self.inks = Styles(palette, ascii_only=self.settings.ascii_only)
        super().__init__(ansi_color=palette.ansi)
        self.door = door
        self.clock, self.wall = clock, wall
        self.reading = Reading(address=address)
        self.feed = Feed(door, self.reading, clock=clock, changed=self._changed)
        self.chosen: str | None = None
        self.marked: set[str] = set()
        self._by_hand = False
        self._drawn_at = float("-inf")
        self._due = self._drawn = False
        self.announcer = Announcer()
        self.register_theme(_theme(palette))
        self.theme = palette.name

    def on_mount(self) -> None:
        """Begin to look."""
        if self.settings.keys:
            self.set_keymap(self.settings.keys)
        self.run_worker(self.feed.run(), name="feed", exit_on_error=True)
        self.set_interval(_TICK_S, self._tick, name="tick")
        if self.settings.reader and self._driver is not None:
            self._driver.write(_SHOW_CURSOR)

    # when it is drawn

    def _changed(self) -> None:
        """Draw soon: at most as often as was chosen, and always the newest."""
        if self._due or (self.settings.reader and self._drawn and not self._has_news()):
            return
        wait = self._drawn_at + 1.0 / self.settings.hz - self.clock()
        self._due = True
        self.set_timer(max(wait, 0.001), self.show_now)

    def _tick(self) -> None:
        """Let clocks and countdowns go on, unless that would be read aloud."""
        if not self.settings.reader or (self._drawn and self._has_news()):
            self.show_now()

    def _has_news(self) -> bool:
        return self.announcer.has_news(self.view())

    def show_now(self) -> None:
        """Draw the present screen as of now."""
        self._due = False
        if not isinstance(self.screen, Frame):
            return
        self._drawn_at = self.clock()
        view = self.view()
        if not self._by_hand or not self._is_there(view, self.chosen):
            self._by_hand = False
            self.chosen = _worst(view)
        self.screen.show(view)
        self._drawn = view.snapshot is not None and view.shape.graph is not None
        parked = self.screen.parked() if self.settings.reader else None
        if parked is not None:
            self.cursor_position = parked

    def view(self) -> View:
        """Return what is known, at the moment that is looked at."""
        return self.reading.view(self.clock(), self.cursor)

    def badges(self) -> Line:
        """Return what the header says of this screen itself: armed, read-only, slowed down."""
        return said(("READ-ONLY ", "dim")) if self.settings.read_only else said()

    # what is chosen

    def choose(self, node: str | None) -> None:
        """Choose a node; until that is done, the worst one is."""
        if node is not None:
            self.chosen, self._by_hand = node, True
        self.show_now()

    @staticmethod
    def _is_there(view: View, name: str | None) -> bool:
        return view.snapshot is not None and name in view.snapshot.nodes

    # what can be done everywhere

    async def action_screen(self, name: str) -> None:
        """Go to a screen."""
        if name in self.MODES:
            await self.switch_mode(name)

    async def action_back(self) -> None:
        """Go back to the map."""
        await self.action_screen("topology")

    async def action_leave(self) -> None:
        """Leave the map; from another screen, go back to it."""
        if self.current_mode == "topology":
            self.exit()
        else:
            await self.action_back()


def _worst(view: View) -> str | None:
    """Return the node to look at first: of the worst alarm, else the first queue, else any."""
    for alarm in view.alarms:
        if alarm.nodes:
            return alarm.nodes[0]
    names = view.shape.order(view.snapshot.nodes) if view.snapshot is not None else ()
    return next((name for name in names if view.shape.is_queue(name)), next(iter(names), None))


def _theme(palette: Palette) -> Theme:
    """Return the toolkit's theme for what it draws itself: fields and dialogs."""
    ansi = {"default": "ansi_default", "bright_black": "ansi_bright_black", "cyan": "ansi_cyan",
            "yellow": "ansi_yellow", "red": "ansi_red", "magenta": "ansi_magenta"}  # fmt: skip

    def colour(given: str) -> str:
        return ansi.get(given, given) if palette.ansi else given

    return Theme(
        name=palette.name,
        primary=colour(palette.tone("accent")),
        secondary=colour(palette.tone("normal")),
        warning=colour(palette.tone("warn")),
        error=colour(palette.tone("bad")),
        success=colour(palette.tone("accent")),
        accent=colour(palette.tone("accent")),
        foreground=colour(palette.tone("text")),
        background=colour(palette.ground),
        surface=colour(palette.strip),
        panel=colour(palette.strip),
        dark=palette.dark,
    )
