"""How old the oldest pending event of a node is, from two counters looked at now and then.

Events are taken to leave in the order they came. Nothing is noted when an event comes: the answer
is as exact as the looks are frequent, and no more is remembered than a fixed number of looks.
"""

from __future__ import annotations

__all__ = ["Age"]

_MOST = 600


class Age:
    """Remembers how many events had come at each look."""

    __slots__ = ("_looks", "_most")

    def __init__(self, most: int = _MOST) -> None:
        self._looks: list[tuple[float, int]] = []
        self._most = most

    def look(self, now: float, came: int, pending: int) -> float | None:
        """Note that `came` events have come so far, and return the age of the oldest of `pending`.

        In seconds, `now` too; None when nothing is pending. What came between two looks is taken
        to have come at the first of them, so that the age is never understated.
        """
        looks = self._looks
        left = came - pending
        if not looks:
            looks.append((now, left))
        if looks[-1][1] == came:
            looks[-1] = (now, came)
        else:
            looks.append((now, came))
        gone = 0
        while gone + 1 < len(looks) and looks[gone + 1][1] <= left:
            gone += 1
        del looks[:gone]
        if len(looks) > self._most:
            looks[1:-1] = looks[1:-1:2]
        if not pending:
            return None
        return max(0.0, now - looks[0][0])
