"""The open database of a state directory: commits, and rows as they were written.

Every call blocks and belongs on one thread. It knows no event: `chunk` makes bodies and reads them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import apsw

from sinkgraph.log.disk.dead import DeadRow, add_dead
from sinkgraph.log.disk.format import (
    APPLICATION_ID,
    DATABASE,
    LOG_BITS,
    SCHEMA,
    VERSION,
    Head,
    Row,
    checksum,
    header_holds,
    key_of,
    place_of,
    row_holds,
    unpack_record,
    unpack_takers,
)
from sinkgraph.log.disk.lock import Lock
from sinkgraph.log.disk.mark import MarkFile

__all__ = ["NewRow", "Store"]

NewRow = tuple[int, int, int, int, bytes | None, bytes]
"""What a commit is given: key, seq, n, size, takers, body."""

PAGE_SIZE = 4096
CHECKPOINT_PAGES = 750  # of the WAL; with one commit more it stays below its limit
WAL_LIMIT = 4 << 20
_MOST_ROWS = 1_000  # in one statement
_HEADERS = 500  # read at a time


class Store:
    """Holds one `events.db`; see the module. Make it with `open`."""

    def __init__(self, directory: str, connection: apsw.Connection, mark: MarkFile) -> None:
        self.directory = directory
        self.records: dict[tuple[str, str], tuple[int, bytes]] = {}
        self.cut = 0
        self.seq = 0
        self._db = connection
        self._mark = mark
        self._lock: Lock | None = None
        self._total = 0
        self._next_record = 1

    @classmethod
    def open(
        cls,
        directory: str,
        *,
        vfs: str | None = None,
        read_only: bool = False,
        page_size: int = PAGE_SIZE,
    ) -> Store:
        lock = None
        if vfs is None and not read_only:
            os.makedirs(directory, mode=0o700, exist_ok=True)
            lock = Lock(directory)
        path = os.path.join(directory, DATABASE)
        if lock is not None:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
        if read_only:
            flags = apsw.SQLITE_OPEN_READONLY
        db = apsw.Connection(path, flags=flags, vfs=vfs)
        if not read_only and not db.pragma("user_version"):
            db.pragma("page_size", page_size)
            db.pragma("journal_mode", "wal")
            db.execute(
                f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA application_id={APPLICATION_ID};"
                f" PRAGMA user_version={VERSION}; COMMIT"
            )
        db.pragma("synchronous", "FULL")
        db.pragma("journal_size_limit", WAL_LIMIT)
        db.pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        store = cls(directory, db, MarkFile(directory, vfs=vfs))
        store._lock = lock
        store._load()
        return store

    def _load(self) -> None:
        for key, seq, n, size, crc, takers, body in self._db.execute(
            "SELECT key, seq, n, size, crc, takers, body FROM rows WHERE key < ?", (1 << LOG_BITS,)
        ):
            if not row_holds(key, seq, n, size, crc, takers, body):
                continue
            if key == 0:
                self.seq, self._total = seq, n
                continue
            kind, name, value = unpack_record(body)
            self.records[kind, name] = (key, value)
            self._next_record = key + 1
        self.cut = max(0, self._mark.read().total - self._total)

    def next_record_id(self) -> int:
        """Return an id for a record that has none yet, another one each time."""
        number, self._next_record = self._next_record, self._next_record + 1
        return number

    def heads(self) -> dict[int, Head]:
        """Return what each log holds."""
        found: dict[int, Head] = {}
        start = 1 << LOG_BITS
        while True:
            row = self._db.execute(
                "SELECT key FROM rows WHERE key >= ? ORDER BY key LIMIT 1", (start,)
            ).get
            if row is None:
                return found
            log, first = place_of(row)
            start = key_of(log + 1, 0)
            last, n = self._db.execute(
                "SELECT key, n FROM rows WHERE key < ? ORDER BY key DESC LIMIT 1", (start,)
            ).get
            found[log] = Head(first, place_of(last)[1] + n)

    def commit(
        self,
        rows: Sequence[NewRow],
        *,
        dead: Sequence[DeadRow] = (),
        forget_dead: Sequence[int] = (),
        forget: Sequence[tuple[int, int]] = (),
    ) -> None:
        """Store everything or nothing, durably, before returning."""
        seq = max([self.seq + 1, *[row[1] for row in rows]])
        total = self._total + len(dead)
        values: list[Any] = []
        for key, at_seq, n, size, takers, body in rows:
            if key >> LOG_BITS:
                total += n
            values += (key, at_seq, n, size, checksum(key, at_seq, n, size, takers, body))
            values += (takers, body)
        values += (0, seq, total, 0, checksum(0, seq, total, 0, None, b""), None, b"")
        db = self._db
        if dead or forget_dead or forget or len(rows) >= _MOST_ROWS:
            with db:
                for i in range(0, len(values), 7 * _MOST_ROWS):
                    part = values[i : i + 7 * _MOST_ROWS]
                    db.execute(_upsert(len(part) // 7), part)
                add_dead(db, dead)
                db.executemany("DELETE FROM dead WHERE number = ?", [(one,) for one in forget_dead])
                for log, below in forget:
                    self._forget(log, below)
        else:
            db.execute(_upsert(len(rows) + 1), values)
        self.seq, self._total = seq, total
        self._mark.write(seq, total)

    def _forget(self, log: int, below: int) -> None:
        """Delete the rows of a log that hold nothing at or behind a position."""
        row = self._db.execute(
            "SELECT key, n FROM rows WHERE key >= ? AND key < ? ORDER BY key DESC LIMIT 1",
            (key_of(log, 0), key_of(log, below)),
        ).get
        if row is None:
            return
        key, n = row
        end = key + (place_of(key)[1] + n <= below)
        self._db.execute("DELETE FROM rows WHERE key >= ? AND key < ?", (key_of(log, 0), end))

    def read(self, log: int, at: int, *, most: int = 1000, until: int | None = None) -> list[Row]:
        """Return the rows that overlap [at, until), oldest first, until `most` events."""
        found: list[Row] = []
        left = most
        low, high = self._bounds(log, at, until)
        cursor = self._db.execute(
            "SELECT key, seq, n, size, crc, takers, body FROM rows"
            " WHERE key >= ? AND key < ? ORDER BY key",
            (low, high),
        )
        try:
            for key, seq, n, size, crc, takers, body in cursor:
                if not row_holds(key, seq, n, size, crc, takers, body):
                    body = None
                found.append(Row(log, place_of(key)[1], seq, n, size, unpack_takers(takers), body))
                left -= n
                if left <= 0:
                    break
        finally:
            cursor.close()
        return found

    def headers(self, log: int, at: int) -> Iterator[Row]:
        """Yield the rows from a position on as `read` gives them, without bodies."""
        low, high = self._bounds(log, at, None)
        while True:
            rows = self._db.execute(
                "SELECT key, seq, n, size, crc, takers FROM rows"
                " WHERE key >= ? AND key < ? ORDER BY key LIMIT ?",
                (low, high, _HEADERS),
            ).fetchall()
            for key, seq, n, size, crc, takers in rows:
                header_holds(key, seq, n, size, crc, takers)
                yield Row(log, place_of(key)[1], seq, n, size, unpack_takers(takers), None)
            if len(rows) < _HEADERS:
                return
            low = rows[-1][0] + 1

    def _bounds(self, log: int, at: int, until: int | None) -> tuple[int, int]:
        """Return the keys between which rows overlap [at, until)."""
        low = key_of(log, at)
        row = self._db.execute(
            "SELECT key, n FROM rows WHERE key >= ? AND key < ? ORDER BY key DESC LIMIT 1",
            (key_of(log, 0), low),
        ).get
        if row is not None and row[0] + row[1] > low:
            low = row[0]
        return low, key_of(log + 1, 0) if until is None else key_of(log, until)

    def close(self) -> None:
        """Write everything into the one file, release it and the directory; idempotent."""
        self._db.close()
        self._mark.close()
        if self._lock is not None:
            self._lock.release()


@lru_cache(maxsize=_MOST_ROWS + 1)
def _upsert(n: int) -> str:
    values = ",".join(["(?,?,?,?,?,?,?)"] * n)
    return (
        f"INSERT INTO rows (key, seq, n, size, crc, takers, body) VALUES {values}"
        " ON CONFLICT(key) DO UPDATE SET seq=excluded.seq, n=excluded.n, size=excluded.size,"
        " crc=excluded.crc, takers=excluded.takers, body=excluded.body"
    )
