"""The place of a store: whether a directory and its files may be used, each refusal one clear line.

It opens no database and changes nothing but what is missing.
"""

from __future__ import annotations

import errno
import os
import stat

from sinkgraph.log.disk.errors import StateDamaged, StateNewer, StateOlder, StateUnusable
from sinkgraph.log.disk.format import APPLICATION_ID, DATABASE, VERSION, version_in

__all__ = [
    "FRESH",
    "REPAIRED",
    "create",
    "examine",
    "found",
    "prepare",
    "refuse_other_version",
    "sync",
    "version_of",
    "why",
]

FRESH = f"{DATABASE}.new"
REPAIRED = f"{DATABASE}.repaired"  # complete: it only has to be put in its place
_FILES = (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm")
_MAGIC = b"SQLite format 3\0"


def prepare(directory: str) -> None:
    """Make the directory where it is missing, and its database file; see `examine`."""
    try:
        if not os.path.isdir(directory):
            os.makedirs(directory, mode=0o700, exist_ok=True)
            sync(os.path.dirname(os.path.abspath(directory)))
    except FileExistsError:
        raise StateUnusable(f"state directory {directory} is not a directory") from None
    except OSError as error:
        raise StateUnusable(f"cannot make state directory {directory}: {why(error)}") from None
    examine(directory)
    if not os.access(directory, os.W_OK | os.X_OK):
        raise StateUnusable(f"state directory {directory} is not writable for this user")


def create(directory: str) -> None:
    """Make an empty file for the database, for its owner only, where there is none."""
    path = os.path.join(directory, DATABASE)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        os.close(os.open(path, flags, 0o600))
    except OSError as error:
        raise StateUnusable(f"cannot open {path}: {why(error)}") from None


def examine(directory: str) -> None:
    """Raise StateUnusable where the directory or a file in it is not what it must be."""
    try:
        held = os.stat(directory)
    except OSError as error:
        raise StateUnusable(f"cannot use state directory {directory}: {why(error)}") from None
    if not stat.S_ISDIR(held.st_mode):
        raise StateUnusable(f"state directory {directory} is not a directory")
    me = os.geteuid()
    if held.st_uid != me:
        raise StateUnusable(
            f"state directory {directory} belongs to user {held.st_uid}, and this is user {me}:"
            " run as its owner, or choose another --state-dir"
        )
    if held.st_mode & stat.S_IWOTH:
        raise StateUnusable(
            f"state directory {directory} is writable for everybody: chmod 700 it, or choose"
            " another --state-dir"
        )
    for name in _FILES:
        path = os.path.join(directory, name)
        try:
            file = os.lstat(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StateUnusable(f"cannot look at {path}: {why(error)}") from None
        if stat.S_ISLNK(file.st_mode):
            raise StateUnusable(f"{path} is a symbolic link, which is never followed: remove it")
        if not stat.S_ISREG(file.st_mode):
            raise StateUnusable(f"{path} is not a file: remove it, or choose another --state-dir")
        if file.st_uid != me:
            raise StateUnusable(
                f"{path} belongs to user {file.st_uid}, and this is user {me}: run as its owner"
            )


def found(directory: str) -> str:
    """Return the path of the database that is there; StateUnusable where there is none."""
    examine(directory)
    path = os.path.join(directory, DATABASE)
    if not os.path.exists(path):
        raise StateUnusable(f"state directory {directory} holds no stored events")
    return path


def version_of(directory: str, head: bytes, size: int, wal: int) -> int:
    """Return the format that the first bytes of a database tell, 0 where it is new.

    `size` and `wal`: bytes of the file and of its log. Raises StateDamaged for what is none.
    """
    path = os.path.join(directory, DATABASE)
    if not size:
        if wal:
            raise StateDamaged(path, directory, "it is empty, and its log is not")
        return 0
    if size < 512 or head[:16] != _MAGIC:
        raise StateDamaged(path, directory, "it does not begin as a database does")
    stamp = int.from_bytes(head[60:64], "big", signed=True)
    owner = int.from_bytes(head[68:72], "big")
    if stamp == owner == 0 and int.from_bytes(head[28:32], "big") <= 1:
        return 0  # a crash while it was made
    if owner != APPLICATION_ID:
        raise StateDamaged(path, directory, f"it is marked as belonging to program {owner:#010x}")
    version = version_in(stamp)
    if version is None:
        raise StateDamaged(path, directory, f"its format is said to be {stamp:#x}")
    return version


def refuse_other_version(directory: str, version: int) -> None:
    """Raise StateNewer or StateOlder for a format that is not ours."""
    path = os.path.join(directory, DATABASE)
    if version > VERSION:
        raise StateNewer(path, version, VERSION)
    if version < VERSION:
        raise StateOlder(path, directory, version, VERSION)


def sync(directory: str) -> None:
    """Make what was made in a directory last."""
    try:
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.fsync(fd)
    except OSError:
        pass  # not every file system knows it; the files themselves are synced
    finally:
        os.close(fd)


def why(error: OSError) -> str:
    """Return the reason of an error in words."""
    if error.errno == errno.ENOSPC:
        return "no space left on the disk"
    return (error.strerror or str(error)).lower()
