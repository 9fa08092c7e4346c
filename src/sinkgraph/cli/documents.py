"""Which graph documents the arguments of a command mean: files, folders, globs, and their parts.

It reads only as much as tells a graph document from another file; it judges none.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from glob import has_magic, iglob
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sinkgraph.diagnostics.diagnostic import Diagnostic

__all__ = ["Checked", "Documents", "find_documents", "holders_of"]

SUFFIXES = (".yaml", ".yml", ".toml", ".json")
_SCHEMA = ".schema.json"
MAX_FILES = 10_000
"""Files that one folder or glob may bring."""

_MAX_READ = 1_000_000
_IS_DOCUMENT = re.compile(
    rb"""(?mx) (?: ^ [ \t]* | [{,\[] [ \t]* ) ["']? (?: sinkgraph | sinks ) ["']? [ \t]* [].:=]"""
)


@dataclass(frozen=True, slots=True)
class Documents:
    """Is what arguments mean.

    `files`: names to check, each once, in the order given and sorted within a folder or glob.
    `others`: what folders and globs brought that does not look like a whole graph document.
    `nothing`: the folders and globs without any.
    """

    files: tuple[str, ...]
    others: tuple[str, ...]
    nothing: tuple[str, ...]


def find_documents(arguments: Iterable[str]) -> Documents:
    """Return the documents that files, folders and globs name.

    A file is taken whatever it holds, also when it does not exist. Of a folder (with all below it,
    but for hidden ones) and of a glob (`**` too) those files are taken that say `sinkgraph` or
    `sinks` and have a suffix of a document; a `.schema.json`, which editors read, is none.
    """
    files: dict[str, None] = {}
    nothing: list[str] = []
    others: dict[str, None] = {}
    for argument in arguments:
        if os.path.lexists(argument) and not os.path.isdir(argument):
            files[argument] = None
            continue
        folder = os.path.isdir(argument) and argument != "-"
        if not folder and not has_magic(argument):
            files[argument] = None
            continue
        found = _below(argument) if folder else iglob(argument, recursive=True)
        names = sorted({name for name in _first(found) if name.lower().endswith(SUFFIXES)})
        taken = {name: None for name in names if is_document(name)}
        others.update(dict.fromkeys(name for name in names if name not in taken))
        files.update(taken)
        if not taken:
            nothing.append(argument)
    return Documents(tuple(files), tuple(others), tuple(nothing))


@dataclass(frozen=True, slots=True)
class Checked:
    """Is a document that was checked: its findings, its `counts` when there is no error.

    `read`: the files it was read from, itself first.
    """

    file: str
    found: list[Diagnostic]
    counts: str | None
    read: tuple[str, ...]

    @property
    def real(self) -> str:
        """The file itself, whatever links lead to it."""
        return os.path.realpath(self.file)

    @property
    def headless(self) -> bool:
        """Whether it says no version or no name: by itself it is no whole document."""
        lacks = (("SG125", "sinkgraph"), ("SG121", "name"))
        return any((one.code, one.path) in lacks for one in self.found)


def holders_of(checked: Iterable[Checked]) -> dict[str, str]:
    """Return for every file that a whole document was read from besides itself which one that is.

    A document that lacks its head is a part when such a document includes it, and only then.
    """
    made: dict[str, str] = {}
    for one in checked:
        if not one.headless:
            for path in map(_real, one.read):
                if path != one.real:
                    made.setdefault(path, one.file)
    return made


def _real(path: str) -> str:
    try:
        return os.path.realpath(path)
    except ValueError:  # a NUL: a file that cannot exist
        return path


def is_document(name: str) -> bool:
    """Tell whether a regular file says at its beginning that it is a graph document."""
    try:
        if name.lower().endswith(_SCHEMA) or not os.path.isfile(name):
            return False
        with open(name, "rb") as file:
            return _IS_DOCUMENT.search(file.read(_MAX_READ).replace(b"\0", b"")) is not None
    except (OSError, ValueError):
        return False


def _below(folder: str) -> Iterator[str]:
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                yield os.path.join(at, name)


def _first(found: Iterable[str]) -> Iterator[str]:
    for count, name in enumerate(found):
        if count == MAX_FILES:
            return
        yield name
