"""What a queue held in memory when a reload put it on disk is stored too, ahead of all that comes.

It moves events from a queue's backlog to its shelf; reading them back is `sinks.shelved`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sinkgraph.errors import Rejected, StoreFailed
from sinkgraph.event import Batch
from sinkgraph.log.backlog import size_of
from sinkgraph.log.disk.draft import Draft, Entry, Pledge

if TYPE_CHECKING:
    from sinkgraph.log.disk.shelf import Shelf
    from sinkgraph.sinks.shelved import Shelved

__all__ = ["store_pending"]

_PART = 1_000  # events stored as one


def store_pending(queue: Shelved, shelf: Shelf) -> None:
    """Store what waits in memory with the next commit; synchronous.

    Lanes go on with what they hold. Until the commit the events cannot be taken, and they count as
    pending; where it fails, or one of them cannot be encoded, they stay in memory, in their place.
    So they do while a write is under way that began when the queue was in memory: what it brings is
    held there too, and comes after them; and where some of them are on disk already, from before.
    """
    if queue.reserved:
        _stay(queue, "writes are under way")
        return
    backlog = queue.backlog
    if backlog.loaded or backlog.cold:
        _stay(queue, "what comes before them is read from the disk")
        return
    picks = backlog.take_picks()
    if any(shelf.has(batch.places) for batch in picks):
        backlog.put_back(picks)
        _stay(queue, "some of them are on disk already")
        return
    parts = [batch[at : at + _PART] for batch in picks for at in range(0, len(batch), _PART)]
    move = _Move(queue, shelf, parts)
    try:
        for part in parts:
            part.seal()
        move.begin()
    except (Rejected, StoreFailed) as error:
        queue.backlog.put_back(parts)
        _stay(queue, str(error))


class _Move:
    """Is one move of several parts; what is refused goes back together, in order."""

    def __init__(self, queue: Shelved, shelf: Shelf, parts: list[Batch]) -> None:
        self._queue = queue
        self._shelf = shelf
        self._parts = parts
        self._refused: dict[int, Batch] = {}
        self._left = len(parts)

    def begin(self) -> None:
        """Have all of it written."""
        depot = self._shelf.depot
        depot.refuse_if_failed()
        for k, part in enumerate(self._parts):
            self._queue.ledger.held += len(part)
            self._queue.reserved += len(part)
            self._add(k, part)

    def _add(self, k: int, part: Batch) -> None:
        shelf, n, size = self._shelf, len(part), size_of(part)
        draft = Draft(f"queue {shelf.name}", part, n, size, {shelf: None})

        def apply() -> None:
            shelf.took(draft.stored(), size, cold=True)
            self._ended(n)

        def revoke() -> None:
            self._refused[k] = part
            self._ended(n)

        shelf.depot.add(Entry([draft], (), apply, revoke, Pledge(loop=shelf.depot.loop)))

    def _ended(self, n: int) -> None:
        queue = self._queue
        queue.ledger.held -= n
        queue.reserved -= n
        self._left -= 1
        if self._left:
            return
        if self._refused:
            queue.backlog.put_back([self._refused[k] for k in sorted(self._refused)])
            _stay(queue, "they could not be stored")
        queue.recall()


def _stay(queue: Shelved, reason: str) -> None:
    if len(queue.backlog):
        queue.bound.journal("events_stay_in_memory", node=queue.name, error=reason)
