"""One append-only file of lines that survives short writes, full disks and rotation.

Everything here blocks; who may wait calls it in a thread. One call at a time.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

__all__ = ["FileLog"]

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class FileLog:
    """Appends texts that end with a line break, each whole or not at all.

    A file that was moved or removed by somebody else is begun anew. A symbolic link as the last
    part of the path, a directory, a pipe or a device is refused.
    """

    def __init__(self, path: str, *, max_size: int | None = None, keep: int = 5) -> None:
        self.path = path
        self.max_size = max_size
        self.keep = keep
        self.size = 0
        self.rotations = 0
        self._fd = -1
        self._identity = (0, 0)
        self._torn = False  # what is after `size` belongs to a text that was not written whole

    @property
    def closed(self) -> bool:
        """Whether no file is open."""
        return self._fd < 0

    def open(self) -> None:
        """Open or create the file; raises OSError naming the path."""
        try:
            fd = os.open(self.path, _FLAGS, 0o600)
        except OSError as error:
            raise OSError(error.errno, f"cannot open {self.path}: {error.strerror}") from None
        try:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode):
                raise OSError(f"cannot write to {self.path}: not a regular file")
            self.size = found.st_size
            if self.size and os.pread(fd, 1, self.size - 1) != b"\n":
                self.size += os.write(fd, b"\n")  # a line somebody left torn stays its own line
        except OSError:
            os.close(fd)
            raise
        self._fd = fd
        self._identity = (found.st_dev, found.st_ino)
        self._torn = False

    def append(self, text: bytes) -> None:
        """Write a text of whole lines; raises OSError and leaves nothing of it behind."""
        self._ready(len(text))
        before = self.size
        try:
            self._write(text)
        except BaseException:
            self._cut(before)
            raise

    def append_synced(self, texts: Sequence[bytes]) -> None:
        """Write texts and make the disk hold each before the next; all of them or none."""
        self._ready(sum(map(len, texts)))
        before = self.size
        try:
            for text in texts:
                self._write(text)
                os.fdatasync(self._fd)
        except BaseException:
            self._cut(before)
            raise

    def close(self) -> None:
        """Make the disk hold what was written, and close; idempotent."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            try:
                if self._torn:
                    os.ftruncate(fd, self.size)
                os.fsync(fd)
            finally:
                os.close(fd)

    def _write(self, text: bytes) -> None:
        view = memoryview(text)
        done = 0
        while done < len(view):
            done += os.write(self._fd, view[done:])
        self.size += len(view)

    def _ready(self, more: int) -> None:
        """Have the right file open, without a torn line, with room for `more` bytes."""
        if self._torn:
            self._cut(self.size)
            if self._torn:
                raise OSError(f"cannot take back what was half written to {self.path}")
        if self._fd < 0 or self._moved():
            self._drop()
            self.open()
        if self.max_size is not None and self.size and self.size + more > self.max_size:
            self._rotate()

    def _moved(self) -> bool:
        try:
            found = os.stat(self.path, follow_symlinks=False)
        except OSError:
            return True
        return (found.st_dev, found.st_ino) != self._identity

    def _rotate(self) -> None:
        os.fsync(self._fd)
        for number in range(self.keep - 1, 0, -1):
            older = f"{self.path}.{number}"
            if os.path.lexists(older):
                os.replace(older, f"{self.path}.{number + 1}")
        os.replace(self.path, f"{self.path}.1")
        self.rotations += 1
        self._drop()
        self.open()

    def _cut(self, size: int) -> None:
        """Take back what was written after `size`; what cannot be taken back now is later."""
        self.size = size
        self._torn = True
        try:
            if os.fstat(self._fd).st_size > size:
                os.ftruncate(self._fd, size)
            self._torn = False
        except OSError:
            pass

    def _drop(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
