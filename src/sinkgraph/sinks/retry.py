"""A retry writes again what failed, until it is delivered, rejected or given up.

It keeps no store: while it waits, the queue above holds its lane, or (with `hold: event` or
`key`) parks the failing events. What it gives up on goes to the dead letters with its history.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Any

from sinkgraph.errors import BreakerOpen, Owed, PartialWrite, Rejected, SinkClosed
from sinkgraph.event import Batch, Event, as_batch
from sinkgraph.sinks.attempts import History, Write, attempt, error_text
from sinkgraph.sinks.backoff import Backoff, ExponentialBackoff, retry_after_wait
from sinkgraph.sinks.base import Context, Link, Node, Parked, Sink
from sinkgraph.sinks.breaker import Breaker, BreakerMachine, Permit
from sinkgraph.sinks.breaker_sink import counts
from sinkgraph.sinks.burial import bury_batch

__all__ = ["HOLDS", "Retry"]

HOLDS = ("lane", "key", "event")


class Retry(Node):
    """Delivers to `to`, again and again, at the pace of `backoff` and `breaker`.

    Without either, the backoff is exponential (1 s, factor 2, cap 30 s, full jitter); with only a
    breaker, its waits; with both, the longer. It gives up on an event when it had `max_attempts`
    attempts AND `give_up_after` seconds have passed; attempts an open breaker refused do not
    count. A failed batch is split first, so that one event's fault is not another's.
    """

    kind = "retry"

    def __init__(
        self,
        to: Sink,
        backoff: Backoff | None = None,
        breaker: Breaker | None = None,
        *,
        max_attempts: int = 20,
        give_up_after: float = 3600.0,
        hold: str = "lane",
        dead_letter: Sink | None = None,
        retry_after_cap: float = 3600.0,
    ) -> None:
        super().__init__()
        if hold not in HOLDS:
            raise ValueError(f"hold is one of {', '.join(HOLDS)}, not {hold!r}")
        if isinstance(max_attempts, bool) or max_attempts < 1:
            raise ValueError(f"max_attempts is at least 1, not {max_attempts!r}")
        self.to = Link(to)
        self.dead_letter = Link(dead_letter, "dead_letter") if dead_letter is not None else None
        self.backoff = (
            backoff if backoff is not None or breaker is not None else (ExponentialBackoff())
        )
        self.breaker = breaker
        self.machine: BreakerMachine | None = None
        self.max_attempts = max_attempts
        self.give_up_after = give_up_after
        self.hold = hold
        self.retry_after_cap = retry_after_cap
        self.below_queue = False  # set when a queue that can park stands directly above
        self.attempts = 0
        self.failures = 0
        self.retrying = 0
        self.given_up = 0
        self.last_error: str | None = None
        self.due_at: float | None = None
        self._naps: dict[asyncio.Future[None], None] = {}

    def links(self) -> Sequence[Link]:
        """Return `to`, then `dead_letter` where it exists."""
        return [link for link in (self.to, self.dead_letter) if link is not None]

    @property
    def instant(self) -> bool:
        """Whether the target can take events at once."""
        return self.to.target.instant

    def bind(self, ctx: Context) -> None:
        """Make the breaker, now that chance and the journal are there."""
        super().bind(ctx)
        if self.breaker is not None and self.machine is None:
            self.machine = BreakerMachine(self.breaker, ctx.random, self._moved)

    def _moved(self, old: str, new: str, now: float) -> None:
        facts: dict[str, Any] = {"node": self.name, "was": old}
        machine = self.machine
        if new == "open" and machine is not None and machine.retry_at is not None:
            facts["probe_in_s"] = round(machine.retry_at - now, 3)
            facts["error"] = self.last_error
        self.bound.journal({"open": "breaker_opened"}.get(new, f"breaker_{new}"), **facts)

    def offer(self, batch: Batch) -> bool:
        """Hand the batch on at once when the breaker is closed and the target takes it."""
        machine = self.machine
        if machine is not None:
            if self.closed or machine.state != "closed":
                return False
            if not self.to.offer(batch):
                return False
            if machine.failures:
                now = self.bound.clock.now()
                permit = machine.acquire(now)
                if isinstance(permit, Permit):
                    machine.success(permit, now)
        elif self.closed or not self.to.offer(batch):
            return False
        n = batch.j - batch.i
        ledger = self.ledger
        ledger.entered += n
        ledger.delivered += n
        self.attempts += 1
        return True

    async def write(self, events: Sequence[Event]) -> None:
        """Return when every event was delivered or dead-lettered."""
        batch = as_batch(events)
        if len(batch):
            ctx = self.bound
            history = History(first_at=ctx.clock.now(), first_wall=ctx.clock.wall())
            await self._resume(history, self.to.send, batch)

    async def _resume(self, history: History, write: Write, events: Sequence[Event]) -> None:
        """Go on with events that have a history, through the part of the write that owes them."""
        self.refuse_if_closed()
        batch = as_batch(events)
        n = len(batch)
        ledger = self.ledger
        ledger.entered += n
        ledger.held += n
        owed: set[str] | None = None
        failed = True
        try:
            await self._deliver(history, [(write, batch)])
            failed = False
        except PartialWrite as error:
            owed = {one for part in error.owed for one in as_batch(part.events).ids}
            raise
        finally:
            back = dead = 0
            if failed and owed is None:
                back = n
            elif owed is not None or history.dead:
                owed = owed or set()
                ids = batch.ids
                back = sum(1 for one in ids if one in owed)
                dead = sum(1 for one in ids if one in history.dead and one not in owed)
            ledger.held -= n
            ledger.returned += back
            ledger.dead_lettered += dead
            ledger.delivered += n - back - dead

    async def _deliver(self, history: History, parts: list[tuple[Write, Batch]]) -> None:
        while parts:
            permit = await self._permit(history, parts)
            owed = await self._attempt(history, parts, permit)
            closed = [part for part in owed if isinstance(part.error, SinkClosed)]
            if closed:
                self._raise_closed(parts, owed, closed)
            left = await self._rejections(history, owed)
            if not left:
                self.status = "ok"
                return
            self._note_failure(history, left)
            wait = self._wait(history, [part.error for part in left])
            if history.final or self._past_limits(history):
                parts = await self._give_up(history, left)
            elif self.hold != "lane" and self.below_queue:
                self._park(history, left, wait)
            else:
                parts = [(part.write, as_batch(part.events)) for part in left]
                await self._nap(wait)

    # one attempt

    async def _permit(self, history: History, parts: list[tuple[Write, Batch]]) -> Permit | None:
        """Wait until the breaker lets an attempt through."""
        machine = self.machine
        if machine is None:
            return None
        while True:
            permit = machine.acquire(self.bound.clock.now())
            if isinstance(permit, Permit):
                return permit
            if self.hold != "lane" and self.below_queue:
                error = BreakerOpen(f"the breaker of {self.name} is open", retry_after_s=permit)
                owed = [Owed(write, batch, error) for write, batch in parts]
                self._park(history, owed, permit)
            await self._nap(permit)

    async def _attempt(
        self, history: History, parts: list[tuple[Write, Batch]], permit: Permit | None
    ) -> list[Owed]:
        """Make one attempt at every part; return what is owed after it."""
        machine, clock = self.machine, self.bound.clock
        began = clock.now()
        self.attempts += 1
        history.attempts += 1
        settled = False
        try:
            if len(parts) == 1:
                owed = await attempt(*parts[0])
            elif history.final:
                owed = [part for one in parts for part in await attempt(*one)]
            else:
                several = await asyncio.gather(*[attempt(*one) for one in parts])
                owed = [part for some in several for part in some]
            settled = True
        finally:
            if not settled and machine is not None and permit is not None:
                machine.release(permit)
        if owed and all(isinstance(part.error, BreakerOpen) for part in owed):
            history.attempts -= 1
        if machine is not None and permit is not None:
            now = clock.now()
            if not owed:
                machine.success(permit, now, now - began)
            elif any(counts(part.error) for part in owed):
                self.last_error = error_text(next(p.error for p in owed if counts(p.error)))
                machine.failure(permit, now, now - began)
            else:
                machine.release(permit)
            isolate = [p for p in owed if isinstance(p.error, Rejected) and p.error.isolate]
            if isolate:
                self.last_error = error_text(isolate[0].error)
                machine.trip(now)
        return owed

    def _note_failure(self, history: History, owed: list[Owed]) -> None:
        self.failures += 1
        self.status = "degraded"
        for part in owed:
            self.last_error = error_text(part.error)
            history.note(part.error)

    async def _rejections(self, history: History, owed: list[Owed]) -> list[Owed]:
        """Bury what the target rejected, split until it stands alone; return what is left."""
        left: list[Owed] = []
        todo = deque(owed)
        while todo:
            part = todo.popleft()
            batch = as_batch(part.events)
            if not isinstance(part.error, Rejected):
                left.append(part)
            elif len(batch) == 1:
                history.note(part.error)
                await self._bury(history, batch, "rejected")
            else:
                half = len(batch) // 2
                for piece in (batch[half:], batch[:half]):
                    todo.extendleft(reversed(await attempt(part.write, piece)))
        return left

    def _raise_closed(
        self, parts: list[tuple[Write, Batch]], owed: list[Owed], closed: list[Owed]
    ) -> None:
        """A closed target is terminal: what is owed goes back upstream."""
        if len(owed) == 1 and len(parts) == 1 and len(owed[0].events) == len(parts[0][1]):
            raise closed[0].error
        raise PartialWrite(owed)

    # waiting

    def _wait(self, history: History, errors: list[BaseException]) -> float:
        """Return how long to wait before the next attempt, in seconds."""
        random = self.bound.random
        wait = 0.0
        if self.backoff is not None:
            wait = self.backoff.wait(max(1, history.attempts), history.waited, random)
            history.waited = wait
        asked = [
            after
            for error in errors
            if (after := getattr(error, "retry_after_s", None)) is not None
        ]
        if asked:
            wait = retry_after_wait(wait, max(asked), self.retry_after_cap, random)
        return wait

    async def _nap(self, seconds: float) -> None:
        """Wait, unless something that matters changes first; raises SinkClosed after close."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._naps[future] = None
        self.retrying += 1
        self.due_at = loop.time() + seconds
        timer = loop.call_later(seconds, _resolve, future)
        try:
            await future
        finally:
            timer.cancel()
            del self._naps[future]
            self.retrying -= 1
            if not self._naps:
                self.due_at = None
        self.refuse_if_closed()

    def wake(self) -> None:
        """Let every sleeper try at once: what it waited for may have changed."""
        for future in list(self._naps):
            _resolve(future)

    def _park(self, history: History, owed: list[Owed], due_s: float) -> None:
        """Hand what is owed back to the queue above, to be written again when it is due."""
        raise Parked(
            [
                Owed(partial(self._resume, history, part.write), part.events, part.error)
                for part in owed
            ],
            due_s=due_s,
            hold=self.hold,
        )

    # giving up

    def _past_limits(self, history: History) -> bool:
        elapsed = self.bound.clock.now() - history.first_at
        return history.attempts >= self.max_attempts and elapsed >= self.give_up_after

    async def _give_up(self, history: History, owed: list[Owed]) -> list[tuple[Write, Batch]]:
        """Bury single events; split batches, so that each event gets an attempt by itself."""
        left: list[tuple[Write, Batch]] = []
        for part in owed:
            batch = as_batch(part.events)
            if len(batch) == 1:
                self.given_up += 1
                await self._bury(history, batch, "gave_up")
            else:
                half = len(batch) // 2
                left += [(part.write, batch[:half]), (part.write, batch[half:])]
        history.final = True
        return left

    async def _bury(self, history: History, batch: Batch, reason: str) -> None:
        await bury_batch(
            self,
            self.dead_letter,
            batch,
            reason,
            history.errors,
            attempts=history.attempts,
            first_at=history.first_wall,
        )
        history.dead.update(batch.ids)

    async def close(self) -> None:
        """Wake every sleeper; what they hold goes back upstream. Idempotent."""
        self.closed = True
        self.wake()

    def facts(self) -> dict[str, Any]:
        """Return attempts, what waits and the breaker's state."""
        machine, ctx = self.machine, self.ctx
        facts: dict[str, Any] = {
            "attempts": self.attempts,
            "failures": self.failures,
            "retrying": self.retrying,
            "given_up": self.given_up,
            "last_error": self.last_error,
        }
        if machine is not None and ctx is not None:
            facts["breaker"] = machine.facts(ctx.clock.now())
        return facts


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
