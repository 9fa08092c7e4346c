"""Counts events and forgets them.

It never waits, never fails and keeps nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from sinkgraph.event import Batch, Event
from sinkgraph.sinks.base import Node

__all__ = ["Blackhole"]


class Blackhole(Node):
    """Takes everything at once; `delivered` in its ledger is all it knows."""

    kind: ClassVar[str] = "blackhole"
    settings = ()

    @property
    def instant(self) -> bool:
        """It always has room."""
        return True

    async def write(self, events: Sequence[Event]) -> None:
        """Count events."""
        self.refuse_if_closed()
        n = len(events)
        ledger = self.ledger
        ledger.entered += n
        ledger.delivered += n

    def offer(self, batch: Batch) -> bool:
        """Count a batch."""
        if self.closed:
            return False
        n = batch.j - batch.i
        ledger = self.ledger
        ledger.entered += n
        ledger.delivered += n
        return True
