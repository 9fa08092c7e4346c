"""The entrance to everything synchronous above queues: one log, many cursors, one flush a tick.

Writes append to the gate's log and return; once a tick (or a page) the flush hands what is new to
every queue below. The gate owns the log, the room and who is attached; queues own their places,
the turnstile owns the writers that wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from sinkgraph.errors import SinkClosed, TooLarge
from sinkgraph.event import Batch, Event, as_batch
from sinkgraph.log.admission import Plan
from sinkgraph.log.memory import PAGE, Log
from sinkgraph.log.piecewise import write_piecewise
from sinkgraph.sinks.cohort import Cohort
from sinkgraph.sinks.gate_plan import GatePlan
from sinkgraph.sinks.instant import fitting, too_large, too_small

if TYPE_CHECKING:
    from sinkgraph.sinks.instant import Instant
    from sinkgraph.sinks.queue import Queue

__all__ = ["Gate"]

_PAGES_A_TURN = 4
"""Batches of about a page a writer may hand on before it lets other tasks run."""


class Gate(Cohort):
    """Admits writes to the queues below one root; `room` is what may be appended unasked.

    `queues` read the log itself: in the cohort (idle, everything up to the front is theirs and
    done) or with a cursor. `select(batch, plan)` plans what the selective branches get.
    """

    __slots__ = (
        "_ctx",
        "_inbox",
        "_inbox_n",
        "_loop",
        "_pages",
        "_scheduled",
        "_select",
        "_waited",
        "append",
        "closed",
        "gone",
        "name",
        "queues",
        "root",
        "selected",
        "shared",
    )

    append: Callable[[Any], None]

    def __init__(
        self,
        root: Instant,
        uid: str,
        *,
        select: Callable[[Batch, Plan], None] | None = None,
        source: str = "",
    ) -> None:
        super().__init__(Log(uid, source=source))
        self.root = root
        self.name = root.name
        self.append = self.log.values.append
        self.closed = False
        self.shared = False  # several edges lead here: none may take the log for its own
        self.gone = False  # what still comes in goes to the root, by the way that leads there now
        self.queues: list[Queue] = []
        self.selected: Sequence[Queue] = ()  # queues that get a selection, for their room
        self._select = select
        self._ctx = root.bound
        self._loop: asyncio.AbstractEventLoop | None = None
        self._scheduled = False
        self._pages = 0  # writes handed on at once since a writer last let others run
        self._waited = 0
        self._inbox: list[Batch] = []  # offered by what stands above, handed on at the next flush
        self._inbox_n = 0

    # who is attached

    def attach(self, queue: Queue) -> None:
        """Let a queue read this log from its front on."""
        self.attach_all([queue])

    def attach_all(self, queues: Sequence[Queue]) -> None:
        """Attach several queues at once."""
        self.flush()
        self.room = self.lim = 0
        self.queues = [*self.queues, *queues]

        def join() -> None:
            for queue in queues:
                queue.attached(self)

        self.join_together(join)

    def select_with(self, select: Callable[[Batch, Plan], None] | None) -> None:
        """Plan the selective branches with this from the next event on."""
        self.flush()
        self.room = self.lim = 0
        self._select = select

    def detach(self, queue: Queue) -> None:
        """Let a queue keep what is pending and read no further."""
        self.flush()
        self.room = self.lim = 0
        queue.detached()
        self.leave_cohort(queue)
        self.queues = [one for one in self.queues if one is not queue]

    def retire(self) -> None:
        """Be taken away: queues keep what is pending, writers go to the root."""
        self.flush()
        self.gone = True
        for queue in self.queues:
            queue.detached()
        self.disband()
        self.queues = []
        for queue in self.selected:
            queue.fed_by = None
        self.select_with(None)

    def halt(self) -> None:
        """Hand on what was admitted and forget what room was proven."""
        self.flush()
        self.room = self.lim = 0

    # what comes in

    @property
    def unread(self) -> int:
        """Events admitted and not yet readable."""
        return self.log.head - self.log.front + self._inbox_n

    def replenish(self) -> bool:
        """Grant room for this tick; False when the writer has to yield or to wait."""
        log = self.log
        if self._inbox:
            self.flush()
        space = PAGE - len(log.values)
        if space <= 0 or self.closed or self.gone:
            return False
        head = log.head
        if head >= self.lim:
            self._measure()
            head = log.head
            space = PAGE - len(log.values)
        room = min(space, self.lim - head)
        if room <= 0:
            return False
        if not self._scheduled:
            self._schedule()
        log.mark(self._ctx.clock.wall())
        self.room = room
        return True

    def _schedule(self) -> None:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        self._scheduled = True
        self._loop.call_soon(self._tick)

    def _measure(self) -> None:
        """Prove room: find the position up to which appending may go on unasked."""
        self.flush()
        self._prove_room()

    def _prove_room(self) -> None:
        front = self.log.front
        head = front + self.unread
        lim = front + self._lowest if self._lowest >= 0 else head + 16 * PAGE
        for queue in (*self.queues, *self.selected):
            if queue.waiting:
                lim = front
                break
            if queue.in_cohort and self._lowest >= 0:
                continue
            known = head if queue.reads is self else front  # what it counts as its own by now
            lim = min(lim, known + queue.proven_room())
        self.lim = lim

    async def put(self, payload: Any, timeout_s: float | None = None) -> None:
        """Admit one payload; the slow half of a write that found no `room`."""
        yielded = False
        while True:
            if self.room > 0 or self.replenish():
                self.room -= 1
                self.append(payload)
                return
            self.refuse_if_closed()
            if not self.gone and len(self.log.values) >= PAGE and not yielded:
                yielded = True
                await asyncio.sleep(0)
                continue
            break
        log = self.log
        log.mark(self._ctx.clock.wall())
        batch = Batch.from_payloads(
            [payload], self._next_uid(), 0, source=log.source, type=log.type, time=self._wall()
        )
        await self._admit(batch, timeout_s)

    async def put_many(self, payloads: list[Any], timeout_s: float | None = None) -> None:
        """Admit payloads that share a head, all together; the list is given away."""
        n = len(payloads)
        if self.room >= n or (n < PAGE and self.replenish() and self.room >= n):
            self.room -= n
            self.log.values.extend(payloads)
            return
        self.refuse_if_closed()
        self._measure()
        log = self.log
        if self.gone or log.front + n > self.lim:
            batch = Batch.from_payloads(
                payloads, self._next_uid(), 0, source=log.source, type=log.type, time=self._wall()
            )
            await self.write(batch, timeout_s)
            return
        for at in range(0, n, PAGE):
            log.mark(self._wall())
            log.extend(payloads[at : at + PAGE] if n > PAGE else payloads)
            self.flush()
        self._pages += 1
        if self._pages >= _PAGES_A_TURN:
            self._pages = 0
            await asyncio.sleep(0)

    async def write(
        self, batch: Batch, timeout_s: float | None = None, *, whole: bool = False
    ) -> None:
        """Admit a batch that has its own page, all of it or nothing.

        A batch larger than the smallest capacity below is cut into several writes; with `whole`
        it raises TooLarge.
        """
        self.refuse_if_closed()
        n = len(batch)
        if not n:
            return
        if self.gone:
            await self.root.write_within(batch, timeout_s, whole=whole)
            return
        if self._take_proven(batch, n):
            return
        most = min((q.capacity for q in (*self.queues, *self.selected) if q.bounds), default=n)
        if whole:
            self._refuse_too_large(batch, n)
        if n <= most or whole:
            await self._admit(batch, timeout_s, whole=whole)
            return
        cuts = [*range(most, n, most), n]
        await write_piecewise(batch, cuts, self._admit, self.send, timeout_s)

    def _refuse_too_large(self, batch: Batch, n: int) -> None:
        """Raise TooLarge when the batch can never be stored whole."""
        store = too_small(self.plan(batch))
        if store is not None:
            raise too_large(n, store)

    async def send(self, events: Sequence[Event]) -> None:
        """Write what a cut write still owes."""
        await self.write(as_batch(events))

    async def _admit(self, batch: Batch, timeout_s: float | None, *, whole: bool = False) -> None:
        began = self._ctx.clock.now()
        try:
            plan = await self._ctx.turnstile.admit(partial(fitting, self.plan, batch), timeout_s)
        except TooLarge:  # a queue has become smaller while it waited
            if whole:
                raise
            if timeout_s is not None:
                timeout_s = max(0.0, timeout_s - (self._ctx.clock.now() - began))
            await self.write(batch, timeout_s)
            return
        except SinkClosed:
            if self.closed or self.root.successor is None:
                raise
            await self.root.write_within(batch, timeout_s)
            return
        await plan.finish(batch)

    def plan(self, batch: Batch) -> Plan:
        """Return what a write of `batch` would do, with this moment's places."""
        self.refuse_if_closed()
        if self.gone:
            return self.root.plan(batch)
        self.flush()
        plan = GatePlan(self, batch)
        if self._select is not None:
            self._select(batch, plan)
        return plan

    def offer(self, batch: Batch) -> bool:
        """Admit a batch at once, or nothing of it.

        It is handed on with the next flush, never from here: a chain of any length costs no stack.
        """
        log = self.log
        if self.closed or self.gone or log.head != log.front:
            return False
        n = batch.j - batch.i
        until = log.front + self._inbox_n + n
        if until > self.lim:
            self._prove_room()
            if until > self.lim:
                return False
        self.room = 0
        self._inbox.append(batch)
        self._inbox_n += n
        if not self._scheduled:
            self._schedule()
        return True

    def refuse_if_closed(self) -> None:
        """Raise SinkClosed when the gate takes nothing more."""
        if self.closed:
            raise SinkClosed(f"{self.name or 'the queue'} is closed")

    def _next_uid(self) -> str:
        self._waited += 1
        return f"{self.log.uid}.{self._waited}"

    def _wall(self) -> float:
        return self._ctx.clock.wall()

    # what goes on

    def _take_proven(self, batch: Batch, n: int) -> bool:
        """Take a batch when there is proven room for all of it everywhere below."""
        self.flush()
        if self.log.front + n > self.lim:
            self._measure()
        if self.log.front + n > self.lim:
            return False
        self.take(batch, None)
        return True

    def take(self, batch: Batch, plan: GatePlan | None) -> None:
        """Append a batch whose room is proven and hand it on at once, a page at a time."""
        self.flush()
        log = self.log
        for at in range(batch.i, batch.j, PAGE):
            part = batch if len(batch) <= PAGE else Batch(batch.page, at, min(at + PAGE, batch.j))
            start = log.front
            log.append(part)
            self.append = log.values.append
            self.hand_on(part, start)
        if plan is not None:
            plan.commit_selected()
        elif self._select is not None:
            self._commit_selection(batch)

    def _tick(self) -> None:
        self._scheduled = False
        self.flush()

    def flush(self) -> None:
        """Hand what was admitted to every queue below; synchronous, cannot fail."""
        log = self.log
        start = log.front
        self.room = 0
        batch = log.advance()
        if batch is None:
            if self._inbox:
                offered, self._inbox = self._inbox, []
                self._inbox_n = 0
                for one in offered:
                    self.take(one, None)
            return
        self.append = log.values.append
        self.hand_on(batch, start)
        if self._select is not None:
            self._commit_selection(batch)

    def _commit_selection(self, batch: Batch) -> None:
        """Give the selective branches what they choose; their room was proven."""
        assert self._select is not None, "only a gate with selective branches selects"
        plan = Plan()
        plan.behind = True
        self._select(batch, plan)
        plan.commit()
