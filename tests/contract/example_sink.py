"""A sink of a third party: it sends each event as a line to whoever listens on a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sinkgraph import DeliveryFailed, Event, SinkClosed
from sinkgraph.event import encode_json


class LineSink:
    """Sends events to `host:port`, a JSON value a line."""

    max_batch = 100  # a queue above hands over at most this many at once

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.closed = False
        self._writer: asyncio.StreamWriter | None = None
        self._turn = asyncio.Lock()  # writes may come side by side

    async def write(self, events: Sequence[Event]) -> None:
        if self.closed:
            raise SinkClosed(f"the lines to {self.host} are closed")
        lines = b"".join(encode_json(event.data) + b"\n" for event in events)
        async with self._turn:
            try:
                if self._writer is None:
                    _, self._writer = await asyncio.open_connection(self.host, self.port)
                self._writer.write(lines)
                await self._writer.drain()
            except OSError as error:
                self._writer = None
                raise DeliveryFailed(f"{self.host}:{self.port}: {error}") from error

    async def close(self) -> None:
        self.closed = True
        if self._writer is not None:
            self._writer.close()
