"""Whether the files of an open store still stand where the next process will look for them.

What is written to a file that was removed or replaced is gone with the process, though every
write and sync succeeds. It reads no file, and changes none.
"""

from __future__ import annotations

import os

import apsw

__all__ = ["Standing"]


class Standing:
    """Knows the database at a path as it was opened."""

    __slots__ = ("_path", "_wal", "_was")

    def __init__(self, path: str) -> None:
        self._path = path
        self._wal = f"{path}-wal"
        self._was = _identity(path)

    def check(self) -> None:
        """Raise an error of the database where it, or its write-ahead log, is not there any more.

        Call it after a commit: from the first one on there is a write-ahead log.
        """
        for path, was in ((self._path, self._was), (self._wal, None)):
            try:
                there = _identity(path)
            except (FileNotFoundError, NotADirectoryError):
                there = (-1, -1)
            except OSError:
                continue  # nobody can tell; the file that is open took the commit
            if there == (-1, -1) or (was is not None and there != was):
                name = os.path.basename(path)
                raise apsw.CantOpenError(f"{name} was removed or replaced while it was in use")


def _identity(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_dev, found.st_ino
