"""What one write wants stored: which events, for which queues; and how writes share rows.

Values only; when they are stored is the depot's business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from sinkgraph.event import Batch
from sinkgraph.log.disk.places import log_of, placed

if TYPE_CHECKING:
    from sinkgraph.log.disk.dead import DeadRow
    from sinkgraph.log.disk.shelf import Shelf

__all__ = ["Draft", "Entry", "Pledge", "pack"]

_ROW_EVENTS = 2_000
_ROW_BYTES = 2 * 1024**2


class Pledge(asyncio.Future[None]):
    """Ends when something is on disk. Who waits for it may be cancelled, and learns it then.

    A commit that was begun is not undone: cancelling a waiting task takes effect when it ended.
    `apart`: nothing was done for those who share it, each has to write by himself.
    """

    apart = False

    def set_apart(self) -> None:
        """Tell those who wait that nothing was done."""
        self.apart = True
        self.set_result(None)

    def cancel(self, msg: object | None = None) -> bool:
        """Refuse: the commit goes on, and whoever waits is told afterwards."""
        return False


@dataclass(slots=True, eq=False)
class Draft:
    """Is one run of events to be stored once: `takers` says which of them each queue takes.

    `log` is the name of the log; `first` the place of the first event, given by the depot.
    None among the takers means all of it, else ranges of indices.
    """

    log: str
    batch: Batch
    n: int
    size: int
    takers: dict[Shelf, list[list[int]] | None] = field(default_factory=dict)
    first: int = -1
    placed: Batch | None = None

    def stored(self) -> Batch:
        """Return the batch with its places on disk, the same one for every queue."""
        if self.placed is None:
            self.placed = placed(self.batch, self.first)
        return self.placed


@dataclass(slots=True, eq=False)
class Entry:
    """Is one write in a commit; `apply` is called when it is on disk, `revoke` when it is not.

    `forget_dead`: numbers of dead letters that go with it.
    """

    drafts: list[Draft]
    dead: Sequence[DeadRow]
    apply: Callable[[], None]
    revoke: Callable[[], None]
    pledge: Pledge
    forget_dead: Sequence[int] = ()

    def stored(self) -> None:
        """It is on disk."""
        if self.pledge.done():  # its writer was told that the disk does not answer
            return
        try:
            self.apply()
        except Exception as error:  # it cannot fail; if it does, only this write learns of it
            self.pledge.set_exception(error)
            self.pledge.exception()
            return
        self.pledge.set_result(None)

    def refused(self, error: BaseException) -> None:
        """It is not on disk, or nobody knows."""
        if not self.pledge.done():
            self.revoke()
            self.pledge.set_exception(_again(error))
            self.pledge.exception()  # it may be that nobody waits any more


def _again(error: BaseException) -> BaseException:
    """Return an error of the same kind: many writers get it, each with a traceback of its own."""
    if isinstance(error, Exception) and len(error.args) == 1:
        try:
            return type(error)(*error.args)
        except Exception:
            return error
    return error


def pack(
    drafts: Sequence[Draft],
) -> list[tuple[int, int, int, bytes | None, list[Batch]]]:
    """Return the rows for drafts that were placed: (key, n, size, takers, batches)."""
    rows: list[tuple[int, int, int, bytes | None, list[Batch]]] = []
    gathered: list[Draft] = []
    n = size = 0
    for draft in sorted(drafts, key=_first) if len(drafts) > 1 else drafts:
        fits = n + draft.n <= _ROW_EVENTS and size + draft.size <= _ROW_BYTES
        follows = gathered and draft.first == gathered[-1].first + gathered[-1].n
        if gathered and not (fits and follows and log_of(draft.first) == log_of(gathered[0].first)):
            rows.append(_row(gathered, n, size))
            gathered, n, size = [], 0, 0
        gathered.append(draft)
        n += draft.n
        size += draft.size
    if gathered:
        rows.append(_row(gathered, n, size))
    return rows


def _first(draft: Draft) -> int:
    return draft.first


def _row(drafts: list[Draft], n: int, size: int) -> tuple[int, int, int, bytes, list[Batch]]:
    takers: dict[int, list[list[int]]] = {}
    at = 0
    for draft in drafts:
        for shelf, taken in draft.takers.items():
            mine = takers.setdefault(shelf.number, [])
            for a, b in taken if taken is not None else ((0, draft.n),):
                if mine and mine[-1][1] == at + a:
                    mine[-1][1] = at + b
                else:
                    mine.append([at + a, at + b])
        at += draft.n
    said = {number: None if mine == [[0, n]] else mine for number, mine in takers.items()}
    return drafts[0].first, n, size, msgspec.msgpack.encode(said), [one.batch for one in drafts]
