"""A broadcast gives every event to all of its targets; targets may come and go while it runs.

Admission over the queues below is atomic. A sink without a queue is written after them, side by
side with the others, and what it owes is named in a PartialWrite.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sinkgraph.errors import SinkClosed
from sinkgraph.event import Batch
from sinkgraph.log.admission import Plan
from sinkgraph.sinks.base import Foreign, Link, Node, Sink
from sinkgraph.sinks.edges import kept
from sinkgraph.sinks.instant import Instant
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.splice import beyond
from sinkgraph.telemetry.stats import Ledger, LedgerView

__all__ = ["Broadcast", "Target", "reads_directly"]


class Target:
    """Is one target of a broadcast, with its own ledger."""

    __slots__ = ("broadcast", "direct", "failed", "guest", "ledger", "link", "required", "since")

    def __init__(self, broadcast: Broadcast, sink: Sink, required: bool) -> None:
        self.broadcast = broadcast
        self.link = Link(sink, required=required)
        self.required = required
        self.ledger = Ledger()
        self.direct = False  # its queue reads the gate's log itself
        self.since = 0  # the gate's front when it became direct
        self.failed = False
        self.guest = False  # it was added while the graph ran, and is in no document

    def target_closed(self) -> None:
        """Take note that the sink takes nothing more."""
        self.broadcast.target_closed(self)

    def fold(self) -> None:
        """Move what was derived from the gate's log into the ledger."""
        if self.direct:
            n = self.broadcast.front - self.since
            self.ledger.entered += n
            self.ledger.delivered += n
            self.since += n

    def account(self) -> LedgerView:
        """Return this target's ledger, frozen."""
        self.fold()
        return self.ledger.freeze(self.ledger.held)

    def is_sink(self, sink: object) -> bool:
        """Whether this target is that sink (by identity; sinks need not be comparable)."""
        target = beyond(self.link.target)
        return target is sink or (isinstance(target, Foreign) and target.sink is sink)


class Broadcast(Instant):
    """Writes every event to all targets.

    `targets` are sinks, or pairs `(sink, required)`: an optional target never makes a write wait
    or fail. With `drop_closed` a target that raises SinkClosed is removed, as in go-events; in a
    document it stays, `failed`, and its events are counted as dropped(closed).
    """

    kind = "broadcast"
    settings = ("drop_closed",)

    def __init__(
        self, targets: Sequence[Sink | tuple[Sink, bool]] = (), *, drop_closed: bool = True
    ) -> None:
        super().__init__()
        self.drop_closed = drop_closed
        self.targets: list[Target] = []
        for one in targets:
            sink, required = one if isinstance(one, tuple) else (one, True)
            self.targets.append(Target(self, sink, required))
        self._left: list[Target] = []  # not a target any more, a write to it is under way
        self._gone = Ledger()

    def links(self) -> Sequence[Link]:
        """Return the edges to the targets, in order."""
        return [target.link for target in self.targets]

    def entrance_of(self, sink: object) -> Target | None:
        """Return the target that is `sink`, or None."""
        return next((target for target in self.targets if target.is_sink(sink)), None)

    @property
    def front(self) -> int:
        """The gate's front: how many events every direct target was given."""
        return self.gate.log.front if self.gate is not None else 0

    # membership; `Live.add` and `Live.remove` own the lifetimes

    def insert(self, sink: Sink, *, required: bool = True) -> Target:
        """Add a target; it gets what is written from now on."""
        if self.entrance_of(sink) is not None:
            raise ValueError(f"{sink!r} is already a target of {self.name or 'this broadcast'}")
        if self.gate is not None:
            self.gate.flush()
        target = Target(self, sink, required)
        target.guest = True
        self.targets = [*self.targets, target]
        self._reconsider()
        return target

    def become(self, fresh: Node) -> None:
        """Have the targets of `fresh`, and keep those that were added while it ran."""
        super().become(fresh)
        assert isinstance(fresh, Broadcast), "it becomes what is of its own kind"
        targets, gone = kept(self.targets, fresh.targets, lambda one: one.link)
        for target in targets:
            target.broadcast, target.required = self, target.link.required
            target.guest = target.failed = False
        self.targets = [*targets, *(one for one in gone if one.guest)]
        self._left += [one for one in gone if not one.guest]
        self._settle_left()

    def leave_gate(self) -> None:
        """Give up the gate, and keep what its log says of the targets."""
        if self.gate is not None:
            self.gate.flush()
        for target in self.targets:
            target.fold()
            target.direct = False
        super().leave_gate()

    def absorb(self, target: Target) -> bool:
        """Take a new target into the running gate; False when the wiring has to be done anew."""
        gate, node = self.gate, target.link.target
        if gate is not None and reads_directly(target):
            target.direct = True
            gate.attach(node)  # type: ignore[arg-type]
            target.since = gate.log.front
            return True
        if node.never_blocks:
            if gate is not None:
                gate.select_with(self.select)
            return True
        return False

    def discard(self, sink: Sink) -> Target | None:
        """Remove a target; None when it was none. Legal from inside a write."""
        target = self.entrance_of(sink)
        if target is None:
            return None
        gate = self.gate
        node = target.link.target
        if gate is not None:
            gate.flush()
            if target.direct and isinstance(node, Queue):
                target.fold()
                target.direct = False
                gate.detach(node)
            elif not node.never_blocks:
                self.leave_gate()
        self.targets = [one for one in self.targets if one is not target]
        if gate is not None and all(one.direct for one in self.targets):
            gate.select_with(None)
        self._left.append(target)
        self._settle_left()
        self._reconsider()
        return target

    def _reconsider(self) -> None:
        if self.ctx is not None:
            self.ctx.turnstile.reconsider()

    def _settle_left(self) -> None:
        """Keep the ledgers of targets that left, once no write to them is under way."""
        gone = self._gone
        for target in [one for one in self._left if not one.ledger.held]:
            self._left.remove(target)
            gone.add(target.account())

    def target_closed(self, target: Target) -> None:
        """A target's sink is closed for good."""
        if self.drop_closed:
            if target in self.targets:
                self.discard(beyond(target.link.target))
        elif not target.failed:
            target.failed = True
            self.status = "failed"
            if self.ctx is not None:
                self.ctx.journal("target_closed", node=self.name, target=target.link.target.name)

    # events

    def admit(self, batch: Batch, plan: Plan, trail: tuple[Ledger, ...], link: Link) -> None:
        """Plan to give the batch to every target."""
        outer = plan.fan_out(trail, len(batch))
        for target in self.targets:
            self._admit_one(target, batch, plan)
        plan.fan_in(outer)

    def select(self, batch: Batch, plan: Plan) -> None:
        """Plan what the targets get that do not read the gate's log themselves."""
        for target in self.targets:
            if not target.direct:
                self._admit_one(target, batch, plan)

    def _admit_one(self, target: Target, batch: Batch, plan: Plan) -> None:
        plan.enter(target.ledger, len(batch))
        outer, plan.fan = plan.fan, target
        optional, plan.optional = plan.optional, plan.optional or not target.required
        mark = plan.mark()
        try:
            target.link.admit(batch, plan, (target.ledger,))
        except SinkClosed:
            plan.undo(mark)
            plan.drop(target.ledger, "closed", len(batch))
            plan.then(target.target_closed)
        finally:
            plan.fan, plan.optional = outer, optional

    # what it says of itself

    def pending(self) -> int:
        """Return how many writes to targets are in flight, in events."""
        return sum(target.ledger.held for target in (*self.targets, *self._left))

    def account(self) -> LedgerView:
        """Return the sum of its targets' ledgers: an event counts once per target."""
        if self.gate is not None:
            self.gate.flush()
        self._settle_left()
        views = [target.account() for target in (*self.targets, *self._left)]
        return LedgerView.total([*views, self._gone.freeze(0)])

    def facts(self) -> dict[str, Any]:
        """Return each target's ledger by name, the writes it owes, and who owes the most."""
        targets = {target.link.target.name: target.account() for target in self.targets}
        owed = {name: one.pending for name, one in targets.items() if one.pending}
        return {
            "targets": targets,
            "pending": owed,
            "slowest": max(owed, key=lambda name: owed[name]) if owed else None,
            "failed": [t.link.target.name for t in self.targets if t.failed],
        }


def reads_directly(target: Target) -> bool:
    """Whether a target's queue can read the gate's log itself: no filter, no shedding of new."""
    node = target.link.target
    return (
        isinstance(node, Queue)
        and target.required
        and node.when_full in ("block", "reject", "drop_oldest")
        and node.max_bytes is None
        and not node.durable
    )
