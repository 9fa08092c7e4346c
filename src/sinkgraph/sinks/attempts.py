"""One attempt of a retry: what is owed after it, what it says, and what is remembered of it.

It decides nothing: when to try again and when to give up is the retry's business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from sinkgraph.errors import Owed, PartialWrite
from sinkgraph.event import Batch, Event
from sinkgraph.sinks.burial import MAX_ERRORS

__all__ = ["History", "Write", "attempt", "error_text"]

Write = Callable[[Sequence[Event]], Awaitable[None]]


@dataclass(slots=True)
class History:
    """Is what has happened to the events of one write so far."""

    attempts: int = 0
    first_at: float = 0.0  # monotonic seconds
    first_wall: float = 0.0
    waited: float = 0.0
    errors: list[str] = field(default_factory=list)
    dead: set[str] = field(default_factory=set)
    final: bool = False  # past its limits: each event gets one more attempt by itself

    def note(self, error: BaseException) -> None:
        """Keep an error: the first ever and the most recent ones."""
        self.errors.append(error_text(error))
        if len(self.errors) > MAX_ERRORS:
            del self.errors[1]


async def attempt(write: Write, batch: Batch) -> list[Owed]:
    """Write once; return what is owed after it."""
    try:
        await write(batch)
    except PartialWrite as error:
        return [part for part in error.owed if len(part.events)]
    except asyncio.CancelledError:
        raise
    except Exception as error:
        return [Owed(write, batch, error)]
    return []


def error_text(error: BaseException) -> str:
    """Return an error as it is kept and shown: its type and what it says."""
    return f"{type(error).__name__}: {error}"
