"""Decides when events that nobody needs are worth removing from between those that are pending.

A log is forgotten up to its oldest pending event. Where others behind that have ended, the log is
thinned out in passes, a bite with each commit; what a bite does to the rows is `thinning`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sinkgraph.log.disk.intervals import Range

if TYPE_CHECKING:
    from sinkgraph.log.disk.shelf import Shelf
    from sinkgraph.log.disk.store import Store
    from sinkgraph.log.disk.thinning import Thinned

__all__ = ["Bite", "Stragglers"]

_SPARE = 4_096  # events that may stand in a log beside twice those that are pending


@dataclass(slots=True, eq=False)
class Bite:
    """Is the next part of a pass over [at, until) of a log.

    `wants` is what was pending when the pass began, and written as such: since then some has
    ended, and nothing has come to it.
    """

    log: int
    at: int
    until: int
    wants: list[tuple[int, list[Range]]]
    left: int = 0
    came: Thinned | None = None

    def __call__(self, store: Store) -> None:
        """Do it, on the disk's thread, after the commit it goes with."""
        from sinkgraph.log.disk.thinning import thin

        self.came = thin(store, self.log, self.at, self.until, self.wants)


class Stragglers:
    """Knows of each log how much was left standing by the last pass, and up to where."""

    def __init__(self, *, sure: bool = True) -> None:
        self._sure = sure  # who has a right to what is known
        self._left: dict[int, tuple[int, int]] = {}  # log → position, events kept below it
        self._begun: Bite | None = None

    @property
    def busy(self) -> bool:
        """Whether a pass has begun and not ended."""
        return self._begun is not None

    def next(
        self, shelves: Iterable[Shelf], firsts: Mapping[int, int], heads: Mapping[int, int]
    ) -> Bite | None:
        """Return what to do after the commit that is being made, which writes all that ended."""
        if self._begun is not None:
            return self._begun
        full: dict[int, int] = {}
        for log, head in heads.items() if self._sure else ():
            stored = self._stored(log, firsts.get(log, 0), head)
            if stored > _SPARE:
                full[log] = stored
        if not full:
            return None
        pending: dict[int, list[Shelf]] = {}
        for shelf in shelves:
            for log, stretch in shelf.stretches.items():
                if stretch.n and log in full:
                    pending.setdefault(log, []).append(shelf)
        for log, several in pending.items():
            if full[log] > 2 * sum(one.stretches[log].n for one in several) + _SPARE:
                wants = [(one.number, one.stretches[log].wants()) for one in several]
                self._begun = Bite(log, firsts.get(log, 0), heads[log], wants)
                return self._begun
        return None

    def _stored(self, log: int, first: int, head: int) -> int:
        """Return how many events stand in a log, at most."""
        until, left = self._left.get(log, (0, 0))
        return min(head - first, left + head - max(first, until))

    def bitten(self, bite: Bite) -> None:
        """Take note of what was done."""
        came = bite.came
        self._begun = None
        if came is None:
            return
        left = bite.left + came.left
        if came.at < bite.until:
            self._begun = Bite(bite.log, came.at, bite.until, bite.wants, left)
        else:
            self._left[bite.log] = bite.until, left

    def spared(self) -> None:
        """Give a pass up: the commit it went with was not made."""
        self._begun = None
