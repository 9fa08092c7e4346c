"""Connects to the database of a state directory, new or old, and says in words why it cannot.

It reads no event; `store` does with what is returned here.
"""

from __future__ import annotations

import errno
import os

import apsw

from sinkgraph.errors import StoreFailed, StoreFull
from sinkgraph.log.disk import directory as place
from sinkgraph.log.disk.errors import StateDamaged, StateUnusable
from sinkgraph.log.disk.format import (
    APPLICATION_ID,
    DATABASE,
    SCHEMA,
    VERSION,
    stamp_of,
    version_in,
)
from sinkgraph.log.disk.lock import Lock, holder
from sinkgraph.log.disk.reading import is_damage
from sinkgraph.log.disk.reserve import Reserve, free_bytes

__all__ = ["at_open", "connect", "connect_to_read", "failure", "peek"]

WAL_LIMIT = 4 << 20
_BUSY_MS = 2_000
_LITTLE = 1 << 20
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def connect(directory: str, vfs: str | None, page_size: int) -> tuple[apsw.Connection, Lock | None]:
    """Return a connection that may write, and the lock of the directory unless a VFS is named."""
    place.prepare(directory)
    lock = Lock(directory) if vfs is None else None
    try:
        if lock is not None and _free(directory) < _LITTLE:
            Reserve(directory).give_up()  # to open needs some room; it is taken again afterwards
        path = os.path.join(directory, DATABASE)
        if os.path.exists(os.path.join(directory, place.REPAIRED)):
            raise StateDamaged(path, directory, "its repair was interrupted")
        place.create(directory)
        version = peek(directory, vfs)
        if version:
            place.refuse_other_version(directory, version)
        flags = apsw.SQLITE_OPEN_READWRITE
        db = _opened(path, flags, vfs)
        try:
            _set_up(db, directory, page_size)
        except BaseException:
            db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            db.close(True)
            raise
        return db, lock
    except apsw.Error as error:
        if lock is not None:
            lock.release()
        raise at_open(error, directory) from None
    except BaseException:
        if lock is not None:
            lock.release()
        raise


def connect_to_read(directory: str, vfs: str | None) -> apsw.Connection:
    """Return a connection that may only read; nothing is made, and no lock is taken."""
    path = place.found(directory)
    try:
        version = peek(directory, vfs)
        if not version:
            raise StateUnusable(f"state directory {directory} holds no stored events")
        place.refuse_other_version(directory, version)
        if holder(directory) is None and not _size(f"{path}-wal"):
            uri = f"file:{_quoted(path)}?immutable=1"
            flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
            db = _opened(uri, flags, vfs)
        else:
            db = _opened(path, apsw.SQLITE_OPEN_READONLY, vfs)
            _check_stamp(directory, db.pragma("user_version"))
    except apsw.Error as error:
        raise at_open(error, directory) from None
    return db


def _opened(path: str, flags: int, vfs: str | None) -> apsw.Connection:
    if vfs is None:
        flags |= apsw.SQLITE_OPEN_NOFOLLOW
        path = path if path.startswith("file:") else os.path.realpath(path)
    db = apsw.Connection(path, flags=flags, vfs=vfs, statementcachesize=64)
    db.set_busy_timeout(_BUSY_MS)
    return db


def _set_up(db: apsw.Connection, directory: str, page_size: int) -> None:
    path = os.path.join(directory, DATABASE)
    db.pragma("synchronous", "FULL")
    db.pragma("journal_size_limit", WAL_LIMIT)
    db.pragma("wal_autocheckpoint", 0)
    db.pragma("cell_size_check", "ON")
    stamp = db.pragma("user_version")
    if stamp:
        _check_stamp(directory, stamp)
        if db.pragma("journal_mode") != "wal" and db.pragma("journal_mode", "wal") != "wal":
            raise StateUnusable(f"{path} cannot keep a write-ahead log: choose another --state-dir")
        return
    db.pragma("page_size", page_size)
    if db.pragma("journal_mode", "wal") != "wal":
        raise StateUnusable(f"{path} cannot keep a write-ahead log: choose another --state-dir")
    db.execute("BEGIN IMMEDIATE")
    db.execute(SCHEMA)
    db.pragma("application_id", APPLICATION_ID)
    db.pragma("user_version", stamp_of(VERSION))
    db.execute("COMMIT")
    db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    place.sync(directory)


def _check_stamp(directory: str, stamp: int) -> None:
    """Raise where what the write-ahead log says of the format is not what we know."""
    version = version_in(stamp)
    if version is None:
        path = os.path.join(directory, DATABASE)
        raise StateDamaged(path, directory, f"its format is said to be {stamp:#x}")
    place.refuse_other_version(directory, version)


def peek(directory: str, vfs: str | None) -> int:
    """Return the format of the database without opening it; see `directory.version_of`."""
    path = os.path.join(directory, DATABASE)
    flags = [apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_READONLY, 0]
    file = apsw.VFSFile(vfs or "", os.path.realpath(path), flags)
    try:
        size = file.xFileSize()
        head = file.xRead(100, 0) if size >= 100 else b""
    finally:
        file.xClose()
    return place.version_of(directory, head, size, _size(f"{path}-wal"))


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _quoted(path: str) -> str:
    return os.path.realpath(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def at_open(error: apsw.Error, directory: str) -> Exception:
    """Return why a store cannot be opened."""
    path = os.path.join(directory, DATABASE)
    if is_damage(error):
        return StateDamaged(path, directory, str(error))
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return StateUnusable(f"{path} is locked by another program: close what has it open")
    if isinstance(error, apsw.FullError) or getattr(error, "extendedresult", 0) in _NO_SHM:
        return StateUnusable(
            f"cannot open {path}: no space left on its disk; what is stored is safe: make room"
            " there, a few MiB, and start again"
        )
    return StateUnusable(f"cannot open {path}: {_told(error)}")


def failure(error: Exception, path: str, db: apsw.Connection | None = None) -> Exception:
    """Return what a writer is told: StoreFull where it may be tried again, else StoreFailed."""
    if isinstance(error, apsw.FullError):
        return StoreFull(f"no room for {path}: the disk is full")
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return StoreFull(f"{path} is locked by another program")
    synced = getattr(error, "extendedresult", 0) in _SYNC
    if isinstance(error, apsw.IOError) and not synced and db is not None:
        try:
            if db.system_errno in _NO_ROOM:
                return StoreFull(f"no room for {path}: the disk is full")
        except apsw.Error:
            pass
    if is_damage(error):
        return StoreFailed(f"{path} is damaged ({error}): run `sinkgraph queue repair`")
    return StoreFailed(f"{path} failed: {_told(error)}")


_NO_SHM = (apsw.SQLITE_IOERR_SHMSIZE, apsw.SQLITE_IOERR_SHMMAP)
_SYNC = (apsw.SQLITE_IOERR_FSYNC, apsw.SQLITE_IOERR_DIR_FSYNC)


def _free(directory: str) -> int:
    """Return the free bytes of the disk a directory is on; a lot where that cannot be told."""
    free = free_bytes(directory)
    return _LITTLE if free is None else free


def _told(error: Exception) -> str:
    code = apsw.mapping_extended_result_codes.get(getattr(error, "extendedresult", 0))
    text = str(error) or "disk I/O error"
    return f"{text} ({code})" if isinstance(code, str) else text
