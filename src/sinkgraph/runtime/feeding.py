"""Runs the sources of a topology, each in a task of its own.

One that succeeds another begins when that has ended. What a source reads, and where from, is its
own affair.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from sinkgraph.runtime.provisioning import said
from sinkgraph.sources.base import SourceNode

__all__ = ["Feeding"]


class Feeding:
    """Keeps the tasks of sources: of those that run, and of those told to stop."""

    def __init__(
        self,
        spawn: Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]],
        journal: Callable[..., None],
    ) -> None:
        self._spawn = spawn
        self._journal = journal
        self._tasks: dict[SourceNode, asyncio.Task[None]] = {}

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """The tasks of all sources, those that have ended too."""
        return list(self._tasks.values())

    def begin(self, source: SourceNode, former: SourceNode | None = None) -> None:
        """Run a source; it begins when `former` has ended, and where that stopped."""
        self._tasks[source] = self._spawn(self._run(source, former), f"source {source.name}")

    async def _run(self, source: SourceNode, former: SourceNode | None) -> None:
        if former is not None:
            await self.end(former)
        try:
            position = former.position if type(former) is type(source) else None
            await source.run(source.to, position)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            source.status = "failed"
            source.last_error = said(error)
            self._journal("source_failed", node=source.name, error=source.last_error)
        else:
            self._journal("source_ended", node=source.name)

    async def end(self, source: SourceNode) -> None:
        """Tell a source to stop, and wait until it has."""
        source.stop()
        task = self._tasks.get(source)
        if task is not None:
            await asyncio.wait([task])

    def forget(self, source: SourceNode) -> None:
        """Take no more note of a source that has left; what it still does is cancelled."""
        task = self._tasks.pop(source, None)
        if task is not None:
            task.cancel()

    async def ended(self, sources: Callable[[], Mapping[str, SourceNode]]) -> None:
        """Wait until every source has come to its end, those of later graphs too."""
        while True:
            left = [self._tasks[one] for one in sources().values() if one in self._tasks]
            left = [task for task in left if not task.done()]
            if not left:
                return
            await asyncio.wait(left)
