"""One group commit: what it carries, and its work on the disk's thread.

When it is made, and what follows from it, is the depot's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from sinkgraph.log.disk.draft import Entry, pack
from sinkgraph.log.disk.notes import Changes, Notes
from sinkgraph.log.disk.shelf import Shelf
from sinkgraph.log.disk.stragglers import Bite

if TYPE_CHECKING:
    from sinkgraph.log.disk.store import Store

__all__ = ["Group"]


@dataclass(slots=True, eq=False)
class Group:
    """Is what one commit carries: writes, queues' places, records, what is to be forgotten.

    `heads`: where logs end once it is on disk. `bite`: what is thinned out after it.
    """

    entries: list[Entry]
    dirty: dict[Shelf, None]
    changes: Changes
    forget: list[tuple[int, int]]
    heads: dict[int, int] = field(default_factory=dict)
    bite: Bite | None = None

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        written = self.entries or self.dirty or self.changes
        return bool(written) or self.bite is not None

    def landed(self, *, stored: bool) -> None:
        """Tell those whose place it carried whether that is on disk now."""
        for shelf in self.dirty:
            shelf.owed.landed(stored=stored)

    def refused(self, error: BaseException) -> None:
        """Tell its writers that it is not on disk, or that nobody knows."""
        for entry in self.entries:
            entry.refused(error)

    def work(self, store: Store, seq: int, notes: Notes) -> Callable[[], None]:
        """Return the call that stores it, as it is now; drafts have been placed."""
        drafts = [draft for entry in self.entries for draft in entry.drafts]
        rows = pack(drafts) if drafts else []
        records = [(shelf.number, ("cursor", shelf.name, shelf.dump())) for shelf in self.dirty]
        records += [
            (notes.number(kind, name), (kind, name, value))
            for (kind, name), value in self.changes.items()
        ]
        dead = [row for entry in self.entries for row in entry.dead]
        forget_dead = [number for entry in self.entries for number in entry.forget_dead]
        forget, bite = self.forget, self.bite

        def store_it() -> None:
            from sinkgraph.log.disk.chunk import encode

            made: list[tuple[int, int, int, int, bytes | None, bytes]] = [
                (number, seq, 0, 0, None, msgspec.msgpack.encode(record))
                for number, record in records
            ]
            made += [
                (key, seq, n, size, takers, encode(batches))
                for key, n, size, takers, batches in rows
            ]
            store.commit(made, dead=dead, forget_dead=forget_dead, forget=forget)
            if bite is not None:
                bite(store)

        return store_it
