"""Gives back what stands between stragglers: rows nobody needs any more become one hole.

Events keep their positions, and a hole is a row that nobody takes, so neither places nor order
change. When it is worth the work is `stragglers`' decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import apsw

from sinkgraph.log.backlog import size_of
from sinkgraph.log.disk.chunk import decode, encode
from sinkgraph.log.disk.format import Row, checksum, hole, key_of, pack_takers
from sinkgraph.log.disk.intervals import Range, overlap

if TYPE_CHECKING:
    from sinkgraph.log.disk.store import NewRow, Store

__all__ = ["Thinned", "thin"]

_ROWS = 500  # looked at in one go, as long as it takes to commit a large batch
_EVENTS = 20_000
_BYTES = 1 << 20  # of the rows that are written again, in part


@dataclass(frozen=True, slots=True)
class Thinned:
    """Is how far it came, and how many events stand in the rows on the way that were kept."""

    at: int
    left: int


def thin(
    store: Store, log: int, at: int, until: int, wants: Sequence[tuple[int, Sequence[Range]]]
) -> Thinned:
    """Make room in a part of [at, until) of a log, in one transaction; it blocks.

    `wants`: what each reader may still need, (cursor, positions), beside which nobody has a right
    to anything there. What cannot be read stays untouched, and so does everything when there is
    no room for the work.
    """
    bite = _Bite(store, log)
    rows, events, room = _ROWS, _EVENTS, _BYTES
    damaged: list[Range] = []
    known = -1
    for row in store.headers(log, at, most=_ROWS):
        if row.at >= until or min(rows, events, room) <= 0:
            break
        if known != len(store._known):
            known = len(store._known)
            damaged = sorted((a, a + n) for held, a, n in store._known if held == log)
        end = row.at + row.n
        needed = _needed(row, wants)
        count = sum(b - a for a, b in needed)
        if overlap(damaged, [(row.at, end)]):
            bite.keep(row)
        elif not count:
            bite.drop(row.at, end, row.seq, hollow=not row.takers)
        elif 2 * count > row.n:
            bite.keep(row)
        else:
            room -= row.size
            bite.split(row, needed)
        rows -= 1
        events -= row.n if row.takers else 0
        at = end
    else:
        at = until
    return Thinned(at, bite.left) if bite.done() else Thinned(until, bite.before)


def _needed(row: Row, wants: Iterable[tuple[int, Sequence[Range]]]) -> list[Range]:
    """Return which positions of a row some reader may still need, in order."""
    found: list[Range] = []
    for number, ranges in wants:
        if number not in row.takers:
            continue
        taken = row.takers[number]
        mine = [(0, row.n)] if taken is None else taken
        found += overlap(ranges, [(row.at + a, row.at + b) for a, b in mine])
    joined: list[Range] = []
    for a, b in sorted(found):
        if joined and a <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(b, joined[-1][1])
        else:
            joined.append((a, b))
    return joined


@dataclass(slots=True)
class _Bite:
    """Gathers what is to be done in one transaction."""

    store: Store
    log: int
    left: int = 0
    before: int = 0
    _gone: list[Range] = field(default_factory=list)
    _made: list[NewRow] = field(default_factory=list)
    _hole: tuple[int, int, int] | None = None
    _new: bool = False  # whether the hole is one already

    def keep(self, row: Row) -> None:
        self._close()
        self.left += row.n
        self.before += row.n

    def drop(self, at: int, end: int, seq: int, *, hollow: bool = False) -> None:
        """Make these positions part of a hole; `hollow`: they are one already."""
        if not hollow:
            self.before += end - at
        self._new = self._new or self._hole is not None or not hollow
        self._hole = (at if self._hole is None else self._hole[0]), end, seq

    def split(self, row: Row, needed: Sequence[Range]) -> None:
        """Write what is needed of a row as rows of their own."""
        whole = self.store.read(self.log, row.at, most=1, until=row.at + 1)
        batch = None
        if len(whole) == 1 and whole[0].body is not None and whole[0].at == row.at:
            try:
                batch = decode(whole[0].body, key_of(self.log, row.at))
            except Exception:  # whatever a damaged body makes of the decoder
                batch = None
        if batch is None or len(batch) != row.n:
            self.keep(row)
            return
        position, end = row.at, row.at + row.n
        self._gone.append((row.at, end))
        for a, b in needed:
            if a > position:
                self.drop(position, a, row.seq)
            self._close()
            part = batch[a - row.at : b - row.at]
            takers = pack_takers(_cut(row, a, b))
            key = key_of(self.log, a)
            self._made.append((key, row.seq, b - a, size_of(part), takers, encode([part])))
            self.left += b - a
            self.before += b - a
            position = b
        if position < end:
            self.drop(position, end, row.seq)

    def _close(self) -> None:
        if self._hole is not None and self._new:
            at, end, seq = self._hole
            self._gone.append((at, end))
            self._made.append(hole(self.log, at, end - at, seq))
        self._hole, self._new = None, False

    def done(self) -> bool:
        """Do it; whether it could be done."""
        self._close()
        if not self._gone:
            return True
        store, log = self.store, self.log
        try:
            store.db.execute("BEGIN IMMEDIATE")
            store.db.executemany(
                "DELETE FROM rows WHERE key >= ? AND key < ?",
                [(key_of(log, a), key_of(log, b)) for a, b in self._gone],
            )
            store.db.executemany(
                "INSERT INTO rows (key, seq, n, size, crc, takers, body) VALUES (?,?,?,?,?,?,?)",
                [(*row[:4], checksum(*row), *row[4:]) for row in self._made],
            )
            store.db.execute("COMMIT")
        except apsw.Error as error:
            store._refusal(error)  # what was committed before holds; a failed disk is remembered
            return False
        return True


def _cut(row: Row, start: int, end: int) -> dict[int, list[list[int]] | None]:
    """Return who takes what of [start, end) of a row, which is to be a row by itself."""
    cut: dict[int, list[list[int]] | None] = {}
    for number, taken in row.takers.items():
        if taken is None:
            cut[number] = None
            continue
        mine = [
            [max(row.at + a, start) - start, min(row.at + b, end) - start]
            for a, b in taken
            if row.at + a < end and row.at + b > start
        ]
        if mine:
            cut[number] = None if mine == [[0, end - start]] else mine
    return cut
