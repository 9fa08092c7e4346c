"""A running graph on a loop and a thread of its own, for programs that have no loop.

Every method is the blocking twin of `Live`'s; any thread may call it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import CancelledError as FutureCancelled
from concurrent.futures import TimeoutError as FutureTimeout
from types import TracebackType
from typing import Any, TypeVar

from sinkgraph.errors import Overloaded, SinkClosed, SinkgraphError
from sinkgraph.runtime.live import Live
from sinkgraph.runtime.run import run
from sinkgraph.telemetry.status import CloseReport, Snapshot

__all__ = ["Background", "background"]

_Result = TypeVar("_Result")
_START_S = 60.0
_GRACE_S = 10.0


class Background:
    """Is a context manager: entering starts the graph in a thread, leaving drains and stops it."""

    def __init__(self, what: Any, options: dict[str, Any]) -> None:
        self._what = what
        self._options = options
        self._loop: asyncio.AbstractEventLoop | None = None
        self._live: Live | None = None
        self._end: asyncio.Event | None = None
        self._door = threading.Lock()  # held to hand the loop something, and to shut it out
        self._shut = False
        self._started = threading.Event()
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._main, name="sinkgraph", daemon=True)
        self.report: CloseReport | None = None

    def __enter__(self) -> Background:
        if self._thread.ident is not None:
            raise SinkgraphError("this background graph was already started")
        self._thread.start()
        if not self._started.wait(_START_S):
            raise SinkgraphError(f"the graph did not start within {_START_S:g} s")
        if self._failed is not None:
            self._thread.join(_GRACE_S)
            raise self._failed
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _main(self) -> None:
        try:
            asyncio.run(self._run())
        except BaseException as error:
            self._failed = error
        finally:
            self._started.set()

    async def _run(self) -> None:
        try:
            async with run(self._what, **self._options) as live:
                self._loop = asyncio.get_running_loop()
                self._end = asyncio.Event()
                self._live = live
                self._started.set()
                await self._end.wait()
            self.report = live.report
        finally:
            with self._door:
                self._shut = True
            await asyncio.sleep(0)  # begin what was handed over before that: it is refused, or told

    def _call(self, work: Coroutine[Any, Any, _Result], timeout: float | None) -> _Result:
        with self._door:
            if self._loop is None or self._shut:
                work.close()
                raise SinkClosed("the background graph is not running")
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout)
        except FutureCancelled:
            raise SinkClosed("the background graph has ended") from None
        except FutureTimeout:
            if future.done():
                raise
            future.cancel()
            raise Overloaded(f"not taken within {timeout:g} s") from None

    @property
    def live(self) -> Live:
        """The running graph; its methods belong to the background loop."""
        if self._live is None:
            raise SinkClosed("the background graph is not running")
        return self._live

    def write(self, data: Any, *, timeout: float | None = None, **attributes: Any) -> None:
        """Write one event and wait until it was taken; see `Live.write`."""
        if data is None:
            raise TypeError("None is not an event")
        grace = None if timeout is None else timeout + _GRACE_S
        self._call(self.live.write(data, timeout=timeout, **attributes), grace)

    def write_many(
        self, events: Sequence[Any], *, to: str | None = None, timeout: float | None = None
    ) -> None:
        """Write events together and wait until they were taken; see `Live.write_many`."""
        grace = None if timeout is None else timeout + _GRACE_S
        self._call(self.live.write_many(events, to=to, timeout=timeout), grace)

    def emit(self, data: Any) -> bool:
        """Hand an event to the inbox without waiting; False when it is full."""
        return self.live.emit(data)

    def drain(self, deadline: float | None = None) -> bool:
        """Wait until nothing is pending; see `Live.drain`."""
        return self._call(self.live.drain(deadline), None)

    def snapshot(self) -> Snapshot:
        """Return every node's numbers at this instant."""

        async def take() -> Snapshot:
            return self.live.snapshot()

        return self._call(take(), _GRACE_S)

    def close(self) -> CloseReport | None:
        """Drain, stop and end the thread; idempotent. Returns what became of everything."""
        if self._end is not None and self._thread.is_alive():
            with self._door:
                if self._loop is not None and not self._shut:
                    self._loop.call_soon_threadsafe(self._end.set)
            limit = self._options.get("drain", 25.0) + _GRACE_S
            self._thread.join(limit)
        if self._failed is not None:
            failed, self._failed = self._failed, None
            raise failed
        return self.report


def background(what: Any, **options: Any) -> Background:
    """Return a context manager that runs `what` in a thread; options are those of `run`."""
    return Background(what, options)
