"""A claim of a shelf that can be undone, as long as nothing was stored there since.

Who claims, and when it is undone, is the queues' and the reload's affair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sinkgraph.log.disk.depot import Depot

__all__ = ["Loan"]


class Loan:
    """Is a `shelf` as a queue of that name claims it, `was` being its name so far."""

    def __init__(self, depot: Depot, name: str, was: str | None) -> None:
        self._depot = depot
        self._name = name
        self._known = dict(depot.shelves)
        self.shelf = depot.claim(name, was)
        self._takes, self._keeper = self.shelf.takes, self.shelf.keeper

    def give_back(self) -> None:
        """Let it stand, and be kept, as before; forget it when it was not there."""
        before = next((name for name, one in self._known.items() if one is self.shelf), None)
        if before is None:
            self._depot.shelves.pop(self.shelf.name, None)
            return
        if before != self._name:
            self._depot.claim(before, self._name)
        self.shelf.takes, self.shelf.keeper = self._takes, self._keeper
