"""A queue's place in a gate: idle in the cohort, behind with a cursor, or attached to none.

It says what the gate's log tells of a queue's ledger; what a queue does with events is `queue`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sinkgraph.log.backlog import Backlog
from sinkgraph.log.memory import PAGE, Cursor
from sinkgraph.sinks.base import Link
from sinkgraph.sinks.instant import Instant
from sinkgraph.telemetry.stats import LedgerView

if TYPE_CHECKING:
    from sinkgraph.sinks.gate import Gate
    from sinkgraph.sinks.lanes import Lanes
    from sinkgraph.sinks.queue import Queue

__all__ = ["Seat"]


class Seat(Instant):
    """Is what a gate knows of a queue. Subclasses set what is declared here."""

    to: Link
    lanes: Lanes
    when_full: str
    max_batch: int
    in_flight: int

    def __init__(self) -> None:
        super().__init__()
        self.in_cohort = False
        self.reads: Gate | None = None  # the gate whose log it reads
        self.fed_by: Gate | None = None  # the gate that selects for it
        self.backlog = Backlog()
        self._since = 0  # the gate's front when this queue was attached
        self._idle_since = 0  # the gate's front when it joined the cohort

    def wake(self) -> None:
        """Let a lane see that something can be taken."""
        raise NotImplementedError

    @property
    def bounds(self) -> bool:
        """Whether a full queue stops its writers."""
        return self.when_full in ("block", "reject")

    def attached(self, gate: Gate) -> None:
        """Begin to read a gate's log at its front."""
        self.reads = gate
        self._since = gate.log.front
        if len(self.backlog) or self.in_flight or not self.can_idle:
            self.fell_behind(Cursor(gate.log, gate.log.tail, gate.log.front))
        else:
            self._idle()

    @property
    def can_idle(self) -> bool:
        """Whether batches can be offered to the target directly while nothing is pending."""
        return self.to.target.instant and self.lanes.plain and self.max_batch >= PAGE

    def detached(self) -> None:
        """Keep what is pending; the gate was flushed and is left."""
        gate = self.reads
        assert gate is not None, "only an attached queue is detached"
        if self.in_cohort:
            self._leave_idle(gate.log.front)
        self.backlog.unfollow()
        self.ledger.entered += gate.log.front - self._since
        self.reads = None

    def _idle(self) -> None:
        assert self.reads is not None
        self.in_cohort = True
        self.backlog.forget()
        self._idle_since = self.reads.log.front
        self.reads.join_cohort(cast("Queue", self))

    def _leave_idle(self, front: int) -> None:
        self.in_cohort = False
        self.ledger.delivered += front - self._idle_since

    def fell_behind(self, cursor: Cursor) -> None:
        """Read on with a cursor: the target could not take a batch at once."""
        if self.in_cohort:
            self._leave_idle(cursor.pos)
        self.backlog.follow(cursor)
        self.wake()

    def step_aside(self) -> None:
        """Leave the cohort, if it is in it: something is about to be stored here past the gate."""
        gate = self.reads
        if gate is None:
            return
        gate.flush()
        if self.in_cohort:
            gate.leave_cohort(cast("Queue", self))
            self._leave_idle(gate.log.front)
            self.backlog.follow(Cursor(gate.log, gate.log.tail, gate.log.front))

    def rejoin(self) -> bool:
        """Go back to the cohort when nothing is pending; True when it did."""
        backlog = self.backlog
        if self.reads is None or self.in_cohort or not backlog.follows or not self.can_idle:
            return False
        if len(backlog) or self.in_flight:
            return False
        self._idle()
        return True

    def halt(self) -> bool:
        """Void the room its gate has proven: somebody else is about to store here."""
        gate = self.reads if self.reads is not None else self.fed_by
        if gate is None:
            return False
        gate.halt()
        return True

    def account(self) -> LedgerView:
        """Return its ledger, with what the gate's log says of it."""
        if (gate := self.reads) is None:
            return super().account()
        gate.flush()
        front = gate.log.front
        ledger = self.ledger
        ledger.entered += front - self._since
        self._since = front
        if self.in_cohort:
            ledger.delivered += front - self._idle_since
            self._idle_since = front
        return super().account()
