"""The table of dead letters: added with a commit, then listed, grouped, shown and deleted.

It decides neither what is dead nor when to forget it, and reads no clock: times are given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    import apsw

__all__ = ["DeadRow", "add_dead"]


@dataclass(frozen=True, slots=True)
class DeadRow:
    """Is a dead letter to store: `body` is the event with its meta, as `chunk.encode` gives it.

    `at` and `first`: Unix seconds of the last and the first failure. `size`: bytes of its payload.
    """

    node: str
    reason: str
    id: str
    type: str
    at: float
    first: float
    size: int
    body: bytes


def add_dead(db: apsw.Connection, rows: Sequence[DeadRow]) -> None:
    """Add dead letters; call within a transaction."""
    if rows:
        db.executemany(
            "INSERT INTO dead (node, reason, id, type, at, first, size, crc, body)"
            " VALUES (?,?,?,?,?,?,?,?,?)",
            [
                (
                    row.node,
                    row.reason,
                    row.id,
                    row.type,
                    row.at,
                    row.first,
                    row.size,
                    crc32(row.body),
                    row.body,
                )
                for row in rows
            ],
        )
