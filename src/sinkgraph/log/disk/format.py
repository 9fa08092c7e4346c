"""The file format: names of files, schema, keys, checksums and versions.

It opens nothing; `chunk` knows what stands in a body.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from struct import Struct
from zlib import crc32

import msgspec

__all__ = [
    "APPLICATION_ID",
    "DATABASE",
    "LOCK",
    "LOG_BITS",
    "MARK",
    "SCHEMA",
    "VERSION",
    "Head",
    "Row",
    "State",
    "Takers",
    "anchor",
    "checksum",
    "header_holds",
    "hole",
    "is_hole",
    "key_of",
    "pack_record",
    "pack_takers",
    "place_of",
    "row_holds",
    "stamp_of",
    "unpack_record",
    "unpack_takers",
    "version_in",
]

DATABASE = "events.db"
LOCK = "events.lock"
MARK = "events.mark"

VERSION = 1
APPLICATION_ID = 0x534B4752  # "SKGR"

LOG_BITS = 44
"""A key is `log << 44 | position`: 17 trillion events a log, half a million logs."""

_POSITION = (1 << LOG_BITS) - 1

SCHEMA = """
CREATE TABLE rows (
  key INTEGER PRIMARY KEY, seq INTEGER NOT NULL, n INTEGER NOT NULL, size INTEGER NOT NULL,
  crc INTEGER NOT NULL, takers BLOB, body BLOB NOT NULL
);
CREATE TABLE dead (
  number INTEGER PRIMARY KEY AUTOINCREMENT, sink TEXT NOT NULL, node TEXT NOT NULL,
  reason TEXT NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL, at REAL NOT NULL,
  first REAL NOT NULL, size INTEGER NOT NULL, crc INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE INDEX dead_groups ON dead (node, reason, sink, at, first, size);
CREATE INDEX dead_ages ON dead (sink, at);
CREATE INDEX dead_ids ON dead (id);
CREATE TABLE quarantine (
  number INTEGER PRIMARY KEY, log INTEGER NOT NULL, at INTEGER NOT NULL, n INTEGER NOT NULL,
  why TEXT NOT NULL, UNIQUE (log, at)
);
"""
"""Row 0 is the store's own state. Record n is row n. Rows of a log stand without holes between
them, and the last one stays, so that a missing row is known to be damage.

A quarantined chunk is named by log and position; the row itself stays where it is, untouched,
until a repair keeps the whole damaged file aside."""

_HEADS_TOLD = 256

Takers = dict[int, list[list[int]] | None]
"""Who takes what of a row: all of it (None), or ranges of indices relative to the row."""


@dataclass(frozen=True, slots=True)
class Row:
    """Is a chunk of a log as read: events at positions [at, at + n), by group commit `seq`.

    `body` is None where it is damaged (then it is counted as such) and in `headers`, which reads
    none. A damaged row without takers: nobody knows who was to take it, so it is missing to every
    reader of the log.
    """

    log: int
    at: int
    seq: int
    n: int
    size: int
    takers: Takers
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Head:
    """Is what a log holds: the first stored position, and the one behind the last."""

    first: int
    head: int


@dataclass(frozen=True, slots=True)
class State:
    """Is what row 0 tells, as of the last commit: how much there must be of everything.

    `heads` has first position and head of each log, None where there are too many to tell.
    """

    seq: int = 0
    total: int = 0
    records: int = 0
    dead: int = 0
    heads: dict[int, tuple[int, int]] | None = None

    def row(self) -> tuple[int, int, int, int, int, None, bytes]:
        """Return row 0 as stored."""
        heads = self.heads if self.heads is None or len(self.heads) <= _HEADS_TOLD else None
        body = _pack((self.dead, heads))
        crc = checksum(0, self.seq, self.total, self.records, None, body)
        return 0, self.seq, self.total, self.records, crc, None, body

    @classmethod
    def of(cls, seq: int, total: int, records: int, body: bytes) -> State:
        """Return what row 0 tells; ValueError where nobody packed that."""
        dead, heads = _unpack_state(body)
        return cls(seq, total, records, dead, heads)


def stamp_of(version: int) -> int:
    """Return a format as the file's header tells it: with its complement, so that damage shows."""
    return version << 16 | ~version & 0xFFFF


def version_in(stamp: int) -> int | None:
    """Return the format that a header tells; None where it was damaged."""
    version = stamp >> 16
    return version if version > 0 and stamp == stamp_of(version) else None


def key_of(log: int, at: int) -> int:
    """Return the key of a position of a log."""
    return log << LOG_BITS | at


def place_of(key: int) -> tuple[int, int]:
    """Return the log and the position of a key."""
    return key >> LOG_BITS, key & _POSITION


_numbers = Struct("<qqqq").pack


def checksum(
    key: int, seq: int, n: int, size: int, takers: bytes | None, body: bytes | memoryview
) -> int:
    """Return the checksum of a row: CRC-32 of its header above, of header and body below."""
    header = crc32(_numbers(key, seq, n, size))
    if takers:
        header = crc32(takers, header)
    return (header & 0x7FFFFFFF) << 32 | crc32(body, header)


def header_holds(key: int, seq: int, n: int, size: int, crc: int, takers: bytes | None) -> bool:
    """Return whether a row is what was written as far as that is known without its body."""
    try:
        return checksum(key, seq, n, size, takers, b"") >> 32 == crc >> 32
    except (TypeError, ArithmeticError, ValueError, struct.error):
        return False


def row_holds(
    key: int, seq: int, n: int, size: int, crc: int, takers: bytes | None, body: bytes
) -> bool:
    """Return whether a row is what was written."""
    try:
        return checksum(key, seq, n, size, takers, body) == crc
    except (TypeError, ArithmeticError, ValueError, struct.error):
        return False


_pack = msgspec.msgpack.Encoder().encode
_EMPTY = _pack([])
_unpack_state = msgspec.msgpack.Decoder(tuple[int, dict[int, tuple[int, int]] | None]).decode
_unpack_takers = msgspec.msgpack.Decoder(dict[int, list[list[int]] | None]).decode
_unpack_record = msgspec.msgpack.Decoder(tuple[str, str, bytes]).decode


def pack_takers(takers: Mapping[int, list[list[int]] | None]) -> bytes:
    """Return who takes what as stored in a row."""
    return _pack(takers)


def unpack_takers(packed: bytes | None) -> Takers:
    """Return who takes what; ValueError for what nobody packed."""
    return _unpack_takers(packed) if packed else {}


def anchor(log: int, head: int, seq: int) -> tuple[int, int, int, int, None, bytes]:
    """Return a row without events that keeps the head of a log of which nothing else is left."""
    return key_of(log, head), seq, 0, 0, None, _EMPTY


def hole(log: int, at: int, n: int, seq: int) -> tuple[int, int, int, int, None, bytes]:
    """Return a row in the place of events that nobody needs any more, and that nobody takes."""
    return key_of(log, at), seq, n, 0, None, _EMPTY


def is_hole(takers: bytes | None, body: bytes) -> bool:
    """Return whether a row holds no events: it stands in their place, or keeps a head."""
    return not takers and body == _EMPTY


def pack_record(kind: str, name: str, value: bytes) -> bytes:
    """Return the body of a record."""
    return _pack((kind, name, value))


def unpack_record(body: bytes) -> tuple[str, str, bytes]:
    """Return kind, name and value of a record; ValueError for what nobody packed."""
    return _unpack_record(body)
