"""What every live sink is: the protocol, the edge between two sinks, and two base classes.

Nothing here decides where an event goes. A sink of a third party needs only `write` and `close`;
`Link` gives it the accounting of our own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from sinkgraph.errors import DeliveryFailed, NotOwned, Owed, PartialWrite, SinkClosed
from sinkgraph.event import Batch, Event, as_batch
from sinkgraph.log.owed import owed_count
from sinkgraph.sinks.context import Context, NoRecords, Records
from sinkgraph.telemetry.histogram import Histogram
from sinkgraph.telemetry.stats import Ledger, LedgerView

if TYPE_CHECKING:
    from sinkgraph.log.admission import Plan

__all__ = [
    "Context",
    "Foreign",
    "Link",
    "NoRecords",
    "Node",
    "Parked",
    "Records",
    "Sink",
    "Terminal",
    "from_outside",
    "owed_count",
]


@runtime_checkable
class Sink(Protocol):
    """Is anything events are written to."""

    async def write(self, events: Sequence[Event]) -> None:
        """Take responsibility for all of `events`, then return; raise if it cannot.

        Raises `SinkClosed` (never again), `Overloaded` (later), `DeliveryFailed` (retry),
        `Rejected` (the events are at fault) or `PartialWrite` (only part of it is owed). Must
        survive concurrent calls and cancellation.
        """
        ...

    async def close(self) -> None:
        """Release what this sink holds and nothing else; idempotent."""
        ...


def _refuse_offer(_batch: Batch) -> bool:
    return False


class Link:
    """Is the one mutable cell on an edge: who is written to next.

    An attempt in flight finishes on the target it began with; the next one uses the new target.
    `write` and `offer` are the target's own bound methods, re-set whenever the target changes.
    """

    __slots__ = ("offer", "port", "required", "target", "write")

    write: Callable[[Sequence[Event]], Awaitable[None]]
    offer: Callable[[Batch], bool]

    def __init__(self, target: Sink, port: str = "to", *, required: bool = True) -> None:
        self.port = port
        self.required = required
        self.retarget(target)

    def retarget(self, target: Sink) -> None:
        """Point the edge at another sink; synchronous, so that a reload can commit."""
        self.target: Node = target if isinstance(target, Node) else Foreign(target)
        self.refresh()

    def follow(self, fresh: Link) -> None:
        """Lead where the edge leads that a reload built in this one's place."""
        self.port, self.required = fresh.port, fresh.required
        self.retarget(fresh.target)

    def refresh(self) -> None:
        """Look the target's methods up again, after it changed how it takes events."""
        self.write = self.target.write
        self.offer = self.target.offer if self.target.instant else _refuse_offer

    async def send(self, events: Sequence[Event]) -> None:
        """Write to whatever the target is when this runs: what an `Owed` continues with."""
        await self.write(events)

    def admit(self, batch: Batch, plan: Plan, trail: tuple[Ledger, ...]) -> None:
        """Add to `plan` what this edge would do with `batch`."""
        self.target.admit(batch, plan, trail, self)


class Node:
    """Is a live sink that a topology can own: named, bound, opened, drained, closed, counted."""

    kind: ClassVar[str] = "sink"
    settings: ClassVar[tuple[str, ...] | None] = None  # attributes a reload changes in place
    edges: ClassVar[tuple[str, ...]] = ()  # attributes that hold a Link, or None
    max_batch: int | None = None  # most events one write may carry, where the sink has a limit
    never_blocks = False  # its `admit` stores at commit and needs no room

    def __init__(self) -> None:
        self.name = ""
        self.path: tuple[str, ...] = ()  # names from a source to here, given by the topology
        self.ledger = Ledger()
        self.closed = False
        self.left = False  # it is in the graph no more: what is owed through it passes as it is
        self.successor: Link | None = None  # then, the edge that led here: it leads elsewhere now
        self.status = "ok"
        self.on_remove = "drain"  # what becomes of its events when it leaves a running graph
        self.was: str | None = None  # the name an earlier graph knew it by
        self.ctx: Context | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name or '(unnamed)'}>"

    # what it is connected to

    def links(self) -> Sequence[Link]:
        """Return the outgoing edges, in the order of the document."""
        return ()

    @property
    def instant(self) -> bool:
        """Whether `offer` can ever say yes: False lets callers skip it."""
        return False

    # how it lives

    def bind(self, ctx: Context) -> None:
        """Lend it the topology's context; synchronous, before `open`."""
        self.ctx = ctx

    @property
    def bound(self) -> Context:
        """The context, or NotOwned when no topology has bound this sink."""
        if self.ctx is None:
            raise NotOwned(
                f"{self.kind} {self.name or '(unnamed)'} belongs to no topology: "
                "start it with `async with sinkgraph.run(sink)`"
            )
        return self.ctx

    async def open(self) -> None:
        """Acquire what it needs (provision); raise to refuse the start. Touch nothing running."""

    def give_back(self) -> None:
        """Undo what binding and opening claimed: it never starts. It is closed after that."""

    def start(self) -> None:
        """Begin to work (commit); synchronous and cannot fail."""

    async def drain(self) -> None:
        """Wait until nothing is pending here; the caller bounds the time."""

    async def close(self) -> None:
        """Release what it holds; idempotent. Writes after it raise SinkClosed."""
        self.closed = True

    # how it changes while it runs

    def can_become(self, fresh: Node) -> bool:
        """Whether a reload changes it in place; else the other node takes its place."""
        return type(fresh) is type(self) and self.settings is not None

    async def approach(self, fresh: Node) -> None:
        """Acquire what it takes to become as `fresh` is; raise to refuse. Touch nothing running.

        `fresh` was built anew and is bound, not opened; it is closed where the reload is given up.
        """

    def become(self, fresh: Node) -> None:
        """Follow the settings and edges of `fresh`, and keep the rest (commit): cannot fail."""
        for name in (*(self.settings or ()), "on_remove", "was"):
            setattr(self, name, getattr(fresh, name))
        for name in self.edges:
            mine, other = getattr(self, name), getattr(fresh, name)
            if mine is None or other is None:
                setattr(self, name, other)
            else:
                mine.follow(other)

    # what it does

    async def write(self, events: Sequence[Event]) -> None:
        """Take responsibility for all of `events`; see `Sink.write`."""
        raise NotImplementedError

    def offer(self, batch: Batch) -> bool:
        """Take all of `batch` at once and return True, or nothing and return False.

        The synchronous half of `write`: never suspends, never raises for a failed delivery.
        """
        return False

    def admit(self, batch: Batch, plan: Plan, trail: tuple[Ledger, ...], link: Link) -> None:
        """Add to `plan` what a write of `batch` through `link` would do.

        A sink that has to wait is written after everything below was admitted.
        """
        plan.write_later(link, batch, trail)

    # what it says of itself

    def pending(self) -> int:
        """Return how many events it is responsible for and has not settled."""
        return self.ledger.held

    def account(self) -> LedgerView:
        """Return its ledger, frozen."""
        return self.ledger.freeze(self.pending())

    def facts(self) -> dict[str, Any]:
        """Return what a snapshot shows of this kind beyond the ledger; plain values only."""
        return {}

    def refuse_if_closed(self) -> None:
        """Raise SinkClosed when this sink was closed."""
        if self.closed:
            raise SinkClosed(f"{self.kind} {self.name or '(unnamed)'} is closed")


class Parked(PartialWrite):
    """Say that a retry wants the owed events written again in `due_s` seconds, not held.

    Only a queue directly above understands it as such; to others it is a PartialWrite. `hold` is
    `event` (others go on) or `key` (others with another key go on).
    """

    def __init__(self, owed: Sequence[Owed], *, due_s: float, hold: str) -> None:
        super().__init__(owed)
        self.due_s = due_s
        self.hold = hold


def from_outside(error: BaseException) -> bool:
    """Whether an error means the running task and not its work: cancellation, or its end."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is None or task.cancelling() > 0
    return isinstance(error, GeneratorExit)


class Terminal(Node):
    """Is a sink without targets: implement `deliver`; the accounting is done here."""

    def __init__(self) -> None:
        super().__init__()
        self.latency = Histogram()
        self.last_error: str | None = None

    async def deliver(self, batch: Batch) -> None:
        """Deliver all of `batch`, or raise as `Sink.write` does.

        Whatever it raises, SystemExit and a cancellation of its own making included, touches only
        these events.
        """
        raise NotImplementedError

    async def write(self, events: Sequence[Event]) -> None:
        """Deliver and count."""
        self.refuse_if_closed()
        batch = as_batch(events)
        n = len(batch)
        if not n:
            return
        ledger = self.ledger
        ledger.entered += n
        ledger.held += n
        owed = n
        began = self.ctx.clock.now() if self.ctx is not None else None
        try:
            await self.deliver(batch)
            owed = 0
        except BaseException as error:
            owed = owed_count(error, n)
            self.last_error = f"{type(error).__name__}: {error}"
            if isinstance(error, Exception) or from_outside(error):
                raise
            raise DeliveryFailed(f"{self.kind} {self.name} raised {error!r}") from error
        finally:
            ledger.held -= n
            ledger.returned += owed
            ledger.delivered += n - owed
            if began is not None and self.ctx is not None:
                self.latency.add(self.ctx.clock.now() - began)

    def facts(self) -> dict[str, Any]:
        """Return latency quantiles in seconds and the last error."""
        return {
            "latency_p50_s": self.latency.quantile(0.5),
            "latency_p99_s": self.latency.quantile(0.99),
            "writes": self.latency.total,
            "last_error": self.last_error,
        }


class Foreign(Terminal):
    """Gives a sink of a third party a name and a ledger; what it raises touches only its events."""

    kind = "sink"

    def __init__(self, sink: Sink) -> None:
        if isinstance(sink, type):
            raise TypeError(f"{sink.__name__} is a class, not a sink: write `{sink.__name__}(…)`")
        for needed in ("write", "close"):
            if not callable(getattr(sink, needed, None)):
                raise TypeError(f"{sink!r} is not a sink: it has no `{needed}`")
        super().__init__()
        self.sink = sink
        self._turn = asyncio.Lock()
        self._released = False
        self.max_batch = getattr(sink, "max_batch", None)

    async def deliver(self, batch: Batch) -> None:
        """Write to the foreign sink."""
        writing: Awaitable[None] | None = self.sink.write(batch)
        if writing is None:
            who = self.name or type(self.sink).__name__
            raise TypeError(f"`write` of `{who}` is not async: it gave None")
        await writing

    async def drain(self) -> None:
        """Drain the foreign sink when it can."""
        drain = getattr(self.sink, "drain", None)
        if callable(drain):
            await drain()

    async def close(self) -> None:
        """Close the foreign sink once; called again, wait for that."""
        self.closed = True
        async with self._turn:
            if not self._released:
                self._released = True
                await self.sink.close()
