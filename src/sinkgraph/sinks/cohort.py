"""The queues of a gate that are idle: they are offered every batch as it comes, and hold no place.

A queue that cannot take one at once leaves with a cursor. Who may write is the gate's business.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sinkgraph.event import Batch
from sinkgraph.log.memory import Cursor, Log

if TYPE_CHECKING:
    from sinkgraph.sinks.queue import Queue

__all__ = ["Cohort"]


class Cohort:
    """Hands batches of a log to its idle queues, and wakes the lanes of the others.

    `room` is what may be appended unasked in this tick, `lim` the position up to which room is
    proven; both fall to 0 when the cohort changes.
    """

    __slots__ = ("_cohort", "_joining", "_lowest", "_offers", "_sleepers", "lim", "log", "room")

    def __init__(self, log: Log) -> None:
        self.log = log
        self.room = 0
        self.lim = 0
        self._cohort: list[Queue] = []
        self._joining: list[Queue] | None = None  # while several join at once
        self._offers: list[Callable[[Batch], bool]] = []
        self._lowest = -1  # the smallest capacity in the cohort that bounds its writers
        self._sleepers: dict[int, Queue] = {}

    def join_cohort(self, queue: Queue) -> None:
        """Count a queue as idle: from the front on, batches are offered to it directly."""
        if self._joining is not None:
            self._joining.append(queue)
            return
        self._cohort = [*self._cohort, queue]
        self._offers = [*self._offers, queue.to.offer]
        if queue.bounds and (self._lowest < 0 or queue.capacity < self._lowest):
            self._lowest = queue.capacity
        self.lim = self.room = 0

    def join_together(self, join: Callable[[], None]) -> None:
        """Let many queues join in the time it takes to look at each of them once."""
        self._joining = []
        try:
            join()
        finally:
            joining, self._joining = self._joining, None
            if joining:
                self._cohort = [*self._cohort, *joining]
                self._refresh()

    def disband(self) -> None:
        """Stop offering to anybody."""
        self._cohort = []
        self._refresh()

    def leave_cohort(self, queue: Queue) -> None:
        """Stop offering to a queue."""
        if queue in self._cohort:
            self._cohort = [one for one in self._cohort if one is not queue]
            self._refresh()

    def _refresh(self) -> None:
        self._offers = [queue.to.offer for queue in self._cohort]
        self._lowest = min((q.capacity for q in self._cohort if q.bounds), default=-1)
        self.lim = self.room = 0

    def sleeper(self, queue: Queue) -> None:
        """Wake this queue's lanes when something new is readable."""
        self._sleepers[id(queue)] = queue

    def hand_on(self, batch: Batch, start: int) -> None:
        refused: list[Queue] | None = None
        for queue, offer in zip(self._cohort, self._offers, strict=True):
            try:
                taken = offer(batch)
            except Exception:
                taken = False
            if not taken:
                if refused is None:
                    refused = []
                refused.append(queue)
        if refused is not None:
            chunk = self.log.recent
            gone = set(map(id, refused))
            self._cohort = [queue for queue in self._cohort if id(queue) not in gone]
            self._refresh()
            for queue in refused:
                if queue.reads is self:
                    queue.fell_behind(Cursor(self.log, chunk, start))
        if self._sleepers:
            sleepers, self._sleepers = self._sleepers, {}
            for queue in sleepers.values():
                queue.wake()
