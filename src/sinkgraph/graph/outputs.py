"""The files that file sinks write: what each path really is, and what forbids writing it.

Files are looked at, never opened; what two of them mean together is `sinkgraph.graph.rules`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sinkgraph.spec.declared import NodeDecl
from sinkgraph.spec.document_tree import Scalar
from sinkgraph.spec.kinds.terminal import FileSinkSpec
from sinkgraph.spec.leaves import Placeholder

__all__ = ["Output", "look_at_outputs", "stood_in"]


@dataclass(frozen=True, slots=True)
class Output:
    """Is the file of one sink: its real path, and what forbids writing it, or ""."""

    decl: NodeDecl
    spec: FileSinkSpec
    real: str
    problem: str


def look_at_outputs(nodes: Iterable[NodeDecl], base: Path) -> list[Output]:
    """Return the outputs of nodes whose path is known; relative ones are below `base`."""
    folders = _Folders(base)
    made = []
    for decl in nodes:
        spec = decl.spec
        if type(spec) is FileSinkSpec and not stood_in(decl, "path"):
            made.append(Output(decl, spec, *folders.look(spec.path)))
    return made


def stood_in(decl: NodeDecl, *fields: str) -> bool:
    """Tell whether what a field holds is not known: two that are unknown are not one."""
    held = (decl.tree.get(field) for field in fields)
    return any(isinstance(one, Scalar) and isinstance(one.value, Placeholder) for one in held)


class _Folders:
    """Resolves paths, asking the system once for each folder."""

    def __init__(self, base: Path) -> None:
        self._base = os.path.realpath(base)
        self._known: dict[str, str] = {}

    def look(self, path: str) -> tuple[str, str]:
        """Return the real path of a sink's file, and what forbids writing it, or ""."""
        relative = not os.path.isabs(path)
        whole = os.path.normpath(os.path.join(self._base, path))
        folder, name = os.path.split(whole)
        real = self._known.get(folder)
        if real is None:
            real = self._known[folder] = os.path.realpath(folder)
        file = os.path.join(real, name)
        if relative and not _below(real, self._base):
            return file, "leads out of the output directory through a symlink"
        try:
            mode = os.lstat(file).st_mode
        except (OSError, ValueError):
            return file, ""
        if stat.S_ISREG(mode):
            return file, ""
        if stat.S_ISLNK(mode):
            return os.path.realpath(file), "is a symlink"
        return file, f"is {_what(mode)}, not a file"


def _below(path: str, base: str) -> bool:
    return path == base or path.startswith(base.rstrip("/") + "/")


def _what(mode: int) -> str:
    for test, name in (
        (stat.S_ISDIR, "a directory"),
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    ):
        if test(mode):
            return name
    return "something else"
