"""A bounded pool of daemon threads for blocking calls of users.

A call that never returns keeps its thread and nothing else: neither the loop nor the end of the
process waits for it.
"""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
from collections.abc import Callable
from typing import Any

__all__ = ["ThreadPool"]

_Job = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[[], Any]]


class ThreadPool:
    """Runs blocking calls on at most `most` threads, started when first needed."""

    def __init__(self, most: int = 32) -> None:
        self._most = most
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._threads = 0
        self._idle = 0
        self._open = 0  # jobs no thread has begun
        self._lock = threading.Lock()
        self._closed = False

    async def run(self, call: Callable[..., Any], *args: Any) -> Any:
        """Return what `call(*args)` returns, or raise what it raises.

        Cancelling the wait does not stop the call; its result is then ignored.
        """
        if self._closed:
            raise RuntimeError("the thread pool is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        context = contextvars.copy_context()
        with self._lock:
            # not the size of the queue: a thread that has taken a job may not have said so yet
            self._open += 1
            self._jobs.put((loop, future, lambda: context.run(call, *args)))
            if self._idle < self._open and self._threads < self._most:
                self._threads += 1
                name = f"sinkgraph-call-{self._threads}"
                threading.Thread(target=self._work, name=name, daemon=True).start()
        return await future

    async def aside(self, call: Callable[..., Any], *args: Any) -> Any:
        """Return what a long call of our own returns; a virtual loop makes it at once.

        It has no other time in which a thread could work.
        """
        if getattr(asyncio.get_running_loop(), "is_virtual", False):
            return call(*args)
        return await self.run(call, *args)

    def _work(self) -> None:
        while True:
            with self._lock:
                self._idle += 1
            job = self._jobs.get()
            with self._lock:
                self._idle -= 1
                self._open -= job is not None
            if job is None:
                return
            loop, future, call = job
            result, error = None, None
            try:
                result = call()
            except BaseException as raised:
                error = raised
            try:
                loop.call_soon_threadsafe(_settle, future, result, error)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return
            del job, loop, future, call, result, error

    def close(self) -> None:
        """Let idle threads end; busy ones end with the call they are in."""
        self._closed = True
        with self._lock:
            for _ in range(self._threads):
                self._jobs.put(None)


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    elif isinstance(error, StopIteration):
        future.set_exception(RuntimeError(f"the call raised {error!r}"))
    else:
        future.set_exception(error)
