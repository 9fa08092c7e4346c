"""Who waits for room, in the order they came, holding nothing.

What a write would do is a `Plan`; here is only when it is committed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from sinkgraph.errors import Overloaded
from sinkgraph.log.admission import Plan, Store

__all__ = ["DEFAULT_MAX_WAIT_S", "Turnstile", "Waiter"]

DEFAULT_MAX_WAIT_S = 3600.0
"""How long a write waits for room, in seconds, when neither it nor the queue says."""


class Waiter:
    """Is one write that waits for room; it stands in the line of every queue that was full."""

    __slots__ = ("admitted", "future", "lines", "plan", "replan", "ticket")

    def __init__(
        self, ticket: int, plan: Plan, replan: Callable[[], Plan], future: asyncio.Future[Plan]
    ) -> None:
        self.ticket = ticket
        self.plan = plan
        self.replan = replan
        self.future = future
        self.lines: list[Store] = []
        self.admitted = False

    def stand(self, stores: Sequence[Store]) -> None:
        """Join the lines of these queues at the place its age gives."""
        for store in stores:
            if store not in self.lines:
                self.lines.append(store)
                line = store.waiting
                at = len(line)
                while at and line[at - 1].ticket > self.ticket:
                    at -= 1
                line.insert(at, self)

    def leave(self) -> None:
        """Leave every line."""
        for store in self.lines:
            if self in store.waiting:
                store.waiting.remove(self)
        self.lines.clear()


class Turnstile:
    """Admits writes: at once when there is room, else in the order they came.

    Every wait has a deadline. A cancelled writer has stored nothing unless its plan was committed.
    """

    def __init__(self) -> None:
        self._tickets = 0
        self._poked: dict[int, Store] = {}
        self._scheduled = False
        self._waiters: dict[Waiter, None] = {}  # oldest first
        self._changed = False

    async def admit(
        self,
        replan: Callable[[], Plan],
        timeout_s: float | None = None,
        *,
        first: Plan | None = None,
    ) -> Plan:
        """Commit the plan `replan` makes as soon as there is room for all of it; return it.

        `first` is a plan made in this same tick, so that it need not be made again.

        Raises Overloaded after `timeout_s` seconds (or the shortest `max_wait` of what is full).
        """
        plan = replan() if first is None else first
        blockers = plan.blockers(None)
        if not blockers:
            plan.commit()
            return plan
        loop = asyncio.get_running_loop()
        self._tickets += 1
        waiter = Waiter(self._tickets, plan, replan, loop.create_future())
        waiter.stand(blockers)
        self._waiters[waiter] = None
        limits = [s.max_wait for s in blockers if s.max_wait is not None]
        if timeout_s is not None:
            limits.append(timeout_s)
        wait_s = min(limits, default=DEFAULT_MAX_WAIT_S)
        timer = loop.call_later(wait_s, self._expire, waiter, wait_s)
        try:
            return await waiter.future
        except asyncio.CancelledError:
            if waiter.admitted:
                waiter.plan.abandon()
            raise
        finally:
            timer.cancel()
            self._waiters.pop(waiter, None)
            self._let_go(waiter)

    @staticmethod
    def _expire(waiter: Waiter, wait_s: float) -> None:
        if not waiter.future.done():
            names = ", ".join(store.name or "(unnamed)" for store in waiter.lines)
            waiter.future.set_exception(
                Overloaded(f"no room in queue {names} after {wait_s:g} s", retry_after_s=1.0)
            )

    def poke(self, store: Store) -> None:
        """Tell that a queue made room; who waits for it is admitted at most once a tick."""
        if store.waiting:
            self._poked[id(store)] = store
            self._schedule()

    def reconsider(self) -> None:
        """Tell that there are other queues than before: every write that waits is planned anew."""
        if self._waiters:
            self._changed = True
            for waiter in self._waiters:
                waiter.plan.volatile = True
            self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        poked, self._poked = self._poked, {}
        if self._changed:
            self._changed = False
            waiters = list(self._waiters)
            for waiter in waiters:
                waiter.leave()
            for waiter in waiters:
                if not waiter.future.done():
                    self._try(waiter)
        for store in poked.values():
            while store.waiting and self._try(store.waiting[0]):
                pass

    def _try(self, waiter: Waiter) -> bool:
        """Admit the first in line when all of it fits; True when it left the line."""
        if waiter.future.done():
            waiter.leave()
            return True
        try:
            waiter.plan = waiter.replan() if waiter.plan.volatile else waiter.plan
            blockers = self._blockers(waiter)
            if blockers:
                waiter.stand(blockers)  # ahead of those who came later: they may have been all
                blockers = self._blockers(waiter)
        except Exception as error:
            self._let_go(waiter)
            waiter.future.set_exception(error)
            return True
        if blockers:
            return False
        self._let_go(waiter)
        waiter.admitted = True
        try:
            waiter.plan.commit()
        except Exception as error:
            waiter.future.set_exception(error)
        else:
            waiter.future.set_result(waiter.plan)
        return True

    @staticmethod
    def _blockers(waiter: Waiter) -> Sequence[Store]:
        """Return the queues that have no room for it yet, or somebody before it."""
        behind = [s for s in waiter.lines if s.waiting and s.waiting[0] is not waiter]
        return waiter.plan.blockers(waiter) or behind

    def _let_go(self, waiter: Waiter) -> None:
        """Take a writer out of its lines; whoever stands behind it may be next."""
        lines = list(waiter.lines)
        waiter.leave()
        for store in lines:
            self.poke(store)
