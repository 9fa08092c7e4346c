"""The open database of a state directory: commits, and rows as they were written.

Every call blocks and belongs on one thread. It knows no event: `chunk` makes bodies and reads them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import apsw

from sinkgraph.errors import StoreFailed, StoreFull
from sinkgraph.log.disk.carve import Image
from sinkgraph.log.disk.dead import DeadRow, add_dead, delete_dead
from sinkgraph.log.disk.errors import StateDamaged, StateUnusable
from sinkgraph.log.disk.format import (
    DATABASE,
    LOG_BITS,
    Head,
    Row,
    State,
    anchor,
    checksum,
    key_of,
    place_of,
    row_holds,
    unpack_record,
)
from sinkgraph.log.disk.lock import Lock
from sinkgraph.log.disk.mark import MarkFile
from sinkgraph.log.disk.opening import connect, connect_to_read, failure
from sinkgraph.log.disk.reading import UNREADABLE, Damage, is_damage, log_ends, scan, uncovered
from sinkgraph.log.disk.reserve import RESERVE_BYTES, Reserve, set_aside
from sinkgraph.log.disk.standing import Standing

__all__ = ["PAGE_SIZE", "NewRow", "Store"]

NewRow = tuple[int, int, int, int, bytes | None, bytes]
"""What a commit is given: key, seq, n, size, takers, body."""

PAGE_SIZE = 4096
CHECKPOINT_PAGES = 750
"""Pages in the write-ahead log that are moved to the database; with a commit it stays < 4 MiB."""

_MOST_ROWS = 1_000  # in one statement
_STRANGE = 100  # rows that do not hold, after which the records are given up
_AT_ONCE = 20_000  # events whose headers are read at a time


class Store:
    """Holds one `events.db`. Make it with `open`; close it where it was opened.

    `records`: (kind, name) → (record id, value), as they were at open. `seq`: the last commit.
    `cut`: events that were committed and that the database has no more. `damaged`: events found
    damaged so far. `lost_records`: records that could not be read at open.
    """

    def __init__(self, directory: str, db: apsw.Connection, mark: MarkFile | None) -> None:
        self.directory = directory
        self.path = os.path.join(directory, DATABASE)
        self.records: dict[tuple[str, str], tuple[int, bytes]] = {}
        self.cut = self.seq = self.damaged = self.lost_records = 0
        self.db = db
        self._standing = Standing(self.path)
        self._mark = mark
        self._lock: Lock | None = None
        self._reserve: Reserve | None = None
        self._state = State()
        self._ends: dict[int, tuple[int, int]] = {}  # first position and head of each log
        self._known: set[tuple[int, int, int]] = set()  # damage: log, position, events
        self._next_record = 1
        self._failed: str | None = None
        self._closed = False
        self._wal_pages, self._checkpoint_at = 0, CHECKPOINT_PAGES

    @classmethod
    def open(
        cls,
        directory: str,
        *,
        vfs: str | None = None,
        read_only: bool = False,
        page_size: int = PAGE_SIZE,
    ) -> Store:
        """Open the store of a state directory, made where there is none.

        `read_only` makes nothing, takes no lock, and may look at a directory that is in use.
        `vfs` names an SQLite VFS through which all files are reached; there is no lock then, so a
        process that dies in a simulation holds none. Raises StateLocked, StateNewer, StateOlder,
        StateDamaged and StateUnusable.
        """
        if read_only:
            store = cls(directory, connect_to_read(directory, vfs), None)
            store.db.execute("BEGIN")  # it is seen as it is now, whoever goes on writing
        else:
            db, lock = connect(directory, vfs, page_size)
            store = cls(directory, db, MarkFile(directory, vfs=vfs))
            store._lock = lock
            db.set_wal_hook(store._note_wal)
        try:
            store._load(MarkFile(directory, vfs=vfs))
        except BaseException:
            store._failed = "it could not be opened"
            store.close()
            raise
        if store._lock is not None:
            store._reserve = set_aside(directory)
        return store

    def _load(self, mark: MarkFile) -> None:
        try:
            self._load_records()
            self._ends = log_ends(self.db, self._state.heads)
            self._known = set(self.db.execute("SELECT log, at, n FROM quarantine"))
            self.damaged = sum(n for _, _, n in self._known)
        except (apsw.Error, Damage, ValueError) as error:
            if is_damage(error):
                raise StateDamaged(self.path, self.directory, str(error)) from None
            raise StateUnusable(f"cannot read {self.path}: {error}") from None
        self.cut = max(0, mark.read().total - self._state.total)
        mark.close()
        if self.cut and self._lock is not None:
            with Image(self.path, page_size=PAGE_SIZE) as image:
                if image.beyond:  # it would be gone with the next commit
                    raise StateDamaged(
                        self.path, self.directory, "its write-ahead log, not up to the end"
                    )

    def _load_records(self) -> None:
        """Read row 0 and the records; a damaged key may claim to be anywhere."""
        seen: set[int] = set()
        strange = 0
        told = False
        cursor = self.db.execute(
            "SELECT key, seq, n, size, crc, takers, body FROM rows ORDER BY key"
        )
        for key, seq, n, size, crc, takers, body in cursor:
            if not row_holds(key, seq, n, size, crc, takers, body):
                strange += 1
                if strange > _STRANGE:
                    break
                continue
            if key >> LOG_BITS:
                break
            if key == 0:
                self._state, told = State.of(seq, n, size, body), True
                continue
            kind, name, value = unpack_record(body)
            self.records[kind, name] = (key, value)
            seen.add(key)
            self.seq = max(self.seq, seq)
        cursor.close(True)
        if not told and (seen or strange):
            raise Damage("its own record cannot be read")
        self.seq = max(self.seq, self._state.seq)
        self.lost_records = self._state.records - len(seen)
        self._next_record = max(self._state.records, max(seen, default=0)) + 1

    def next_record_id(self) -> int:
        """Return an id for a record that has none yet, another one each time."""
        number, self._next_record = self._next_record, self._next_record + 1
        return number

    def heads(self) -> dict[int, Head]:
        """Return what each log holds; one that was forgotten whole begins at its head."""
        return {log: Head(first, head) for log, (first, head) in self._ends.items()}

    def commit(
        self,
        rows: Sequence[NewRow],
        *,
        dead: Sequence[DeadRow] = (),
        forget_dead: Sequence[int] = (),
        forget: Sequence[tuple[int, int]] = (),
    ) -> None:
        """Store everything or nothing, and return when it is on disk for good.

        Rows of a log go on at its head, or replace rows it has. `forget`: (log, position), rows
        that end there or before are deleted. Raises StoreFull: nothing was stored, try again
        later. Raises StoreFailed: what was stored is unknown, and no later commit is taken.
        """
        self._failed = self._failed or (self._lock.lost() if self._lock is not None else None)
        if self._failed is not None or self._mark is None:
            raise StoreFailed(self._failed or f"{self.path} was opened to be read only")
        if self._reserve is not None and not self._reserve.held:
            self._keep_reserve(bool(dead) or any(row[0] >> LOG_BITS for row in rows))
        state, values = self._after(rows, len(dead))
        db = self.db
        try:
            if not (dead or forget_dead or forget) and len(rows) < _MOST_ROWS:
                values += state.row()
                db.execute(_upsert(len(rows) + 1), values)
            else:
                db.execute("BEGIN IMMEDIATE")
                for i in range(0, len(values), 7 * _MOST_ROWS):
                    part = values[i : i + 7 * _MOST_ROWS]
                    db.execute(_upsert(len(part) // 7), part)
                add_dead(db, dead)
                gone = delete_dead(db, forget_dead)
                ends = dict(state.heads or {})
                for log, below in forget:
                    if log in ends:
                        ends[log] = self._forget(log, below, ends[log], state.seq)
                state = replace(state, dead=max(0, state.dead - gone), heads=ends)
                db.execute(_upsert(1), state.row())
                db.execute("COMMIT")
            self._standing.check()
        except apsw.Error as error:
            raise self._refusal(error) from None
        self._state = state
        self._ends = state.heads or {}
        self.seq = state.seq
        self._mark.write(state.seq, state.total)
        if self._wal_pages >= self._checkpoint_at:
            self._checkpoint()

    def _after(self, rows: Sequence[NewRow], dead: int) -> tuple[State, list[Any]]:
        """Return the state after a commit of rows, and the rows' values."""
        was = self._state
        seq, total, records = was.seq + 1, was.total + dead, was.records
        ends = self._ends
        values: list[Any] = []
        for key, at_seq, n, size, takers, body in rows:
            values += (key, at_seq, n, size, checksum(key, at_seq, n, size, takers, body))
            values += (takers, body)
            if at_seq > seq:
                seq = at_seq
            if log := key >> LOG_BITS:
                total += n
                at = place_of(key)[1]
                first, head = ends.get(log, (at, at))
                if at < first or at + n > head:
                    if ends is self._ends:
                        ends = dict(ends)
                    ends[log] = min(at, first), max(at + n, head)
            elif key > records:
                records = key
        self._next_record = max(self._next_record, records + 1)
        return State(seq, total, records, was.dead + dead, ends), values

    def _forget(self, log: int, below: int, ends: tuple[int, int], seq: int) -> tuple[int, int]:
        """Delete the rows of a log that end at a position or before; return its new ends."""
        first, head = ends
        below = min(below, head)
        if below <= first:
            return ends
        end = below
        if below < head and self._one("SELECT key FROM rows WHERE key = ?", key_of(log, below)) < 0:
            within = "SELECT key FROM rows WHERE key < ? ORDER BY key DESC LIMIT 1"
            end = max(first, self._one(within, key_of(log, below)) - key_of(log, 0))
        low, sql = 0, "DELETE FROM rows WHERE key >= ? AND key < ?"
        for _, spared, _ in sorted(one for one in self._known if one[0] == log and one[1] < end):
            self.db.execute(sql, (key_of(log, low), key_of(log, spared)))
            low = spared + 1  # the pages of a damaged row may be another's: it stays untouched
        self.db.execute(sql, (key_of(log, low), key_of(log, end)))
        if end >= head:
            held = anchor(log, end, seq)
            self.db.execute(_upsert(1), (*held[:4], checksum(*held), *held[4:]))
        return max(first, end), head

    def _keep_reserve(self, more: bool) -> None:
        """Refuse more events while there is no room set aside, on the disk or in the file."""
        if not more or (self._reserve is not None and self._reserve.take()):
            return
        free = self._one("SELECT freelist_count FROM pragma_freelist_count() WHERE ?", 1)
        if free * self.db.pragma("page_size") < RESERVE_BYTES:
            raise StoreFull(f"no room for {self.path}: the disk is full")

    def _one(self, sql: str, key: int) -> int:
        found = self.db.execute(sql, (key,)).get
        return -1 if found is None else int(found)

    def _refusal(self, error: apsw.Error) -> Exception:
        """Take back what a failed commit began, and return the error for its writers."""
        refused = failure(error, self.path, self.db)
        try:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
        except apsw.Error as worse:
            refused = failure(worse, self.path, self.db)
        if isinstance(refused, StoreFailed):
            self._failed = str(refused)
        elif self._reserve is not None and self._reserve.give_up():
            self._checkpoint()  # the next try finds room in what the log takes up now
        return refused

    def _note_wal(self, _db: apsw.Connection, _name: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK

    def _checkpoint(self) -> None:
        """Move the write-ahead log into the database; the commit before it holds anyway."""
        try:
            self.db.wal_checkpoint()
            self._checkpoint_at = CHECKPOINT_PAGES
        except (apsw.FullError, apsw.BusyError, apsw.LockedError):
            self._checkpoint_at = self._wal_pages + CHECKPOINT_PAGES // 4
        except apsw.Error as error:
            refused = failure(error, self.path, self.db)
            if isinstance(refused, StoreFailed):
                self._failed = str(refused)
        self._wal_pages = 0

    def read(self, log: int, at: int, *, most: int = 1000, until: int | None = None) -> list[Row]:
        """Return the rows that overlap [at, until), oldest first, until `most` events.

        A damaged one has no body; it is counted and quarantined when it is first met.
        """
        rows: list[Row] = []
        left = most
        for row, why in self._scan(log, at, until, bodies=True, most=most):
            if why:
                self._quarantine(row, why)
            rows.append(row)
            left -= row.n
            if left <= 0:
                break
        return rows

    def verify(self, log: int) -> Iterator[tuple[Row, str]]:
        """Yield every row of a log and what is wrong with it; nothing is counted or quarantined."""
        return self._scan(log, 0, None, bodies=True, most=1_000)

    @property
    def told_dead(self) -> int:
        """How many dead letters there must be."""
        return self._state.dead

    def headers(self, log: int, at: int, *, most: int = _AT_ONCE) -> Iterator[Row]:
        """Yield the rows from a position on as `read` gives them, without bodies."""
        for row, why in self._scan(log, at, None, bodies=False, most=most):
            if why:
                self._quarantine(row, why)
            yield row

    def select(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return what a query finds; for `dead` and `salvage`, which have tables of their own."""
        try:
            return self.db.execute(sql, tuple(values)).fetchall()
        except UNREADABLE as error:
            raise failure(error, self.path, self.db) from error

    def _scan(
        self, log: int, at: int, until: int | None, *, bodies: bool, most: int
    ) -> Iterator[tuple[Row, str]]:
        first, head = self._ends.get(log, (0, 0))
        at = max(at, first)
        until = head if until is None else min(until, head)
        try:
            yield from scan(self.db, log, at, until, bodies=bodies, most=most)
        except apsw.Error as error:
            raise failure(error, self.path, self.db) from error

    def _quarantine(self, row: Row, why: str) -> None:
        """Count damaged positions once, here and on disk as far as that can be done."""
        fresh = uncovered(row, self._known)
        for at, n in fresh:
            self._known.add((row.log, at, n))
            self.damaged += n
        if not fresh or self._mark is None or self._failed is not None:
            return
        try:
            self.db.executemany(
                "INSERT OR IGNORE INTO quarantine (log, at, n, why) VALUES (?,?,?,?)",
                [(row.log, at, n, why) for at, n in fresh],
            )
        except apsw.Error as error:
            self._refusal(error)

    def close(self) -> None:
        """Write everything into the one file, release it and the directory; idempotent."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._failed is not None:  # what a failed sync left is never tried again
                self.db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            self.db.set_wal_hook(None)
            self.db.close(True)
        except apsw.Error:
            pass  # what was committed is in the write-ahead log
        finally:
            if self._mark is not None:
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
