"""Durable writes of other products: the standard library's logging, persist-queue, Redis streams.

Each is told to sync what it was given. What is not installed is left out, and standard error says
why.
"""

from __future__ import annotations

import asyncio
import logging
import logging.handlers
import os
import queue
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.figures import Effort, EventsLost, Row, measure
from benchmarks.payloads import json_texts

__all__ = ["peers"]

_SIZE = 700
_WRITERS = 64
_BATCH = 1_000
_START_S = 10.0


class _Missing(Exception):
    """Says why a peer cannot be measured here."""


def _place() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="sinkgraph-bench-")


# the standard library


class _SyncedFile(logging.FileHandler):
    """Is a file handler whose records are on disk when `emit` returns."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line and sync it."""
        super().emit(record)
        if self.stream is not None:
            os.fsync(self.stream.fileno())


async def _logging(effort: Effort) -> list[Row]:
    lines = [text.decode() for text in json_texts(_SIZE)]
    with _place() as place:
        path = Path(place, "events.log")
        handler = _SyncedFile(path, encoding="utf-8")
        records: queue.Queue[Any] = queue.Queue()
        listener = logging.handlers.QueueListener(records, handler)
        logger = logging.Logger("benchmark")  # noqa: LOG001 - it belongs to no tree of loggers
        logger.addHandler(logging.handlers.QueueHandler(records))
        written = 0
        listener.start()

        async def once(n: int) -> float:
            nonlocal written
            began = perf_counter()
            for k in range(n):
                logger.info(lines[k % len(lines)])
            records.join()
            took = perf_counter() - began
            written += n
            return took

        try:
            figure = await measure(once, effort)
        finally:
            listener.stop()
            handler.close()
        _check("the log file", _lines(path), written)
    note = "nobody is told what was stored; a sync a record"
    return [Row("peers", "logging: QueueHandler → file, fsync", "log", figure, note)]


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


# persist-queue


async def _persist_queue(effort: Effort) -> list[Row]:
    if find_spec("persistqueue") is None:
        raise _Missing("persist-queue is not installed")
    texts = json_texts(_SIZE)
    with _place() as place:
        store = import_module("persistqueue").SQLiteAckQueue(place, auto_commit=True)
        written = 0

        async def once(n: int) -> float:
            nonlocal written
            began = perf_counter()
            for k in range(n):
                store.put(texts[k % len(texts)])
            took = perf_counter() - began
            written += n
            return took

        try:
            figure = await measure(once, effort)
            _check("persist-queue", store.size, written)
        finally:
            store.close()
    return [Row("peers", "persist-queue: SQLiteAckQueue", "put", figure, "blocks its thread")]


# Redis


@asynccontextmanager
async def _redis_server() -> AsyncIterator[str]:
    """Run a server of our own on a Unix socket; give its path."""
    program = shutil.which("redis-server")
    if program is None:
        raise _Missing("redis-server is not on PATH")
    if find_spec("redis") is None:
        raise _Missing("the Python package redis is not installed")
    with _place() as place:
        socket = os.path.join(place, "redis.sock")
        options = ["--port", "0", "--unixsocket", socket, "--dir", place, "--save", ""]
        options += ["--appendonly", "yes", "--appendfsync", "always"]
        process = await asyncio.create_subprocess_exec(
            program, *options, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            async with asyncio.timeout(_START_S):
                await _listening(process, socket)
            yield socket
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _listening(process: asyncio.subprocess.Process, socket: str) -> None:
    while process.returncode is None:
        try:
            _, writer = await asyncio.open_unix_connection(socket)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            await writer.wait_closed()
            return
    raise _Missing(f"redis-server ended at once with status {process.returncode}")


async def _redis(effort: Effort) -> list[Row]:
    texts = json_texts(_SIZE)
    async with _redis_server() as socket:
        redis = import_module("redis.asyncio")
        clients = [redis.Redis(unix_socket_path=socket) for _ in range(_WRITERS)]
        written = 0

        async def one(client: Any, first: int, n: int) -> None:
            for k in range(first, n, _WRITERS):
                await client.xadd("events", {"event": texts[k % len(texts)]})

        async def singles(n: int) -> float:
            nonlocal written
            began = perf_counter()
            await asyncio.gather(*(one(client, k, n) for k, client in enumerate(clients)))
            took = perf_counter() - began
            written += n
            return took

        async def batches(n: int) -> float:
            nonlocal written
            began = perf_counter()
            for _ in range(0, n, _BATCH):
                pipeline = clients[0].pipeline(transaction=False)
                for text in texts:
                    pipeline.xadd("events", {"event": text})
                await pipeline.execute()
            took = perf_counter() - began
            written += n
            return took

        try:
            single = await measure(singles, effort, step=_WRITERS)
            batched = await measure(batches, effort, step=_BATCH)
            _check("the stream", await clients[0].xlen("events"), written)
        finally:
            for client in clients:
                await client.aclose()
    label = "Redis stream, appendfsync always"
    return [
        Row("peers", label, f"XADD, {_WRITERS} writers", single),
        Row("peers", label, f"pipeline of {_BATCH:,}", batched),
    ]


def _check(what: str, stored: int, written: int) -> None:
    if stored != written:
        raise EventsLost(f"{what} holds {stored} of {written} events")


_PEERS: tuple[Callable[[Effort], Awaitable[list[Row]]], ...] = (_logging, _persist_queue, _redis)


async def peers(effort: Effort) -> list[Row]:
    """Return a row of every peer that is here."""
    rows: list[Row] = []
    for peer in _PEERS:
        try:
            rows += await peer(effort)
        except _Missing as missing:
            print(f"left out: {missing}", file=sys.stderr)
    return rows
