"""Gathers single writes of one tick into one batch, where every write waits for the disk.

All of a batch is planned and committed as one write. Where that cannot be done at once each
write goes its own way: nobody's event fails, or waits, for another's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from sinkgraph.event import Batch
from sinkgraph.log.disk.draft import Pledge
from sinkgraph.log.memory import PAGE
from sinkgraph.sinks.instant import Instant

__all__ = ["Intake"]


class Intake:
    """Takes single events for a node below which queues keep theirs on disk.

    `batch_of(values)` makes a batch of what was gathered.
    """

    def __init__(self, root: Instant, batch_of: Callable[[list[Any]], Batch]) -> None:
        self.root = root
        self._batch_of = batch_of
        self._values: list[Any] | None = None
        self._pledge: Pledge | None = None
        self._loop = asyncio.get_running_loop()

    def join(self, value: Any) -> Pledge:
        """Add a value to what this tick writes; the pledge ends when it is on disk.

        `apart` says then that it has to be written by itself: nothing was done with it.
        """
        values, pledge = self._values, self._pledge
        if values is None or pledge is None or len(values) >= PAGE:
            values = self._values = []
            pledge = self._pledge = Pledge(loop=self._loop)
            self._loop.call_soon(self._commit, values, pledge)
        values.append(value)
        return pledge

    def _commit(self, values: list[Any], pledge: Pledge) -> None:
        if self._values is values:
            self._values = self._pledge = None
        batch = self._batch_of(values)
        try:
            plan = self.root.plan(batch)
            if plan.blockers(None) or plan.later:
                pledge.set_apart()
                return
            plan.pledge = pledge
            to_disk = plan.commit()
        except Exception:  # whoever it is about learns it when he writes by himself
            if not pledge.done():
                pledge.set_apart()
            return
        if to_disk is None:  # nothing of it goes to disk
            pledge.set_result(None)
