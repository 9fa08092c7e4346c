"""A plain HTTP client on loopback, byte for byte what the test says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

__all__ = ["Answered", "Caller", "calling", "post", "request"]

WAIT_S = 30.0


@dataclass
class Answered:
    """Is an answer: status, headers by lower-case name, body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Caller:
    """Is one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, raw: bytes) -> Answered:
        """Send a request as it is and return the answer."""
        self.writer.write(raw)
        return await self.answer()

    async def answer(self) -> Answered:
        """Return the next answer; the interim `100 Continue` is skipped."""
        async with asyncio.timeout(WAIT_S):
            while True:
                head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                status = int(head[0].split()[1])
                if status != 100:
                    break
            pairs = (line.partition(":") for line in head[1:] if line)
            headers = {name.lower(): value.strip() for name, _, value in pairs}
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return Answered(status, headers, body)

    async def closed(self) -> bytes:
        """Return what still comes until the other side closes."""
        async with asyncio.timeout(WAIT_S):
            try:
                return await self.reader.read(-1)
            except ConnectionError:
                return b""


@asynccontextmanager
async def calling(port: int) -> AsyncIterator[Caller]:
    """Connect, and close at the end of the scope."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Caller(reader, writer)
    finally:
        writer.transport.abort()


def request(
    body: bytes | str,
    path: str = "/events",
    content_type: str | None = "application/json",
    method: str = "POST",
    **headers: str | None,
) -> bytes:
    """Return a request; a header given as None is left out, `x_y` is written `x-y`."""
    raw = body.encode() if isinstance(body, str) else body
    given: dict[str, str | None] = {
        "host": "127.0.0.1", "content_type": content_type, "content_length": str(len(raw)),
        **headers,
    }  # fmt: skip
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [f"{n.replace('_', '-')}: {v}" for n, v in given.items() if v is not None]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + raw


async def post(port: int, body: bytes | str, path: str = "/events", **options: Any) -> Answered:
    """Send one request on a connection of its own."""
    async with calling(port) as caller:
        return await caller.send(request(body, path, **options))
