"""Appends events to a file, a line each, and rotates it by size.

Where the file may lie is checked here; which lines it holds is told by `sinks.lines`, and how
bytes reach the disk is `sinks.file_log`'s part.
"""

from __future__ import annotations

import asyncio
import errno
import os
from contextlib import suppress
from typing import Any, ClassVar, Literal

from sinkgraph.errors import DeliveryFailed, Rejected
from sinkgraph.event import Batch
from sinkgraph.sinks.base import Node, Terminal
from sinkgraph.sinks.file_log import FileLog
from sinkgraph.sinks.lines import LineFormat, Lines, encode_lines
from sinkgraph.sinks.open_files import Files, OpenFile

__all__ = ["FileSink", "Sync"]

Sync = Literal["none", "batch", "each"]
_FOREVER = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP, errno.ENAMETOOLONG})


class FileSink(Terminal):
    """Writes to `path`; a relative one lies below the topology's output directory.

    `sync` says when the disk is made to hold what was written: `none` (when the system likes),
    `batch`, or `each` event. `max_size` (bytes) rotates: the file becomes `path.1`, that one
    `path.2`, and so on to `keep`. A batch is in the file whole or not at all: after an error,
    what was written of it is cut off again.
    """

    kind: ClassVar[str] = "file"
    settings = ("given", "format", "sync", "max_size", "keep")

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        format: LineFormat = "ndjson",
        sync: Sync = "batch",
        max_size: int | None = None,
        keep: int = 5,
    ) -> None:
        super().__init__()
        if format not in ("ndjson", "lines"):
            raise ValueError(f"format must be ndjson or lines, not {format!r}")
        if sync not in ("none", "batch", "each"):
            raise ValueError(f"sync must be none, batch or each, not {sync!r}")
        if max_size is not None and max_size < 1:
            raise ValueError(f"max_size must be at least 1 byte, not {max_size!r}")
        if keep < 1:
            raise ValueError(f"keep must be at least 1, not {keep!r}")
        self.given = os.fspath(path)
        self.format: LineFormat = format
        self.sync: Sync = sync
        self.max_size = max_size
        self.keep = keep
        self._file: OpenFile | None = None
        self._own_files = Files()  # without a topology
        self._last: FileLog | None = None  # for who asks after the end
        self._closing = asyncio.Lock()

    async def open(self) -> None:
        """Open or create the file (0600); raises OSError naming it and why it cannot be."""
        if self._file is None:
            path = self._located()
            self._file = self._files.acquire(path, max_size=self.max_size, keep=self.keep)

    @property
    def _files(self) -> Files:
        return self.ctx.files if self.ctx is not None else self._own_files

    def start(self) -> None:
        """Keep the file, empty or not."""
        if self._file is not None:
            self._file.made = False
            self._file.log.max_size, self._file.log.keep = self.max_size, self.keep

    async def approach(self, fresh: Node) -> None:
        """Open the other file; raises as `open`."""
        fresh.bind(self.bound)
        await fresh.open()

    def become(self, fresh: Node) -> None:
        """Write the next batch where and as `fresh` would; one under way ends where it began."""
        assert isinstance(fresh, FileSink), "it becomes what is of its own kind"
        super().become(fresh)
        former, self._file, fresh._file = self._file, fresh._file, None
        if former is not None:
            _ = self.bound.spawn(self._give_back(former), f"give back {former.log.path}")
        self.status = "ok"
        self.start()

    def _located(self) -> str:
        """Return the absolute path; directories are made for a relative one only."""
        if os.path.isabs(self.given):
            return self.given
        base = os.path.realpath(self.bound.output_dir)
        path = os.path.normpath(os.path.join(base, self.given))
        directory = os.path.dirname(path)
        for inside in (path, os.path.realpath(directory)):
            if inside != base and not inside.startswith(os.path.join(base, "")):
                raise OSError(
                    errno.EACCES, f"{self.name or self.kind}: {self.given} lies outside {base}"
                )
        os.makedirs(directory, mode=0o700, exist_ok=True)
        return path

    async def deliver(self, batch: Batch) -> None:
        """Append every event; returns when `sync` holds."""
        lines = encode_lines(batch, self.format)
        if lines.text:
            try:
                await self._append(lines)
            except OSError as error:
                raise lines.failed(batch, self.write, self._said(error)) from None
        lines.raise_bad(batch, self.write)

    async def _append(self, lines: Lines) -> None:
        if self._file is None:
            await self.open()
        file = self._file
        assert file is not None
        log = file.log
        if self.sync == "none" and not file.turn.locked():
            log.append(lines.text)
            return
        pieces = lines.pieces if self.sync == "each" else [lines.text]
        async with file.turn:
            job = asyncio.ensure_future(self._in_thread(log, pieces))
            try:
                await asyncio.shield(job)
            except asyncio.CancelledError:
                # What was begun is finished before anybody else writes or closes.
                await asyncio.wait({job})
                raise

    async def _in_thread(self, log: FileLog, pieces: list[bytes]) -> None:
        if self.sync == "none":
            log.append(pieces[0])
        else:
            await self.bound.run_sync(log.append_synced, pieces)

    def _said(self, error: OSError) -> Exception:
        """Return what an error of the disk means: for ever, or try again."""
        text = f"{self.name or self.kind}: {self.given}: {error.strerror or error}"
        if error.errno in _FOREVER:
            self.status = "failed"
            return Rejected(text)
        return DeliveryFailed(text)

    async def close(self) -> None:
        """Flush, sync and close the file; waits for a write that has begun.

        An empty file that was made for a start that failed is removed.
        """
        self.closed = True
        async with self._closing:
            file, self._file = self._file, None
            if file is not None:
                await self._give_back(file)

    async def _give_back(self, file: OpenFile) -> None:
        """Close a file nobody else has open, once what writes to it has ended."""
        async with file.turn:
            if not self._files.release(file):
                return
            log = file.log
            self._last = log
            if self.ctx is None or self.sync == "none":
                log.close()
            else:
                await self.ctx.run_sync(log.close)
            if file.made and not log.size:
                with suppress(OSError):
                    os.unlink(log.path)

    def facts(self) -> dict[str, Any]:
        """Return the file and its size."""
        log = self._file.log if self._file is not None else self._last
        return {
            **super().facts(),
            "file": log.path if log is not None else self.given,
            "size": log.size if log is not None else None,
            "rotations": log.rotations if log is not None else 0,
        }
