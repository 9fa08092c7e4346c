"""Whether the screen tells the truth: how old what it shows is, and whether it is told of more.

It goes by the local monotonic clock, so that a server with another time is no lie; it draws
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sinkgraph_tui.model.figures import clock, short
from sinkgraph_tui.model.signs import Kind, Sign
from sinkgraph_tui.model.text import Line, said

__all__ = ["Freshness", "freshness_of"]

LATE_S, STALE_S = 2.0, 4.0

State = Literal["waiting", "live", "late", "stale", "lost", "past"]


@dataclass(frozen=True, slots=True)
class Freshness:
    """Is how old the newest snapshot is, and why there is no newer one.

    `waiting` before the first, `late` when the next should have come, `stale` when it has not for
    long, `lost` while the connection is, `past` while an older moment is looked at.
    """

    state: State
    age_s: float = 0.0
    error: str = ""
    behind_s: float = 0.0
    at: float | None = None

    @property
    def frozen(self) -> bool:
        """Whether the values are as they were, so that all numbers are to be dimmed."""
        return self.state in ("stale", "lost")

    @property
    def line(self) -> Line:
        """Return what the header says: `● LIVE`, `STALE 4s — values frozen`."""
        why = f" ({self.error})" if self.error else ""
        match self.state:
            case "waiting":
                return said(("… connecting", "dim"), (why, "dim"))
            case "live":
                return said(("● LIVE", "accent"))
            case "late":
                return said((f"● LATE {short(self.age_s)}", "warn"))
            case "stale":
                return said((f"✕ STALE {short(self.age_s)}", "bad"), " — values frozen")
            case "lost":
                age = short(self.age_s)
                return said((f"✕ STALE {age}", "bad"), f" — values frozen, reconnecting{why}")
            case "past":
                when = f" at {clock(self.at)}" if self.at is not None else ""
                return said((f"◄ {short(self.behind_s)} AGO{when}", "accent"), " — \\ for live")

    @property
    def sign(self) -> Sign | None:
        """The alarm that it is, if it is one."""
        return Sign(Kind.STALE, "", 1, number=self.age_s) if self.frozen else None


def freshness_of(
    *,
    received: float | None,
    now: float,
    live: bool,
    error: str | None = None,
    behind_s: float = 0.0,
    at: float | None = None,
) -> Freshness:
    """Return how fresh it is; `received` and `now` are of the local monotonic clock.

    `live` is whether the stream stands; `behind_s` how far behind the newest the cursor is, and
    `at` where it stands.
    """
    if received is None:
        return Freshness("waiting", error=error or "")
    age = max(0.0, now - received)
    if not live:
        return Freshness("lost", age, error or "")
    if age >= STALE_S:
        return Freshness("stale", age)
    if behind_s > 0:
        return Freshness("past", age, behind_s=behind_s, at=at)
    return Freshness("late" if age >= LATE_S else "live", age)
