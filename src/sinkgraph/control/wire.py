"""Connections of the control plane: uvicorn's, with deadlines, bounds and the peer's user.

It binds sockets and ends slow connections; what a request means is the application's affair.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import stat
import struct
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

__all__ = ["Door", "Timing", "socket_place"]

MOST_CONNECTIONS = 256
BACKLOG = 1024  # clients that come at once and wait; beyond, a unix socket turns them away unsaid
HEAD_BYTES = 32 * 1024
_SOCKET_PATH = 107  # bytes a unix socket's path may have

_quiet = logging.getLogger("sinkgraph.control.http")  # what clients get wrong is told to them
_quiet.setLevel(logging.CRITICAL + 1)


class Timing:
    """Bounds what a client may take, in seconds."""

    def __init__(
        self,
        header_s: float = 5.0,
        request_s: float = 10.0,
        write_s: float = 10.0,
        linger_s: float = 1.0,
        grain_s: float = 0.25,
    ) -> None:
        self.header_s = header_s
        self.request_s = request_s
        self.write_s = write_s
        self.linger_s = linger_s
        self.grain_s = grain_s


class _Connection(HttpToolsProtocol):
    """Reads requests within their deadlines; `sweep` is called now and then."""

    def __init__(self, door: Door) -> None:
        super().__init__(door.config, door.state, {}, asyncio.get_running_loop())
        self.logger = _quiet
        self.access_log = False
        self._door = door
        self._peer: dict[str, Any] = {}
        self._read_by: float | None = self.loop.time() + door.timing.header_s
        self._written_by: float | None = None
        self._gone_by: float | None = None
        self._began = self.loop.time()
        self._headed = False
        self._head = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection in, or say that there are too many."""
        super().connection_made(transport)
        self._peer = {"door": self._door.name, "uid": _peer_uid(transport)}
        if len(self.connections) > self._door.most:
            self._end(503, "too many connections")

    def data_received(self, data: bytes) -> None:
        """Parse, unless it has ended or its head is too large."""
        if self._gone_by is not None or self.transport.is_closing():
            return  # what still comes is read over, so that the client reads why
        if not self._headed:
            self._head += len(data)
        super().data_received(data)
        if not self._headed and self._head > HEAD_BYTES:
            self._end(431, "the head of the request is too large")

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self.scope["state"] = dict(self._peer)
        self._began = self.loop.time()
        self._headed = False
        self._read_by = self._began + self._door.timing.header_s

    def on_headers_complete(self) -> None:
        """Give the body its time."""
        self._headed = True
        self._read_by = self._began + self._door.timing.request_s
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that all of it was read."""
        self._headed, self._head = False, 0
        self._read_by = None
        super().on_message_complete()

    def pause_writing(self) -> None:
        """Give the client some time to read what was written."""
        self._written_by = self.loop.time() + self._door.timing.write_s
        super().pause_writing()

    def resume_writing(self) -> None:
        """Note that it reads."""
        self._written_by = None
        super().resume_writing()

    def sweep(self, now: float) -> None:
        """End it when a deadline has passed."""
        if self._gone_by is None and self.transport.is_closing():
            self._gone_by = now + self._door.timing.linger_s
        if self._gone_by is not None:
            if now >= self._gone_by:
                self.transport.abort()
        elif self._written_by is not None and now >= self._written_by:
            self.transport.abort()
        elif self._read_by is not None and now >= self._read_by:
            self._end(408, "the request took too long")

    def _end(self, status: int, said: str) -> None:
        """Answer, unless an answer is under way, and close; who is sending gets time to read."""
        self._read_by = None
        self._gone_by = self.loop.time() + self._door.timing.linger_s
        cycle: Any = self.cycle
        idle = cycle is None or (cycle.response_complete and not self._headed)
        if not idle and not (self._headed and not cycle.response_started):
            self.transport.close()
            return
        body = f'{{"status":{status},"detail":"{said}"}}'.encode()
        head = f"HTTP/1.1 {status} {said}\r\ncontent-type: application/problem+json\r\n"
        head += f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(head.encode() + body)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()


class Door:
    """Is one place where clients come in: a unix socket, or an address."""

    def __init__(
        self, name: str, app: Any, *, timing: Timing | None = None, most: int = MOST_CONNECTIONS
    ) -> None:
        self.name = name
        self.timing = timing or Timing()
        self.most = most
        self.state = ServerState()
        self.config = Config(
            app,
            http=HttpToolsProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=10,
        )
        self.config.load()
        self._server: asyncio.Server | None = None
        self._path: str | None = None
        self._sweeping: asyncio.Task[None] | None = None

    async def open_unix(self, path: str) -> None:
        """Listen on a unix socket that only this user may use; raises OSError.

        A socket that is there and that nobody answers on is replaced.
        """
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            _remove_stale(path)
            before = os.umask(0o177)
            try:
                sock.bind(path)
            finally:
                os.umask(before)
        except BaseException:
            sock.close()
            raise
        self._path = path
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(self._connection, sock=sock, backlog=BACKLOG)
        self._sweeping = loop.create_task(self._sweep(), name=f"control {self.name} sweep")

    async def open_tcp(self, host: str, port: int) -> int:
        """Listen on an address; return its port. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, host, port, backlog=BACKLOG)
        self._sweeping = loop.create_task(self._sweep(), name=f"control {self.name} sweep")
        bound: tuple[Any, ...] = self._server.sockets[0].getsockname()
        return int(bound[1])

    def _connection(self) -> _Connection:
        return _Connection(self)

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self.timing.grain_s)
            now = loop.time()
            for connection in list(self.state.connections):
                if isinstance(connection, _Connection):
                    connection.sweep(now)

    async def close(self) -> None:
        """Stop listening and end every connection; idempotent."""
        server, self._server = self._server, None
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.gather(self._sweeping, return_exceptions=True)
            self._sweeping = None
        if server is None:
            return
        server.close()
        if self.state.tasks:
            await asyncio.wait(list(self.state.tasks), timeout=self.timing.linger_s)
        for connection in list(self.state.connections):
            connection.transport.abort()
        for task in list(self.state.tasks):
            task.cancel()
        if self.state.tasks:
            await asyncio.wait(list(self.state.tasks), timeout=self.timing.linger_s)
        await asyncio.sleep(0)
        if self._path is not None:
            try:
                os.unlink(self._path)
            except OSError:
                pass  # somebody has tidied up


def socket_place(directory: str, name: str) -> str | None:
    """Return where a socket may stand in a directory, or None when it may not.

    The directory has to be ours, closed to everybody else, and its path short enough.
    """
    path = os.path.join(os.path.abspath(directory), name)
    try:
        held = os.stat(directory)
    except OSError:
        return None
    ours = stat.S_ISDIR(held.st_mode) and held.st_uid == os.geteuid()
    closed = not held.st_mode & 0o077
    return path if ours and closed and len(os.fsencode(path)) <= _SOCKET_PATH else None


def _remove_stale(path: str) -> None:
    """Remove a socket nobody listens on; raises OSError when somebody does."""
    try:
        held = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(held.st_mode):
        raise FileExistsError(17, "something that is no socket is in its place", path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            pass
        else:
            raise FileExistsError(17, "another run listens there", path)
    os.unlink(path)


def _peer_uid(transport: asyncio.BaseTransport) -> int | None:
    """Return the user at the other end of a unix socket."""
    sock = transport.get_extra_info("socket")
    if sock is None or sock.family != socket.AF_UNIX:
        return None
    try:
        held = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    except OSError:
        return None
    _pid, uid, _gid = struct.unpack("3i", held)
    return int(uid)
