"""The documents a run has committed, the last ten of them, in its state dir where it has one.

A document is written beside its place before the graph changes, and takes its place at the commit,
ahead of everything that the new graph stores. Nobody else may read the files: documents may say
what is not for everybody. Which one is run, and when, is the supervisor's affair.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sinkgraph.control.documents import Document

__all__ = ["KEPT", "Generations", "Kept", "last_kept"]

KEPT = 10
FOLDER = "documents"
_NEXT = re.compile(r"next(-[0-9]+)?\.json")
_NAME = re.compile(r"([0-9]{10})\.json")
_VERSION = 1
_MOST_BYTES = 256 * 1024**2
_DAMAGED = (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class Kept:
    """Is one committed document.

    `digest`: of its graph. `at`: Unix seconds. `origin` and `by`: what brought it, and who.
    `override`: the run's file said something else. `of`: the generation whose document it is.
    """

    generation: int
    digest: str
    document: Document
    at: float
    origin: str
    by: str
    override: bool
    of: int

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "generation": self.generation,
            "digest": self.digest,
            "at": self.at,
            "origin": self.origin,
            "by": self.by,
            "override": self.override,
            "of": self.of,
            "document": self.document.as_dict(),
        }

    @classmethod
    def from_dict(cls, held: Mapping[str, Any]) -> Kept:
        """Return what `as_dict` gave; raises KeyError, TypeError or ValueError for other things."""
        return cls(
            int(held["generation"]),
            str(held["digest"]),
            Document.from_dict(held["document"]),
            float(held["at"]),
            str(held["origin"]),
            str(held["by"]),
            bool(held["override"]),
            int(held["of"]),
        )


class Generations:
    """Holds the documents of a state dir, or of this process alone without one (None).

    `open`, `write`, `settle` and `discard` wait for the disk: call them aside from the loop.
    """

    def __init__(self, state_dir: str | None) -> None:
        self._folder = None if state_dir is None else os.path.join(state_dir, FOLDER)
        self._held: dict[int, Kept] = {}
        self._spent = 0
        self._written = 0
        self.unreadable: list[str] = []
        self.uncommitted: list[str] = []

    def open(self) -> None:
        """Read what is there, and change nothing of it.

        What cannot be read is named in `unreadable`; what a crash left that was written and not
        committed is in `uncommitted`. Neither is run.
        """
        if self._folder is None:
            return
        try:
            names = sorted(os.listdir(self._folder))
        except FileNotFoundError:
            return
        except OSError:
            self.unreadable.append(self._folder)
            return
        for name in names:
            path, found = os.path.join(self._folder, name), _NAME.fullmatch(name)
            if _NEXT.fullmatch(name):
                self.uncommitted.append(path)
            if found is None:
                continue
            number = int(found[1])
            self._spent = max(self._spent, number)
            try:
                self._held[number] = _read(path, number)
            except _DAMAGED:
                self.unreadable.append(path)

    # what is held

    def all(self) -> list[Kept]:
        """Return the documents, the oldest first."""
        return [self._held[number] for number in sorted(self._held)]

    def last(self) -> Kept | None:
        """Return the document that was committed last."""
        return self._held[max(self._held)] if self._held else None

    @property
    def next(self) -> int:
        """The number after all that were given, those that cannot be read among them."""
        return max(self._spent, *self._held, 0) + 1

    def find(self, generation: int) -> Kept | None:
        """Return the document of a generation, None where it is not kept any more."""
        return self._held.get(generation)

    def before(self, running: Kept) -> Kept | None:
        """Return what a rollback without a number goes to: the newest other document before."""
        for one in reversed(self.all()):
            if one.generation < running.of and one.digest != running.digest:
                return one
        return None

    # writing

    def hold(self, one: Kept) -> list[int]:
        """Count a document as committed; return the generations that are kept no more."""
        self._held[one.generation] = one
        gone = sorted(self._held)[:-KEPT]
        for number in gone:
            del self._held[number]
        return gone

    def write(self, one: Kept) -> str:
        """Write a document beside its place, so that `settle` cannot fail for want of room.

        Return its path, which no other has: one that is still to be settled stays as it is.
        Raises OSError.
        """
        if self._folder is None:
            return ""
        self._written += 1
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        path = os.path.join(self._folder, f"next-{self._written}.json")
        body = json.dumps(one.as_dict(), ensure_ascii=True).encode()
        head = {"version": _VERSION, "sha256": hashlib.sha256(body).hexdigest()}
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(json.dumps(head).encode() + b"\n" + body)
                file.flush()
                os.fsync(fd)
        except OSError as error:
            self.discard(path)
            raise OSError(error.errno, error.strerror, path) from error
        return path

    def settle(self, path: str, generation: int, gone: list[int]) -> None:
        """Put what `write` wrote into its place, for good; then remove those that are `gone`.

        Raises OSError.
        """
        if self._folder is None:
            return
        os.replace(path, self._path(generation))
        _sync(self._folder)
        _sync(os.path.dirname(self._folder))
        for number in gone:
            with contextlib.suppress(OSError):
                os.unlink(self._path(number))

    def discard(self, *paths: str) -> None:
        """Remove what was written and is not to be committed, as far as that can be."""
        for path in filter(None, paths):
            with contextlib.suppress(OSError):
                os.unlink(path)

    def _path(self, generation: int) -> str:
        assert self._folder is not None, "documents are kept in a state dir"
        return os.path.join(self._folder, f"{generation:010}.json")


def last_kept(state_dir: str) -> Kept | None:
    """Return the document that a state dir has last, if it has one that can be read."""
    held = Generations(state_dir)
    held.open()
    return held.last()


def _read(path: str, generation: int) -> Kept:
    """Return the document that was kept as a generation; raises one of _DAMAGED."""
    with open(path, "rb", opener=_open_plain) as file:
        head = json.loads(file.readline(1_000))
        body = file.read(_MOST_BYTES)
    if head["version"] != _VERSION or head["sha256"] != hashlib.sha256(body).hexdigest():
        raise ValueError("it is damaged, or of another version")
    one = Kept.from_dict(json.loads(body))
    if one.generation != generation:
        raise ValueError(f"it is generation {one.generation}")
    return one


def _open_plain(path: str, flags: int) -> int:
    """Open a file, and nothing that may never answer, as a pipe does."""
    fd = os.open(path, flags | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise ValueError("it is no file")
    return fd


def _sync(folder: str) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
