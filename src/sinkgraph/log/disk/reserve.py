"""Room set aside on the disk, so that a store that filled it can still note what was delivered.

It is given up when the disk is full, and taken again before any further event is let in.
"""

from __future__ import annotations

import os

__all__ = ["RESERVE_BYTES", "Reserve", "free_bytes", "set_aside", "shortfall"]

RESERVE_BYTES = 4 << 20
"""As much as the write-ahead log may hold: all of it can be moved to the database then."""

_NAME = "events.reserve"


def free_bytes(directory: str) -> int | None:
    """Return the free bytes of the disk a directory is on; None where that cannot be told."""
    try:
        found = os.statvfs(directory)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize


def shortfall(directory: str) -> int | None:
    """Return the bytes free beside an open store that has no room set aside; None where it has."""
    if os.path.exists(os.path.join(directory, _NAME)):
        return None
    return free_bytes(directory)


def set_aside(directory: str) -> Reserve:
    """Return the reserve of a directory, taken where there is room for it."""
    reserve = Reserve(directory)
    reserve.take()
    return reserve


class Reserve:
    """Holds a file of zeros, or does not; `held` says which."""

    __slots__ = ("_path", "held")

    def __init__(self, directory: str) -> None:
        self._path = os.path.join(directory, _NAME)
        self.held = False

    def take(self) -> bool:
        """Take the room, and return whether it is held now."""
        if self.held:
            return True
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            fd = os.open(self._path, flags, 0o600)
        except OSError:
            return False
        try:
            os.posix_fallocate(fd, 0, RESERVE_BYTES)
            self.held = True
        except OSError:
            self.give_up()
        finally:
            os.close(fd)
        return self.held

    def give_up(self) -> bool:
        """Let the store have the room; return whether there was any."""
        was, self.held = self.held, False
        try:
            os.unlink(self._path)
        except OSError:
            pass
        return was
