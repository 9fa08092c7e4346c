"""The plan of one write through a gate: its log is appended to once for all queues that read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sinkgraph.event import Batch
from sinkgraph.log.admission import Plan, Store
from sinkgraph.log.turnstile import Waiter

if TYPE_CHECKING:
    from sinkgraph.sinks.gate import Gate

__all__ = ["GatePlan"]


class GatePlan(Plan):
    """Is the plan of one write through a gate: the log is appended to once for all its queues."""

    __slots__ = ("batch", "gate")

    def __init__(self, gate: Gate, batch: Batch) -> None:
        super().__init__()
        self.behind = True
        self.gate = gate
        self.batch = batch

    def blockers(self, waiter: Waiter | None) -> list[Store]:
        """Return the queues that have to make room first."""
        self.gate.flush()  # what was admitted since has its room already
        full: list[Store] = []
        for queue in self.gate.queues:
            if self._blocks(queue, self.batch, False, waiter):
                full.append(queue)
        full += super().blockers(waiter)
        if full:
            self.gate.lim = 0  # whoever comes next stands in line behind this write
        return full

    def small_reader(self) -> Store | None:
        """Return a queue that reads the log and could never hold all of the batch, or None."""
        n = len(self.batch)
        return next((q for q in self.gate.queues if q.bounds and q.capacity < n), None)

    def commit(self) -> None:
        """Append to the log, hand to the queues."""
        self.gate.take(self.batch, self)

    def commit_selected(self) -> None:
        """Do the part of the queues that get a selection."""
        super().commit()
