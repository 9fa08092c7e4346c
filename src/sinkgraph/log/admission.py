"""Atomic admission: what one write would do below a fan-out, and who waits until it can be done.

A `Plan` is collected without touching anything, then committed in one synchronous step, or not
at all. Who waits until it can be is the subject of `turnstile`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sinkgraph.errors import Overloaded, PartialWrite
from sinkgraph.event import Batch
from sinkgraph.log.burial import Burial
from sinkgraph.log.disk.draft import Entry, Pledge
from sinkgraph.log.disk.drafting import Share, share_out
from sinkgraph.log.later import Edge, FanTarget, Group, Later, Trail
from sinkgraph.log.receipts import fork, pass_on
from sinkgraph.telemetry.stats import Ledger

if TYPE_CHECKING:
    from sinkgraph.log.disk.depot import Depot
    from sinkgraph.log.disk.shelf import Shelf
    from sinkgraph.log.turnstile import Waiter

__all__ = ["Plan", "Store"]

Mark = tuple[tuple[int, ...], tuple[Group, ...]]


class Store(Protocol):
    """Is what admission needs to know of a queue."""

    name: str
    capacity: int
    when_full: str
    max_wait: float | None
    waiting: list[Waiter]
    shelf: Shelf | None

    def reserve(self, batch: Batch) -> None:
        """Keep room for a batch that is being written to disk."""
        ...

    def release(self, batch: Batch) -> None:
        """Give back the room that was kept for a batch."""
        ...

    def room(self) -> int:
        """Return how many more events fit now."""
        ...

    def fits(self, batch: Batch) -> bool:
        """Return whether this batch fits now, in events and in bytes."""
        ...

    def could_fit(self, batch: Batch) -> bool:
        """Return whether this batch would fit if the queue were empty."""
        ...

    def halt(self) -> bool:
        """Let nothing more in that was proven to fit before; True when there was a proof."""
        ...

    def accept(self, batch: Batch, *, optional: bool = False, stored: bool = False) -> None:
        """Store a batch; cannot refuse: shedding by policy is counted.

        `stored`: it is on disk as this queue's.
        """
        ...


@dataclass(slots=True)
class Stored:
    """Is one queue's part of a plan."""

    store: Store
    batch: Batch
    trail: Trail
    optional: bool


class Plan:
    """Collects what one write would do; nothing changes until `commit`."""

    __slots__ = (
        "abandoned",
        "applied",
        "behind",
        "counts",
        "dead",
        "decisions",
        "effects",
        "fan",
        "groups",
        "later",
        "once",
        "optional",
        "origin",
        "pledge",
        "root",
        "spare",
        "stored",
        "to_bury",
        "volatile",
    )

    def __init__(self) -> None:
        self.stored: list[Stored] = []
        self.later: list[Later] = []
        self.counts: list[tuple[Ledger, str, str, int]] = []
        self.effects: list[Callable[[], None]] = []
        self.fan: FanTarget | None = None  # the fan-out target being collected, innermost
        self.once = False  # what was decided must not be decided again for what is owed
        self.optional = False  # below an optional target, however far
        self.groups: tuple[Group, ...] = ()  # the fan-outs being collected, outermost first
        self.dead: Ledger | None = None  # set while a dead letter is being collected
        self.spare: Edge | None = None  # where a dead letter goes when its own sink is closed
        self.volatile = False  # True when the plan depends on the room there is right now
        self.root: Batch | None = None  # what was written, for what is stored on disk of it
        self.origin = ""  # the node it was written to
        self.decisions: list[Callable[[], None]] = []  # made when it is settled, before any disk
        self.to_bury: list[tuple[Burial, Batch]] = []
        self.behind = False  # True for what was accepted before: nobody waits for the disk
        self.pledge: Pledge | None = None  # ends when what is durable is on disk
        self.applied = False
        self.abandoned = False

    # collecting

    def enter(self, ledger: Ledger, n: int) -> None:
        """Note that n events enter a node."""
        self.counts.append((ledger, "entered", "", n))

    def filter(self, ledger: Ledger, reason: str, n: int, trail: Trail = ()) -> None:
        """Note that n events end at a node as intended; `trail` is what stands above it."""
        if n:
            self.once = True
            self.counts.append((ledger, "filtered", reason, n))
            self.hand_on(trail, n)

    def drop(self, ledger: Ledger, reason: str, n: int, trail: Trail = ()) -> None:
        """Note that n events are lost at a node by policy."""
        if n:
            self.once = True
            self.counts.append((ledger, "dropped", reason, n))
            self.hand_on(trail, n)

    def bury(self, ledger: Ledger, n: int, trail: Trail = ()) -> None:
        """Note that a node hands n events to its dead letter port."""
        self.once = True
        self.counts.append((ledger, "dead_lettered", "", n))
        self.hand_on(trail, n)

    def hand_on(self, trail: Trail, n: int) -> None:
        """Note that n events left the nodes of `trail` for good: handing on is delivering."""
        for above in trail:
            self.counts.append((above, "delivered", "", n))

    def fan_out(self, trail: Trail, n: int) -> tuple[Group, ...]:
        """Begin to collect the branches of a fan-out; give the result to `fan_in` after them."""
        outer = self.groups
        if trail:
            self.hand_on(trail, n)
            self.groups = (*outer, Group(trail))
        return outer

    def fan_in(self, outer: tuple[Group, ...]) -> None:
        """End what `fan_out` began."""
        self.groups = outer

    def mark(self) -> Mark:
        """Return how far collecting has come, for `undo`."""
        return tuple(map(len, self._noted())), self.groups

    def _noted(self) -> list[list[Any]]:
        first = [self.counts, self.effects, self.stored]
        return [*first, self.later, self.decisions, self.to_bury]  # type: ignore[list-item]

    def undo(self, mark: Mark) -> None:
        """Forget what was collected since `mark`."""
        sizes, self.groups = mark
        for noted, size in zip(self._noted(), sizes, strict=True):
            del noted[size:]

    def then(self, effect: Callable[[], None], *, once: bool = False) -> None:
        """Note a change to make when the plan is committed; it must not fail.

        `once`: it must not be made again when what is owed is written again.
        """
        self.effects.append(effect)
        self.once = self.once or once

    def decide(self, effect: Callable[[], None]) -> None:
        """Note a change that the next plan has to see, also while this one is written to disk."""
        self.decisions.append(effect)
        self.once = True

    def bury_durably(self, burial: Burial, batch: Batch) -> None:
        """Plan to keep dead letters on disk, with the rest of the plan or, if so, `behind` it."""
        self.to_bury.append((burial, batch))
        self.once = True

    def store(self, store: Store, batch: Batch, trail: Trail) -> None:
        """Plan to store a batch in a queue."""
        self.stored.append(Stored(store, batch, trail, self.optional))

    def write_later(self, link: Edge, batch: Batch, trail: Trail) -> None:
        """Plan to write a batch to a sink that may wait."""
        fan, optional, dead, spare = self.fan, self.optional, self.dead, self.spare
        self.later.append(Later(link, batch, trail, fan, optional, dead, spare, self.groups))

    # deciding

    def blockers(self, waiter: Waiter | None) -> list[Store]:
        """Return the queues that have to make room first; [] means it can be committed.

        Raises Overloaded when a full `reject` queue refuses.
        """
        stored = self.stored
        if len(stored) == 1:
            one = stored[0]
            return [one.store] if self._blocks(one.store, one.batch, one.optional, waiter) else []
        needs: dict[int, tuple[Store, list[Batch], bool]] = {}
        for one in stored:
            _, batches, optional = needs.setdefault(id(one.store), (one.store, [], one.optional))
            batches.append(one.batch)
            if optional and not one.optional:
                needs[id(one.store)] = (one.store, batches, False)
        blocking: list[Store] = []
        for store, batches, optional in needs.values():
            batch = batches[0] if len(batches) == 1 else _joined(batches)
            if self._blocks(store, batch, optional, waiter):
                blocking.append(store)
        return blocking

    @staticmethod
    def _blocks(store: Store, batch: Batch, optional: bool, waiter: Waiter | None) -> bool:
        if optional:
            return False
        policy = store.when_full
        if policy == "block":
            ahead = store.waiting
            return bool(ahead and ahead[0] is not waiter) or not store.fits(batch)
        if policy == "reject" and not store.fits(batch):
            raise Overloaded(
                f"queue {store.name or '(unnamed)'} is full: {store.capacity} events",
                retry_after_s=1.0,
            )
        return False

    # doing

    def small_reader(self) -> Store | None:
        """Return a queue that is to hold more than it ever could, beside those it stores in."""
        return None

    def commit(self) -> Pledge | None:
        """Do everything in one step: store, count, mark what is in flight.

        Where a queue keeps its events on disk, room is kept for all of it now, and the step is
        made when the disk has it; what is returned ends then, in failure when it could not be
        stored. Raises StoreFailed when the disk has failed before.
        """
        depot = self._depot()
        if depot is not None:
            self._write_to(depot)
            return self.pledge
        self.pledge = None
        for decision in self.decisions:
            decision()
        self._apply({})
        return None

    @property
    def to_disk(self) -> bool:
        """Whether who commits it has to wait for the disk."""
        return self._depot() is not None

    def _depot(self) -> Depot | None:
        for one in self.stored:
            shelf = one.store.shelf
            if shelf is not None and shelf.takes:
                return shelf.depot
        return self.to_bury[0][0].depot if self.to_bury and not self.behind else None

    def _write_to(self, depot: Depot) -> None:
        depot.refuse_if_failed()
        drafts, shares = share_out(self)
        rows = [row for burial, batch in self.to_bury for row in burial.rows(batch)]
        for decision in self.decisions:
            decision()
        for one in self.stored:
            one.store.reserve(one.batch)

        def apply() -> None:
            self._release()
            self._apply(shares)

        gathered = self.pledge is not None  # all that this turn of the loop wrote
        if self.pledge is None:
            self.pledge = Pledge(loop=depot.loop)
        depot.add(Entry(drafts, rows, apply, self._revoke, self.pledge), now=gathered)

    def _release(self) -> None:
        for one in self.stored:
            one.store.release(one.batch)

    def _revoke(self) -> None:
        self._release()
        for burial, batch in self.to_bury:
            burial.refused(batch)

    def _apply(self, shares: Mapping[int, Share]) -> None:
        """Do everything that cannot fail, in one step."""
        self.applied = True
        for ledger, what, reason, n in self.counts:
            if what == "entered":
                ledger.entered += n
            elif what == "filtered":
                ledger.filter(reason, n)
            elif what == "dropped":
                ledger.drop(reason, n)
            elif what == "delivered":
                ledger.delivered += n
            else:
                ledger.dead_lettered += n
        for effect in self.effects:
            effect()
        for burial, batch in self.to_bury:
            if self.pledge is None:
                burial.keep(batch)
            else:
                burial.kept(batch)
        for k, one in enumerate(self.stored):
            n = one.batch.j - one.batch.i
            for ledger in one.trail:
                ledger.delivered += n
            share = shares.get(k)
            batch = one.batch if share is None else share.batch()
            one.store.accept(batch, optional=one.optional, stored=share is not None)
        for later in self.later:
            n = later.batch.j - later.batch.i
            for ledger in later.trail:
                ledger.held += n
        if self.abandoned:
            self.abandon()

    def abandon(self) -> None:
        """Count the writes that were not begun as returned: their writer was cancelled."""
        self.abandoned = True
        for one in self.later if self.applied else ():
            one.abandon()

    async def finish(self, whole: Batch, until: float | None = None) -> None:
        """Write to the sinks that may wait, side by side; call after `commit`.

        What has not been taken at the loop's time `until` is cancelled and owed, with Overloaded.
        Raises the bare error when the only thing this write did was that one write of `whole`,
        else PartialWrite with what is owed.
        """
        if self.pledge is not None:
            try:
                await self.pledge
            except asyncio.CancelledError:
                self.abandon()
                raise
        later = self.later
        if not later:
            return
        try:
            if len(later) == 1:
                pass_on(whole, later[0].batch)
                owed = await later[0].write(until)
            else:
                told = fork(whole, [one.batch for one in later])
                writes = [
                    one.write(until, told[k] if told else None) for k, one in enumerate(later)
                ]
                parts = await asyncio.gather(*writes)
                owed = [part for several in parts for part in several]
        except asyncio.CancelledError:
            self.abandon()
            raise
        if not owed:
            return
        one = later[0]
        alone = len(later) == len(owed) == 1 and not self.stored and not self.once
        if alone and len(one.batch) == len(whole) and owed[0].write == one.link.send:
            raise owed[0].error
        raise PartialWrite(owed)


def _joined(batches: list[Batch]) -> Batch:
    return Batch.of(event for batch in batches for event in batch)
