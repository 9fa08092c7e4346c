"""A sink that ends a write which takes too long.

What became of the events is then unknown: the target was cancelled, and may have delivered them.
"""

from __future__ import annotations

import asyncio
import math
from typing import Any

from sinkgraph.errors import DeliveryFailed
from sinkgraph.event import Batch
from sinkgraph.sinks.base import Sink
from sinkgraph.sinks.through import Passage, Through, Write

__all__ = ["Timeout"]


class Timeout(Through):
    """Writes to its target for at most `after` seconds, then cancels it and fails."""

    kind = "timeout"
    settings = ("after",)
    edges = ("to",)

    def __init__(self, to: Sink, after: float) -> None:
        super().__init__(to)
        self.retune(after)
        self.timeouts = 0

    def retune(self, after: float) -> None:
        """Allow `after` seconds from the next write on."""
        if isinstance(after, bool) or not isinstance(after, int | float):
            raise TypeError(f"after must be seconds, not {after!r}")
        if not math.isfinite(after) or after <= 0:
            raise ValueError(f"after must be more than 0 seconds, not {after!r}")
        self.after = float(after)

    @property
    def instant(self) -> bool:
        """Whether the target can take events at once."""
        return self.to.target.instant

    def offer(self, batch: Batch) -> bool:
        """Take all of `batch` at once when the target does: that takes no time."""
        return self.offer_on(batch)

    async def around(self, write: Write, batch: Batch, passage: Passage) -> None:
        """Write; raise DeliveryFailed when it has not ended in time."""
        timer = asyncio.timeout(self.after)
        after = self.after
        try:
            async with timer:
                await write(batch)
        except TimeoutError as error:
            if not timer.expired():
                raise
            self.timeouts += 1
            raise DeliveryFailed(
                f"{self.label}: no answer after {after:g}s", unsent=False
            ) from error

    def facts(self) -> dict[str, Any]:
        """Return how many writes took too long."""
        return {"after_s": self.after, "timeouts": self.timeouts}
