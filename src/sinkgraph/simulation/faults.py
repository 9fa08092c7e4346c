"""A SQLite VFS over real files that counts, fails, and loses power when a simulation says so.

Only SQLite's files go through it; what a program writes by other means is as safe as it was. It
knows no store and no graph: whatever opens a database with `vfs=faults.name` is under its power.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random as SeededRandom
from typing import Any, Literal

import apsw

from sinkgraph.clock import Random

__all__ = ["DiskFaults", "Ending", "Fault", "Kept", "draw_ending"]

Operation = Literal["open", "read", "write", "sync", "truncate", "delete"]
Fault = Literal["EIO", "ENOSPC"]
Ending = Literal["kill", "power"]
Kept = Literal["all", "none", "some", "first"]
"""What a power cut leaves of unsynced writes: a random part of their sectors, or the first few."""

SECTOR = 512
_CHANGES = frozenset({"write", "sync", "truncate", "delete"})
_NAMES = itertools.count(1)
_IOERR = {
    "open": apsw.SQLITE_CANTOPEN,
    "read": apsw.SQLITE_IOERR_READ,
    "write": apsw.SQLITE_IOERR_WRITE,
    "sync": apsw.SQLITE_IOERR_FSYNC,
    "truncate": apsw.SQLITE_IOERR_TRUNCATE,
    "delete": apsw.SQLITE_IOERR_DELETE,
}


@dataclass(slots=True)
class _Order:
    """Says that calls of one sort fail, from the `first` of them to before the `end`."""

    operation: Operation
    first: int
    end: float
    fault: Fault


@dataclass(frozen=True, slots=True)
class _Undo:
    """Is one unsynced change of a file: `new` at `offset` (None: cut there), and what was there."""

    offset: int
    new: bytes | None
    old: bytes
    size: int


class DiskFaults:
    """Has a VFS of its own, named `name`; close it when no database is open with it any more.

    `now` tells virtual time for `full`. Faults count calls over all files together.
    """

    def __init__(
        self, *, random: Random | None = None, now: Callable[[], float] | None = None
    ) -> None:
        self.name = f"sinkgraph-faults-{next(_NAMES)}"
        self.calls: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.dead = False
        self._random = random if random is not None else SeededRandom(0)
        self._now = now if now is not None else _zero
        self._orders: list[_Order] = []
        self._full: list[tuple[float, float]] = []
        self._dies_in: int | None = None
        self._silent = False
        self._unsynced: dict[str, list[_Undo]] = {}
        self._vfs: _Vfs | None = _Vfs(self)

    # what goes wrong

    def fail(
        self, operation: Operation, nth: int = 1, *, times: float = 1, fault: Fault = "EIO"
    ) -> None:
        """Fail the n-th call of a sort from now on (1 is the next), and `times - 1` after it."""
        first = self.calls[operation] + nth
        self._orders.append(_Order(operation, first, first + times, fault))

    def full(self, at: float, for_s: float) -> None:
        """Have no room from virtual second `at` for `for_s` seconds: writes that need more fail."""
        self._full.append((at, at + for_s))

    def die_after(self, changes: int) -> None:
        """Die in the middle of work: so many writes, syncs and truncates from now still succeed."""
        self._dies_in = changes

    def heal(self) -> None:
        """Forget every fault that was ordered."""
        self._orders.clear()
        self._full.clear()
        self._dies_in = None

    # how it ends, and begins again

    def die(self) -> None:
        """Let nothing be written any more, as when the process is gone."""
        self.dead = True

    def release(self) -> None:
        """Let those who died close their files: they are told all is well, nothing is written."""
        self.dead = self._silent = True

    def revive(self, ending: Ending = "kill", kept: Kept = "some") -> None:
        """Begin again with what the end left: after `kill` all that was written.

        After a `power` cut every synced write is there, of the others only what `kept` says.
        Every database must be closed.
        """
        if ending == "power":
            for path, changes in self._unsynced.items():
                if changes and os.path.exists(path):
                    self._lose(path, changes, kept)
        self._unsynced.clear()
        self.dead = self._silent = False
        self._dies_in = None

    def close(self) -> None:
        """Remove the VFS; idempotent."""
        if self._vfs is not None:
            self._vfs.unregister()
            self._vfs = None

    @property
    def unsynced(self) -> int:
        """How many changes of all files a power cut may undo now."""
        return sum(map(len, self._unsynced.values()))

    # the files' side

    def meet(self, operation: Operation, *, grows: bool = False) -> bool:
        """Count a call; raise what was ordered; return False when it is to do nothing."""
        if self._silent:
            return operation not in _CHANGES
        self.calls[operation] += 1
        if operation in _CHANGES and self._dies_in is not None:
            self._dies_in -= 1
            if self._dies_in < 0:
                self.die()
        if self.dead and operation in _CHANGES:
            raise self._error(operation, "EIO")
        count = self.calls[operation]
        for order in self._orders:
            if order.operation == operation and order.first <= count < order.end:
                raise self._error(operation, order.fault)
        if grows and any(begins <= self._now() < ends for begins, ends in self._full):
            raise self._error(operation, "ENOSPC")
        return True

    def _error(self, operation: Operation, fault: Fault) -> Exception:
        self.failed[operation] += 1
        full = fault == "ENOSPC" and operation == "write"  # as SQLite's own VFS tells it
        error = apsw.exception_for(apsw.SQLITE_FULL if full else _IOERR[operation])
        error.args = (f"{fault} in {operation} (simulated)",)
        return error

    def changed(self, path: str, undo: _Undo) -> None:
        """Remember how to take a change back."""
        self._unsynced.setdefault(path, []).append(undo)

    def synced(self, path: str) -> None:
        """Forget how: from here on the file's changes are there for good."""
        self._unsynced.pop(path, None)

    def _lose(self, path: str, changes: list[_Undo], kept: Kept) -> None:
        """Take unsynced changes back, then make again those that had reached the disk."""
        with open(path, "r+b") as file:
            for undo in reversed(changes):
                file.seek(undo.offset)
                file.write(undo.old)
                file.truncate(undo.size)
            first = int(self._random.random() * (len(changes) + 1))
            for k, change in enumerate(changes):
                if kept == "none" or (kept == "first" and k >= first):
                    return
                self._redo(file, change, whole=kept != "some")

    def _redo(self, file: Any, change: _Undo, *, whole: bool) -> None:
        if change.new is None:
            if whole or self._random.random() < 0.5:
                file.truncate(change.offset)
            return
        at = change.offset
        end = at + len(change.new)
        while at < end:
            stop = end if whole else min(end, (at // SECTOR + 1) * SECTOR)
            if whole or self._random.random() < 0.5:
                file.seek(at)
                file.write(change.new[at - change.offset : stop - change.offset])
            at = stop


class _Vfs(apsw.VFS):
    """Opens files that ask `faults` before they do anything."""

    def __init__(self, faults: DiskFaults) -> None:
        self.faults = faults
        super().__init__(faults.name, "")

    def xOpen(  # noqa: N802
        self, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> apsw.VFSFile:
        self.faults.meet("open")
        return _File(self.faults, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        if self.faults.meet("delete"):
            self.faults.synced(filename)
            super().xDelete(filename, syncdir)


class _File(apsw.VFSFile):
    """Is a real file whose unsynced changes can be taken back."""

    def __init__(
        self, faults: DiskFaults, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> None:
        self.faults = faults
        self.path = name.filename() if isinstance(name, apsw.URIFilename) else name or ""
        super().__init__("", name, flags)

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        self.faults.meet("read")
        return super().xRead(amount, offset)

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802
        size = self.xFileSize()
        end = offset + len(data)
        if not self.faults.meet("write", grows=end > size):
            return
        known = max(0, min(end, size) - offset)
        old = super().xRead(known, offset) if known else b""
        self.faults.changed(self.path, _Undo(offset, bytes(data), old, size))
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        size = self.xFileSize()
        if not self.faults.meet("truncate"):
            return
        old = super().xRead(size - newsize, newsize) if size > newsize else b""
        self.faults.changed(self.path, _Undo(newsize, None, old, size))
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        if self.faults.meet("sync"):
            super().xSync(flags)
            self.faults.synced(self.path)


def draw_ending(random: SeededRandom) -> tuple[Ending, Kept]:
    """Draw how a process ends."""
    endings: tuple[Ending, ...] = ("kill", "power")
    kept: tuple[Kept, ...] = ("all", "none", "some", "first")
    return random.choice(endings), random.choice(kept)


def _zero() -> float:
    return 0.0
