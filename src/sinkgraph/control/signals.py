"""SIGHUP: the file of the run is applied, however often it is sent.

Other signals are the affair of who runs the graph.
"""

from __future__ import annotations

import asyncio
import signal

from sinkgraph.control.outcomes import Busy, NoOrigin
from sinkgraph.control.supervisor import Supervisor
from sinkgraph.telemetry.journal import Journal

__all__ = ["Hangups"]


class Hangups:
    """Takes SIGHUP from now on; it is obeyed once there is a supervisor, by `obey`."""

    def __init__(self) -> None:
        self._supervisor: Supervisor | None = None
        self._journal: Journal | None = None
        self._asked = False
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self._loop.add_signal_handler(signal.SIGHUP, self._on_signal)

    def obey(self, supervisor: Supervisor, journal: Journal) -> None:
        """Have what was asked for until now, and from now on, carried out."""
        self._supervisor, self._journal = supervisor, journal
        if self._asked:
            self._begin()

    def _on_signal(self) -> None:
        self._asked = True
        if self._supervisor is not None and not self._closed:
            self._begin()

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            self._task = self._loop.create_task(self._apply(), name="hangups")

    async def _apply(self) -> None:
        """Apply the file until nobody asked since it was read."""
        supervisor, journal = self._supervisor, self._journal
        assert supervisor is not None, "there is somebody to obey"
        assert journal is not None, "there is somebody to obey"
        while self._asked and not self._closed:
            self._asked = False
            try:
                await supervisor.apply(origin="signal", by="SIGHUP")
            except (NoOrigin, Busy) as error:
                journal.note("reload_refused", reason=str(error))

    async def close(self) -> None:
        """Obey no more; the signal is still taken, so that it ends nothing. Idempotent."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
