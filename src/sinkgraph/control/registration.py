"""How a run is found by others: its record and its socket, in a directory of this user's alone.

The record is locked while the run lives, so that a dead one is known without asking anybody.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import tempfile
from urllib.parse import quote

from sinkgraph import __version__
from sinkgraph.api.addresses import SOCKET, runtime_dir
from sinkgraph.control.wire import socket_place

__all__ = ["Registration", "leave", "place_for", "prepare"]

_ALONE = "s.sock"


def prepare(directory: str) -> str:
    """Make the runtime directory, closed to everybody else; raise OSError where it is not ours."""
    os.makedirs(os.path.dirname(os.path.abspath(directory)), exist_ok=True)
    try:
        os.mkdir(directory, 0o700)
    except FileExistsError:
        pass
    held = os.lstat(directory)
    if not stat.S_ISDIR(held.st_mode) or held.st_uid != os.geteuid():
        raise PermissionError(1, "it does not belong to this user", directory)
    if held.st_mode & 0o077:
        os.chmod(directory, 0o700)
    return directory


def place_for(name: str, state_dir: str | None) -> str:
    """Return where a run's socket goes: its state dir, where that is closed, else among the runs.

    Raises OSError where neither can be; `leave` the place when the socket is gone.
    """
    if state_dir is not None:
        place = socket_place(state_dir, SOCKET)
        if place is not None:
            return place
    directory = prepare(runtime_dir())
    short = quote(name, safe="")[:32]
    for file in (f"{short}.{os.getpid()}.sock", f"{os.getpid()}.sock"):
        place = socket_place(directory, file)
        if place is not None:
            return place
    # its path is too long for a socket: one of our own, in the shortest place there is
    made = tempfile.mkdtemp(prefix="sinkgraph-", dir="/tmp" if os.path.isdir("/tmp") else None)
    return os.path.join(made, _ALONE)


def leave(path: str) -> None:
    """Remove the directory that was made for one socket, if it was; the socket is gone."""
    if os.path.basename(path) == _ALONE:
        try:
            os.rmdir(os.path.dirname(path))
        except OSError:
            pass  # something else is in it


class Registration:
    """Is the record of this run; it goes with the process, at the latest."""

    def __init__(self, path: str, fd: int) -> None:
        self.path = path
        self._fd: int | None = fd

    @classmethod
    def write(
        cls,
        *,
        name: str,
        socket: str | None,
        address: tuple[str, int] | None,
        state_dir: str | None,
        started_at: float,
    ) -> Registration:
        """Leave a record of this process; raises OSError."""
        directory = prepare(runtime_dir())
        host, port = address if address is not None else ("", 0)
        shown = f"[{host}]" if ":" in host else host
        held = {
            "pid": os.getpid(),
            "name": name,
            "socket": socket,
            "url": f"http://{shown}:{port}" if address is not None else None,
            "state_dir": os.path.abspath(state_dir) if state_dir is not None else None,
            "started_at": started_at,
            "version": __version__,
        }
        short = quote(name, safe="")[:64]
        path = os.path.join(directory, f"{short}.{os.getpid()}.run.json")
        made = f"{path}.new"
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        fd = os.open(made, flags, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(fd, json.dumps(held).encode())
            os.replace(made, path)
        except BaseException:
            os.close(fd)
            raise
        return cls(path, fd)

    def remove(self) -> None:
        """Take the record away; idempotent."""
        fd, self._fd = self._fd, None
        if fd is not None:
            try:
                os.unlink(self.path)
            except OSError:
                pass  # somebody has tidied up
            os.close(fd)
