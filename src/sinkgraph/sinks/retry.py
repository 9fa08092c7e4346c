"""A retry writes again what failed, until it is delivered, rejected or given up.

It keeps no store: while it waits, the queue above holds its lane, or (with `hold: event` or
`key`) parks the failing events. What it gives up on goes to the dead letters with its history.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from sinkgraph.errors import BreakerOpen, DeliveryFailed, Owed, PartialWrite, SinkClosed
from sinkgraph.event import Batch, Event, as_batch, join
from sinkgraph.log.owed import Part, Write, distinct
from sinkgraph.log.receipts import heard
from sinkgraph.sinks.attempts import Fallen, History, error_text, next_wait, pay, upcoming
from sinkgraph.sinks.backoff import Backoff, ExponentialBackoff, check_seconds
from sinkgraph.sinks.base import Context, Link, Node, Parked, Sink
from sinkgraph.sinks.breaker import Breaker, BreakerMachine, Permit, following
from sinkgraph.sinks.breaker_sink import counts, isolates
from sinkgraph.sinks.burial import bury_dead
from sinkgraph.sinks.pausing import Hold, Naps

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
    settings = ("backoff", "breaker", "max_attempts", "give_up_after", "hold", "retry_after_cap")
    edges = ("to", "dead_letter")

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
        check_seconds("give_up_after", give_up_after)
        check_seconds("retry_after_cap", retry_after_cap)
        if backoff is not None and not callable(getattr(backoff, "wait", None)):
            raise TypeError(f"backoff is a policy such as ExponentialBackoff(), not {backoff!r}")
        if breaker is not None and not isinstance(breaker, Breaker):
            raise TypeError(f"breaker is a Breaker(…), not {breaker!r}")
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
        self.retrying = self.tried = 0  # those that wait; attempts at what failed last
        self.given_up = 0
        self.last_error: str | None = None
        self.due_at: float | None = None
        self._naps = Naps()
        self._let_go: set[asyncio.Task[Any]] = set()  # for whom no attempt is begun any more
        self._resting = False
        self.paused = Hold()  # paused: no attempt is begun

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
        self.machine = following(self.machine, self.breaker, ctx.random, self._moved)

    def become(self, fresh: Node) -> None:
        """Follow other policies; attempts go on, and the breaker keeps its state."""
        super().become(fresh)
        self._resting = False
        self.machine = following(self.machine, self.breaker, self.bound.random, self._moved)

    def _moved(self, old: str, new: str, now: float) -> None:
        facts: dict[str, Any] = {"node": self.name, "was": old}
        if (machine := self.machine) is not None:
            machine.turned_at = self.bound.clock.wall()
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
        self.refuse_if_closed()
        batch = as_batch(events)
        if len(batch):
            ctx = self.bound
            history = History(first_at=ctx.clock.now(), first_wall=ctx.clock.wall())
            await self._resume(history, self.to.send, batch)

    async def _resume(self, history: History, write: Write, events: Sequence[Event]) -> None:
        """Go on with events that have a history, through the part of the write that owes them."""
        if self.left and (self.closed or self._resting):
            await write(events)
            return
        self.refuse_if_closed()
        batch = as_batch(events)
        n = len(batch)
        history.told = heard(batch) if n > 1 else None
        ledger = self.ledger
        ledger.entered += n
        ledger.held += n
        back = n
        dead: list[Part] = []
        owed: list[Part] = []
        try:
            await self._deliver(history, (write, batch), dead)
            back = 0
        except PartialWrite as error:
            owed = [(part.write, as_batch(part.events)) for part in error.owed]
            back = min(n, distinct(owed))
            raise
        finally:
            buried = max(0, min(n, distinct([*dead, *owed])) - back) if dead else 0
            ledger.held -= n
            ledger.returned += back
            ledger.dead_lettered += buried
            ledger.delivered += n - back - buried

    async def _deliver(self, history: History, whole: Part, dead: list[Part]) -> None:
        """Try until nothing is owed; what was buried is added to `dead`."""
        parts = [whole]
        while parts:
            permit = await self._permit(history, whole, parts)
            generation = self.bound.generation
            left, fallen = await self._attempt(history, parts, permit)
            await self._bury_all(history, whole, fallen, left, dead)
            if not left:
                break
            parts = [(part.write, as_batch(part.events)) for part in left]
            closed = [part.error for part in left if isinstance(part.error, SinkClosed)]
            if closed and generation == self.bound.generation:
                self._hand_back(whole, left, closed[0])
            self._note_failure(history, left)
            self.tried = history.attempts
            errors = [part.error for part in left]
            wait = next_wait(history, errors, self.backoff, self.retry_after_cap, self.bound.random)
            if not history.final and self._past_limits(history):
                parts = await self._give_up(history, whole, left, dead)
            elif self.hold != "lane" and self.below_queue:
                self._park(history, left, wait)
            elif generation == self.bound.generation:  # else it is another endpoint, maybe
                await self._nap(wait)
        if not self._naps:
            self.status = "ok"

    # one attempt

    async def _permit(self, history: History, whole: Part, parts: list[Part]) -> Permit | None:
        """Wait until the breaker lets an attempt through."""
        while True:
            while self.paused.on and not (self.closed or self._resting):
                await self.paused.over()
            let_go = asyncio.current_task() in self._let_go
            if self.closed or self._resting or let_go:
                said = f"{self.kind} {self.name or '(unnamed)'} is"
                closed = SinkClosed(f"{said} closed") if self.closed or self.left else None
                error = closed or DeliveryFailed(f"{said} at rest")
                self._hand_back(whole, [Owed(*part, error) for part in parts], error)
            if self.machine is None:
                return None
            permit = self.machine.acquire(self.bound.clock.now())
            if isinstance(permit, Permit):
                return permit
            if self.hold != "lane" and self.below_queue:
                refused = BreakerOpen(f"the breaker of {self.name} is open", retry_after_s=permit)
                self._park(history, [Owed(*part, refused) for part in parts], permit)
            await self._nap(permit)

    async def _attempt(
        self, history: History, parts: list[Part], permit: Permit | None
    ) -> tuple[list[Owed], list[Fallen]]:
        """Make one attempt at every part; return what is owed after it, and what has fallen."""
        began = self.bound.clock.now()
        self.attempts += 1
        history.attempts += 1
        settled = False
        try:
            owed, fallen = await pay(
                parts, apart=history.final, after=history.after, told=history.told
            )
            settled = True
        finally:
            if not settled and self.machine is not None and permit is not None:
                self.machine.release(permit)
        if owed and not fallen and all(isinstance(part.error, BreakerOpen) for part in owed):
            history.attempts -= 1
        if permit is not None:
            bad = [(part.write, as_batch(part.events)) for part in owed]
            bad += [one.part for one in fallen]
            errors = [*(part.error for part in owed), *(one.error for one in fallen)]
            self._tell_breaker(permit, errors, distinct(bad) < distinct(parts), began)
        return owed, fallen

    def _tell_breaker(
        self, permit: Permit, errors: list[BaseException], some: bool, began: float
    ) -> None:
        """Report an attempt's outcome; `some` of its events were delivered."""
        machine, now = self.machine, self.bound.clock.now()
        if machine is None:  # a reload took the breaker away
            return
        counted = next((error for error in errors if counts(error)), None)
        if counted is not None:
            self.last_error = error_text(counted)
            machine.failure(permit, now, now - began)
        elif some or not errors:
            machine.success(permit, now, now - began)
        else:
            machine.release(permit)
        left_alone = next((error for error in errors if isolates(error)), None)
        if left_alone is not None:
            self.last_error = error_text(left_alone)
            machine.trip(now)

    def _note_failure(self, history: History, owed: list[Owed]) -> None:
        self.failures += 1
        self.status = "degraded"
        errors = [
            part.error
            for k, part in enumerate(owed)
            if not k or part.error is not owed[k - 1].error
        ]
        self.last_error = error_text(errors[-1])
        history.note(errors, self.bound.clock.wall())

    @staticmethod
    def _hand_back(whole: Part, owed: list[Owed], error: BaseException) -> None:
        """Return what is owed upstream: a closed sink is terminal."""
        if len(owed) == 1 and owed[0].write == whole[0] and len(owed[0].events) == len(whole[1]):
            raise error
        raise PartialWrite(owed)

    async def _nap(self, seconds: float) -> None:
        """Wait, unless something that matters changes first."""
        self.retrying += 1
        self.due_at = asyncio.get_running_loop().time() + seconds
        try:
            await self._naps.take(seconds)
        finally:
            self.retrying -= 1
            if not self._naps:
                self.due_at = None

    def wake(self) -> None:
        """Let every sleeper try at once: what it waited for may have changed."""
        self.paused.nudge()
        self._naps.end()

    def let_go(self, tasks: Iterable[asyncio.Task[Any]]) -> None:
        """Begin no attempt any more for these lanes: what they hold goes back to their queue."""
        self._let_go = {*(task for task in self._let_go if not task.done()), *tasks}
        self._naps.end(self._let_go)

    def _park(self, history: History, owed: list[Owed], due_s: float) -> None:
        """Hand what is owed back to the queue above, to be written again when it is due."""
        raise Parked(
            [
                Owed(partial(self._resume, replace(history), part.write), part.events, part.error)
                for part in owed
            ],
            due_s=due_s,
            hold=self.hold,
        )

    # giving up

    def _past_limits(self, history: History) -> bool:
        elapsed = self.bound.clock.now() - history.first_at
        return history.attempts >= self.max_attempts and elapsed >= self.give_up_after

    async def _give_up(
        self, history: History, whole: Part, owed: list[Owed], dead: list[Part]
    ) -> list[Part]:
        """Bury single events; from here on, each of the others gets an attempt by itself."""
        history.final = True
        left = [part for part in owed if len(part.events) > 1]
        fallen = [
            Fallen((part.write, as_batch(part.events)), "gave_up", part.error)
            for part in owed
            if len(part.events) == 1
        ]
        await self._bury_all(history, whole, fallen, left, dead, noted=True)
        return [(part.write, as_batch(part.events)) for part in left]

    async def _bury_all(
        self,
        history: History,
        whole: Part,
        fallen: list[Fallen],
        left: list[Owed],
        dead: list[Part],
        *,
        noted: bool = False,
    ) -> None:
        """Bury the fallen in one write; when nobody takes it any more, hand back what is owed."""
        if not fallen:
            return
        todo = fallen

        def taken(owed: set[str]) -> None:
            nonlocal todo
            done = [one for one in todo if owed.isdisjoint(one.part[1].ids)]
            todo = [one for one in todo if not owed.isdisjoint(one.part[1].ids)]
            self.given_up += sum(one.reason == "gave_up" for one in done)
            dead.extend(one.part for one in done)
            rest = [*(one.part[1] for one in todo), *(as_batch(part.events) for part in left)]
            if history.told is not None and done and rest:
                history.told(rest)

        letters = join([history.letter(self, one, noted=noted) for one in fallen])
        try:
            await bury_dead(self, self.dead_letter, letters, taken)
        except SinkClosed as error:
            self._hand_back(whole, [*(Owed(*one.part, error) for one in todo), *left], error)
        taken(set())

    def rest(self) -> None:
        """Begin no attempt any more: what waits for one goes back to the queue above."""
        self._resting = True
        self.wake()

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
            **upcoming(self.tried, self.due_at if self.retrying else None),
            "last_error": self.last_error,
        }
        if machine is not None and ctx is not None:
            facts["breaker"] = machine.facts(ctx.clock.now())
        return facts
