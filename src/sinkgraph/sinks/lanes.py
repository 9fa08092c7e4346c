"""The tasks that deliver from a queue: how many, in what order, and what becomes of a failure.

They know no store: `queue.take` gives the oldest events, `queue.settle` counts how they ended.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from sinkgraph.errors import PartialWrite, Rejected, SinkClosed
from sinkgraph.event import Batch, as_batch
from sinkgraph.log.owed import Part
from sinkgraph.log.receipts import listen
from sinkgraph.sinks.attempts import error_text
from sinkgraph.sinks.backoff import ExponentialBackoff
from sinkgraph.sinks.base import Parked, from_outside
from sinkgraph.sinks.jobs import Job, Parking, turn_over
from sinkgraph.sinks.keys import Keys, as_key, same_key
from sinkgraph.sinks.pausing import Hold, Naps, resolve
from sinkgraph.sinks.refusals import bury_refused, is_late, refuse, weigher

if TYPE_CHECKING:
    from sinkgraph.sinks.queue import Queue

__all__ = ["Lanes"]

_BACKOFF = ExponentialBackoff()
_HELD = 10_000  # parked events, and events behind a key, of a queue that has the rest on disk
_DEAD = "dead_lettered"
_CLOSE_S = 2.0  # how long a cancelled lane may take to end


class Lanes:
    """Delivers a queue's events from up to `concurrency` tasks, started when first needed."""

    def __init__(
        self, queue: Queue, *, concurrency: int = 1, order_by: Any = None, linger: float = 0.0
    ) -> None:
        self._queue = queue
        self.concurrency = concurrency
        self._own_linger = linger
        self.linger = linger  # or as long as the batch it is fused with waits
        self.hurry = False  # draining: do not wait for batches to fill
        self.paused = Hold()  # paused: nothing is begun
        self.last_error: str | None = None
        self.by = order_by
        self.keys = Keys(as_key(order_by)) if order_by is not None else None
        self.tasks: list[asyncio.Task[None]] = []
        self._sleeping: deque[asyncio.Future[None]] = deque()
        self._registered = False
        self._lot = Parking(self._unpark)
        self._ready: deque[Job] = deque()
        self._busy: list[Job] = []
        self._naps = Naps()  # between two attempts
        self._pausing: dict[asyncio.Task[Any] | None, None] = {}
        self._closing = False
        self._cancelled = False
        self._surrendered = False

    @property
    def parked(self) -> int:
        """Events that wait for another attempt, past which others go on."""
        return self._lot.events

    @property
    def plain(self) -> bool:
        """Whether an idle queue may hand batches straight through."""
        return self.linger == 0 and not self._closing and not self.paused.on

    def linger_for(self, seconds: float) -> None:
        """Wait at least so long for a batch to fill, for what is below."""
        self.linger = max(self._own_linger, seconds)

    def become(self, fresh: Lanes) -> None:
        """Deliver as `fresh` would; the order there is stays while lanes, or keys, become others.

        What is under way holds its keys by the rules that count from now on.
        """
        before, keys = self.keys, fresh.keys
        if before is not None and keys is not None and same_key(self.by, fresh.by):
            keys = before
        if keys is not before or fresh.concurrency > self.concurrency:
            rest = turn_over(before, keys, (*self._busy, *self._ready, *self._lot.jobs))
            self._ready += [Job(deque([(self._queue.to.send, batch)])) for batch in rest]
        self.keys, self.by, self.concurrency = keys, fresh.by, fresh.concurrency
        self._own_linger = fresh._own_linger
        while self._sleeping:
            resolve(self._sleeping.popleft())
        self.wake()

    def hurry_up(self) -> None:
        """Make the attempts that wait now: what they wait for may be other than it was."""
        self._lot.give_back()
        self._naps.end()

    # waking and sleeping

    def wake(self) -> None:
        """Let one lane look for work; start it when there is none to wake."""
        if self._closing:
            return
        while self._sleeping:
            future = self._sleeping.popleft()
            if not future.done():
                future.set_result(None)
                break
        else:
            if len(self.tasks) < self.concurrency:
                name = f"lane {len(self.tasks)} of {self._queue.name or 'queue'}"
                self.tasks.append(self._queue.bound.spawn(self._lane(), name))
        self._registered = False
        self._register()

    def _register(self) -> None:
        """Ask the gate to wake us for what comes next, while a lane could take it."""
        gate = self._queue.reads
        if self._registered or gate is None or self._queue.in_cohort or self._closing:
            return
        if self._sleeping or len(self.tasks) < self.concurrency:
            self._registered = True
            gate.sleeper(self._queue)

    async def _sleep(self, seconds: float | None = None) -> None:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._sleeping.append(future)
        self._register()
        timer = loop.call_later(seconds, resolve, future) if seconds is not None else None
        try:
            await future
        finally:
            if timer is not None:
                timer.cancel()
            if future in self._sleeping:
                self._sleeping.remove(future)

    # the loop of one lane

    async def _lane(self) -> None:
        queue = self._queue
        task = asyncio.current_task()
        try:
            while not self._closing:  # a sink may have swallowed the cancellation
                if self.paused.on or queue.behind(self.concurrency):
                    await self._pause(self.paused.over() if self.paused.on else queue.caught_up())
                    continue
                if len(self.tasks) > self.concurrency:
                    return
                job = self._next()
                if job is None:
                    if self.linger and not self.hurry and not self._stuffed and self._at_hand():
                        await self._fill()
                        continue
                    if queue.rejoin():
                        return
                    await self._sleep()
                    continue
                if queue.has_more() or self._ready or (self.keys and self.keys.runnable):
                    self.wake()
                await self._deliver(job)
        finally:
            if task in self.tasks:
                self.tasks.remove(task)
                if len(self.tasks) >= self.concurrency and not self._closing:
                    self.wake()  # it may have been the one that was woken

    async def _fill(self) -> None:
        """Wait until a batch is full or `linger` is over, then take what there is."""
        queue, clock = self._queue, self._queue.bound.clock
        until = clock.now() + self.linger
        while not self.hurry and not self._closing and self._at_hand() < queue.max_batch:
            left = until - clock.now()
            if left <= 0:
                break
            await self._sleep(left)
        job = self._next(full=False) if not (self._closing or self.paused.on) else None
        if job is not None:
            await self._deliver(job)

    def _next(self, *, full: bool = True) -> Job | None:
        """Return the next thing to deliver, or None; with `linger`, only a `full` batch."""
        if self._ready:
            return self._begin(self._ready.popleft())
        queue, keys = self._queue, self.keys
        limit = queue.max_batch
        if self._stuffed and not (keys and keys.runnable):
            return None
        if full and self.linger and not self.hurry and self._at_hand() < limit:
            return None
        if keys is None or (self.concurrency == 1 and keys.idle):
            batch = queue.take(limit)
            if batch is None:
                return None
            return self._begin(Job(deque([(queue.to.send, batch)])))
        while not keys.runnable:
            batch = queue.take(limit) if not self._stuffed else None
            if batch is None:
                return None
            keys.add(batch)
        share = max(1, -(-keys.waiting // min(self.concurrency, len(keys.runnable))))
        owned, batch = keys.take(min(limit, share))
        return self._begin(Job(deque([(queue.to.send, batch)]), owned))

    @property
    def _stuffed(self) -> bool:
        """Whether a disk queue's events that wait for others are as many as memory may hold."""
        held = self._lot.events + (len(self.keys) if self.keys is not None else 0)
        return held >= _HELD and self._queue.shelf is not None

    def _at_hand(self) -> int:
        """Return how many events could go into the next batch."""
        return self._queue.has_more() + (self.keys.waiting if self.keys is not None else 0)

    def _begin(self, job: Job) -> Job:
        self._busy.append(job)
        return job

    def _end(self, job: Job) -> None:
        if job in self._busy:
            self._busy.remove(job)
        if job.keys and self.keys is not None and self.keys.release(job.keys):
            self.wake()

    # one job

    async def _deliver(self, job: Job) -> None:
        """Deliver a job whatever happens; only cancellation leaves some of it undone."""
        queue = self._queue
        failures = 0
        waited = 0.0
        while job.parts:
            if self.paused.on:
                await self._pause(self.paused.over())
                continue
            write, batch = job.parts[0]
            failed = False
            generation = queue.bound.generation
            self._listen(job, batch)
            try:
                await write(batch)
            except Parked as error:
                self._park(job, error)
            except PartialWrite as error:
                failed = True
                before = len(job)
                job.parts.extendleft(reversed(self._keep_owed(job, error)))
                if len(job) < before:
                    failures, waited = 0, 0.0
            except Rejected as error:
                self._note(error)
                refuse(queue, job, "rejected", error)
            except SinkClosed as error:
                self._note(error)
                if generation != queue.bound.generation and not self._closing:
                    continue  # it has left meanwhile
                queue.status = "failed"
                refuse(queue, job, "closed", error, whole=True)
            except BaseException as error:
                if from_outside(error):
                    raise
                failed = True
                self._note(error)
            else:
                failures = 0
                self._settle(job)
                queue.steady()
            ends = failed or self._closing or not job.parts
            if job.refused and (ends or is_late(queue, job)):
                await bury_refused(queue, job, partial(self._count, job, owed=(), outcome=_DEAD))
            if self._closing and job.parts:
                return
            if failed and job.parts and generation != queue.bound.generation:
                failures, waited = 0, 0.0
            elif failed and job.parts:
                failures += 1
                queue.falter()
                waited = _BACKOFF.wait(failures, waited, queue.bound.random)
                await self._pause(self._naps.take(waited))
        self._end(job)

    def _listen(self, job: Job, batch: Batch) -> None:
        """Settle what is delivered of a batch as it happens, where that is noted on disk."""
        if self._queue.shelf is not None and len(batch) > 1:
            listen(batch, job.listener(partial(self._settle, job)))

    async def _pause(self, waiting: Awaitable[None]) -> None:
        """Wait for something, but no longer than until it rests."""
        task = asyncio.current_task()
        self._pausing[task] = None
        try:
            await waiting
        finally:
            del self._pausing[task]

    def _note(self, error: BaseException) -> None:
        self.last_error = error_text(error)

    def _settle(self, job: Job, owed: Sequence[Part] = ()) -> None:
        """Take the first part off a job, but for what it still owes, and count the rest."""
        self._count(job, [job.parts.popleft()], owed)

    def _count(
        self, job: Job, parts: Sequence[Part], owed: Sequence[Part], outcome: str = "delivered"
    ) -> None:
        if parts and not self._surrendered:  # else somebody else has answered for it
            queue = self._queue
            n, size, places = job.settle(
                parts, owed, weigher(queue), stored=queue.shelf is not None
            )
            queue.settle(n, size, outcome, places)

    def _keep_owed(self, job: Job, error: PartialWrite, *, slim: bool = False) -> list[Part]:
        """Settle what was taken; return what is owed, in `slim` batches when it is kept long."""
        owed = [(part.write, as_batch(part.events)) for part in error.owed if len(part.events)]
        if slim:
            owed = [(write, batch.slim()) for write, batch in owed]
        self._settle(job, owed)
        if error.owed:
            self._note(error.owed[0].error)
        return owed

    # parking: `hold: event` and `hold: key` of a retry below

    def _park(self, job: Job, error: Parked) -> None:
        """Set what is owed aside until it is due; the lane goes on with others."""
        owed = self._keep_owed(job, error, slim=True)
        if not owed:
            return
        kept: list[Any] = []
        if error.hold == "key" and self.keys is not None:
            owed += job.behind(owed, self.keys)
            kept = self.keys.hold(events for _, events in owed)
        parked = Job(deque(owed), kept, job.claim, job.whole)
        self._lot.add(parked, error.due_s)

    def _unpark(self, job: Job) -> None:
        """Let a lane have what is due."""
        self._ready.append(job)
        self.wake()

    # ending

    @property
    def resting(self) -> bool:
        """Whether nothing more is delivered: what is pending stays where it is."""
        return self._closing

    def rest(self) -> None:
        """Begin nothing more; what was begun may end."""
        self._closing = True
        self._lot.shut()
        for future in self._sleeping:
            resolve(future)
        for waiting in self._pausing:
            if waiting is not None:
                waiting.cancel()
        self._queue.tell_drained()

    async def rested(self, within_s: float) -> None:
        """Wait for the end of what was begun, at most so long; then it is cancelled, and kept."""
        if self.tasks:
            _, late = await asyncio.wait(self.tasks, timeout=within_s)
            for task in late:
                task.cancel()

    async def close(self) -> None:
        """Stop every lane; what they held is kept for `surrender`. Called again, wait for it."""
        first, self._closing, self._cancelled = not self._cancelled, True, True
        self._lot.shut()
        tasks = [task for task in self.tasks if task is not asyncio.current_task()]
        for task in tasks if first else ():
            task.cancel()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_CLOSE_S)
            for task in late if first else ():
                self._queue.bound.journal(
                    "lane_abandoned", node=self._queue.name, task=task.get_name()
                )

    def held(self) -> list[Batch]:
        """Return what the lanes hold, each event once, and keep it."""
        jobs = (*self._busy, *self._ready, *self._lot.jobs)
        held = [batch for job in jobs for batch in job.distinct()]
        return held + (self.keys.held() if self.keys is not None else [])

    def surrender(self) -> list[Batch]:
        """Return what the lanes still held, and forget it."""
        jobs = [*self._busy, *self._ready, *self._lot.jobs]
        left = [batch for job in jobs for _, batch in job.owed()]
        if self.keys is not None:
            left += self.keys.surrender()
        self._busy.clear()
        self._ready.clear()
        self._lot.clear()
        self._surrendered = True
        return left
