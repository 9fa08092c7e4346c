"""Which document used a state dir last, so that two graphs of one name are told from one another.

It only notes and compares paths; whose events are whose is the engine's affair.
"""

from __future__ import annotations

import contextlib
import os

from sinkgraph.diagnostics.safe import safe_text

__all__ = ["moved_in", "other_tenant"]

_NOTE = "used-by"
_MOST_BYTES = 16_384


def other_tenant(state_dir: str, path: str) -> str | None:
    """Return the document that used a state dir last, None when it was this one or nobody."""
    try:
        fd = os.open(os.path.join(state_dir, _NOTE), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        held = os.fsdecode(os.read(fd, _MOST_BYTES)).removesuffix("\n")
    except OSError:
        return None
    finally:
        os.close(fd)
    return held if held and held != os.path.realpath(path) else None


def moved_in(state_dir: str, path: str) -> str:
    """Note that a document uses a state dir now; return what to say of another one, "" for none.

    A note that cannot be written stops no run: only the next warning is lost.
    """
    before = other_tenant(state_dir, path)
    now, note = os.path.realpath(path), os.path.join(state_dir, _NOTE)
    with contextlib.suppress(OSError):
        with open(f"{note}.new", "wb") as file:
            file.write(os.fsencode(now) + b"\n")
        os.replace(f"{note}.new", note)
    if before is None:
        return ""
    return (
        f"warning: state dir {safe_text(state_dir)} was used last by {safe_text(before, 500)}, and"
        f" is used now by {safe_text(now, 500)}: if these are two graphs, give one of them another"
        " `name:` or `--state-dir`"
    )
