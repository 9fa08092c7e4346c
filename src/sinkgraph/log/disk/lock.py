"""The lock of a state directory: held for life by one process, which it names.

A lock file that nobody holds says nothing and is taken over; it is never removed.
"""

from __future__ import annotations

import errno
import fcntl
import os

from sinkgraph.log.disk.errors import StateLocked, StateUnusable
from sinkgraph.log.disk.format import LOCK

__all__ = ["Lock", "holder"]

_TAKEN = (errno.EWOULDBLOCK, errno.EACCES)


class Lock:
    """Holds a state directory for this process until it is released or the process ends."""

    __slots__ = ("_fd", "_path")

    def __init__(self, directory: str) -> None:
        """Take the lock; raise StateLocked where another has it, StateUnusable where it cannot."""
        path = os.path.join(directory, LOCK)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            fd = os.open(path, flags, 0o600)
        except OSError as error:
            raise StateUnusable(f"cannot lock state directory: {error.strerror}: {path}") from None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            pid = _pid_in(fd)
            os.close(fd)
            if error.errno in _TAKEN:
                raise StateLocked(directory, pid) from None
            raise StateUnusable(
                f"cannot lock state directory: {error.strerror}: {path}: choose a --state-dir"
                " on a disk of this machine"
            ) from None
        try:
            os.ftruncate(fd, 0)
            os.pwrite(fd, b"%d\n" % os.getpid(), 0)
        except OSError:
            pass  # a full disk: the lock holds, it only names nobody
        self._fd: int | None = fd
        self._path = path

    def lost(self) -> str | None:
        """Return how the lock was lost: its file is not there any more, or another one is."""
        if self._fd is None:
            return None
        mine = os.fstat(self._fd)
        try:
            there = os.stat(self._path)
        except OSError:
            there = None
        if there is not None and (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino):
            return None
        return (
            f"{self._path} was removed or replaced while it was in use: another process may have"
            " the state directory now, so this one stores nothing more there; start it again"
        )

    def release(self) -> None:
        """Let others take the directory; idempotent."""
        fd, self._fd = self._fd, None
        if fd is not None:
            try:
                os.ftruncate(fd, 0)
            except OSError:
                pass
            os.close(fd)


def holder(directory: str) -> int | None:
    """Return the pid that holds a state directory, 0 where it is not known; None: nobody does."""
    try:
        fd = os.open(os.path.join(directory, LOCK), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return _pid_in(fd) or 0
    finally:
        os.close(fd)
    return None


def _pid_in(fd: int) -> int | None:
    try:
        text = os.pread(fd, 32, 0).strip()
        return int(text) if text.isdigit() else None
    except OSError:
        return None
