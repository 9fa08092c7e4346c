"""What every screen has: header, alarms, tabs, its own body, and the keys at the bottom.

A screen shows a view when it is told to; it fetches none. What the lines say is made in `bars`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.geometry import Offset
from textual.screen import Screen

from sinkgraph_tui.bars import alarm_bar, header_bar, hint_bar, tab_bar
from sinkgraph_tui.looks import Styles
from sinkgraph_tui.model.figures import clock
from sinkgraph_tui.model.reading import View
from sinkgraph_tui.model.text import Line, said
from sinkgraph_tui.widgets.rows import Rows

if TYPE_CHECKING:
    from sinkgraph_tui.app import Top

__all__ = ["Frame"]


_KEYS = {"?": "question_mark", ":": "colon", "/": "slash", ".": "full_stop"}


class Frame(Screen[None]):
    """Is a screen with the frame around it; `tab` is its name in `bars.TABS`."""

    tab: ClassVar[str] = ""
    hints: ClassVar[tuple[tuple[str, str], ...]] = ()
    DEFAULT_CSS = """
    Frame { layout: vertical; }
    Frame > .line { height: 1; }
    """

    @property
    def top(self) -> Top:
        """The app this is a screen of."""
        return cast("Top", self.app)

    @property
    def inks(self) -> Styles:
        """The styles of the present theme."""
        return self.top.inks

    def compose(self) -> ComposeResult:
        """Put the lines around the body."""
        yield Rows(self.inks, on="strip", id="header", classes="line")
        yield Rows(self.inks, id="alarms", classes="line")
        yield Rows(self.inks, id="tabs", classes="line")
        yield from self.compose_body()
        yield Rows(self.inks, on="strip", id="changes", classes="line")
        yield Rows(self.inks, on="strip", id="hints", classes="line")

    def compose_body(self) -> ComposeResult:
        """Yield what stands between the tabs and the keys."""
        yield from ()

    def on_mount(self) -> None:
        """Show what is known already."""
        self.call_after_refresh(self.top.show_now)

    def on_screen_resume(self) -> None:
        """Show what came while another screen was on."""
        self.call_after_refresh(self.top.show_now)

    def on_resize(self, event: events.Resize) -> None:
        """Show the same in another size."""
        self.call_after_refresh(self.top.show_now)

    def show(self, view: View) -> None:
        """Show a view: the frame, then the body."""
        if not self.is_mounted or not self.size:
            return
        width = self.size.width
        if self.top.settings.reader:
            told = self.top.announcer.line(view, self.top.chosen).cut(width)
            head = self.inks.ink(told, "strip")
        else:
            now, badges = clock(self.top.wall()), self.top.badges()
            head = header_bar(view, self.inks, width, badges=badges, now=now)
        self.row("header").show([head])
        self.row("alarms").show([
            alarm_bar(view, self.inks, width, refused=self.top.feed.refused)
        ])  # fmt: skip
        note = self.tab_note(view)
        self.row("tabs").show([tab_bar(view, self.inks, width, tab=self.tab, note=note)])
        hints = (("?", "help"), (":", "command"), *self.hints, ("q", "quit"))
        hints = tuple(one for one in hints if self.does(one[0]))
        foot = self.foot(view)
        shown = hint_bar(self.inks, width, hints)
        self.row("hints").show([self.inks.ink(foot.cut(width), "strip") if foot else shown])
        self._compare(view)
        self.show_body(view)

    def _compare(self, view: View) -> None:
        """Show what has changed since the mark, while that is asked for."""
        lines = self.top.changes(view)
        rows = self.row("changes")
        most = min(len(lines), max(0, self.size.height // 3))
        rows.display = bool(most)
        if most:
            rows.styles.height = most
            shown = list(lines[:most])
            if most < len(lines):
                shown[-1] = said((f"  … and {len(lines) - most + 1} more changes", "dim"))
            rows.show([self.inks.ink(line.cut(self.size.width), "strip") for line in shown])

    def show_body(self, view: View) -> None:
        """Show the body's part of a view."""

    def tab_note(self, view: View) -> Line:
        """Return what stands beside the tabs."""
        return said()

    def does(self, key: str) -> bool:
        """Tell whether a key does something here, so that no other is offered."""
        name = _KEYS.get(key, key)
        return len(key) > 1 or not name.isidentifier() or name in self.active_bindings

    def parked(self) -> Offset | None:
        """Return where the terminal's cursor rests for those who listen: at the focused row."""
        return Offset(0, 0)

    def foot(self, view: View) -> Line:
        """Return what is to be read at the bottom instead of the keys, if anything."""
        return said()

    def row(self, name: str) -> Rows:
        """Return a widget of rows by its id."""
        return self.query_one(f"#{name}", Rows)
