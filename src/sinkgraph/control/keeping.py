"""Commits one document together with the reload that runs it: on disk first, then counted.

What is kept, and for how long, is `generations`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sinkgraph.control.generations import Generations, Kept
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.runtime.topology import Topology

if TYPE_CHECKING:
    from sinkgraph.graph.model import Graph

__all__ = ["Keeping"]


class Keeping:
    """Keeps the document of one reload; `made` makes its record, `kept` is it once it counts."""

    def __init__(
        self, generations: Generations, topology: Topology, made: Callable[[Graph, int], Kept]
    ) -> None:
        self._generations = generations
        self._topology = topology
        self._made = made
        self._ready: Kept | None = None
        self._path = ""
        self.kept: Kept | None = None

    async def prepare(self, graph: Graph, generation: int) -> str:
        """Write it where it does not count; return why that cannot be."""
        one = self._made(graph, generation)
        try:
            self._path = await self._topology.pool.aside(self._generations.write, one)
        except OSError as error:
            said = (error.strerror or str(error)).lower()
            where = safe_text(os.fspath(error.filename or "the state dir"), 200)
            return f"the document cannot be kept in {where}: {said}"
        self._ready = one
        return ""

    def commit(self) -> None:
        """Let it count, and have the disk know it before anything that comes after."""
        one = self._ready
        assert one is not None, "a reload is prepared first"
        self.kept = one
        gone, path = self._generations.hold(one), self._path

        def settle() -> None:
            self._generations.settle(path, one.generation, gone)

        depot = self._topology.ctx.depot
        if depot is None:
            self._told(settle)
            return
        try:
            depot.ask(lambda store: settle()).add_done_callback(self._settled)
        except Exception as error:
            self._failed(error)

    async def give_up(self) -> None:
        """Remove what was prepared and is not to be committed."""
        if self._path and self.kept is None:
            await self._topology.pool.aside(self._generations.discard, self._path)

    async def keep(self, one: Kept) -> None:
        """Keep a document that runs already; a disk that does not want it is journaled."""
        self._made = lambda graph, generation: one
        reason = await self.prepare(None, one.generation)  # type: ignore[arg-type]
        if reason:
            self._topology.journal.note("document_not_kept", error=reason)
        else:
            self.commit()

    def _told(self, settle: Callable[[], None]) -> None:
        try:
            settle()
        except OSError as error:
            self._failed(error)

    def _settled(self, done: asyncio.Future[Any]) -> None:
        error = None if done.cancelled() else done.exception()
        if error is not None:
            self._failed(error)

    def _failed(self, error: BaseException) -> None:
        self._topology.journal.note("document_not_kept", error=str(error))
