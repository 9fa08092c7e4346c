"""Time travel on every screen: another moment of the last minutes, a mark, what changed since.

It moves a cursor; what is then shown comes from the reading. Nothing is done to the graph.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

from sinkgraph_tui.model.changes import changes_between
from sinkgraph_tui.model.figures import clock, short
from sinkgraph_tui.model.reading import Reading, View
from sinkgraph_tui.model.text import Line, said
from sinkgraph_tui.model.timeline import LIVE, Cursor

__all__ = ["Travelling"]

STEP_S = 1.0


class Travelling(App[None]):
    """Is the part of the app that looks at other moments; `mark` is one to compare with."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "travel(-1)", "a second back", id="time.back"),
        Binding("right_square_bracket", "travel(1)", "a second on", id="time.on"),
        Binding("left_curly_bracket", "to_event(-1)", "previous event", id="time.event_before"),
        Binding("right_curly_bracket", "to_event(1)", "next event", id="time.event_after"),
        Binding("backslash", "live", "live again", id="time.live"),
        Binding("m", "mark", "mark this moment", id="time.mark"),
        Binding("M,upper_m", "compare", "compare with the mark", id="time.compare"),
    ]
    reading: Reading
    clock: Callable[[], float]
    cursor: Cursor = LIVE
    mark: float | None = None
    comparing: bool = False

    def show_now(self) -> None:
        """Draw the present screen; the app that is made of this says how."""
        raise NotImplementedError

    def action_travel(self, seconds: float) -> None:
        """Look at another second."""
        self._go(self.cursor.stepped(seconds * STEP_S, self.reading.timeline))

    def action_to_event(self, step: int) -> None:
        """Look at the moment of the next, or of the previous, fact of the journal."""
        ats = sorted({entry.at for entry in self.reading.entries})
        self._go(self.cursor.to_event(ats, step, self.reading.timeline))

    def action_live(self) -> None:
        """Follow the newest snapshot again."""
        self._go(LIVE)

    def _go(self, cursor: Cursor) -> None:
        self.cursor = cursor
        self.show_now()

    def action_mark(self) -> None:
        """Mark the moment that is looked at."""
        if self.reading.timeline:
            at = self.cursor.at
            self.mark = self.reading.timeline.last if at is None else at
            self.notify(f"marked {clock(self.mark)}: M compares with it", timeout=4, markup=False)
            self.show_now()

    def action_compare(self) -> None:
        """Show what is different from the mark, or no longer."""
        if self.mark is None:
            self.notify("nothing is marked: m marks a moment", timeout=4, markup=False)
            return
        self.comparing = not self.comparing
        self.show_now()

    def changes(self, view: View) -> tuple[Line, ...]:
        """Return what is different from the mark, while that is compared; a title comes first."""
        if not self.comparing or self.mark is None or view.snapshot is None:
            return ()
        was = view.timeline.at(self.mark).snapshot
        old, new = was, view.snapshot
        after = new.at >= old.at
        if not after:
            old, new = new, old
        apart = short(new.at - old.at)
        when = f"{apart} {'after' if after else 'before'} the mark of {clock(self.mark)}"
        title = said((" CHANGES ", "accent"), (f" {when}  ·  M closes", "dim"))
        return (title, *(said("  ", line) for line in changes_between(old, new)))
