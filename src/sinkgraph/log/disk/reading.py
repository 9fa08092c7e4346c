"""Reads the rows of a log one after the other, and says what is damaged instead of stopping at it.

Rows of a log stand without holes, so whatever is missing between two of them is counted. It
changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import apsw

from sinkgraph.log.disk.format import (
    LOG_BITS,
    Row,
    header_holds,
    key_of,
    place_of,
    row_holds,
    unpack_takers,
)

__all__ = ["UNREADABLE", "Damage", "is_damage", "log_ends", "scan", "uncovered"]

UNREADABLE = (apsw.Error, UnicodeDecodeError)
"""What SQLite raises over a damaged file: a number may have become text that is none."""

_HEADER = "key, seq, n, size, crc, takers"
_COLUMNS = f"{_HEADER}, body"
_FIRST = f"SELECT {_HEADER} FROM rows WHERE key >= ? ORDER BY key LIMIT 1"
_LAST = f"SELECT {_HEADER} FROM rows WHERE key < ? ORDER BY key DESC LIMIT 1"
_FURTHER = 4_096  # rows looked through for the next one that holds
_FEW = 64
_MOST_BYTES = 16 << 20  # payload read at a time, and one row more
_MISSING = "its rows are missing"


class Damage(Exception):
    """Say that the file's structure is broken where it has to be known."""


def is_damage(error: Exception) -> bool:
    """Return whether an error says that the file is not as it was written."""
    if isinstance(error, apsw.IOError):  # it ends where a page should be
        return getattr(error, "extendedresult", 0) == apsw.SQLITE_IOERR_SHORT_READ
    return isinstance(error, apsw.CorruptError | apsw.NotADBError | Damage | ValueError)


def scan(
    db: apsw.Connection, log: int, at: int, until: int, *, bodies: bool, most: int
) -> Iterator[tuple[Row, str]]:
    """Yield what stands at [at, until) of a log, with what is wrong with it ("" for nothing).

    The caller must know that all of [at, until) was stored. About `most` events are read at a
    time; when the iterator is left early no transaction stays open.
    """
    position, seq = at, 0
    while position < until:
        rows, broken = _stretch(db, log, position, until, bodies, most)
        for row, why in rows:
            yield row, why
            position, seq = row.at + row.n, row.seq
        if not broken:
            continue
        header = _next(db, log, position, until)
        if header is None:
            yield Row(log, position, seq, until - position, 0, {}, None), broken
            return
        row = _row(header, None)
        if row.at > position:
            yield Row(log, position, row.seq, row.at - position, 0, {}, None), broken
            position = row.at
        elif not rows:  # it is not where it should be, or its header is all that can be read
            body = _reached(db, header[0]) if bodies else None
            yield _row(header, body), "" if body is not None or not bodies else broken
            position = row.at + row.n


def _stretch(
    db: apsw.Connection, log: int, at: int, until: int, bodies: bool, most: int
) -> tuple[list[tuple[Row, str]], str]:
    """Return rows from the one that covers `at` as long as all is well, and what was not then."""
    rows: list[tuple[Row, str]] = []
    base, position, left, room = key_of(log, 0), at, most, _MOST_BYTES
    cursor = None
    try:
        cursor = db.execute(
            f"SELECT {_COLUMNS if bodies else _HEADER} FROM rows WHERE key >= ? AND key < ?"
            " ORDER BY key",
            (_covering(db, log, at), base + until),
        )
        for found in cursor:
            if not header_holds(*found[:6]):
                return rows, "its header is damaged"
            start, n = found[0] - base, found[2]
            if start + n <= position:
                continue  # an anchor, or met again behind a broken page
            if start > position:
                return rows, _MISSING
            if bodies and not row_holds(*found):
                rows.append((_row(found, None), "its events are damaged"))
            else:
                rows.append((_row(found, found[6] if bodies else None), ""))
            position = start + n
            left -= n
            room -= found[3]
            if left <= 0 or room <= 0 or position >= until:
                return rows, ""
    except UNREADABLE as error:
        if not is_damage(error):
            raise
        return rows, "its page is damaged"
    finally:
        if cursor is not None:
            cursor.close(True)
    return rows, _MISSING


def _row(header: tuple[Any, ...], body: bytes | None) -> Row:
    log, at = place_of(header[0])
    return Row(log, at, header[1], header[2], header[3], unpack_takers(header[5]), body)


def _covering(db: apsw.Connection, log: int, at: int) -> int:
    """Return the key of the row that holds a position, or that of the position itself."""
    low = key_of(log, at)
    row: Any = db.execute(
        "SELECT key, n FROM rows WHERE key >= ? AND key <= ? ORDER BY key DESC LIMIT 1",
        (key_of(log, 0), low),
    ).get
    if row is not None and isinstance(row[1], int) and row[0] + row[1] > low:
        return int(row[0])
    return low


def _next(db: apsw.Connection, log: int, at: int, until: int) -> tuple[Any, ...] | None:
    """Return the first header found at or behind `at` that holds, or None.

    It first goes on where it is, then tries further and further away, and then back from there.
    """
    low, end, step = key_of(log, at), key_of(log, until), 1
    while low < end:
        try:
            found = _first_that_holds(db, low, end)
        except UNREADABLE as error:
            if not is_damage(error):
                raise
            low, step = low + step, step * 2
            continue
        return _back(db, key_of(log, at), found) if found is not None and step > 1 else found
    return None


def _first_that_holds(db: apsw.Connection, low: int, end: int) -> tuple[Any, ...] | None:
    """Return the next whole header; damaged keys on the way may claim to be anywhere."""
    forwards = f"SELECT {_HEADER} FROM rows WHERE key >= ? ORDER BY key LIMIT ?"
    for header in _headers(db, forwards, (low, _FURTHER)):
        if header_holds(*header):
            if header[0] >= end:
                return None
            if header[0] >= low and header[2]:
                return header
    return None


def _reached(db: apsw.Connection, key: int) -> bytes | None:
    """Return the body of a row that stands behind others which claim to come after it."""
    forwards = f"SELECT {_COLUMNS} FROM rows WHERE key >= ? ORDER BY key LIMIT ?"
    try:
        for found in _headers(db, forwards, (key, _FEW)):
            if found[0] == key and row_holds(*found):
                body: bytes = found[6]
                return body
    except UNREADABLE as error:
        if not is_damage(error):
            raise
    return None


def _back(db: apsw.Connection, low: int, found: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the first row from `low` on that can be reached backwards from one that holds."""
    backwards = f"SELECT {_HEADER} FROM rows WHERE key < ? AND key >= ? ORDER BY key DESC LIMIT ?"
    try:
        for header in _headers(db, backwards, (found[0], low, _FURTHER)):
            if not header_holds(*header) or not low <= header[0] < found[0]:
                break
            if header[2]:
                found = header
    except UNREADABLE as error:
        if not is_damage(error):
            raise
    return found


def _headers(db: apsw.Connection, sql: str, values: tuple[int, ...]) -> Iterator[tuple[Any, ...]]:
    cursor = db.execute(sql, values)
    try:
        yield from cursor
    finally:
        cursor.close(True)


def log_ends(
    db: apsw.Connection, told: dict[int, tuple[int, int]] | None
) -> dict[int, tuple[int, int]]:
    """Return first position and head of every log: as `told`, else by its first and last row.

    Raises Damage where new rows could not stand behind the last one, or the ends are not known.
    """
    try:
        if told is not None:
            for log in told:
                db.execute(_LAST, (key_of(log + 1, 0),)).fetchall()
            return told
        ends: dict[int, tuple[int, int]] = {}
        start = 1 << LOG_BITS
        first: Any
        while (first := db.execute(_FIRST, (start,)).get) is not None:
            log, at = place_of(first[0])
            start = key_of(log + 1, 0)
            last: Any = db.execute(_LAST, (start,)).get
            if last is None or not (header_holds(*first) and header_holds(*last)):
                raise Damage(f"the ends of log {log} are damaged")
            ends[log] = at, place_of(last[0])[1] + last[2]
        return ends
    except UNREADABLE as error:
        if not is_damage(error):
            raise
        raise Damage(str(error)) from None


def uncovered(row: Row, known: Iterable[tuple[int, int, int]]) -> list[tuple[int, int]]:
    """Return (position, events) of a row that none of `known`, (log, position, events), covers."""
    fresh: list[tuple[int, int]] = []
    at, end = row.at, row.at + row.n
    for _, start, n in sorted(one for one in known if one[0] == row.log):
        if start < end and start + n > at:
            if start > at:
                fresh.append((at, start - at))
            at = start + n
    if at < end:
        fresh.append((at, end - at))
    return fresh
