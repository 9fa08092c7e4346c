"""SG512–SG515: no two nodes hold one file, address or input, and no path leads astray.

Files are looked at, never opened.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.diagnostics.source import Span
from sinkgraph.graph.view import View
from sinkgraph.spec.declared import NodeDecl
from sinkgraph.spec.document_tree import Scalar
from sinkgraph.spec.kinds.source import HttpSourceSpec, StdinSource
from sinkgraph.spec.kinds.terminal import FileSinkSpec
from sinkgraph.spec.leaves import Placeholder

__all__ = ["check"]

_ROTATED = re.compile(r"(.+)\.([1-9][0-9]{0,4})", re.DOTALL)


def check(view: View) -> Iterator[Diagnostic]:
    """Yield file sinks that share a file or must not write theirs, and sources on one address."""
    files: dict[str, NodeDecl] = {}
    listeners: dict[tuple[str, int, str], NodeDecl] = {}
    stdin: NodeDecl | None = None
    folders = _Folders(view.output)
    for decl in view.nodes.values():
        spec = decl.spec
        if type(spec) is FileSinkSpec and not _stood_in(decl, "path"):
            real, problem = folders.look(spec.path)
            if problem:
                yield _astray(decl, spec.path, problem)
            first = files.setdefault(real.casefold(), decl)
            if first is not decl:
                yield _shared(decl, first, "path", f"write to one file, `{_shown(spec.path)}`",
                              "give each a file of its own, or put one below both")  # fmt: skip
        elif type(spec) is HttpSourceSpec and not _stood_in(decl, "listen", "path"):
            key = (spec.listen.host, spec.listen.port, spec.path)
            first = listeners.setdefault(key, decl)
            if first is not decl:
                what = f"listen on `{spec.listen}` with path `{_shown(spec.path)}`"
                yield _shared(decl, first, "listen", what, "give each a `path` of its own",
                              "SG514")  # fmt: skip
        elif type(spec) is StdinSource:
            stdin = stdin or decl
            if stdin is not decl:
                yield _shared(decl, stdin, "kind", "both read standard input",
                              "keep one of them", "SG515")  # fmt: skip
    yield from _rotated_into(files)


def _stood_in(decl: NodeDecl, *fields: str) -> bool:
    """Tell whether what a field holds is not known: two that are unknown are not one."""
    held = (decl.tree.get(field) for field in fields)
    return any(isinstance(one, Scalar) and isinstance(one.value, Placeholder) for one in held)


def _rotated_into(files: dict[str, NodeDecl]) -> Iterator[Diagnostic]:
    """Yield sinks whose file another one would replace with its rotated ones: `a.log.1`."""
    for real, decl in files.items():
        found = _ROTATED.fullmatch(real)
        first = files.get(found[1]) if found else None
        spec = first.spec if first is not None else None
        if found is None or first is None or type(spec) is not FileSinkSpec or spec.rotate is None:
            continue
        if int(found[2]) <= spec.rotate.keep:
            what = f"write to one file: `{first.shown}` rotates into it"
            yield _shared(decl, first, "path", what, "give one of them another name")


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


def _shown(text: str) -> str:
    return safe_text(text, 80)


def _at(decl: NodeDecl, field: str) -> Span | None:
    held = decl.tree.get(field)
    return decl.at if held is None else held.span


def _astray(decl: NodeDecl, path: str, problem: str) -> Diagnostic:
    return Diagnostic(
        "SG513",
        f"{decl.label} would write to `{_shown(path)}`, which {problem}",
        "error",
        _at(decl, "path"),
        problem,
        f"sinks.{decl.shown}.path",
        help=("write to a plain file; `kind: stdout` prints",),
    )


def _shared(
    decl: NodeDecl, first: NodeDecl, field: str, what: str, help: str, code: str = "SG512"
) -> Diagnostic:
    at = _at(first, field)
    return Diagnostic(
        code,
        f"{decl.side}s `{first.shown}` and `{decl.shown}` {what}",
        "error",
        _at(decl, field),
        "held by another node",
        f"{decl.side}s.{decl.shown}.{field}",
        (Label(at, f"held by `{first.shown}`"),) if at is not None else (),
        help=(help,),
    )
