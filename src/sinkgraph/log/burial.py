"""What admission needs to know of a sink that keeps dead letters on disk.

It says nothing of how they are kept, nor what makes an event one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sinkgraph.event import Batch

if TYPE_CHECKING:
    from sinkgraph.log.disk.dead import DeadRow
    from sinkgraph.log.disk.depot import Depot

__all__ = ["Burial"]


class Burial(Protocol):
    """Is a sink whose dead letters are rows of a depot's store."""

    depot: Depot

    def rows(self, batch: Batch) -> list[DeadRow]:
        """Return what is stored of a batch, and keep room for it."""
        ...

    def keep(self, batch: Batch) -> None:
        """Take a batch that was accepted before; it goes to disk behind its plan."""
        ...

    def kept(self, batch: Batch) -> None:
        """Take note that a batch is on disk."""
        ...

    def refused(self, batch: Batch) -> None:
        """Take note that a batch is not on disk: give its room back."""
        ...
