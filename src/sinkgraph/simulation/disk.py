"""The engine's disk in a simulation: calls run in the loop's own thread, answers take virtual time.

It runs whatever it is given, in order. What goes wrong inside a call is `faults`' affair.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from random import Random as SeededRandom
from typing import Any, TypeVar

from sinkgraph.clock import Random
from sinkgraph.errors import StoreFailed
from sinkgraph.simulation.destination import Latency, drawn

__all__ = ["VirtualDisk"]

_Result = TypeVar("_Result")


class VirtualDisk:
    """Runs each call once the one before has ended; implements `sinkgraph.clock.Disk`.

    `latency`: how long a call takes, in virtual seconds, fixed or drawn. A call does its work when
    it begins; its answer comes when it ends, so a crash between the two leaves work that nobody
    was told of. `vfs` names the SQLite VFS that files are opened with (see `faults`).
    """

    def __init__(
        self,
        *,
        latency: Latency = 0.0005,
        random: Random | None = None,
        vfs: str | None = None,
        lost: Callable[[], bool] | None = None,
    ) -> None:
        self.latency = latency
        self.vfs = vfs
        self.calls = 0
        self.dead = False
        self.stores: list[Any] = []  # what calls have opened, so that the dead let go of it
        self._lost = lost if lost is not None else _never
        self._random = random if random is not None else SeededRandom(0)
        self._waiting: deque[tuple[Callable[[], Any], asyncio.Future[Any]]] = deque()
        self._unanswered: dict[asyncio.Future[Any], None] = {}
        self._forsaken = False
        self._busy = False
        self._stalls: list[tuple[float, float]] = []
        self._idle: list[asyncio.Future[None]] = []

    def stall(self, at: float, for_s: float) -> None:
        """Answer nothing from virtual second `at` for `for_s` seconds."""
        self._stalls.append((at, at + for_s))

    def submit(self, call: Callable[[], _Result]) -> asyncio.Future[_Result]:
        """Begin `call` once every earlier one has ended; see `sinkgraph.clock.Disk`."""
        future: asyncio.Future[_Result] = asyncio.get_running_loop().create_future()
        self._unanswered[future] = None
        future.add_done_callback(self._unanswered.pop)
        if self._forsaken:
            self.forsake()
        elif not self.dead:
            self._waiting.append((call, future))
            if not self._busy:
                self._begin()
        return future

    def die(self) -> None:
        """Begin nothing more and answer nothing more: the process that asked is gone."""
        self.dead = True
        self._waiting.clear()

    def forsake(self) -> None:
        """Let nobody among the dead wait for an answer: what waits for one, and will, fails."""
        self.dead = self._forsaken = True
        for future in list(self._unanswered):
            if not future.done():
                future.set_exception(StoreFailed("the process is dead"))
                future.exception()

    async def close(self) -> None:
        """Wait for what was submitted; idempotent."""
        while (self._busy or self._waiting) and not self.dead:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._idle.append(future)
            await future

    def _begin(self) -> None:
        """Run the next call, and answer when its time has passed."""
        call, future = self._waiting.popleft()
        self._busy = True
        self.calls += 1
        result: Any = None
        error: BaseException | None = None
        try:
            result = call()
        except Exception as raised:
            error = raised
        held = getattr(result, "store", result)
        if hasattr(held, "close"):
            self.stores.append(held)
        if self._lost():
            self.die()
            return
        loop = asyncio.get_running_loop()
        ends = loop.time() + drawn(self.latency, self._random)
        for begins, over in self._stalls:
            if begins <= ends < over:
                ends = over
        loop.call_at(ends, self._end, future, result, error)

    def _end(self, future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
        if self.dead:
            return
        self._busy = False
        if not future.done():
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)
        if self._waiting:
            self._begin()
        elif not self._busy:
            idle, self._idle = self._idle, []
            for one in idle:
                if not one.done():
                    one.set_result(None)


def _never() -> bool:
    return False
