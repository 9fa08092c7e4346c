"""The position kept aside: how far commits had come, so that a tail cut off is noticed.

It is written after each commit and never synced: one that is torn, missing or behind says nothing.
"""

from __future__ import annotations

import os
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

from sinkgraph.log.disk.format import MARK

if TYPE_CHECKING:
    import apsw

__all__ = ["NO_MARK", "Mark", "MarkFile"]

_MAGIC = 0x534B4D31
_layout = Struct("<IQQI")
_body = Struct("<IQQ")


class Mark(NamedTuple):
    """Is a position: the last commit, and how many events were committed up to it."""

    seq: int
    total: int


NO_MARK = Mark(0, 0)


class MarkFile:
    """Reads and writes the mark beside a database; through a VFS where one is named."""

    __slots__ = ("_fd", "_path", "_through", "_vfs")

    def __init__(self, directory: str, *, vfs: str | None = None) -> None:
        self._path = os.path.join(directory, MARK)
        self._vfs = vfs
        self._fd: int | None = None
        self._through: apsw.VFSFile | None = None

    def read(self) -> Mark:
        """Return the mark; NO_MARK where there is none that holds."""
        try:
            if not os.path.exists(self._path):
                return NO_MARK
            if self._vfs is not None:
                raw = self._file().xRead(_layout.size, 0)
            else:
                with open(self._path, "rb", buffering=0) as file:
                    raw = file.read(_layout.size)
            magic, seq, total, crc = _layout.unpack(raw)
        except Exception:  # whatever the file system or a VFS says: no mark is no alarm
            return NO_MARK
        holds = magic == _MAGIC and crc32(_body.pack(magic, seq, total)) == crc
        return Mark(seq, total) if holds else NO_MARK

    def write(self, seq: int, total: int) -> None:
        """Set the mark, as far as that is possible."""
        body = _body.pack(_MAGIC, seq, total)
        packed = body + crc32(body).to_bytes(4, "little")
        try:
            if self._vfs is not None:
                self._file().xWrite(packed, 0)
                return
            if self._fd is None:
                flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
                self._fd = os.open(self._path, flags, 0o600)
            os.pwrite(self._fd, packed, 0)
        except Exception:  # the commit holds all the same
            pass

    def close(self) -> None:
        """Release the file; idempotent."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)
        through, self._through = self._through, None
        if through is not None:
            through.xClose()

    def _file(self) -> apsw.VFSFile:
        if self._through is None:
            import apsw

            flags = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_CREATE
            flags |= apsw.SQLITE_OPEN_READWRITE
            self._through = apsw.VFSFile(self._vfs or "", self._path, [flags, 0])
        return self._through
