"""A sink of a third party: it sends events as lines of JSON to whoever listens on a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sinkgraph import DeliveryFailed, Event, SinkClosed
from sinkgraph.event import encode_json


class LineSink:
    """Sends events to `host:port`, one a line."""

    max_batch = 100  # a queue above hands over at most so many at once

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.closed = False
        self._writer: asyncio.StreamWriter | None = None
        self._turn = asyncio.Lock()  # writes may come side by side

    async def write(self, events: Sequence[Event]) -> None:
        lines = b"".join(encode_json(event.data) + b"\n" for event in events)
        async with self._turn:
            if self.closed:
                raise SinkClosed(f"the lines to {self.host}:{self.port} are closed")
            try:
                if self._writer is None:
                    _, self._writer = await asyncio.open_connection(self.host, self.port)
                self._writer.write(lines)
                await self._writer.drain()
            except OSError as error:
                self._writer = None  # the next attempt connects anew
                raise DeliveryFailed(f"{self.host}:{self.port}: {error}") from error

    async def close(self) -> None:
        self.closed = True
        async with self._turn:
            if self._writer is not None:
                self._writer.close()
