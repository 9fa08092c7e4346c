"""Reads events from standard input, a line each, until its end.

It neither blocks the loop nor changes the descriptor, which the shell may share.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any, ClassVar

from sinkgraph.formats.limits import MIB
from sinkgraph.sinks.base import Link, Node, Sink
from sinkgraph.sources.line_source import MOST_LINES, LineSource
from sinkgraph.sources.lines import LineCutter, LineFormat
from sinkgraph.sources.schema_gate import SchemaGate

__all__ = ["Stdin"]

_CHUNK = 65_536


class Stdin(LineSource):
    """Reads `fd` (standard input): a pipe, a terminal, a socket or a file."""

    kind: ClassVar[str] = "stdin"

    def __init__(
        self,
        to: Sink | Link,
        *,
        fd: int = 0,
        format: LineFormat = "ndjson",
        registry: bool = False,
        cloud_events: bool = False,
        max_line: int = MIB,
        gate: SchemaGate | None = None,
    ) -> None:
        super().__init__(
            to,
            format=format,
            registry=registry,
            cloud_events=cloud_events,
            max_line=max_line,
            gate=gate,
        )
        self.fd = fd
        self._polled = True
        self._turn: asyncio.Future[None] | None = None

    def can_become(self, fresh: Node) -> bool:
        """It is the same input as long as the descriptor is."""
        return isinstance(fresh, Stdin) and fresh.fd == self.fd

    async def open(self) -> None:
        """Raise OSError when there is no standard input."""
        try:
            os.fstat(self.fd)
        except OSError as error:
            raise OSError(error.errno, f"{self.name or self.kind}: the input is closed") from None

    async def pump(self) -> None:
        """Read to the end, or until `stop` is called."""
        cutter = LineCutter(self.max_line)
        while not self.stopping:
            data = await self._read()
            if data is None:
                return
            lines = cutter.feed(data) if data else cutter.finish()
            for at in range(0, len(lines), MOST_LINES):
                await self.take(lines[at : at + MOST_LINES])
            if not data:
                return

    async def _read(self) -> bytes | None:
        """Return what there is, b"" at the end, None when stopped while waiting."""
        if self._polled:
            await self._until_readable()
            if self.stopping:
                return None
        else:
            await asyncio.sleep(0)
        try:
            return os.read(self.fd, _CHUNK)
        except BlockingIOError:  # somebody else made the descriptor non-blocking
            return await self._read()

    async def _until_readable(self) -> None:
        loop = asyncio.get_running_loop()
        turn = self._turn = loop.create_future()
        try:
            loop.add_reader(self.fd, _wake, turn)
        except (PermissionError, OSError):  # a regular file is always readable
            self._polled = False
            return
        try:
            if not self.stopping:
                await turn
        finally:
            loop.remove_reader(self.fd)
            self._turn = None

    def stop(self) -> None:
        """Take nothing more in; what was not read stays in the input."""
        super().stop()
        if self._turn is not None:
            _wake(self._turn)


def _wake(future: asyncio.Future[Any]) -> None:
    if not future.done():
        future.set_result(None)
