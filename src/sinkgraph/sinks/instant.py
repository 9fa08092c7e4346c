"""Sinks that decide in one synchronous step: their write is one atomic admission.

`Instant` turns `admit`, which subclasses implement, into `write` and `offer`. It does not know
what is below: queues are admitted to, everything else is written after them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING

from sinkgraph.errors import Overloaded, Rejected, SinkClosed, TooLarge
from sinkgraph.event import Batch, Event, as_batch, join
from sinkgraph.log.admission import Plan, Store
from sinkgraph.log.disk.places import provisional
from sinkgraph.log.piecewise import write_piecewise
from sinkgraph.sinks.base import Link, Node
from sinkgraph.sinks.burial import dead_batch
from sinkgraph.telemetry.stats import Ledger

if TYPE_CHECKING:
    from sinkgraph.sinks.gate import Gate

__all__ = ["Instant", "bury", "fitting", "too_large", "too_small"]


class Instant(Node):
    """Is a node whose decisions need no waiting. `gate` is set where it is an entrance."""

    def __init__(self) -> None:
        super().__init__()
        self.gate: Gate | None = None
        self.seals = False  # a queue that is admitted to from here keeps its events on disk

    @property
    def instant(self) -> bool:
        """Whether everything below can take events at once."""
        return all(link.target.instant for link in self.links())

    def admit(self, batch: Batch, plan: Plan, trail: tuple[Ledger, ...], link: Link) -> None:
        """Add to `plan` what becomes of `batch`."""
        raise NotImplementedError

    def entrance(self) -> Link:
        """Return the edge by which a write from outside enters this node."""
        return Link(self, "in")

    async def write(self, events: Sequence[Event]) -> None:
        """Admit all of `events` to every queue below, or none; then write to the rest."""
        await self.write_within(events, None)

    async def write_within(
        self,
        events: Sequence[Event],
        timeout_s: float | None,
        *,
        whole: bool = False,
        until: float | None = None,
    ) -> None:
        """Write, waiting for room at most `timeout_s` seconds.

        Sinks without a queue are given until the loop's time `until`, where that is said.
        What is larger than a queue below can hold is cut into several writes; with `whole` it
        raises TooLarge instead and stores nothing.
        """
        if self.closed and self.successor is not None:
            await self._succeed(self.successor, events, timeout_s, until)
            return
        self.refuse_if_closed()
        batch = as_batch(events)
        if not len(batch):
            return
        if self.gate is not None:
            await self.gate.write(batch, timeout_s, whole=whole)
            return
        first = self.plan(batch)
        if not first.stored:  # nothing to be admitted to: there is no room to wait for
            first.commit()
            await first.finish(batch, until)
            return
        small = too_small(first)
        if small is None:
            await self._admit(batch, timeout_s, first=first, until=until, whole=whole)
        elif whole:
            raise too_large(len(batch), small)
        else:
            cuts = list(accumulate(map(len, self._pieces(batch))))
            admit = partial(self._admit, until=until)
            await write_piecewise(batch, cuts, admit, self.write, timeout_s)

    async def _admit(
        self,
        batch: Batch,
        timeout_s: float | None,
        *,
        first: Plan | None = None,
        until: float | None = None,
        whole: bool = False,
    ) -> None:
        began = self.bound.clock.now()
        replan = partial(fitting, self.plan, batch)
        try:
            plan = await self.bound.turnstile.admit(replan, timeout_s, first=first)
        except TooLarge:  # a queue has become smaller while it waited
            if whole:
                raise
            if timeout_s is not None:
                timeout_s = max(0.0, timeout_s - (self.bound.clock.now() - began))
            await self.write_within(batch, timeout_s, until=until)
            return
        except SinkClosed:
            if self.successor is None or not self.closed:
                raise
            await self._succeed(self.successor, batch, timeout_s, until)
            return
        await plan.finish(batch, until)

    @staticmethod
    async def _succeed(
        to: Link, events: Sequence[Event], timeout_s: float | None, until: float | None
    ) -> None:
        """Write where the edge leads that led here before a reload."""
        if isinstance(to.target, Instant):
            await to.target.write_within(events, timeout_s, until=until)
        else:
            await to.write(events)

    def offer(self, batch: Batch) -> bool:
        """Take all of `batch` at once, or nothing."""
        if self.closed:
            return False
        if self.gate is not None:
            return self.gate.offer(batch)
        try:
            plan = self.plan(batch)
            if plan.blockers(None) or plan.to_disk:
                return False
        except (Overloaded, SinkClosed):  # a write says so to whoever can act on it
            return False
        if not plan.later:
            plan.commit()
            return True
        if plan.stored or len(plan.later) != 1:
            return False
        one = plan.later[0]
        if not one.link.offer(one.batch):
            return False
        plan.later.clear()
        n = len(one.batch)
        for ledger in one.trail:
            ledger.delivered += n
        plan.commit()
        return True

    def leave_gate(self) -> None:
        """Give up the gate: what it admitted is handed on, writes are planned one by one."""
        gate, self.gate = self.gate, None
        if gate is not None:
            gate.retire()

    def plan(self, batch: Batch) -> Plan:
        """Return what a write of `batch` would do now."""
        self.refuse_if_closed()
        if self.gate is not None:
            return self.gate.plan(batch)
        plan = Plan()
        if self.seals:
            batch.seal()
            provisional(batch)
            plan.root, plan.origin = batch, self.name
        self.admit(batch, plan, (), self.entrance())
        for one in plan.stored:
            plan.volatile |= one.store.halt()
        return plan

    def _pieces(self, batch: Batch) -> list[Batch]:
        """Cut a batch that can never fit whole into a queue below."""
        todo, pieces = [batch], []
        while todo:
            piece = todo.pop()
            store = too_small(self.plan(piece))
            if store is None:
                pieces.append(piece)
            elif len(piece) == 1:
                raise Rejected(f"the event is larger than queue {store.name} may hold")
            else:
                half = len(piece) // 2
                todo += [piece[half:], piece[:half]]
        return pieces


def too_large(n: int, store: Store) -> TooLarge:
    """Return the error for n events that can never fit in one queue."""
    return TooLarge(f"{n} events do not fit in queue {store.name}: it holds {store.capacity}")


def fitting(make: Callable[[Batch], Plan], batch: Batch) -> Plan:
    """Return the plan `make` makes; raise TooLarge when it can never be carried out whole."""
    plan = make(batch)
    small = too_small(plan)
    if small is not None:
        raise too_large(len(batch), small)
    return plan


def too_small(plan: Plan) -> Store | None:
    """Return a queue that could not hold its part of a plan even when empty, or None."""
    small = plan.small_reader()
    if small is not None:
        return small
    for one in plan.stored:
        bounded = one.store.when_full in ("block", "reject") and not one.optional
        if bounded and not one.store.could_fit(one.batch):
            return one.store
    return None


def bury(
    node: Node,
    port: Link | None,
    batch: Batch,
    plan: Plan,
    reason: str,
    errors: Sequence[str],
    trail: tuple[Ledger, ...],
) -> None:
    """Plan to hand a batch to the node's dead letter port, with what happened in `meta`."""
    default = node.bound.dead_letters
    plan.bury(node.ledger, len(batch), trail)
    before = plan.dead, plan.spare, plan.fan
    # a dead letter sink that closes is not the fan-out's target
    plan.dead, plan.spare, plan.fan = node.ledger, default if port is not None else None, None
    dead = join(
        [dead_batch(node, batch[k : k + 1], reason, [text]) for k, text in enumerate(errors)]
    )
    try:
        (port or default).admit(dead, plan, ())
    except SinkClosed:
        default.admit(dead, plan, ())
    plan.dead, plan.spare, plan.fan = before
