"""How far files were read, and which of them are the same files after a restart.

A file is known by device and inode while it is watched. Both can lie after a restart, so what
stands in the file decides too. Nothing is read here but what it takes to compare.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import islice
from typing import Any
from zlib import crc32

__all__ = ["Identity", "Place", "Resumed", "mark_of", "read_places", "resume", "stands"]

Identity = tuple[int, int]

_MARKED = 512  # bytes at the start, and before the place, that are compared
_MOST_SIBLINGS = 10_000


@dataclass(frozen=True, slots=True)
class Place:
    """Says how far a file was read: all before `offset` was accepted.

    `path` is where it stood when it was watched: once rotated it may stand elsewhere. `mark` is
    the checksum of what stands there; None when it could not be had.
    """

    path: str
    offset: int
    mark: int | None = None

    def listed(self, identity: Identity) -> list[Any]:
        """Return it as an entry of a position: device, inode, offset, path, mark."""
        try:
            self.path.encode()
            path: str | bytes = self.path
        except UnicodeEncodeError:  # a name that is not UTF-8
            path = os.fsencode(self.path)
        return [*identity, self.offset, path, self.mark]


def read_places(position: Any) -> dict[Identity, Place]:
    """Return the files of a position; raises ValueError for what is none."""
    entries = position.get("files") if isinstance(position, dict) else None
    if not isinstance(entries, list):
        raise ValueError("the position names no files")
    places: dict[Identity, Place] = {}
    for entry in entries:
        match entry:
            case [int(), int(), int(offset)] if offset >= 0:
                place = Place("", offset)
            case [int(), int(), int(offset), str() | bytes() as path, mark] if offset >= 0 and (
                mark is None or isinstance(mark, int)
            ):
                place = Place(os.fsdecode(path), offset, mark)
            case _:
                raise ValueError(f"{entry!r} is not how far a file was read")
        places[entry[0], entry[1]] = place
    return places


def mark_of(fd: int, offset: int) -> int | None:
    """Return a checksum of the first bytes of a file and of those just before `offset`."""
    n = min(offset, _MARKED)
    try:
        return crc32(os.pread(fd, n, offset - n), crc32(os.pread(fd, n, 0)))
    except OSError:
        return None


def stands(fd: int, place: Place) -> bool:
    """Whether an open file still holds what was read up to `place`."""
    if os.fstat(fd).st_size < place.offset:
        return False
    return place.mark is None or mark_of(fd, place.offset) == place.mark


@dataclass(slots=True)
class Resumed:
    """Says where files go on: `places` by what they are now; `paths` is where they stand.

    Rotated ones are first among the paths; `gone` were not found again.
    """

    places: dict[Identity, Place] = field(default_factory=dict)
    paths: dict[Identity, str] = field(default_factory=dict)
    gone: list[Place] = field(default_factory=list)


def resume(
    known: Mapping[Identity, Place], present: Sequence[str], watched: Callable[[str], bool]
) -> Resumed:
    """Find the files of an earlier run among those at the paths `present`, and beside them.

    The same file: same device and inode, and what was read still stands there. Else the device
    may be numbered anew (same inode), or the file was rotated by copying (a name that begins with
    its own, the same text). A file of which nothing is found is read from its start, and again is
    better than never. Beside the paths, only files are looked for whose path is still `watched`.
    """
    there: dict[Identity, str] = {}
    for path in present:
        if (identity := _identity(path)) is not None:
            there.setdefault(identity, path)
    resumed = Resumed()
    lost: list[tuple[Identity, Place]] = []
    listing = cache(_regular_files)
    for identity, place in known.items():
        if identity in there and _same(there[identity], identity, place) is not False:
            resumed.places[identity] = replace(place, path=there[identity])
            resumed.paths[identity] = there[identity]
        else:
            lost.append((identity, place))
    rotated: dict[Identity, str] = {}
    for identity, place in lost:
        fresh = [(path, one) for one, path in there.items() if one not in resumed.places]
        found = _again(identity, place, fresh)
        if found is None and watched(place.path):
            taken = {**there, **resumed.places}
            beside = [one for one in _beside(place.path, listing) if one[1] not in taken]
            found = _again(identity, place, beside)
            if found is None:
                resumed.gone.append(place)
        if found is not None:
            path, now = found
            resumed.places[now] = replace(place, path=there.get(now, place.path))
            rotated[now] = path
    resumed.paths = {**rotated, **resumed.paths}
    return resumed


def _again(
    identity: Identity, place: Place, among: Sequence[tuple[str, Identity]]
) -> tuple[str, Identity] | None:
    """Return which of some files is the one that was known as `identity`."""
    base = os.path.basename(place.path)
    named = [one for one in among if base and os.path.basename(one[0]).startswith(base)]
    tries = [
        [one for one in (among if place.offset else named) if one[1] == identity],
        [one for one in among if place.offset and one[1][1] == identity[1]],
        [one for one in named if place.offset >= _MARKED and place.mark is not None],
    ]
    return next((one for some in tries for one in some if _same(*one, place)), None)


def _same(path: str, identity: Identity, place: Place) -> bool | None:
    """Whether the file at a path is that one, and what was read still stands there.

    None when it cannot be opened: then it is looked at again when it can.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        status = os.fstat(fd)
        return (status.st_dev, status.st_ino) == identity and stands(fd, place)
    finally:
        os.close(fd)


def _identity(path: str) -> Identity | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else None


_Listing = Callable[[str], Sequence[tuple[str, Identity]]]


def _beside(path: str, listing: _Listing) -> list[tuple[str, Identity]]:
    """Return the files in a file's directory, and in the one its link leads to."""
    directories = dict.fromkeys((os.path.dirname(path), os.path.dirname(os.path.realpath(path))))
    return [one for directory in directories for one in listing(directory)]


def _regular_files(directory: str) -> list[tuple[str, Identity]]:
    try:
        with os.scandir(directory or ".") as entries:
            names = sorted(entry.name for entry in islice(entries, _MOST_SIBLINGS))
    except OSError:
        return []
    paths = [os.path.join(directory, name) for name in names]
    return [(path, found) for path in paths if (found := _identity(path)) is not None]
