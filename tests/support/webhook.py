"""A webhook on loopback that can be taken down and brought back on the same port.

Down means that connections are refused: the port stays reserved by a socket that does not listen,
so that nobody else can get it meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any

from tests.support.http_peer import Seen, read_request, reply

__all__ = ["Webhook", "reserved_socket"]

Judge = Callable[[Seen], Awaitable[bytes]]


def reserved_socket(port: int = 0) -> socket.socket:
    """Return a bound socket that does not listen, which others of ours may share."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind(("127.0.0.1", port))
    return made


class Webhook:
    """Keeps every request it accepted (`seen`) and every one it refused (`refused`).

    `status` is what it answers; `judge` decides instead when it is given; while `hold` is clear it
    answers nothing.
    """

    def __init__(
        self, path: str = "/hook", *, status: int = 200, judge: Judge | None = None
    ) -> None:
        self.path = path
        self.status = status
        self.judge = judge
        self.seen: list[Seen] = []
        self.refused: list[Seen] = []
        self.hold = asyncio.Event()
        self.hold.set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Webhook:
        self._reserved = reserved_socket()
        self.port: int = self._reserved.getsockname()[1]
        await self.up()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.down()
        self._reserved.close()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}{self.path}"

    async def up(self) -> None:
        """Listen."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, sock=reserved_socket(self.port))

    async def down(self) -> None:
        """Refuse connections, and drop those that are open."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            while (seen := await read_request(reader)) is not None:
                await self.hold.wait()
                answer = await self.judge(seen) if self.judge is not None else reply(self.status)
                taken = answer.startswith(b"HTTP/1.1 2")
                (self.seen if taken else self.refused).append(seen)
                writer.write(answer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    # what it got

    @property
    def bodies(self) -> list[bytes]:
        """The bodies it accepted, in order."""
        return [seen.body for seen in self.seen]

    @property
    def events(self) -> list[Any]:
        """Every event it accepted, whatever the format: lines, a notification, or one value."""
        made: list[Any] = []
        for seen in self.seen:
            kind = seen.headers.get("content-type", "")
            if "ndjson" in kind:
                made += [json.loads(line) for line in seen.body.splitlines()]
            elif "docker" in kind:
                made += seen.json["events"]
            else:
                made.append(seen.json)
        return made
