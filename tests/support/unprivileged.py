"""A folder of a user who may not do everything, and the rights of that user, also for root."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["a_folder", "rights_of_nobody"]

_NOBODY = 65_534


@contextmanager
def a_folder() -> Iterator[Path]:
    """Make a folder that anybody can reach, and remove it."""
    folder = Path(tempfile.mkdtemp(prefix="sinkgraph-test-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def rights_of_nobody(folder: Path) -> Iterator[None]:
    """Give up root's rights for a while, and own what is in `folder`; for others nothing changes.

    What is imported meanwhile may be out of reach: do everything once before.
    """
    if os.geteuid() != 0:
        yield
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, _NOBODY, -1)
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
