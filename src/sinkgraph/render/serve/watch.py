"""Whether files have changed, told by what they hold; of a folder, by the names in it.

A file that is replaced, as editors do on saving, is followed by its name; one that is away for a
moment is waited for.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path

__all__ = ["Watched"]

_AWAY = "away"
_PATIENCE = 3  # looks, before a file that is away counts as gone


class Watched:
    """Remembers what some files held when they were looked at last."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._always = tuple(paths)
        self._paths: tuple[Path, ...] = ()
        self._folders: frozenset[Path] = frozenset()
        self._seen: dict[Path, str] = {}
        self._stamps: dict[Path, tuple[int, int, int, int] | None] = {}
        self._away: dict[Path, int] = {}
        self.follow((), ())

    def follow(self, paths: Iterable[Path], folders: Iterable[Path]) -> bool:
        """Watch these besides what is always watched, and nothing else any more.

        Tells whether one of them was not watched before: what was read of it until now may be old.
        """
        self._folders = frozenset(folders)
        self._paths = tuple(dict.fromkeys((*self._always, *paths, *self._folders)))
        fresh = [path for path in self._paths if path not in self._seen]
        for path in fresh:
            self._stamps[path] = _stamp(path)
            self._seen[path] = self._digest(path)
            self._away[path] = 0
        for path in set(self._seen).difference(self._paths):
            del self._seen[path], self._stamps[path], self._away[path]
        return bool(fresh)

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
        if stamp == self._stamps[path] and stamp is not None and self._seen[path] != _AWAY:
            self._away[path] = 0
            return False
        now = self._digest(path)
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

    def _digest(self, path: Path) -> str:
        return _names(path) if path in self._folders else _digest(path)


def _stamp(path: Path) -> tuple[int, int, int, int] | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _digest(path: Path) -> str:
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        code = getattr(error, "errno", None)
        return f"unreachable {code}" if code == errno.ELOOP else _AWAY
    if not stat.S_ISREG(mode):
        return f"no file {stat.S_IFMT(mode):o}"  # what stands there, so that it can be told
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except (OSError, ValueError):
        return _AWAY


def _names(folder: Path) -> str:
    try:
        names = sorted(os.listdir(folder))
    except (OSError, ValueError):
        return _AWAY
    return hashlib.sha256("\0".join(names).encode("utf-8", "surrogateescape")).hexdigest()
