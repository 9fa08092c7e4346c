"""Reads events from files, a line each, and follows files that grow and are rotated.

A file is known by its device and inode, so that a rename is no new file. Reading, cutting and
bounds are here; what a line holds is `sources.lines`' part, and which file is which after a restart
that of `sources.file_places`.
"""

from __future__ import annotations

import asyncio
import fnmatch
import glob
import os
import stat
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from sinkgraph.formats.limits import MIB
from sinkgraph.sinks.base import Link, Node, Sink
from sinkgraph.sources.file_places import Identity, Place, mark_of, read_places, resume, stands
from sinkgraph.sources.line_source import MOST_LINES, LineSource
from sinkgraph.sources.lines import LineCutter, LineFormat, line_size
from sinkgraph.sources.schema_gate import SchemaGate

__all__ = ["FileSource"]

_CHUNK = 262_144
_QUIET_S = 5.0
MAX_FILES = 512


class _Tail:
    """Is one open file: `offset` is where reading goes on once all before it was accepted."""

    def __init__(self, path: str, fd: int, offset: int, cutter: LineCutter) -> None:
        self.path = path
        self.fd = fd
        self.offset = offset
        self.read_to = offset
        self.cutter = cutter
        self.quiet_s = 0.0  # how long there was no news and no path led to it
        self._place: Place | None = None

    def place(self) -> Place:
        """Return how far it was read, and what stands there."""
        if self._place is None or self._place.offset != self.offset:
            self._place = Place(self.path, self.offset, mark_of(self.fd, self.offset))
        return self._place

    def read(self) -> bytes:
        """Return what comes next; a file that became shorter is read from its start."""
        data = os.pread(self.fd, _CHUNK, self.read_to)
        if not data and os.fstat(self.fd).st_size < self.read_to:
            self.offset = self.read_to = 0
            self._place = None
            self.cutter.finish()
            data = os.pread(self.fd, _CHUNK, 0)
        self.read_to += len(data)
        return data

    def close(self) -> None:
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)


class FileSource(LineSource):
    """Reads `paths` (files or globs), in order of name.

    Without `follow` every file is read to its end, then the source ends; a last line without its
    break counts. With it, the source looks every `poll_s` seconds for more, for new files and for
    rotated ones, and a last line waits for its break. `start` is where a file is begun that was
    there at the start and has no saved position: `start` or `end`.

    The position is every known file and how far it was read. A later run goes on there: what a
    rotation has moved aside is finished first, a file with other content is read from its start.
    Of files that came and were moved aside between two runs only a glob tells.
    """

    kind: ClassVar[str] = "file"

    def __init__(
        self,
        to: Sink | Link,
        paths: Sequence[str],
        *,
        follow: bool = False,
        start: Literal["start", "end"] = "start",
        format: LineFormat = "ndjson",
        registry: bool = False,
        cloud_events: bool = False,
        max_line: int = MIB,
        poll_s: float = 0.25,
        gate: SchemaGate | None = None,
    ) -> None:
        super().__init__(
            to,
            format=format,
            registry=registry,
            cloud_events=cloud_events,
            max_line=max_line,
            gate=gate,
        )
        if start not in ("start", "end"):
            raise ValueError(f"start must be start or end, not {start!r}")
        if not paths or isinstance(paths, str):
            raise ValueError("paths must be a list of at least one path")
        self.paths = tuple(paths)
        self.follow = follow
        self.begin = start
        self.poll_s = poll_s
        self._tails: dict[Identity, _Tail] = {}
        self._done: dict[Identity, Place] = {}  # files that are not open
        self._scanned = False
        self._resumed = True  # False: `_done` is what an earlier run knew
        self._begun: dict[Identity, str] = {}  # where its files stood when this run began

    # its life

    def can_become(self, fresh: Node) -> bool:
        """Other files are read by another source, which goes on where this one stops."""
        same = ("paths", "follow", "begin", "format", "max_line")
        return isinstance(fresh, FileSource) and all(
            getattr(fresh, name) == getattr(self, name) for name in same
        )

    async def open(self) -> None:
        """Raise OSError naming a file that is missing, unreadable or none; open nothing."""
        for pattern in self.paths:
            if _is_glob(pattern):
                continue
            try:
                found = os.stat(pattern)
            except FileNotFoundError:
                if self.follow:
                    continue
                raise OSError(f"there is no file {pattern}") from None
            if not stat.S_ISREG(found.st_mode):
                raise OSError(f"{pattern} is not a regular file")
            if not os.access(pattern, os.R_OK):
                raise OSError(f"{pattern} may not be read")

    async def pump(self) -> None:
        """Read every file; with `follow`, until `stop` is called."""
        self._tell_missed()
        try:
            if not self._resumed and not self.stopping:
                self._resume()
            if not self.follow:
                await self._read_all()
            while self.follow and not self.stopping:
                self._scan()
                news = False
                for identity, tail in list(self._tails.items()):
                    news |= await self._drain(identity, tail)
                if not news:
                    await self.pause(self.poll_s)
        finally:
            for identity, tail in list(self._tails.items()):
                self._forget(identity, tail)

    def _tell_missed(self) -> None:
        for pattern in self.paths:
            if not (glob.glob(pattern) if _is_glob(pattern) else os.path.exists(pattern)):
                self.bound.journal("file_missed", node=self.name, path=pattern)

    async def _read_all(self) -> None:
        """Read one file after the other to its end."""
        for path in dict.fromkeys([*self._begun.values(), *self._present()]):
            if self.stopping:
                return
            identity = self._look_at(path)
            if identity is not None and identity in self._tails:
                await self._drain(identity, self._tails[identity])

    @property
    def position(self) -> dict[str, Any]:
        """Every known file as `[device, inode, offset, path, mark]`.

        All before the offset was accepted; the mark is a checksum of what stands there.
        """
        places = {**self._done, **{key: tail.place() for key, tail in self._tails.items()}}
        return {"files": [place.listed(identity) for identity, place in places.items()]}

    def seek(self, position: Any) -> None:
        """Go on at the offsets of an earlier `position`."""
        self._done = read_places(position)
        self._scanned = True  # what is new since then is read from its start
        self._resumed = False

    def _resume(self) -> None:
        """Find the files of an earlier run again; they come before what is new."""
        found = resume(self._done, self._present(), self._watches)
        self._done, self._begun = found.places, found.paths
        self._resumed = True
        for place in found.gone:
            self.bound.journal("file_gone", node=self.name, path=place.path, offset=place.offset)
        if self.follow:  # held open, they can be renamed and still be read to their end
            for identity, path in self._begun.items():
                self._try_open(path, identity)

    def _watches(self, path: str) -> bool:
        return any(path == one or fnmatch.fnmatchcase(path, one) for one in self.paths)

    # reading

    async def _drain(self, identity: Identity, tail: _Tail) -> bool:
        """Read a file to its present end; return whether there was anything."""
        news = False
        while not self.stopping:
            try:
                data = tail.read()
            except OSError as error:
                self._failed(tail.path, error)
                return news
            if not data:
                break
            news = True
            tail.quiet_s = 0.0
            await self._hand_on(tail, tail.cutter.feed(data), 1)
            await asyncio.sleep(0)
        if self.stopping:
            return news
        if not self.follow or tail.quiet_s >= _QUIET_S:
            await self._hand_on(tail, tail.cutter.finish(), 0)
            self._forget(identity, tail)
        return news

    async def _hand_on(self, tail: _Tail, lines: list[bytes], ends: int) -> None:
        """Hand lines on by batches; the place moves with each that was accepted."""
        for at in range(0, len(lines), MOST_LINES):
            part = lines[at : at + MOST_LINES]
            await self.take(part)
            tail.offset += sum(map(line_size, part)) + ends * len(part)
            self.moved()

    # which files there are

    def _scan(self) -> None:
        """Open what is new; note how long no path leads to what is open."""
        found: set[Identity] = set()
        for path in self._present():
            identity = self._look_at(path)
            if identity is not None:
                found.add(identity)
        for identity, tail in self._tails.items():
            tail.quiet_s = 0.0 if identity in found else tail.quiet_s + self.poll_s
        for identity in [one for one in self._done if one not in found]:
            del self._done[identity]
        if not self._scanned:
            self._scanned = True
            self.moved()  # also when nothing was read: a later run is to know where this one began

    def _look_at(self, path: str) -> Identity | None:
        """Return which file a path leads to; open it if there is something to read in it."""
        try:
            status = os.stat(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._failed(path, error)
            return None
        found = (status.st_dev, status.st_ino)
        if found not in self._tails and self._wanted(found, status):
            self._try_open(path, found)
        return found

    def _try_open(self, path: str, identity: Identity) -> None:
        """Open a file, or say that it cannot be read."""
        try:
            self._open(path, identity)
        except FileNotFoundError:  # gone since it was looked at
            pass
        except OSError as error:
            self._failed(path, error)

    def _present(self) -> list[str]:
        paths: dict[str, None] = {}
        for pattern in self.paths:
            names = sorted(glob.glob(pattern)) if _is_glob(pattern) else [pattern]
            paths.update(dict.fromkeys(names))
        return list(paths)

    def _wanted(self, identity: Identity, status: os.stat_result) -> bool:
        if not stat.S_ISREG(status.st_mode):
            return False
        return identity not in self._done or status.st_size != self._done[identity].offset

    def _open(self, path: str, identity: Identity) -> None:
        if len(self._tails) >= MAX_FILES:
            self._failed(path, OSError(f"more than {MAX_FILES} files are open"))
            return
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        opened = os.fstat(fd)
        if (opened.st_dev, opened.st_ino) != identity:  # replaced since: the next poll sees it
            os.close(fd)
            return
        offset = opened.st_size if self.begin == "end" and not self._scanned else 0
        place = self._done.pop(identity, None)
        if place is not None:
            path = place.path or path
            offset = place.offset if stands(fd, place) else 0
        self._tails[identity] = _Tail(path, fd, offset, LineCutter(self.max_line))
        self.moved()

    def _forget(self, identity: Identity, tail: _Tail) -> None:
        self._tails.pop(identity, None)
        self._done[identity] = tail.place()
        tail.close()
        self.moved()

    def _failed(self, path: str, error: OSError) -> None:
        said = f"{path}: {error.strerror or error}"
        if said != self.last_error:
            self.last_error = said
            self.bound.journal("file_unreadable", node=self.name, path=path, error=said)
        self.status = "degraded"

    def facts(self) -> dict[str, Any]:
        """Return how many files are open."""
        return {**super().facts(), "files": len(self._tails)}


def _is_glob(path: str) -> bool:
    return glob.has_magic(path)
