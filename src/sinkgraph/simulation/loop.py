"""An asyncio loop on virtual time: waiting costs nothing, and every run is the same.

The loop jumps to the next timer instead of sleeping. It knows nothing of graphs, and real sockets
do not belong on it: their answers take real time, which does not pass here.
"""

from __future__ import annotations

import asyncio
import math
import random
import selectors
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar

__all__ = ["EPOCH", "Deadlock", "VirtualClock", "VirtualLoop", "run"]

EPOCH = 1_767_225_600.0
"""The wall time at which every virtual run begins: 2026-01-01T00:00:00Z."""

_TICKS_AT_ONE_TIME = 5_000_000

_Result = TypeVar("_Result")


class Deadlock(RuntimeError):
    """Say that nothing can happen any more, or that time no longer moves; it names the tasks."""


def run(coro: Coroutine[Any, Any, _Result], *, seed: int = 0) -> _Result:
    """Run `coro` to its end on a loop of its own and return its result.

    `seed` seeds the loop's `random`. Raises Deadlock when `coro` waits for something that can
    never happen. Tasks that are left over are cancelled.
    """
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(seed=seed)) as runner:
        return runner.run(coro)


class VirtualClock:
    """Tells the running virtual loop's time; `step` moves the wall clock alone."""

    def __init__(self, epoch: float = EPOCH) -> None:
        self._epoch = epoch

    def now(self) -> float:
        """Return seconds since the loop began."""
        return asyncio.get_running_loop().time()

    def wall(self) -> float:
        """Return virtual Unix time in seconds."""
        return self._epoch + self.now()

    def step(self, seconds: float) -> None:
        """Set the wall clock forward, or back, as an administrator would."""
        self._epoch += seconds


class VirtualLoop(asyncio.SelectorEventLoop):
    """Is an event loop whose time moves only when there is nothing else to do.

    Time begins at 0. `random` is seeded. Executors run their function at once, in the loop's own
    thread, so that no second thread can make two runs differ.
    """

    is_virtual = True
    _clock_resolution: float

    def __init__(self, *, seed: int = 0) -> None:
        self.random = random.Random(seed)
        self._selector_of_time = _TimeSelector(self)
        super().__init__(self._selector_of_time)

    def time(self) -> float:
        """Return virtual seconds since the loop began."""
        return self._selector_of_time.now

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Schedule as every loop does; what is due at infinity never is, and wakes nobody."""
        if when == math.inf:
            return asyncio.TimerHandle(when, callback, args, self, context)
        return super().call_at(when, callback, *args, context=context)

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., _Result], *args: Any
    ) -> asyncio.Future[_Result]:
        """Run `func` here and now; return a future that is done."""
        future: asyncio.Future[_Result] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


class _TimeSelector(selectors.DefaultSelector):
    """Moves `now` by the time it is asked to wait, unless real I/O is ready."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self.now = 0.0
        self._loop = loop
        self._ticks = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; else let virtual time pass, or report that nothing can happen."""
        alone = len(self.get_map()) <= 1  # only the loop's own wake-up pipe
        if timeout is not None and timeout <= 0:
            self._ticks += 1
            if self._ticks > _TICKS_AT_ONE_TIME:
                self._ticks = 0
                raise Deadlock(self._report(f"time has stopped at {self.now:g}s"))
            return [] if alone else list(super().select(0))
        ready = list(super().select(0))
        if ready:
            return ready
        if timeout is not None:
            self._ticks = 0
            self.now += timeout
            # A timer fires when it is due before now + resolution: at a large `now` the default
            # of a nanosecond is lost in rounding, and a timer that is due would never fire.
            self._loop._clock_resolution = max(1e-9, 2 * math.ulp(self.now))
            return []
        if not alone:
            return list(super().select(None))
        raise Deadlock(self._report(f"nothing can happen any more at {self.now:g}s"))

    def _report(self, headline: str) -> str:
        lines = [headline]
        tasks = asyncio.all_tasks(self._loop)
        for task in sorted(tasks, key=lambda one: one.get_name()):
            where = "not started"
            for frame in task.get_stack(limit=1):
                where = f"{frame.f_code.co_filename}:{frame.f_lineno}"
            lines.append(f"  {task.get_name()} waits at {where}")
        return "\n".join(lines)
