"""Brings what a graph says into a reading, and tells when there is something new to show.

It draws nothing, and acts on nothing. A graph that is lost is waited for, where it may be started
again; who may not look is told so once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from sinkgraph.api.addresses import Unreachable
from sinkgraph.api.client import Refused, Seen
from sinkgraph_tui.door import Door
from sinkgraph_tui.model.reading import Reading

__all__ = ["Feed"]

_AGAIN_S = 2.0


class Feed:
    """Feeds a reading from a door; `clock` is monotonic, `changed` is called after each piece.

    `refused` holds why nothing may be seen, once that is known.
    """

    def __init__(
        self,
        door: Door,
        reading: Reading,
        *,
        clock: Callable[[], float],
        changed: Callable[[], None],
    ) -> None:
        self.door = door
        self.reading = reading
        self.refused: str | None = None
        self._clock = clock
        self._changed = changed
        self._asking: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Feed until cancelled."""
        journal = asyncio.ensure_future(self._journal())
        try:
            await self._watch()
        finally:
            journal.cancel()
            if self._asking is not None:
                self._asking.cancel()
            with suppress(asyncio.CancelledError):
                await journal

    async def _watch(self) -> None:
        try:
            async for seen in self.door.watch():
                self.take(seen)
        except Refused as refused:
            self.refused = str(refused)
            self._changed()

    def take(self, seen: Seen) -> None:
        """Take one look at the graph, and ask for the graph itself when it is another."""
        self.reading.take(seen, self._clock())
        if seen.live and self.reading.wants_graph() and self._asking is None:
            self._asking = asyncio.ensure_future(self._ask())
        self._changed()

    async def _ask(self) -> None:
        try:
            first = self.reading.shape.graph is None
            self.reading.take_graph(await self.door.graph())
            if first:
                self.reading.take_history(await self.door.history())
        except (Unreachable, Refused):
            await asyncio.sleep(_AGAIN_S)  # the next look asks again
        finally:
            self._asking = None
        self._changed()

    async def _journal(self) -> None:
        with suppress(Refused):
            async for entry in self.door.journal():
                self.reading.take_entry(entry)
                self._changed()
