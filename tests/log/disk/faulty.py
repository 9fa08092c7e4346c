"""A small VFS over real files whose n-th write or sync fails."""

from __future__ import annotations

import itertools
from typing import Any

import apsw

_names = itertools.count(1)
_CODES = {
    "write": apsw.SQLITE_IOERR_WRITE,
    "sync": apsw.SQLITE_IOERR_FSYNC,
    "truncate": apsw.SQLITE_IOERR_TRUNCATE,
}


class Faulty(apsw.VFS):
    """Counts calls that change something; call `fails_at` (1 is the first) fails, and is noted.

    `times`: how many fail from there on. `full`: with "no space" instead of an I/O error.
    """

    def __init__(self) -> None:
        self.name = f"faulty-{next(_names)}"
        self.calls = 0
        self.fails_at = 0
        self.times = 1
        self.full = False
        self.failed: list[str] = []
        super().__init__(self.name, "")

    def xOpen(  # noqa: N802
        self, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> apsw.VFSFile:
        return _File(self, name, flags)

    def meet(self, what: str) -> None:
        """Count a call, and fail it when it is its turn."""
        self.calls += 1
        if self.fails_at <= self.calls < self.fails_at + self.times and self.fails_at:
            self.failed.append(what)
            full = self.full and what == "write"
            raise apsw.exception_for(apsw.SQLITE_FULL if full else _CODES[what])


class _File(apsw.VFSFile):
    def __init__(
        self, faults: Faulty, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> None:
        self.faults = faults
        path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        self.watched = not path.endswith(".mark")
        super().__init__("", name, flags)

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802
        if self.watched:
            self.faults.meet("write")
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        if self.watched:
            self.faults.meet("sync")  # nothing loses power here: it need not reach the disk

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        if self.watched:
            self.faults.meet("truncate")
        super().xTruncate(newsize)
