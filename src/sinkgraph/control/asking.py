"""Requests for reloads, carried out one after the other; what a newer one makes idle is left out.

What a request does is the supervisor's affair.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sinkgraph.control.documents import Loaded
from sinkgraph.control.outcomes import Busy, Conflict, Outcome, Superseded

if TYPE_CHECKING:
    from sinkgraph.spec.document import Syntax

__all__ = ["MOST_WAITING", "Asked", "Sent", "Turns"]

MOST_WAITING = 100
"""Requests that may wait for their turn."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Is a document somebody sent: its text, and where it stands on this machine, if it does.

    `path` None: it was sent from elsewhere. Its inputs are relative to the document that runs, and
    it may name no files outside of that folder.
    """

    text: str
    syntax: Syntax = "yaml"
    path: str | None = None
    name: str = ""


@dataclass(slots=True, eq=False)
class Asked:
    """Is one request: a document to be loaded, and how it is to be run.

    `key` is the same for those that ask for the same document.
    """

    origin: str
    by: str
    what: str
    key: str
    load: Callable[[], Loaded]
    fates: Mapping[str, str] = field(default_factory=dict)
    if_match: int | None = None
    of: int | None = None
    file: bool = False
    only_look: bool = False
    answer: asyncio.Future[Outcome] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    @property
    def plain(self) -> bool:
        """Whether it may be answered by what becomes of a newer one."""
        return not self.fates and self.if_match is None and self.of is None and not self.only_look


class Turns:
    """Has `carry_out` called for one request at a time; `told` hears the origin and the outcome.

    `stopped` makes the answer of requests that do not get their turn any more.
    """

    def __init__(
        self,
        carry_out: Callable[[Asked], Awaitable[Outcome]],
        stopped: Callable[[], Outcome],
        told: Callable[[str, Outcome], None],
    ) -> None:
        self._carry_out = carry_out
        self._stopped = stopped
        self._told = told
        self._waiting: deque[Asked] = deque()
        self._under_way: list[Asked] = []
        self._worker: asyncio.Task[None] | None = None
        self._closed = False

    async def ask(self, asked: Asked) -> Outcome:
        """Return what became of a request, once it had its turn. Raises Conflict, Busy.

        A caller that goes away does not take the request with it.
        """
        if self._closed:
            return self._stopped()
        if len(self._waiting) >= MOST_WAITING:
            raise Busy(f"{MOST_WAITING} reloads wait for their turn already")
        self._waiting.append(asked)
        if self._worker is None or self._worker.done():
            loop = asyncio.get_running_loop()
            self._worker = loop.create_task(self._work(), name="supervisor")
        return await asyncio.shield(asked.answer)

    async def _work(self) -> None:
        """Carry out what waits; of plain requests in a row only the newest."""
        while self._waiting:
            asked = self._under_way = [self._waiting.popleft()]
            while asked[-1].plain and self._waiting and self._waiting[0].plain:
                asked.append(self._waiting.popleft())
            await self._turn(asked)

    async def _turn(self, asked: list[Asked]) -> None:
        newest = asked[-1]
        try:
            outcome = await self._carry_out(newest)
        except Conflict as error:  # what is meant for a generation is never put together
            newest.answer.set_exception(error)
            newest.answer.exception()  # whoever asked may be gone
            return
        for one in asked[:-1]:
            held = Superseded(newest.origin, newest.by, one.key == newest.key)
            one.answer.set_result(replace(outcome, superseded=held))
        newest.answer.set_result(outcome)
        if not newest.only_look:
            try:
                self._told(newest.origin, outcome)
            except Exception:
                pass  # who cannot be told does not keep others from their turn

    async def close(self) -> None:
        """Answer what waits, and take nothing more. Idempotent."""
        self._closed = True
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
        for one in (*self._under_way, *self._waiting):
            if not one.answer.done():
                one.answer.set_result(self._stopped())
        self._waiting.clear()
