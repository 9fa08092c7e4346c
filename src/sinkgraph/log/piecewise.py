"""Writes a batch that is too large in pieces, in order, and says what is owed when one fails.

Where to cut is the caller's decision, and how a piece is written too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from sinkgraph.errors import Owed, PartialWrite
from sinkgraph.event import Batch
from sinkgraph.log.owed import Write

__all__ = ["write_piecewise"]


async def write_piecewise(
    batch: Batch,
    cuts: Iterable[int],
    write_one: Callable[[Batch, float | None], Awaitable[None]],
    again: Write,
    timeout_s: float | None = None,
) -> None:
    """Write `batch` cut at `cuts` (its length last), each piece within what is left of the time.

    A bare error means that nothing was taken. After a piece that failed none is tried, so that
    nothing overtakes it: PartialWrite owes what it owed, and the rest by `again`.
    """
    clock = asyncio.get_running_loop().time
    deadline = None if timeout_s is None else clock() + timeout_s
    at = 0
    for until in cuts:
        left_s = None if deadline is None else max(0.0, deadline - clock())
        try:
            await write_one(batch[at:until], left_s)
        except PartialWrite as error:
            why = error.owed[-1].error if error.owed else error
            rest = [Owed(again, batch[until:], why)] if until < len(batch) else []
            raise PartialWrite([*error.owed, *rest]) from error
        except Exception as error:
            if not at:
                raise
            raise PartialWrite([Owed(again, batch[at:], error)]) from error
        at = until
