"""What a document that was sent from elsewhere may not name: files outside of a folder, Python.

Whoever may send one over an address has a token, but no right to this machine's files, nor to have
whatever is installed here called. What the program itself gave (`provided:`) may be named.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sinkgraph.control.documents import Loaded
from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.graph.model import GraphNode

__all__ = ["outside"]

_HELP = "put it below the folder of the document that runs, or apply a file of that machine there"


def outside(loaded: Loaded, folder: str) -> Loaded:
    """Return what was loaded, without a graph where it names what it may not.

    What else was found is not told then: it may say what such a file holds.
    """
    looked = loaded.looked
    found = [_finding(path) for path in (*looked.files, *looked.secrets) if _out(path, folder)]
    for node in loaded.graph.nodes.values() if loaded.graph is not None else ():
        found += [
            replace(_finding(path), span=node.declared_at, label="in this node")
            for path in _paths(node)
            if _out(os.path.join(folder, path), folder)
        ]
        found += [
            replace(_python(name), span=node.declared_at, label="in this node")
            for name in _called(node)
        ]
    return replace(loaded, graph=None, found=tuple(found)) if found else loaded


def _paths(node: GraphNode) -> Iterator[str]:
    """Yield the files a node reads or writes."""
    if node.kind != "file":
        return
    held: Any = getattr(node.spec, "paths", None) or getattr(node.spec, "path", None)
    yield from map(os.fspath, [held] if isinstance(held, str | os.PathLike) else held or ())


def _called(node: GraphNode) -> Iterator[str]:
    """Yield the Python that a node names by its module."""
    field = {"call": "target", "transform": "python"}.get(node.kind)
    name = getattr(node.spec, field, None) if field is not None else None
    if isinstance(name, str) and not name.startswith("provided:"):
        yield name


def _python(name: str) -> Diagnostic:
    return Diagnostic(
        "SG513",
        f"a document that was sent here names Python by its module: `{safe_text(name, 200)}`",
        help=("apply a file of that machine there, or name what the program provides",),
    )


def _out(path: str, folder: str) -> bool:
    inner, outer = os.path.normpath(path), os.path.normpath(folder)
    return not inner.startswith(outer.rstrip("/") + "/")


def _finding(path: str) -> Diagnostic:
    return Diagnostic(
        "SG513",
        f"a document that was sent here names a file outside of its folder: `{safe_text(path)}`",
        help=(_HELP,),
    )
