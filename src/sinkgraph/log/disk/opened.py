"""A store as it was found when it was opened: what stands where, for whom.

It runs on the disk's thread, before there is a depot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sinkgraph.log.disk.errors import StateDamaged
from sinkgraph.log.disk.reserve import shortfall
from sinkgraph.log.disk.shelf import Stretch, recover

if TYPE_CHECKING:
    from sinkgraph.log.disk.store import Store

__all__ = ["Opened", "open_store"]


@dataclass(slots=True)
class Opened:
    """Is an open store, its logs' first positions and heads, and each queue's places by name.

    `short`: the bytes free on a disk that had no room for the reserve; None where it had.
    """

    store: Store
    heads: dict[int, int]
    firsts: dict[int, int]
    stretches: dict[str, dict[int, Stretch]]
    short: int | None = None


def open_store(directory: str, vfs: str | None = None) -> Opened:
    """Open the store of a state dir and find out where every queue stands; it blocks.

    Raises StartFailed when it cannot be used, saying what to do.
    """
    from sinkgraph.log.disk.store import Store

    store = Store.open(directory, vfs=vfs)
    try:
        if n := store.lost_records:  # whose events are whose is not known any more
            said = "1 of its records" if n == 1 else f"{n:,} of its records"
            raise StateDamaged(store.path, directory, f"{said} cannot be read")
        known = store.heads()
        heads = {log: head.head for log, head in known.items()}
        stretches: dict[str, dict[int, Stretch]] = {}
        for (kind, name), (number, value) in store.records.items():
            if kind == "cursor":
                stretches[name] = recover(value, number, store)
        for places in stretches.values():  # a log that is empty by now goes on where it was
            for log, one in places.items():
                heads[log] = max(heads.get(log, 0), one.head)
    except BaseException:
        store.close()
        raise
    firsts = {log: known[log].first if log in known else head for log, head in heads.items()}
    return Opened(store, heads, firsts, stretches, shortfall(directory) if vfs is None else None)
