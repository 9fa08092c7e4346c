"""Finds table rows in the pages of a database file without trusting any of its structure.

File format: https://sqlite.org/fileformat2.html (b-tree leaf pages, overflow chains, records, the
write-ahead log). What a row is worth is for whoever asked: nothing is verified but its shape.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from types import TracebackType
from typing import Any

__all__ = ["Cell", "Image"]

_PAGE_SIZES = frozenset(1 << k for k in range(9, 17))
_LEAF = 0x0D
_wal_header = Struct(">8I")
_frame_header = Struct(">6I")
_WAL_MAGIC = 0x377F0682


@dataclass(frozen=True, slots=True)
class Cell:
    """Is a row as found: where, its rowid, its values. `free`: its page is said to be unused."""

    page: int
    index: int
    rowid: int
    values: list[Any]
    free: bool


class Image:
    """Reads the pages of a database and of its write-ahead log as far as each frame holds."""

    def __init__(self, path: str, *, page_size: int) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        self._wal = -1
        self._size = os.fstat(self._fd).st_size
        self._frames: dict[int, int] = {}
        self.bad_frames = 0
        self.beyond = 0  # committed frames behind a damaged one, which SQLite does not look at
        head = os.pread(self._fd, 100, 0)
        told = int.from_bytes(head[16:18], "big")
        told = 1 << 16 if told == 1 else told
        self.page_size = told if told in _PAGE_SIZES else 0
        if os.path.exists(f"{path}-wal"):
            self._wal = os.open(f"{path}-wal", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            self._read_wal()
        self.page_size = self.page_size or page_size
        self.pages = max(-(-self._size // self.page_size), max(self._frames, default=0))
        self.free = self._free_pages()

    def __enter__(self) -> Image:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._fd)
        if self._wal >= 0:
            os.close(self._wal)

    def page(self, number: int) -> bytes:
        """Return a page, filled with zeros where it is cut; b"" where there is none."""
        size = self.page_size
        at = self._frames.get(number)
        if at is not None:
            return os.pread(self._wal, size, at)
        if number < 1 or (number - 1) * size >= self._size:
            return b""
        return os.pread(self._fd, size, (number - 1) * size).ljust(size, b"\0")

    def cells(self) -> Iterator[Cell]:
        """Yield every row of every page that looks like a leaf of a table."""
        for number in range(1, self.pages + 1):
            page = self.page(number)
            base = 100 if number == 1 else 0
            if len(page) <= base or page[base] != _LEAF:
                continue
            count = min(int.from_bytes(page[base + 3 : base + 5], "big"), len(page) // 6)
            for index in range(count):
                cell = self._cell(page, number, base, index)
                if cell is not None:
                    yield cell

    def cell(self, number: int, index: int) -> Cell | None:
        """Return a row that was found before."""
        return self._cell(self.page(number), number, 100 if number == 1 else 0, index)

    def _cell(self, page: bytes, number: int, base: int, index: int) -> Cell | None:
        try:
            pointer = base + 8 + 2 * index
            at = int.from_bytes(page[pointer : pointer + 2], "big")
            size, at = _varint(page, at)
            rowid, at = _varint(page, at)
            payload = self._payload(page, at, size)
            if payload is None:
                return None
            rowid -= (rowid >> 63) << 64
            return Cell(number, index, rowid, _record(payload), number in self.free)
        except (IndexError, ValueError, OverflowError, struct.error):
            return None

    def _payload(self, page: bytes, at: int, size: int) -> bytes | None:
        usable = self.page_size
        most, least = usable - 35, (usable - 12) * 32 // 255 - 23
        if size > self.pages * usable:
            return None
        local = size
        if size > most:
            local = least + (size - least) % (usable - 4)
            local = local if local <= most else least
        parts = [page[at : at + local]]
        left = size - local
        following = int.from_bytes(page[at + local : at + local + 4], "big") if left else 0
        while left > 0:
            held = self.page(following)
            if not held:
                return None
            parts.append(held[4 : 4 + min(left, usable - 4)])
            left -= usable - 4
            following = int.from_bytes(held[:4], "big")
        payload = b"".join(parts)
        return payload if len(payload) == size else None

    def _free_pages(self) -> frozenset[int]:
        """Return the pages that the file says are unused, as far as its list makes sense."""
        free: set[int] = set()
        trunk = int.from_bytes(self.page(1)[32:36], "big")
        while 1 < trunk <= self.pages and trunk not in free:
            page = self.page(trunk)
            count = int.from_bytes(page[4:8], "big")
            if not page or count > self.page_size // 4 - 2:
                break
            leaves = Struct(f">{count}I").unpack_from(page, 8)
            if not all(1 < leaf <= self.pages for leaf in leaves):
                break
            free.add(trunk)
            free.update(leaves)
            trunk = int.from_bytes(page[:4], "big")
        return frozenset(free)

    def _read_wal(self) -> None:
        """Note the newest committed frame of each page; one that is damaged ends nothing.

        Checksums go on from the one before, which each frame holds, so a frame behind a damaged
        one can still be verified.
        """
        head = os.pread(self._wal, 32, 0)
        if len(head) < 32:
            return
        magic, _, told, _, salt1, salt2, sum1, sum2 = _wal_header.unpack(head)
        if magic | 1 != _WAL_MAGIC | 1 or told not in _PAGE_SIZES:
            self.bad_frames += os.fstat(self._wal).st_size > 32
            return
        if self.page_size and self.page_size != told:
            return
        self.page_size = told
        order = ">" if magic & 1 else "<"
        words = Struct(f"{order}{told // 4}I").unpack
        first = Struct(f"{order}2I").unpack
        pending: dict[int, int] = {}
        bad = 0
        at, end = 32, os.fstat(self._wal).st_size
        while at + 24 + told <= end:
            frame = os.pread(self._wal, 24 + told, at)
            number, commit, one, two, held1, held2 = _frame_header.unpack_from(frame)
            if (one, two) != (salt1, salt2):
                break
            sums = _sums(words(frame[24:]), *_sums(first(frame[:8]), sum1, sum2))
            sum1, sum2 = held1, held2
            if sums == (held1, held2):
                pending[number] = at + 24
                if commit:
                    self._frames.update(pending)
                    self.bad_frames += bad
                    self.beyond += len(pending) if self.bad_frames else 0
                    pending, bad = {}, 0
            else:
                bad += 1
            at += 24 + told  # what ends without a commit was never acknowledged


def _sums(words: tuple[int, ...], one: int, two: int) -> tuple[int, int]:
    for k in range(0, len(words), 2):
        one = (one + words[k] + two) & 0xFFFFFFFF
        two = (two + words[k + 1] + one) & 0xFFFFFFFF
    return one, two


def _varint(page: bytes, at: int) -> tuple[int, int]:
    value = 0
    for k in range(9):
        byte = page[at + k]
        if k == 8:
            return value << 8 | byte, at + 9
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            break
    return value, at + k + 1


def _record(payload: bytes) -> list[Any]:
    """Return the values of a record; ValueError where it is none."""
    end, at = _varint(payload, 0)
    kinds: list[int] = []
    while at < end:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    values: list[Any] = []
    for kind in kinds:
        value, at = _value(payload, at, kind)
        values.append(value)
    if at != len(payload):
        raise ValueError("a record ends elsewhere")
    return values


_WIDTHS = (0, 1, 2, 3, 4, 6, 8)
_double = Struct(">d").unpack_from


def _value(payload: bytes, at: int, kind: int) -> tuple[Any, int]:
    if kind >= 12:
        end = at + (kind - 12) // 2
        held = payload[at:end]
        return (str(held, "utf-8") if kind & 1 else held), end
    if kind == 0:
        return None, at
    if kind <= 6:
        end = at + _WIDTHS[kind]
        return int.from_bytes(payload[at:end], "big", signed=True), end
    if kind == 7:
        return _double(payload, at)[0], at + 8
    if kind <= 9:
        return kind - 8, at
    raise ValueError("an unknown kind of value")
