"""A file, or standard input, becomes the bytes of a document, or a finding that says why not.

Only regular files are opened for reading, so nothing here can hang on a pipe or device.
"""

from __future__ import annotations

import os
import stat
import sys

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.source import SourceText, Span
from sinkgraph.spec.document_text import MAX_BYTES

__all__ = ["read_bytes", "read_regular"]


def read_bytes(name: str) -> tuple[bytes | None, Diagnostic | None]:
    """Return the bytes of the file `name`, or of standard input for `-`, or the finding."""
    if name == "-":
        if sys.stdin is None or sys.stdin.isatty():
            return None, _finding("<stdin>", "standard input is a terminal, not a document")
        return sys.stdin.buffer.read(MAX_BYTES + 1), None
    content, problem = read_regular(name, MAX_BYTES)
    if content is None:
        return None, _finding(name, f"the document {problem}")
    return content, None


def read_regular(path: str, limit: int) -> tuple[bytes | None, str]:
    """Return at most `limit` + 1 bytes of a regular file, or None and why not, as a predicate.

    Must survive a path of any characters, a pipe, a device, and a file that changes meanwhile.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None, "does not exist"
    except PermissionError:
        return None, "may not be read by this user"
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return None, f"cannot be opened: {reason.lower()}"
    try:
        before = os.fstat(handle)
        if stat.S_ISDIR(before.st_mode):
            return None, "is a directory"
        if not stat.S_ISREG(before.st_mode):
            return None, "is not a regular file"
        content = _read_up_to(handle, limit + 1)
        after = os.fstat(handle)
    except OSError as error:
        return None, f"cannot be read: {(error.strerror or str(error)).lower()}"
    finally:
        os.close(handle)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        return None, "changed while it was being read"
    return content, ""


def _read_up_to(handle: int, size: int) -> bytes:
    parts: list[bytes] = []
    while size > 0 and (part := os.read(handle, min(size, 1 << 20))):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _finding(name: str, headline: str) -> Diagnostic:
    return Diagnostic("SG101", headline, span=Span(SourceText(name, ""), 0, 0))
