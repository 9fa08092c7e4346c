"""A filter on a screen: a field at its bottom, what it finds, and keys to go through that.

What is done with what is not found, the screen decides.
"""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Input

from sinkgraph_tui.frame import Frame
from sinkgraph_tui.model.reading import View
from sinkgraph_tui.model.text import Line, said
from sinkgraph_tui.topology.lit import found_of
from sinkgraph_tui.topology.moving import after

__all__ = ["Filtered"]


class Filtered(Frame):
    """Is a screen with a filter; `filter` is what is sought, empty for nothing."""

    DEFAULT_CSS = """
    Filtered #find {
        height: 1; border: none; padding: 0 1; display: none; background: $surface;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.filter = ""

    def compose_filter(self) -> ComposeResult:
        """Yield the field, which is hidden until it is asked for."""
        yield Input(placeholder="part of a name, kind or state; ! finds all others", id="find")

    def filter_foot(self, view: View) -> Line:
        """Return what is found, while something is sought."""
        if self.filter:
            found, all_ = len(found_of(view.rows(), self.filter)), len(view.rows())
            told = said((f" /{self.filter} ", "accent"), f" {found} of {all_} nodes")
            return said(told, ("  n next  N previous  esc clears", "dim"))
        return said()

    def action_find(self) -> None:
        """Ask what is sought."""
        field = self.query_one("#find", Input)
        field.display, field.value = True, self.filter
        self.row("hints").display = False
        field.focus()

    def action_match(self, by: int) -> None:
        """Choose the next node that was found."""
        view = self.top.view()
        held = found_of(view.rows(), self.filter) if self.filter else frozenset()
        names = [row.name for row in view.rows() if row.name in held]
        self.top.choose(after(names, self.top.chosen, by))

    def on_input_changed(self, message: Input.Changed) -> None:
        """Fade what is not found, at every letter."""
        if message.input.has_focus:
            self.filter = message.value.strip()
            self.top.show_now()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Keep the filter, and choose what it finds first."""
        self._hide()
        view = self.top.view()
        if self.filter and self.top.chosen not in found_of(view.rows(), self.filter):
            self.action_match(1)

    def _hide(self) -> None:
        field = self.query_one("#find", Input)
        field.display = False
        self.row("hints").display = True
        self.set_focus(None)
        self.top.show_now()

    def end_filter(self) -> bool:
        """Seek nothing more; tell whether something was sought."""
        sought = self.query_one("#find", Input).display or bool(self.filter)
        if sought:
            self.filter = ""
            self._hide()
        return sought
