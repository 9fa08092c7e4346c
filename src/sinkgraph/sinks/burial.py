"""How an event becomes a dead letter: what is written into its `meta`, and who keeps it.

It does not decide that an event is dead; queues, retries and predicates do.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

from sinkgraph.errors import PartialWrite, SinkClosed
from sinkgraph.event import Batch, Event, as_batch
from sinkgraph.log.admission import Plan
from sinkgraph.log.backlog import sizes_of
from sinkgraph.log.owed import Part
from sinkgraph.sinks.base import Link, Node
from sinkgraph.telemetry.stats import Ledger

__all__ = ["MAX_ERRORS", "DeadLetters", "bury_batch", "dead_batch"]

MAX_ERRORS = 20
"""Errors kept of one event's history: the first and the most recent."""

_RETRY_S = 1.0
_RETRY_CAP_S = 30.0
_TELL_EVERY_S = 60.0


def dead_batch(
    node: Node,
    batch: Batch,
    reason: str,
    errors: Sequence[str],
    *,
    attempts: int = 0,
    first_at: float | None = None,
) -> Batch:
    """Return the events of `batch` with their history in `meta`.

    Adds `reason`, `node`, `path` (names from a source to the node), `attempts`, `errors` (texts,
    oldest first), `first_failed` and `last_failed` (Unix seconds) and `graph` (its digest).
    """
    ctx = node.bound
    now = ctx.clock.wall()
    added: dict[str, Any] = {
        "reason": reason,
        "node": node.name,
        "path": list(node.path),
        "attempts": attempts,
        "errors": list(errors),
        "first_failed": first_at if first_at is not None else now,
        "last_failed": now,
        "graph": ctx.graph_digest,
    }
    return Batch.of(event.with_meta(**added) for event in batch)


async def bury_batch(
    node: Node,
    port: Link | None,
    batch: Batch,
    reason: str,
    errors: Sequence[str],
    *,
    attempts: int = 0,
    first_at: float | None = None,
) -> None:
    """Write a batch to the node's dead letter port; while it refuses, the events stay pending."""
    default = node.bound.dead_letters
    link = port if port is not None else default
    dead = dead_batch(node, batch, reason, errors, attempts=attempts, first_at=first_at)
    todo: list[Part] = [(link.send, dead)]
    wait_s = _RETRY_S
    while todo:
        write, left = todo[0]
        try:
            await write(left)
            del todo[0]
            continue
        except SinkClosed:
            if link.target is default.target:
                raise
            link = default
            todo = [(default.send, one) for _, one in todo]
            continue
        except PartialWrite as error:
            todo[:1] = [(part.write, as_batch(part.events)) for part in error.owed]
            refused: Exception = error
        except Exception as error:
            refused = error
        node.status = "degraded"
        node.bound.journal("dead_letter_refused", node=node.name, error=repr(refused))
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, _RETRY_CAP_S)


class DeadLetters(Node):
    """Keeps what no port claimed, in memory: the newest `capacity` events, the rest counted.

    `max_bytes` bounds their payloads, as JSON; the newest event is kept whatever its size.
    `pending` is how many it keeps; an event pushed out is dropped(dead_letters_full). The first
    one a minute of each reason is journalled.
    """

    kind = "dead_letter"
    never_blocks = True

    def __init__(self, capacity: int = 100_000, *, max_bytes: int = 256 * 1024**2) -> None:
        super().__init__()
        if capacity < 1:
            raise ValueError(f"capacity is at least 1, not {capacity!r}")
        self.capacity = capacity
        self.max_bytes = max_bytes
        self._kept: deque[Event] = deque()
        self._sizes: deque[int] = deque()
        self._bytes = 0
        self._told: dict[str, float] = {}  # reason → when it was journalled

    @property
    def instant(self) -> bool:
        """It always has room."""
        return True

    @property
    def events(self) -> list[Event]:
        """The dead letters, oldest first."""
        return list(self._kept)

    def offer(self, batch: Batch) -> bool:
        """Keep a batch."""
        if self.closed:
            return False
        self._keep(batch)
        return True

    async def write(self, events: Sequence[Event]) -> None:
        """Keep events; raises SinkClosed after close."""
        self.refuse_if_closed()
        self._keep(as_batch(events))

    def admit(self, batch: Batch, plan: Plan, trail: tuple[Ledger, ...], link: Link) -> None:
        """Plan to keep a batch; it can never block."""

        def keep() -> None:
            for ledger in trail:
                ledger.delivered += len(batch)
            self._keep(batch)

        plan.then(keep, once=True)

    def _keep(self, batch: Batch) -> None:
        self.ledger.entered += len(batch)
        sizes = sizes_of(batch)
        self._kept.extend(batch)
        self._sizes.extend(sizes)
        self._bytes += sum(sizes)
        if len(batch):
            self._tell(batch[0])
        over = 0
        while len(self._kept) > self.capacity or (
            self._bytes > self.max_bytes and len(self._kept) > 1
        ):
            self._kept.popleft()
            self._bytes -= self._sizes.popleft()
            over += 1
        if over:
            self.ledger.drop("dead_letters_full", over)

    def _tell(self, event: Event) -> None:
        """Journal a dead letter, unless one of its reason was within the last minute."""
        reason = str(event.meta.get("reason", ""))
        if self.ctx is None or reason == "expression_error":  # its node told of that
            return
        now = self.ctx.clock.now()
        if now - self._told.get(reason, -_TELL_EVERY_S) >= _TELL_EVERY_S:
            self._told[reason] = now
            errors = event.meta.get("errors") or [None]
            node = event.meta.get("node")
            self.ctx.journal("dead_letter_kept", node=node, reason=reason, error=errors[-1])

    def pending(self) -> int:
        """Return how many dead letters are kept."""
        return len(self._kept)

    def facts(self) -> dict[str, Any]:
        """Return depth, capacity and the count by reason."""
        reasons: dict[str, int] = {}
        for event in self._kept:
            reason = str(event.meta.get("reason", ""))
            reasons[reason] = reasons.get(reason, 0) + 1
        return {
            "depth": len(self._kept),
            "capacity": self.capacity,
            "bytes": self._bytes,
            "max_bytes": self.max_bytes,
            "reasons": reasons,
        }
