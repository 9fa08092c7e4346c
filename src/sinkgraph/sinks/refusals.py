"""What nobody will try again of a lane's job: found by halving, set aside, buried together.

When to bury, and how a job's parts are counted, is the lane's business.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sinkgraph.event import join
from sinkgraph.log.disk.depot import ACK_AFTER_S
from sinkgraph.log.owed import Part
from sinkgraph.sinks.attempts import error_text
from sinkgraph.sinks.burial import bury_dead, dead_batch
from sinkgraph.sinks.jobs import Job, Weigh

if TYPE_CHECKING:
    from sinkgraph.sinks.queue import Queue

__all__ = ["bury_refused", "is_late", "refuse", "weigher"]


def weigher(queue: Queue) -> Weigh | None:
    """Return how a queue weighs a batch; None where it bounds no bytes."""
    return queue.weigh if queue.max_bytes is not None else None


def refuse(queue: Queue, job: Job, reason: str, error: Exception, *, whole: bool = False) -> None:
    """Set aside what is at fault, to be buried; a batch is halved to find it."""
    batch = job.parts[0][1]
    if len(batch) > 1 and not whole:
        job.halve(weigher(queue), stored=queue.shelf is not None)
        return
    dead = dead_batch(queue, batch, reason, [error_text(error)], attempts=1)
    job.refuse(dead, queue.bound.clock.now())


def is_late(queue: Queue, job: Job) -> bool:
    """Whether what was set aside waits as long as anything may that a kill would repeat."""
    return queue.bound.clock.now() - job.refused_at >= ACK_AFTER_S


async def bury_refused(queue: Queue, job: Job, count: Callable[[Sequence[Part]], None]) -> None:
    """Bury what was set aside so far, in one write; `count` is told of each part once it is taken.

    Until then the parts are owed.
    """

    def settle(owed: set[str]) -> None:
        count(job.buried(owed))

    dead = join([dead for _, dead in job.refused])
    await bury_dead(queue, queue.dead_letter, dead, settle)
    settle(set())
