"""A sink with a circuit breaker in front of its target: while that is failing, writes fail fast.

It does not try again and does not wait; a retry above it does.
"""

from __future__ import annotations

from typing import Any

from sinkgraph.errors import (
    BreakerOpen,
    DeliveryFailed,
    Overloaded,
    PartialWrite,
    Rejected,
    SinkClosed,
)
from sinkgraph.event import Batch
from sinkgraph.sinks.base import Context, Node, Sink, owed_count
from sinkgraph.sinks.breaker import BreakerMachine, Permit
from sinkgraph.sinks.breaker_policy import Breaker
from sinkgraph.sinks.through import Passage, Through, Write

__all__ = ["JOURNAL_KINDS", "BreakerSink", "counts", "isolates", "note_outcome"]

JOURNAL_KINDS = {
    "open": "breaker_opened",
    "half_open": "breaker_half_open",
    "closed": "breaker_closed",
    "isolated": "breaker_isolated",
    "disabled": "breaker_disabled",
}
_STATUS = {"open": "degraded", "half_open": "degraded", "isolated": "failed"}


def counts(error: BaseException) -> bool:
    """Return whether a failed attempt says something about the destination's health.

    It does, unless the event is at fault (`Rejected`), the attempt was not made or was cancelled,
    or the sink is closed or full for reasons of our own. A PartialWrite does if any part does.
    """
    if isinstance(error, PartialWrite):
        return any(counts(part.error) for part in error.owed)
    if isinstance(error, DeliveryFailed):
        return error.counts
    if isinstance(error, Rejected | SinkClosed | Overloaded):
        return False
    return isinstance(error, Exception)


def isolates(error: BaseException) -> bool:
    """Return whether the destination asked to be left alone."""
    if isinstance(error, PartialWrite):
        return any(isolates(part.error) for part in error.owed)
    return isinstance(error, Rejected) and error.isolate


def note_outcome(
    machine: BreakerMachine,
    permit: Permit,
    error: BaseException | None,
    n: int,
    now: float,
    took_s: float,
) -> None:
    """Tell the breaker how an attempt on n events ended; `error` is None when it succeeded."""
    if error is None or (not counts(error) and owed_count(error, n) < n):
        machine.success(permit, now, took_s)
    elif counts(error):
        machine.failure(permit, now, took_s)
    else:
        machine.release(permit)
    if error is not None and isolates(error):
        machine.trip(now)


class BreakerSink(Through):
    """Writes to its target unless the breaker is open; then raises BreakerOpen at once.

    Give a `policy`, or the policy's fields by name. Times in seconds.
    """

    kind = "breaker"
    settings = ()
    edges = ("to",)

    def __init__(self, to: Sink, policy: Breaker | None = None, **fields: Any) -> None:
        super().__init__(to)
        if policy is not None and fields:
            raise TypeError(f"give a policy or its fields, not both: {', '.join(fields)}")
        self.machine = BreakerMachine(policy or Breaker(**fields), self.random, self._moved)

    def bind(self, ctx: Context) -> None:
        """Take the topology's clock and chance."""
        super().bind(ctx)
        self.machine.random = ctx.random

    def retune(self, policy: Breaker) -> None:
        """Follow another policy from now on, keeping the state."""
        self.machine.retune(policy)

    def become(self, fresh: Node) -> None:
        """Follow another policy; the state stays."""
        super().become(fresh)
        assert isinstance(fresh, BreakerSink), "it becomes what is of its own kind"
        self.retune(fresh.machine.policy)

    @property
    def instant(self) -> bool:
        """Whether the target can take events at once."""
        return self.to.target.instant

    def offer(self, batch: Batch) -> bool:
        """Take all of `batch` at once while the breaker is closed and the target can."""
        machine = self.machine
        if machine.state not in ("closed", "disabled"):
            return False
        now = self.clock.now()
        permit = machine.acquire(now)
        if not isinstance(permit, Permit) or not self.offer_on(batch):
            return False
        machine.success(permit, now)
        return True

    async def around(self, write: Write, batch: Batch, passage: Passage) -> None:
        """Write under a permit and tell the breaker the outcome."""
        clock, machine = self.clock, self.machine
        began = clock.now()
        permit = machine.acquire(began)
        if not isinstance(permit, Permit):
            raise BreakerOpen(
                f"{self.label} is {machine.state.replace('_', ' ')}", retry_after_s=permit
            )
        try:
            await write(batch)
        except BaseException as error:
            now = clock.now()
            note_outcome(machine, permit, error, len(batch), now, now - began)
            raise
        now = clock.now()
        machine.success(permit, now, now - began)

    def facts(self) -> dict[str, Any]:
        """Return the breaker's state and, while it is open, the seconds until it probes."""
        if self.ctx is None:
            return {"breaker": self.machine.facts(0.0)}
        now = self.clock.now()
        self.machine.tick(now)
        return {"breaker": self.machine.facts(now)}

    def _moved(self, old: str, new: str, now: float) -> None:
        machine = self.machine
        if self.ctx is not None:
            machine.turned_at = self.ctx.clock.wall()
        self.status = _STATUS.get(new, "ok")
        facts: dict[str, object] = {"was": old, "failures": machine.failures}
        if machine.retry_at is not None:
            facts["probe_in_s"] = round(machine.retry_at - now, 3)
        self.journal(JOURNAL_KINDS[new], **facts)
