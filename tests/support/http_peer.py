"""A scripted HTTP peer on loopback: it says byte for byte what the script tells it to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

Writer = asyncio.StreamWriter


@dataclass
class Seen:
    """Is one request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def reply(status: int = 200, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Said", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


Script = Callable[[Seen, Writer], Awaitable[bytes | None]]


async def always_ok(_seen: Seen, _writer: Writer) -> bytes | None:
    return reply()


@dataclass
class Peer:
    """Answers each request with what `script` returns; None leaves the writer to the script."""

    script: Script = always_ok
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    most_at_once: int = 0
    _open: int = 0

    async def __aenter__(self) -> Peer:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def _serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        number = self.connections
        try:
            while (seen := await read_request(reader, number)) is not None:
                self.seen.append(seen)
                self._open += 1
                self.most_at_once = max(self.most_at_once, self._open)
                try:
                    answer = await self.script(seen, writer)
                finally:
                    self._open -= 1
                if answer is not None:
                    writer.write(answer)
                    await writer.drain()
                if writer.is_closing():
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


async def read_request(reader: asyncio.StreamReader, number: int = 0) -> Seen | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Seen(method, path, headers, body, number)


def reset(writer: Writer) -> None:
    """Drop the connection so that the other side sees a reset."""
    writer.transport.abort()
