"""Where events stand on disk, as numbers: a log and a position in it, packed into one row key.

Keys below zero are not on disk: they tell the events of a write apart until it is stored.
"""

from __future__ import annotations

from itertools import count

from sinkgraph.event import Batch, Page

__all__ = ["LOG_BITS", "log_of", "placed", "position_of", "provisional", "row_key", "unplaced"]

LOG_BITS = 44
"""Bits of a position: 1.7e13 events in one log."""

_POSITIONS = (1 << LOG_BITS) - 1
_drafts = count(1)


def row_key(log: int, position: int) -> int:
    """Return the place of a position of a log."""
    return (log << LOG_BITS) | position


def log_of(place: int) -> int:
    """Return the log of a place."""
    return place >> LOG_BITS


def position_of(place: int) -> int:
    """Return the position of a place in its log."""
    return place & _POSITIONS


def provisional(batch: Batch) -> None:
    """Number the events of a batch that stand nowhere yet, so that what is picked is known."""
    if batch.page.places is None:
        batch.page.places = -(next(_drafts) << LOG_BITS)


def placed(batch: Batch, first: int) -> Batch:
    """Return a batch of the same events at the places from `first` on.

    The one given stays as it is: queues that do not store it hold its page too.
    """
    return _copied(batch, first)


def unplaced(batch: Batch) -> Batch:
    """Return the batch without places: what it has are those of somebody else, or provisional."""
    return batch if batch.page.places is None else _copied(batch, None)


def _copied(batch: Batch, places: int | list[int] | None) -> Batch:
    page, i, j = batch.page, batch.i, batch.j
    copied = Page(
        page.values[i:j],
        page.uid,
        page.base + i,
        source=page.source,
        type=page.type,
        marks=[(0, page.time_at(i)), *((at - i, when) for at, when in page.marks if i < at < j)],
        seqs=None if page.seqs is None else page.seqs[i:j],
        places=places,
    )
    return Batch(copied, 0, j - i)


def picked(batch: Batch, indices: list[int], first: int) -> Batch:
    """Return a batch that was picked from a stored one: its k-th event is `indices[k]` there."""
    return _copied(batch, [first + k for k in indices])
