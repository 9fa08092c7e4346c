"""Which panes the first screen has at a size; the map comes first, and gives way last.

Where there is no room for a map, alarms and counters stay.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Panes", "panes_for"]


@dataclass(frozen=True, slots=True)
class Panes:
    """Is how many cells each pane has, 0 for one that is not there.

    `side` and `events` are widths, `lower` is the height of what stands below the map. Events
    without a table beside them take the whole width.
    """

    side: int = 0
    lower: int = 0
    table: bool = False
    events: int = 0
    map: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """The panes that are there, in the order Tab goes through them."""
        held = (
            ("map", self.map), ("side", bool(self.side)), ("nodes", self.table),
            ("events", bool(self.events)),
        )  # fmt: skip
        return tuple(name for name, there in held if there)


def panes_for(width: int, height: int) -> Panes:
    """Return the panes of a screen of this size."""
    if width < 60 or height < 15:
        return Panes(map=False)
    if width >= 160 and height >= 45:
        side, events = max(46, width * 28 // 100), width * 36 // 100
        return Panes(side=side, lower=max(12, height // 3), table=True, events=events)
    if width >= 120 and height >= 35:
        return Panes(side=max(40, width // 3))
    if width >= 100 and height >= 30:
        return Panes(lower=max(6, height // 4), events=width)
    return Panes()
