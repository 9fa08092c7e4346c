"""A sink that gives a batch to the first of several targets that accepts it.

It does not try a target twice within a write and remembers nothing of failures: a breaker in
front of a target does.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from sinkgraph.errors import (
    BreakerOpen,
    DeliveryFailed,
    Overloaded,
    Owed,
    PartialWrite,
    Rejected,
    SinkClosed,
)
from sinkgraph.event import Batch, Event, as_batch
from sinkgraph.sinks.base import Link, Node, Sink
from sinkgraph.sinks.edges import kept
from sinkgraph.sinks.through import Branch, Passage, Passing, owed_of

__all__ = ["Fallback", "combined"]


class Fallback(Passing):
    """Writes to the first target, what that cannot take to the second, and so on.

    An open breaker answers at once, so its target costs no time. What a target rejects is not
    offered to the next: the event is at fault. When no target accepts, the errors are raised
    together, and paying what is owed begins with the first target again: a broadcast that had
    taken part of it may get that part twice.
    """

    kind = "fallback"
    settings = ()

    def __init__(self, targets: Sequence[Sink]) -> None:
        super().__init__()
        if not targets:
            raise ValueError("a fallback needs at least one target")
        self.targets = [Branch(target) for target in targets]
        self.failovers = 0

    def become(self, fresh: Node) -> None:
        """Have the targets of `fresh`, in its order."""
        super().become(fresh)
        assert isinstance(fresh, Fallback), "it becomes what is of its own kind"
        self.targets, _ = kept(self.targets, fresh.targets, lambda one: one.link)

    def links(self) -> Sequence[Link]:
        """Return the edges in the order they are tried."""
        return [target.link for target in self.targets]

    async def write(self, events: Sequence[Event]) -> None:
        """Give `events` to the first target that accepts them, and count them."""
        self.refuse_if_closed()
        batch = as_batch(events)
        if len(batch):
            passage = Passage(self.ledger, len(batch), self.write)
            await self.account_for(partial(self._try, passage), batch, passage)

    @property
    def instant(self) -> bool:
        """Whether the first target can take events at once."""
        return self.targets[0].link.target.instant

    def offer(self, batch: Batch) -> bool:
        """Take all of `batch` at once when the first target does."""
        if self.closed or not self.targets[0].offer(batch):
            return False
        self.ledger.entered += len(batch)
        self.ledger.delivered += len(batch)
        return True

    async def _try(self, passage: Passage, events: Sequence[Event]) -> None:
        """Offer the batch to every target in order, until nothing of it is left."""
        batch = as_batch(events)
        left, errors, rejected = batch, list[BaseException](), list[Owed]()
        for target in self.targets:
            try:
                await target.write(left)
                left = left[:0]
            except PartialWrite as error:
                mine = [part for part in error.owed if isinstance(part.error, Rejected)]
                others = [part for part in error.owed if not isinstance(part.error, Rejected)]
                rejected += mine
                errors += [part.error for part in others]
                left = owed_of(left, others) if others else left[:0]
            except Rejected as error:
                rejected.append(Owed(passage.again, left, error))
                left = left[:0]
            except Exception as error:
                errors.append(error)
            if not len(left):
                break
            self.failovers += target is not self.targets[-1]
        owed = [*rejected]
        if len(left):
            owed.append(Owed(passage.again, left, combined(self.label, errors)))
        if len(owed) == 1 and owed[0].write is passage.again and len(owed[0].events) == len(batch):
            raise owed[0].error
        if owed:
            raise PartialWrite(owed)

    def facts(self) -> dict[str, Any]:
        """Return how often a next target was tried, and each target's ledger by name."""
        return {
            "failovers": self.failovers,
            "targets": {
                target.link.target.name: target.ledger.freeze(target.ledger.held)
                for target in self.targets
            },
        }


def combined(label: str, errors: Sequence[BaseException]) -> BaseException:
    """Return one error that says all: by what the writer can do about it.

    Only closed targets are a SinkClosed. Only open breakers are a BreakerOpen, until the first
    of them lets an attempt through. Only full targets are Overloaded. Everything else is a
    DeliveryFailed with the longest wait any of them asked for.
    """
    if len(errors) == 1:
        return errors[0]
    texts = "; ".join(str(error) or type(error).__name__ for error in errors)
    message = f"{label}: no target accepted: {texts}"
    alive = [error for error in errors if not isinstance(error, SinkClosed)]
    if not alive:
        return SinkClosed(message)
    if all(isinstance(error, BreakerOpen) for error in alive):
        return BreakerOpen(message, retry_after_s=min(_waits(alive)))
    if all(isinstance(error, Overloaded) for error in alive):
        return Overloaded(message, retry_after_s=max(_waits(alive), default=None))
    tried = [error for error in alive if not isinstance(error, BreakerOpen)]
    return DeliveryFailed(
        message,
        retry_after_s=max(_waits(tried), default=None),
        unsent=all(getattr(error, "unsent", False) for error in tried),
        counts=any(getattr(error, "counts", True) for error in tried),
    )


def _waits(errors: Sequence[BaseException]) -> list[float]:
    asked = [getattr(error, "retry_after_s", None) for error in errors]
    return [wait for wait in asked if wait is not None]
