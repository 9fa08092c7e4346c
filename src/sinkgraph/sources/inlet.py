"""The named place where Python code writes events into a graph.

Writing is done by the running graph (`live.write`), straight into what is behind the inlet.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

from sinkgraph.event import Event, as_batch
from sinkgraph.sinks.base import Link, Sink
from sinkgraph.sources.base import SourceNode
from sinkgraph.telemetry.stats import LedgerView

__all__ = ["Inlet"]


class _Entry(Protocol):
    def took(self) -> int:
        """Return how many events passed since this was last asked."""
        ...


class Inlet(SourceNode):
    """Has no input of its own and ends when it is stopped.

    `entry` is set by whoever writes past it, so that its ledger tells what went through.
    """

    kind: ClassVar[str] = "inlet"

    def __init__(self, to: Sink | Link) -> None:
        super().__init__(to)
        self.entry: _Entry | None = None

    async def pump(self) -> None:
        """Wait for `stop`."""
        await self._stop.wait()

    async def write(self, events: Sequence[Event]) -> None:
        """Hand events on once; raises what the target raises."""
        self.refuse_if_closed()
        await self.put(as_batch(events))

    def account(self) -> LedgerView:
        """Return its ledger, with what was written past it."""
        if self.entry is not None:
            n = self.entry.took()
            self.ledger.entered += n
            self.ledger.delivered += n
        return super().account()
