"""The bare loop that durable writes are measured beside: coroutines, one thread, SQLite by apsw.

Whatever waits when a commit ends is the next commit, one INSERT of one row; a write returns when
that is on disk. It is the least that can be called durable: no queue, no reader, no checksum, no
bound.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from pathlib import Path
from typing import Any

import apsw
import msgspec

__all__ = ["BareLoop"]

_Waiting = tuple[list[Any], "asyncio.Future[None]"]


class BareLoop:
    """Commits groups of payloads. `encodes`: payloads are values made into JSON, else bytes."""

    def __init__(self, directory: Path, *, encodes: bool) -> None:
        self._path = directory / "bare.db"
        self._encodes = encodes
        self._encode = msgspec.json.Encoder().encode
        self._database = apsw.Connection(str(self._path))
        self._database.pragma("journal_mode", "wal")
        self._database.pragma("synchronous", "FULL")
        self._database.execute("CREATE TABLE rows (key INTEGER PRIMARY KEY, n INTEGER, body BLOB)")
        self._loop = asyncio.get_running_loop()
        self._waiting: list[_Waiting] = []
        self._busy = False
        self.written = 0
        self._jobs: queue.SimpleQueue[list[_Waiting] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="bare-loop", daemon=True)
        self._thread.start()

    async def write(self, payload: Any) -> None:
        """Return when the payload is on disk."""
        await self.write_many([payload])

    async def write_many(self, payloads: list[Any]) -> None:
        """Return when all payloads are on disk."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append((payloads, future))
        if not self._busy:
            self._busy = True
            self._loop.call_soon(self._begin)
        await future
        self.written += len(payloads)

    def close(self) -> int:
        """End the thread; return how many events are on disk."""
        self._jobs.put(None)
        self._thread.join()
        database = apsw.Connection(str(self._path))
        stored: int = database.execute("SELECT coalesce(sum(n), 0) FROM rows").get
        database.close()
        return stored

    def _begin(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._jobs.put(waiting)

    def _answer(self, done: list[_Waiting], error: Exception | None) -> None:
        for _, future in done:
            if future.done():
                continue
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)
        if self._waiting:
            self._loop.call_soon(self._begin)  # after those who write again at once
        else:
            self._busy = False

    def _work(self) -> None:
        while (group := self._jobs.get()) is not None:
            error = None
            try:
                self._commit([one for payloads, _ in group for one in payloads])
            except (apsw.Error, OSError) as raised:
                error = raised
            self._loop.call_soon_threadsafe(self._answer, group, error)
        self._database.close()

    def _commit(self, texts: list[Any]) -> None:
        if self._encodes:
            texts = list(map(self._encode, texts))
        row = len(texts), b"\n".join(texts)
        self._database.execute("INSERT INTO rows (n, body) VALUES (?, ?)", row)
