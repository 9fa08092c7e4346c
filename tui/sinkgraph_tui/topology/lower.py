"""What stands below the map: which nodes in which order, which facts, and the line above them.

It draws no rows of nodes and facts: those are in `panes`.
"""

from __future__ import annotations

from collections.abc import Sequence

from sinkgraph.api.messages import JournalEntry
from sinkgraph_tui.bars import columns_of
from sinkgraph_tui.looks import Ink, Styles
from sinkgraph_tui.model.chronicle import Told, chronicle
from sinkgraph_tui.model.reading import View
from sinkgraph_tui.model.rows import Row, sorted_rows
from sinkgraph_tui.topology.sizes import Panes

__all__ = ["Lower", "rule", "titles_of"]

_SORT_S = 5.0


class Lower:
    """Remembers an order of rows and the lines of the journal, so that they are made once."""

    def __init__(self) -> None:
        self._order: tuple[str, ...] = ()
        self._sorted_at = float("-inf")
        self._told: tuple[Told, ...] = ()
        self._told_of: tuple[object, ...] = ()

    def sorted(self, view: View, *, held: bool) -> tuple[Row, ...]:
        """Return the rows, worst first; they change places every few seconds, never while held."""
        rows = {row.name: row for row in view.rows()}
        due = not held and not 0 <= view.now - self._sorted_at < _SORT_S
        if due or set(self._order) != set(rows):
            self._order = tuple(row.name for row in sorted_rows(view.rows()))
            self._sorted_at = view.now
        return tuple(rows[name] for name in self._order)

    def facts(self, view: View, entries: Sequence[JournalEntry]) -> tuple[Told, ...]:
        """Return the journal up to the moment of a view, in lines."""
        until = view.snapshot.at if view.snapshot is not None and not view.cursor.live else None
        last = (entries[-1].at, entries[-1].seq) if entries else None
        key = (len(entries), last, until)
        if key != self._told_of:
            held = entries if until is None else [one for one in entries if one.at <= until]
            self._told_of, self._told = key, chronicle(held)
        return self._told


def titles_of(panes: Panes, width: int, *, told: bool) -> list[tuple[str, int]]:
    """Return what stands below the map, each with its first column."""
    if told:
        return [("WHY AND NEXT", 0)]
    nodes = [("NODES", 0)] if panes.table else []
    return [*nodes, ("EVENTS", width - panes.events)]


def rule(inks: Styles, width: int, titles: Sequence[tuple[str, int]], pane: str) -> Ink:
    """Return the line above the lower panes; the title of the one that has the keys is lit."""
    line, style = "-" if inks.ascii_only else "─", inks.cell("edge normal")
    found: Ink = ()
    for title, at in titles:
        tone = "accent" if title.lower() == pane else "dim"
        gap = line * max(0, at - columns_of(found))
        found = (*found, (gap + line, style), (f" {title} ", inks.tone(tone)))
    return (*found, (line * max(0, width - columns_of(found)), style))
