"""Whether files have changed, told by what they hold.

A file that is replaced, as editors do on saving, is followed by its name; one that is away for a
moment is waited for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

__all__ = ["Watched"]

_AWAY = "away"
_PATIENCE = 3  # looks, before a file that is away counts as gone


class Watched:
    """Remembers what some files held when they were looked at last."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths = tuple(paths)
        self._seen = {path: _digest(path) for path in self._paths}
        self._stamps = {path: _stamp(path) for path in self._paths}
        self._away = dict.fromkeys(self._paths, 0)

    def changed(self) -> bool:
        """Look, and tell whether a file holds something else than when it was looked at last.

        A file that was only touched, or written with what it held before, has not changed.
        """
        found = False
        for path in self._paths:
            found |= self._look(path)
        return found

    def _look(self, path: Path) -> bool:
        stamp = _stamp(path)
        if stamp == self._stamps[path] and stamp is not None:
            return False
        now = _digest(path)
        if now == _AWAY:
            self._away[path] += 1
            if self._away[path] != _PATIENCE:
                return False
        else:
            self._away[path] = 0
            self._stamps[path] = stamp
        if now == self._seen[path]:
            return False
        self._seen[path] = now
        return True


def _stamp(path: Path) -> tuple[int, int, int, int] | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _digest(path: Path) -> str:
    try:
        if not path.is_file():
            return _AWAY
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except (OSError, ValueError):
        return _AWAY
