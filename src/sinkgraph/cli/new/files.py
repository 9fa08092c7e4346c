"""A new document and the schema beside it become files: both, or none.

A file that is there is never written over unless that is asked for.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path

__all__ = ["SCHEMA_NAME", "refused", "write_new"]

SCHEMA_NAME = "sinkgraph.schema.json"


def refused(file: Path, *, force: bool) -> str | None:
    """Return why a document cannot be written there, as far as can be told before."""
    if file.is_dir():
        return "is a folder"
    if not force and os.path.lexists(file):
        return "is there already; choose another name, or write over it with `--force`"
    if force and file.exists() and not file.is_file():
        return "is not a regular file"
    return None


def write_new(file: Path, text: str, schema: str, *, force: bool) -> str:
    """Write a document and the schema beside it, with folders that are missing.

    Return `written`, `same` or `differs`: what was done with the schema; one that differs stays
    unless forced. Raises OSError; what was made by then is taken away again, also when it is
    interrupted.
    """
    beside = file.parent / SCHEMA_NAME
    with ExitStack() as undo:
        _folders(file.parent, undo)
        _create(file, text, undo, force=force)
        outcome = "written"
        if os.path.lexists(beside):
            same = beside.is_file() and beside.read_text("utf-8", errors="replace") == schema
            outcome = "same" if same else "written" if force else "differs"
        if outcome == "written":
            _create(beside, schema, undo, force=force)
        undo.pop_all()
    return outcome


def _folders(folder: Path, undo: ExitStack) -> None:
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir()
        undo.callback(_forgotten, one.rmdir)


def _create(path: Path, text: str, undo: ExitStack, *, force: bool) -> None:
    """Make a file of a text; with `force`, in place of the one that is there."""
    if not force or not path.exists():
        with path.open("x", encoding="utf-8", newline="\n") as file:
            undo.callback(_forgotten, path.unlink)
            file.write(text)
        return
    path = path.resolve()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-", suffix=path.suffix)
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(name, path.stat().st_mode & 0o777)
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def _forgotten(remove: object) -> None:
    """Take away what was made; what is gone or in use by then stays as it is."""
    with suppress(OSError):
        if callable(remove):
            remove()
