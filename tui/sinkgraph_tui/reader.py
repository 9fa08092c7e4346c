"""What those who listen are told: the chosen node, and alarms of P1 to P3 that are new.

It says a line when something is to be said, and nothing otherwise; a screen shows it at its top.
"""

from __future__ import annotations

from sinkgraph_tui.model.alarms import Key
from sinkgraph_tui.model.reading import View
from sinkgraph_tui.model.text import Line, plural, said

__all__ = ["Announcer"]

_WORST = 3


class Announcer:
    """Knows which alarms were told, so that each is told once while it stands."""

    def __init__(self) -> None:
        self._heard: set[Key] = set()
        self._chosen: str | None = None
        self._line = said()

    def has_news(self, view: View) -> bool:
        """Tell whether an alarm stands that was not told yet."""
        return bool(self._standing(view) - self._heard)

    def line(self, view: View, chosen: str | None) -> Line:
        """Return what is to be said; the same as before while nothing is new."""
        standing = self._standing(view)
        fresh = [one for one in view.alarms if one.key in standing - self._heard]
        self._heard = standing
        if fresh:
            told = said(*(part for one in fresh for part in (view.headline(one), ". ")))
            self._line = said(f" New: {plural(len(fresh), 'alarm')}: ", told)
        elif chosen != self._chosen:
            self._line = _node_line(view, chosen)
        self._chosen = chosen
        return self._line

    @staticmethod
    def _standing(view: View) -> set[Key]:
        return {one.key for one in view.alarms if one.level <= _WORST and not one.cleared}


def _node_line(view: View, name: str | None) -> Line:
    """Return a node in words: `hooks, queue, 62%, growing; …`."""
    row = view.row(name) if name is not None else None
    if row is None:
        return said(" nothing is chosen")
    parts = [f" {row.name}", row.kind.replace("_", " "), row.state.word]
    if row.fill is not None:
        parts.append(f"{round(row.fill * 100)}% full")
        parts.append(row.eta.plain.lstrip("▲▼ "))
    return said(", ".join(parts))
