"""The disk for real: one thread that does blocking calls in order, while the loop goes on.

It knows no file and no store. A loop without idle time would starve the thread: each `select`
drops the GIL for an instant and so restarts the thread's claim to it. The loop therefore lends
the GIL: right after it hands a call over, and once a millisecond while a call is out.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["DiskThread"]

_Result = TypeVar("_Result")

_TAKE_S = 0.001  # how long the loop waits at most for the thread to take a call
_EVERY_S = 0.001  # between loans
_LOAN_S = 0.00002  # asked for; the kernel makes about 75 µs of it
_LOAN_SHARE = 0.1  # of the time by which a loan comes late: long ticks, long loans
_LONGEST_LOAN_S = 0.001


class _Job:
    """Is a call on its way: where its answer goes, and locks that are free once it got so far."""

    __slots__ = ("call", "ended", "error", "future", "last", "loop", "result", "taken")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        future: asyncio.Future[Any],
        call: Callable[[], Any],
        last: bool,
    ) -> None:
        self.loop = loop
        self.future = future
        self.call = call
        self.last = last
        self.result: Any = None
        self.error: BaseException | None = None
        self.taken = threading.Lock()
        self.taken.acquire()
        self.ended = threading.Lock()
        self.ended.acquire()


class DiskThread:
    """Does each call once the one before has ended; implements `sinkgraph.clock.Disk`.

    The thread starts with the first call. It is a daemon: a call that never returns keeps the
    thread, but not the process. It serves one loop at a time; a loop that was closed meanwhile
    gets no answers, and its calls are done all the same.
    """

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._out: deque[_Job] = deque()
        self._loan: asyncio.TimerHandle | None = None
        self._closed = False
        self._ended: asyncio.Future[None] | None = None

    def submit(self, call: Callable[[], _Result]) -> asyncio.Future[_Result]:
        """Begin `call` once every earlier one has ended; the future has what it gave or raised.

        A call is never taken back: cancelling the future only drops the answer. Raises
        RuntimeError after `close`.
        """
        if self._closed:
            raise RuntimeError("the disk is closed")
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="sinkgraph-disk", daemon=True)
            self._thread.start()
        return self._hand_over(call)

    async def close(self) -> None:
        """Wait for what was submitted, then end the thread; idempotent.

        Cancelling it ends the wait, not the closing.
        """
        if self._thread is None:
            self._closed = True
            return
        if not self._closed:
            self._closed = True
            self._ended = self._hand_over(_nothing, last=True)
        if self._ended is not None:
            await asyncio.shield(self._ended)
        self._thread.join()

    def _hand_over(
        self, call: Callable[[], _Result], *, last: bool = False
    ) -> asyncio.Future[_Result]:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._out, self._loan = loop, deque(), None
        future: asyncio.Future[_Result] = loop.create_future()
        job = _Job(loop, future, call, last)
        self._out.append(job)
        self._jobs.put(job)
        if len(self._out) == 1:
            job.taken.acquire(timeout=_TAKE_S)
        if self._loan is None:
            self._loan = loop.call_later(_EVERY_S, self._lend, loop)
        return future

    def _lend(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give the thread a moment with the GIL, and again as long as a call is out."""
        if not self._out:
            self._loan = None
            return
        late_s = 0.0 if self._loan is None else loop.time() - self._loan.when()
        loan_s = min(_LONGEST_LOAN_S, max(_LOAN_S, late_s * _LOAN_SHARE))
        self._loan = loop.call_later(_EVERY_S, self._lend, loop)
        job = self._out[0]
        if job.ended.acquire(timeout=loan_s):
            self._answer(job)  # a turn of the loop earlier than it would be told

    def _answer(self, job: _Job) -> None:
        if not self._out or self._out[0] is not job:
            return  # it was answered when the loop lent
        self._out.popleft()
        if not self._out and self._loan is not None:
            self._loan.cancel()
            self._loan = None
        future, error = job.future, job.error
        if future.done():
            return
        if error is None:
            future.set_result(job.result)
        elif isinstance(error, StopIteration):
            future.set_exception(RuntimeError(f"the call raised {error!r}"))
        else:
            future.set_exception(error)

    def _work(self) -> None:
        last = False
        while not last:
            job = self._jobs.get()
            job.taken.release()
            last = job.last
            try:
                job.result = job.call()
            except BaseException as raised:
                job.error = raised
            job.ended.release()
            try:
                job.loop.call_soon_threadsafe(self._answer, job)
            except RuntimeError:  # the loop is closed: nobody waits any more
                pass
            del job


def _nothing() -> None:
    pass
