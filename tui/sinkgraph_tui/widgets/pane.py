"""Rows that tell where they were pointed at, and how far the wheel was turned over them.

They show what they are given; what a row stands for, the screen knows.
"""

from __future__ import annotations

from textual import events
from textual.message import Message

from sinkgraph_tui.widgets.rows import Rows

__all__ = ["Pane"]


class Pane(Rows):
    """Shows rows that can be pointed at."""

    class Pointed(Message):
        """Say that a row was pointed at; `again` when twice."""

        def __init__(self, pane: Pane, row: int, *, again: bool) -> None:
            super().__init__()
            self.pane, self.row, self.again = pane, row, again

    class Wheeled(Message):
        """Say that the wheel was turned, by steps down."""

        def __init__(self, pane: Pane, by: int) -> None:
            super().__init__()
            self.pane, self.by = pane, by

    def on_click(self, event: events.Click) -> None:
        """Tell which row was pointed at."""
        self.post_message(self.Pointed(self, event.y, again=event.chain > 1))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Tell that more is to be seen further down."""
        event.stop()
        self.post_message(self.Wheeled(self, 1))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Tell that more is to be seen further up."""
        event.stop()
        self.post_message(self.Wheeled(self, -1))
