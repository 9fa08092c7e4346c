"""Prints events on standard output, one JSON value a line.

It writes to a file descriptor without blocking the loop and without changing the descriptor,
which other programs may share.
"""

from __future__ import annotations

import asyncio
import errno
import os
import select
import stat
from typing import ClassVar

from sinkgraph.errors import DeliveryFailed, SinkClosed
from sinkgraph.event import Batch
from sinkgraph.formats.json_text import terminal_safe
from sinkgraph.sinks.base import Terminal
from sinkgraph.sinks.lines import encode_lines

__all__ = ["Stdout"]

# What poll says can be written to a pipe without waiting (POSIX PIPE_BUF); a terminal gets less.
_PIPE_CHUNK = 4096
_TTY_CHUNK = 512


class Stdout(Terminal):
    r"""Writes to `fd` (standard output). A reader that went away closes the sink for good.

    On a terminal, characters it might obey are written as `\uXXXX`; elsewhere payloads that
    came as JSON keep their own bytes.
    """

    kind: ClassVar[str] = "stdout"
    settings = ()

    def __init__(self, fd: int = 1) -> None:
        super().__init__()
        self.fd = fd
        self._chunk: int | None = None  # bytes written at once; 0 for a regular file: all
        self._tty = False
        self._rest = b""  # the end of a line that was begun
        self._broken = False
        self._turn = asyncio.Lock()
        self._ready: asyncio.Future[None] | None = None

    @property
    def broken(self) -> bool:
        """Whether its reader went away, so that it takes nothing any more."""
        return self._broken

    async def open(self) -> None:
        """Look at what the descriptor is; raises OSError when it is closed."""
        self._look()

    def _look(self) -> int:
        try:
            regular = stat.S_ISREG(os.fstat(self.fd).st_mode)
        except OSError as error:
            raise OSError(error.errno, f"{self.name or self.kind}: the output is closed") from None
        self._tty = os.isatty(self.fd)
        self._chunk = 0 if regular else _TTY_CHUNK if self._tty else _PIPE_CHUNK
        return self._chunk

    async def deliver(self, batch: Batch) -> None:
        """Write every event; returns when the last byte was taken."""
        chunk = self._look() if self._chunk is None else self._chunk
        lines = encode_lines(batch, "ndjson")
        text = terminal_safe(lines.text) if self._tty else lines.text
        try:
            async with self._turn:
                self.refuse_if_closed()
                if self._broken:
                    raise SinkClosed(f"{self.name or self.kind}: nobody reads the output any more")
                await self._put(text, chunk)
        except (SinkClosed, DeliveryFailed) as error:
            raise lines.failed(batch, self.write, error) from None
        lines.raise_bad(batch, self.write)

    async def _put(self, text: bytes, chunk: int) -> None:
        """Write all of `text`; when that ends early, remember the rest of the line it ended in."""
        begun = bool(self._rest)  # whether the next byte continues a line
        text = self._rest + text
        done = 0
        try:
            while done < len(text):
                if chunk and not _writable(self.fd):
                    await self._until_writable()
                piece = text[done : done + chunk] if chunk else memoryview(text)[done:]
                try:
                    n = os.write(self.fd, piece)
                except BlockingIOError:  # somebody else made the descriptor non-blocking
                    await self._until_writable()
                    continue
                done += n
                begun = text[done - 1 : done] != b"\n"
        except BrokenPipeError:
            self._break()
            raise SinkClosed(f"{self.name or self.kind}: nobody reads the output") from None
        except OSError as error:
            if error.errno == errno.EBADF:
                self._break()
                raise SinkClosed(f"{self.name or self.kind}: the output is closed") from None
            raise DeliveryFailed(f"{self.name or self.kind}: {error.strerror}") from None
        finally:
            self._rest = text[done : text.find(b"\n", done) + 1] if begun else b""

    def _break(self) -> None:
        first, self._broken = not self._broken, True
        if first and self.ctx is not None:
            self.ctx.journal("output_closed", node=self.name)

    async def _until_writable(self) -> None:
        self.refuse_if_closed()
        loop = asyncio.get_running_loop()
        self._ready = loop.create_future()
        loop.add_writer(self.fd, _wake, self._ready)
        try:
            await self._ready
        finally:
            loop.remove_writer(self.fd)
            self._ready = None
        self.refuse_if_closed()

    async def close(self) -> None:
        """End a line that was begun, if that needs no waiting; the descriptor stays open."""
        if self.closed:
            return
        self.closed = True
        if self._ready is not None:
            _wake(self._ready)
        if self._rest and not self._broken and _writable(self.fd):
            try:
                os.write(self.fd, self._rest[:_PIPE_CHUNK])
            except OSError:
                pass
            self._rest = b""


def _writable(fd: int) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    return bool(poll.poll(0))


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
