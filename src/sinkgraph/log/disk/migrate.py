"""Brings the files of an older sinkgraph up to the format of this one, step by step.

All steps are one transaction: interrupted, the old format is still there. Nothing goes backwards.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

import apsw

from sinkgraph.log.disk import directory as place
from sinkgraph.log.disk.errors import StateNewer, StateUnusable
from sinkgraph.log.disk.format import DATABASE, VERSION, stamp_of
from sinkgraph.log.disk.lock import Lock
from sinkgraph.log.disk.opening import at_open, peek

__all__ = ["STEPS", "Step", "migrate"]

Step = Callable[[apsw.Connection], None]

STEPS: Mapping[int, Step] = {}
"""From each format to the next one: the step of format n makes format n + 1 of it."""


def migrate(
    directory: str, *, steps: Mapping[int, Step] = STEPS, version: int = VERSION
) -> tuple[int, int]:
    """Bring a directory that nobody uses to a format; return the format before, and now.

    Raises StateNewer, StateLocked, StateDamaged, and StateUnusable where a step is missing.
    """
    path = place.found(directory)
    lock = Lock(directory)
    try:
        before = peek(directory, None)
        if before > version:
            raise StateNewer(path, before, version)
        missing = [one for one in range(before, version) if one not in steps]
        if before == 0 or missing:
            raise StateUnusable(f"{path} has format {before}, from which no way leads to {version}")
        if before < version:
            _apply(directory, [steps[one] for one in range(before, version)], version)
        return before, version
    except apsw.Error as error:
        raise at_open(error, directory) from None
    finally:
        lock.release()


def _apply(directory: str, steps: list[Step], version: int) -> None:
    db = apsw.Connection(os.path.join(directory, DATABASE), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        db.pragma("synchronous", "FULL")
        db.execute("BEGIN IMMEDIATE")
        try:
            for step in steps:
                step(db)
            db.pragma("user_version", stamp_of(version))
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    finally:
        db.close(True)
