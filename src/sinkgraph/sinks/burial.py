"""How an event becomes a dead letter: what is written into its `meta`, and who keeps it.

It does not decide that an event is dead; queues, retries and predicates do.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from typing import Any

from sinkgraph.errors import (
    PartialWrite,
    Rejected,
    SinkClosed,
    SinkgraphError,
    StoreFailed,
    StoreFull,
)
from sinkgraph.event import Batch, Event, as_batch
from sinkgraph.log.admission import Plan
from sinkgraph.log.disk.dead import EVERY, DeadFilter, DeadGroup, DeadLetter
from sinkgraph.log.disk.letters import added_to
from sinkgraph.log.owed import Part
from sinkgraph.sinks.backoff import check_seconds
from sinkgraph.sinks.base import Context, Link, Node
from sinkgraph.sinks.dead_row import reason_of
from sinkgraph.sinks.history import Tried, tried
from sinkgraph.sinks.letters_in_memory import MemoryLetters
from sinkgraph.sinks.letters_on_disk import DiskLetters
from sinkgraph.telemetry.stats import Ledger

__all__ = ["MAX_ERRORS", "DeadLetters", "bury_batch", "bury_dead", "dead_batch"]

MAX_ERRORS = 20
"""Errors kept of one event's history: the first and the most recent."""

_RETRY_S = 1.0
_RETRY_CAP_S = 30.0
_TELL_EVERY_S = 60.0
_MAX_BYTES = {"memory": 256 * 1024**2, "disk": 1024**3}
_FILLING = 0.8  # of its bounds, from where on it says so
_EXPIRE_AT_LEAST_S = 1.0
_EXPIRE_AT_MOST_S = 3600.0  # the wall clock may be set


def dead_batch(
    node: Node,
    batch: Batch,
    reason: str,
    errors: Sequence[str],
    *,
    attempts: int = 0,
    first_at: float | None = None,
    history: Sequence[Tried] = (),
) -> Batch:
    """Return the events of `batch` with how they died in `meta`.

    Adds `reason`, `node`, `path` (whom every event passes on its way to the node), `attempts`,
    `errors` (texts, oldest first), `first_failed` and `last_failed` (Unix seconds), `graph` (its
    digest), `history` where there were attempts (the last one, unless it is given), and `before`:
    what the events' own meta had under these names.
    """
    ctx = node.bound
    now = ctx.clock.wall()
    if not history and attempts and errors:
        history = [tried(attempts, now, errors[-1])]
    death: dict[str, Any] = {
        "reason": reason,
        "node": node.name,
        "path": list(node.path),
        "attempts": attempts,
        "errors": list(errors),
        "first_failed": first_at if first_at is not None else now,
        "last_failed": now,
        "graph": ctx.graph_digest,
    }
    if history:
        death["history"] = list(history)
    return Batch.of(event.with_meta(**added_to(event.meta, death)) for event in batch)


async def bury_batch(
    node: Node,
    port: Link | None,
    batch: Batch,
    reason: str,
    errors: Sequence[str],
    *,
    attempts: int = 0,
) -> None:
    """Write a batch to the node's dead letter port; while it refuses, the events stay pending."""
    await bury_dead(node, port, dead_batch(node, batch, reason, errors, attempts=attempts))


async def bury_dead(
    node: Node, port: Link | None, dead: Batch, still: Callable[[set[str]], None] | None = None
) -> None:
    """Write what `dead_batch` made to the node's dead letter port, in one write.

    While it refuses, the events stay pending. Where it takes some of them, and not yet all, `still`
    is told the ids of the others.
    """
    default = node.bound.dead_letters
    link = port if port is not None else default
    todo: list[Part] = [(link.send, dead)]
    wait_s = _RETRY_S
    while todo:
        write, left = todo[0]
        half = len(left) // 2
        halves = [(write, left[:half]), (write, left[half:])]
        if half and isinstance(link.target, DeadLetters) and not link.target.has_room(left):
            todo[:1] = halves  # what fits need not wait for the rest
            continue
        refused: Exception | None = None
        try:
            await write(left)
            del todo[0]
        except SinkClosed:
            if link.target is default.target:
                raise
            link = default
            todo = [(default.send, one) for _, one in todo]
            continue
        except PartialWrite as error:
            todo[:1] = [(part.write, as_batch(part.events)) for part in error.owed]
            refused = error
        except Rejected as error:
            if half:  # of several, it may be one that is not taken
                todo[:1] = halves
                continue
            todo.append(todo.pop(0))  # others may be taken meanwhile
            refused = error
        except Exception as error:
            refused = error
        if todo and still is not None:
            still({own for _, batch in todo for own in batch.ids})
        if refused is None:
            continue
        node.status = "degraded"
        said = f"{type(refused).__name__}: {refused}"
        node.bound.journal("dead_letter_refused", node=node.name, error=said)
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, _RETRY_CAP_S)


class DeadLetters(Node):
    """Keeps what no port claimed: in the state dir, or in memory where there is none.

    On disk a write returns when it is there, and waits while there is no room for it among
    `capacity` letters and `max_bytes` of payload. In memory the newest are kept, and one pushed
    out is dropped(dead_letters_full). A letter older than `max_age` seconds is dropped(expired).
    `pending` is how many it keeps. The first one a minute of each reason is journalled, and that
    it is filling from 80 % on.
    """

    kind = "dead_letter"
    settings = ("capacity", "max_age", "_max_bytes")

    def __init__(
        self,
        capacity: int = 100_000,
        *,
        max_bytes: int | None = None,
        max_age: float = 30 * 86_400.0,
    ) -> None:
        super().__init__()
        if capacity < 1:
            raise ValueError(f"capacity is at least 1, not {capacity!r}")
        check_seconds("max_age", max_age)
        self.capacity = capacity
        self.max_bytes = max_bytes if max_bytes is not None else _MAX_BYTES["memory"]
        self.max_age = max_age
        self.never_blocks = True
        self._max_bytes = max_bytes
        self._letters: MemoryLetters | DiskLetters = MemoryLetters(self)
        self._told: dict[str, float] = {}  # what was journalled, and when
        self._came: dict[str, int] = {}  # reason → how many came in this run
        self._filling = False
        self._timer: asyncio.TimerHandle | None = None
        self._expiry: asyncio.Task[None] | None = None

    @property
    def durable(self) -> bool:
        """Whether what is kept outlives the process."""
        return self._letters.durable

    @property
    def instant(self) -> bool:
        """In memory it always has room; the disk takes its time."""
        return not self.durable

    @property
    def events(self) -> list[Event]:
        """The dead letters in memory, oldest first; those on disk are listed by `letters`."""
        if isinstance(self._letters, MemoryLetters):
            return self._letters.events
        raise SinkgraphError(f"dead letters {self.name} are on disk: list them with letters()")

    def has_room(self, batch: Batch) -> bool:
        """Return whether a write of a batch would not wait for room."""
        return self._letters.fits(batch)

    @property
    def not_stored(self) -> int:
        """Letters taken for the disk that are not there: lost, if the process ends now."""
        return self._letters.behind

    # its life

    def bind(self, ctx: Context) -> None:
        """Keep letters in the state dir, where there is one."""
        super().bind(ctx)
        if ctx.depot is not None and not self.durable:
            self.never_blocks = False
            self.max_bytes = self._max_bytes if self._max_bytes is not None else _MAX_BYTES["disk"]
            rest = ctx.dead_letters.target is self
            self._letters = DiskLetters(self, ctx.depot, rest=rest)

    def can_become(self, fresh: Node) -> bool:
        """Letters are known by the name of their sink: under another it begins anew."""
        return super().can_become(fresh) and fresh.name == self.name

    def become(self, fresh: Node) -> None:
        """Follow other bounds; what is kept stays until it is too old."""
        super().become(fresh)
        store = "disk" if self.durable else "memory"
        self.max_bytes = self._max_bytes if self._max_bytes is not None else _MAX_BYTES[store]
        self.weigh()
        self._letters.look_again()

    async def open(self) -> None:
        """Count what earlier runs have left."""
        self.ledger.recovered += await self._letters.open()
        self.weigh()

    async def drain(self) -> None:
        """Wait until everything taken is where it is kept."""
        await self._letters.drain()

    async def close(self) -> None:
        """Take nothing more; what is kept stays. Idempotent."""
        if self.closed:
            return
        self.closed = True
        if self._timer is not None:
            self._timer.cancel()
        await self._letters.close()

    def hand_over(self) -> None:
        """Leave the graph after a close: what it keeps on disk is in the dead letters' care."""
        self._letters.hand_over()

    give_back = hand_over

    # what comes in

    def offer(self, batch: Batch) -> bool:
        """Keep a batch in memory; the disk is waited for."""
        if self.closed or not isinstance(self._letters, MemoryLetters):
            return False
        self._letters.keep(batch)
        return True

    async def write(self, events: Sequence[Event]) -> None:
        """Keep events; returns when they are where they are kept. Raises SinkClosed after close.

        On disk it waits while it is full, and raises StoreFull or StoreFailed: then nothing is
        kept.
        """
        self.refuse_if_closed()
        batch = as_batch(events)
        if len(batch):
            await self._letters.store(batch)

    def admit(self, batch: Batch, plan: Plan, trail: tuple[Ledger, ...], link: Link) -> None:
        """Plan to keep a batch; on disk, raises Overloaded while it is full."""
        if not plan.behind:
            self.refuse_if_closed()
        if len(batch):
            self._letters.admit(batch, plan)
            plan.hand_on(trail, len(batch))

    # what it notes

    def took(self, batch: Batch) -> None:
        """Note that a batch is kept: journal it, unless one of its reason was a minute ago."""
        for event in batch:
            reason = reason_of(event)
            self._came[reason] = self._came.get(reason, 0) + 1
        if len(batch):
            self._tell(batch[0])
        self.weigh()

    def _tell(self, event: Event) -> None:
        reason = reason_of(event)
        if self.ctx is None or reason == "expression_error":  # its node told of that
            return
        if self._not_told(f"reason {reason}"):
            errors = event.meta.get("errors") or [None]
            node = event.meta.get("node")
            self.ctx.journal("dead_letter_kept", node=node, reason=reason, error=errors[-1])

    def weigh(self) -> None:
        """Look at how full it is: say so from 80 % on, set the status, plan the next expiry."""
        letters = self._letters
        depth, size = letters.depth, letters.size
        fill = max(depth / self.capacity, size / self.max_bytes)
        filling, self._filling = self._filling, fill >= _FILLING
        self.status = "degraded" if self._filling and letters.status == "ok" else letters.status
        if self.ctx is None:
            return
        if self._filling and not filling:
            bounds = {"capacity": self.capacity, "bytes": size, "max_bytes": self.max_bytes}
            self.ctx.journal("dead_letters_filling", node=self.name, depth=depth, **bounds)
        elif filling and not self._filling:
            self.ctx.journal("dead_letters_have_room", node=self.name, depth=depth)
        if self._timer is None and not self.closed and letters.since < math.inf:
            due_s = letters.since + self.max_age - self.ctx.clock.wall()
            wait_s = min(max(due_s, _EXPIRE_AT_LEAST_S), _EXPIRE_AT_MOST_S)
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._expire)

    def tell_full(self) -> None:
        """Journal, once a minute, that it has no room: what comes waits, or is dropped."""
        if self.ctx is not None and self._not_told("dead letters are full"):
            bounds = {"capacity": self.capacity, "max_bytes": self.max_bytes}
            self.ctx.journal("dead_letters_full", node=self.name, **bounds)

    def _not_told(self, what: str) -> bool:
        """Return whether this was not journalled within the last minute; it is then."""
        now = self.bound.clock.now()
        if now - self._told.get(what, -_TELL_EVERY_S) < _TELL_EVERY_S:
            return False
        self._told[what] = now
        return True

    # how letters leave

    def _expire(self) -> None:
        self._timer = None
        ctx = self.bound
        before = ctx.clock.wall() - self.max_age
        if self._letters.since < before:
            self._timer = asyncio.get_running_loop().call_later(_EXPIRE_AT_MOST_S, self._expire)
            self._expiry = ctx.spawn(self._expire_before(before), f"expiry of {self.name}")
        else:
            self.weigh()

    async def _expire_before(self, before: float) -> None:
        try:
            await self._letters.expire(before)
        except (StoreFull, StoreFailed):
            return  # once the disk takes it
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.weigh()

    async def forget(self, numbers: Sequence[int], expect: int) -> int:
        """Delete letters by number and return how many; they are counted as dropped(purged).

        Raises WrongCount unless `expect` of them are there, then nothing is deleted; on disk,
        StoreFull and StoreFailed.
        """
        return await self._letters.forget(numbers, expect)

    # what it says of itself

    async def groups(self, chosen: DeadFilter = EVERY) -> list[DeadGroup]:
        """Return the letters kept here by node and reason, the most frequent first."""
        return await self._letters.groups(chosen)

    async def letters(
        self,
        chosen: DeadFilter = EVERY,
        *,
        after: int = 0,
        limit: int = 100,
        bodies: bool = True,
    ) -> list[DeadLetter]:
        """Return letters kept here in order of number, behind `after`, at most `limit`."""
        return await self._letters.letters(chosen, after, limit, bodies=bodies)

    def pending(self) -> int:
        """Return how many dead letters are kept, or wait to be."""
        return self._letters.depth + self.ledger.held

    def facts(self) -> dict[str, Any]:
        """Return depth, bounds, and counts by reason: of all that is kept, and of this run's."""
        return {
            "depth": self._letters.depth,
            "capacity": self.capacity,
            "bytes": self._letters.size,
            "max_bytes": self.max_bytes,
            "max_age_s": self.max_age,
            "durable": self.durable,
            "came": dict(self._came),
            **self._letters.facts(),
        }
