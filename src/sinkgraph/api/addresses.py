"""Where running graphs of this user are found, and what an ADDR means.

Each run leaves a record, which it keeps locked while it lives: a record nobody holds is removed by
whoever sees it.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.errors import SinkgraphError

__all__ = ["Address", "Run", "Unreachable", "resolve", "running", "runtime_dir"]

_SUFFIX = ".run.json"
SOCKET = "control.sock"


class Unreachable(SinkgraphError):
    """Say that no running graph is where it was looked for."""


@dataclass(frozen=True, slots=True)
class Address:
    """Is where a graph is reached: a unix socket, or the base of a URL."""

    socket: str | None = None
    url: str | None = None

    def __str__(self) -> str:
        return self.socket or self.url or ""


@dataclass(frozen=True, slots=True)
class Run:
    """Is what a running graph left of itself; `started_at` in Unix seconds."""

    pid: int
    name: str
    socket: str | None
    url: str | None
    state_dir: str | None
    started_at: float

    @property
    def address(self) -> Address:
        """Where it is reached."""
        return Address(self.socket, self.url if self.socket is None else None)


def runtime_dir(env: Mapping[str, str] | None = None) -> str:
    """Return the directory of this user's records and sockets; it may not be there yet.

    `$SINKGRAPH_RUNTIME_DIR`, else below `$XDG_RUNTIME_DIR` or `/run/user`, else in the
    temporary directory.
    """
    held = os.environ if env is None else env
    chosen = held.get("SINKGRAPH_RUNTIME_DIR")
    if chosen:
        return chosen
    uid = os.geteuid()
    for base in (held.get("XDG_RUNTIME_DIR", ""), f"/run/user/{uid}"):
        if os.path.isabs(base) and os.path.isdir(base) and os.access(base, os.W_OK | os.X_OK):
            return os.path.join(base, "sinkgraph")
    return os.path.join(held.get("TMPDIR") or tempfile.gettempdir(), f"sinkgraph-{uid}")


def running(directory: str | None = None) -> list[Run]:
    """Return this user's running graphs, the oldest first; what is left of dead ones is removed."""
    place = runtime_dir() if directory is None else directory
    if not _ours(place):
        return []
    try:
        names = sorted(os.listdir(place))
    except OSError:
        return []
    found = [run for name in names if name.endswith(_SUFFIX) and (run := _read(place, name))]
    return sorted(found, key=lambda run: (run.started_at, run.pid))


def _ours(directory: str) -> bool:
    try:
        held = os.lstat(directory)
    except OSError:
        return False
    return stat.S_ISDIR(held.st_mode) and held.st_uid == os.geteuid()


def _read(directory: str, name: str) -> Run | None:
    path = os.path.join(directory, name)
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(fd, "rb") as file:
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            lives = True  # somebody holds it
        else:
            lives = False
        try:
            run: Run | None = _run_of(json.loads(file.read(65_536)))
        except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError):
            run = None
        if not lives:
            _remove(path, fd, run.socket if run is not None else None)
        return run if lives else None


def _remove(path: str, fd: int, socket: str | None) -> None:
    """Remove a record nobody holds, and its socket beside it, unless another has its name."""
    try:
        if os.fstat(fd).st_ino != os.stat(path).st_ino:
            return
        os.unlink(path)
        if socket is not None and os.path.dirname(socket) == os.path.dirname(path):
            os.unlink(socket)
    except OSError:
        pass


def _run_of(held: Any) -> Run:
    return Run(
        int(held["pid"]),
        str(held["name"]),
        _text(held["socket"]),
        _text(held["url"]),
        _text(held["state_dir"]),
        float(held["started_at"]),
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def resolve(given: str | None, *, directory: str | None = None) -> Address:
    """Return the address `given` means; raise Unreachable, naming what there is.

    It is a URL, a socket's path, a state dir, or the name or pid of a running graph; None means
    the only running graph of this user.
    """
    if given is not None and "://" in given:
        return _url(given)
    if given is not None and ("/" in given or given in (".", "..")):
        found = _path(given)
        if found is not None:
            return found
    runs = running(directory)
    if given is None:
        return _only(runs)
    matched = [run for run in runs if given in (run.name, str(run.pid))]
    if len(matched) == 1:
        return matched[0].address
    found = _path(given)
    if found is not None and not matched:
        return found
    shown = safe_text(given, 80)
    if matched:
        raise Unreachable(f"{len(matched)} running graphs are named `{shown}`:{_listed(matched)}")
    near = nearest(given, [run.name for run in runs])
    help = f"; the nearest is `{near}`" if near else ""
    raise Unreachable(f"no running graph is `{shown}`{help}{_listed(runs)}")


def _only(runs: list[Run]) -> Address:
    if len(runs) == 1:
        return runs[0].address
    if not runs:
        raise Unreachable("no graph of this user is running: start one with `sinkgraph run FILE`")
    raise Unreachable(f"{len(runs)} graphs are running; say which:{_listed(runs)}")


def _listed(runs: list[Run]) -> str:
    lines = [f"  {run.pid}  {safe_text(run.name, 80)}" for run in runs[:20]]
    return "".join(f"\n{line}" for line in lines)


def _url(given: str) -> Address:
    try:
        parts = urlsplit(given)
        _ = parts.port
    except ValueError:
        raise Unreachable(f"`{safe_text(given, 80)}` is not a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Unreachable(f"`{safe_text(given, 80)}` is not an http URL with a host")
    return Address(
        url=f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")
    )


def _path(given: str) -> Address | None:
    """Return the socket a path leads to; a graph's name may hold slashes too."""
    path = os.path.join(given, SOCKET) if os.path.isdir(given) else given
    try:
        held = os.stat(path)
    except OSError:
        return None
    return Address(socket=os.path.abspath(path)) if stat.S_ISSOCK(held.st_mode) else None
