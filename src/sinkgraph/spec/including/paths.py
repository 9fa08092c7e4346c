"""Which files an entry of `include` means: a path, or a glob over names, from a folder.

It looks at names only; no file is opened. How many names a glob may look at is bounded, and `**`
follows no links, so that links in a circle cost nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import translate
from glob import has_magic
from itertools import islice

__all__ = [
    "MAX_LOOKED_AT",
    "Budget",
    "Matches",
    "documents_in",
    "is_glob",
    "joined",
    "matches",
    "tidy",
]

MAX_LOOKED_AT = 100_000
"""Names of files and folders that the globs of a document may look at, those of its parts too."""

_SUFFIXES = (".yaml", ".yml", ".toml", ".json")
_FEW = 1_000
_NO_DOCUMENT = ".schema.json"


@dataclass(slots=True)
class Matches:
    """Is what a glob found: documents, sorted, and the folders in which others may appear.

    `whole` False: there were more names than may be looked at.
    """

    files: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    whole: bool = True


def is_glob(path: str) -> bool:
    """Tell whether a path is a glob: it has the signs of one, and no file bears that very name."""
    try:
        return has_magic(path) and not os.path.lexists(path)
    except ValueError:
        return False


def joined(folder: str, entry: str) -> str:
    """Return the path of an entry from the working directory, as a user would open it."""
    return os.path.join(folder, entry)


def tidy(path: str) -> str:
    """Return a path without `.` and `..` where it still means the same file."""
    short = os.path.normpath(path)
    if os.pardir not in path.split(os.sep) or short == path:
        return short
    try:
        return short if os.path.samefile(path, short) else path
    except (OSError, ValueError):
        return path if os.path.lexists(path) else short


class Budget:
    """Is how many names may still be looked at, by all globs that share it."""

    def __init__(self) -> None:
        self.left = MAX_LOOKED_AT

    def take(self) -> None:
        """Count a name; raise `_TooManyError` when there is none left."""
        self.left -= 1
        if self.left < 0:
            raise _TooManyError


def matches(folder: str, pattern: str, budget: Budget | None = None) -> Matches:
    """Return the documents a glob means from a folder; `**` is any number of folders.

    Names with a dot at their beginning are matched by such patterns alone; a `.schema.json`, which
    editors read, is no document.
    """
    found = Matches()
    absolute = os.path.isabs(pattern)
    parts = [one for one in pattern.split(os.sep) if one not in ("", os.curdir)]
    start = os.sep if absolute else folder
    try:
        names = set(_below(start, parts, found, budget or Budget()))
    except _TooManyError:
        found.whole = False
        return found
    found.files = sorted(tidy(one) for one in names if _is_document(one))
    return found


def documents_in(folder: str) -> list[str]:
    """Return the names of some documents in a folder: the first there are."""
    try:
        with os.scandir(folder or os.curdir) as entries:
            names = [one.name for one in islice(entries, _FEW)]
    except (OSError, ValueError):
        return []
    return sorted(one for one in names if one.lower().endswith(_SUFFIXES))


class _TooManyError(Exception):
    """Says that a glob has looked at as many names as it may."""


def _below(start: str, parts: list[str], found: Matches, budget: Budget) -> Iterator[str]:
    """Yield what matches the parts of a pattern, one folder after the other."""
    todo = [(start, 0)]
    seen: set[tuple[str, int]] = set()
    while todo:
        here, at = todo.pop()
        if (here, at) in seen:
            continue
        seen.add((here, at))
        if at == len(parts):
            yield here
            continue
        part = parts[at]
        if part == "**":
            todo.append((here, at + 1))
            for one in _listed(here, found, budget):
                if one.name.startswith("."):
                    continue
                path = os.path.join(here, one.name)
                if one.is_dir(follow_symlinks=False):
                    todo.append((path, at))
                elif at + 1 == len(parts):
                    todo.append((path, at + 1))
        elif has_magic(part):
            wanted = re.compile(translate(part))
            for one in _listed(here, found, budget):
                hidden = one.name.startswith(".") and not part.startswith(".")
                if not hidden and wanted.match(one.name) is not None:
                    todo.append((os.path.join(here, one.name), at + 1))
        else:
            path = os.path.join(here, part)
            if os.path.lexists(path):
                todo.append((path, at + 1))
            else:
                found.folders.append(here or os.curdir)  # where it would have to appear


def _listed(folder: str, found: Matches, budget: Budget) -> Iterator[os.DirEntry[str]]:
    try:
        entries = os.scandir(folder or os.curdir)
    except (OSError, ValueError):
        return
    found.folders.append(folder or os.curdir)
    with entries:
        for one in entries:
            budget.take()
            yield one


def _is_document(path: str) -> bool:
    low = path.lower()
    return low.endswith(_SUFFIXES) and not low.endswith(_NO_DOCUMENT) and not os.path.isdir(path)
