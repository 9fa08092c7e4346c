"""How nodes are drained and closed: one after the other, side by side, none waited for too long.

It does not decide who leaves, or when; what becomes of events is not its affair.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import cast

from sinkgraph.errors import SinkgraphError
from sinkgraph.runtime.resting import Resting
from sinkgraph.sinks.base import Link, Node, from_outside
from sinkgraph.sinks.instant import Instant
from sinkgraph.sinks.queue import Queue

__all__ = [
    "CLOSE_S",
    "Grace",
    "close_nodes",
    "drain_nodes",
    "refuse_writers",
]

CLOSE_S = 1.0
"""How long anything may take to end once it is told to, in seconds."""

GRACE_S = 0.1
"""How long all of that together may take when the deadline has passed."""

_Journal = Callable[..., None]


class Grace:
    """Shares out what time is left to end: to each step a part of it, so that none has nothing."""

    def __init__(self, deadline: float) -> None:
        self._until = deadline + GRACE_S

    def share(self, part: float = 0.5, most: float = CLOSE_S) -> float:
        """Return how long the next step may take, in seconds: a part of what is left."""
        left = self._until - asyncio.get_running_loop().time()
        return min(most, max(0.0, left) * part)


async def _safely(work: Callable[[], Awaitable[None]]) -> None:
    """Do it; what a sink raises that is no Exception must not end the loop, nor anybody's work."""
    try:
        await work()
    except Exception:
        raise
    except BaseException as error:
        if from_outside(error):
            raise
        raise SinkgraphError(f"it raised {error!r}") from error


async def drain_nodes(
    nodes: Sequence[Node],
    journal: _Journal,
    resting: Callable[[], Resting | None] = lambda: None,
) -> bool:
    """Drain nodes one after the other; False when one failed, or keeps events.

    Disk queues rest instead, while `resting` is there.
    """
    whole = True
    for node in nodes:
        try:
            rests = resting() if isinstance(node, Queue) and node.durable else None
            if rests is not None:
                await rests.rest(cast("Queue", node))
            else:
                await _safely(node.drain)
        except Exception as error:
            journal("drain_failed", node=node.name, error=repr(error))
            whole = False
        if isinstance(node, Queue) and (node.closed or node.lanes.resting) and node.depth():
            whole = False
        task = asyncio.current_task()
        if task is not None and task.cancelling():  # which the node may have swallowed
            raise asyncio.CancelledError
    return whole


async def close_nodes(nodes: Sequence[Node], journal: _Journal, within_s: float = CLOSE_S) -> None:
    """Close several nodes side by side; one that hangs or fails is named, not waited for."""
    closing = {asyncio.ensure_future(_safely(node.close)): node for node in nodes}
    if not closing:
        return
    done, late = await asyncio.wait(list(closing), timeout=within_s)
    for task in late:
        task.cancel()
        journal("close_abandoned", node=closing[task].name)
    for task in done:
        error = task.exception() if not task.cancelled() else None
        if error is not None:
            journal("close_failed", node=closing[task].name, error=repr(error))


def refuse_writers(edges: Iterable[Link]) -> None:
    """Close what is written to from outside, so that nobody who waits is told it was taken."""
    for link in edges:
        node = link.target
        if isinstance(node, Instant) and not isinstance(node, Queue):
            node.closed = True
