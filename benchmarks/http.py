"""What HTTP costs over loopback: requests in, requests out, the other end in another process.

The time of the other end is not taken off: it runs beside ours where there is a second core.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import sinkgraph
from benchmarks.figures import Effort, EventsLost, Figure, Row, Table, measure
from benchmarks.payloads import NDJSON_LINES, json_texts, singles
from benchmarks.shapes import End, Tree, settle, verify
from sinkgraph.formats.encode import ndjson
from sinkgraph.sinks import HttpSink, Queue
from sinkgraph.sources.http import HttpSource

__all__ = ["HTTP"]

_CONNECTIONS = 16
_ANSWER_S = 60.0

_INTAKE: dict[str, Any] = {
    "sinkgraph": 1,
    "name": "intake",
    "sources": {"posts": {"kind": "http", "listen": "127.0.0.1:0", "to": "queue"}},
    "sinks": {"queue": {"kind": "queue", "to": "hole"}, "hole": {"kind": "blackhole"}},
}


class OtherEnd:
    """Talks to a running `loopback.py`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask(self, **what: Any) -> Any:
        """Send a command and return the answer to it."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what).encode() + b"\n")
        return await self.answer()

    async def answer(self) -> Any:
        """Return the next thing it says."""
        assert self._process.stdout is not None
        async with asyncio.timeout(_ANSWER_S):
            line = await self._process.stdout.readline()
        if not line:
            raise EventsLost("the other end of the HTTP benchmark ended early")
        return json.loads(line)


@asynccontextmanager
async def _other_end(*arguments: str) -> AsyncIterator[OtherEnd]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-IS",
        str(Path(__file__).with_name("loopback.py")),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield OtherEnd(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(5):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


# in


async def _intake(effort: Effort, lines: int) -> Figure:
    """Measure an http source over queue → blackhole; `lines` events in one request."""
    texts = json_texts()[:lines]
    body = texts[0] if lines == 1 else ndjson(texts)
    kind = "application/json" if lines == 1 else "application/x-ndjson"
    async with sinkgraph.run(_INTAKE) as live:
        posts, queue, hole = (live.nodes[name] for name in ("posts", "queue", "hole"))
        assert isinstance(posts, HttpSource)
        assert isinstance(queue, Queue)
        tree = Tree(queue, (queue,), (End(lambda: hole.account().delivered),))
        host, port = posts.address
        written = 0
        async with _other_end("send", host, str(port), "/", str(_CONNECTIONS)) as sender:
            await sender.answer()

            async def once(n: int) -> float:
                nonlocal written
                requests = n // lines
                began = perf_counter()
                said = await sender.ask(requests=requests, type=kind, body=body.decode())
                await settle(live, tree)
                took = perf_counter() - began
                if said["statuses"] != {"202": requests}:
                    raise EventsLost(f"{requests} requests were answered {said['statuses']}")
                written += n
                verify(live, tree, written)
                return took

            fitting = Effort(effort.budget_s, effort.repeats, effort.most, lines * 10)
            return await measure(once, fitting, step=lines)


# out


async def _outgo(effort: Effort, wire: Any, concurrency: int) -> Figure:
    """Measure queue → http sink; `concurrency` lanes of the queue."""
    async with _other_end("receive") as receiver:
        port = (await receiver.answer())["port"]
        sink = HttpSink(f"http://127.0.0.1:{port}/", format=wire)
        queue = Queue(sink, concurrency=concurrency)
        tree = Tree(queue, (queue,), (End(lambda: sink.account().delivered),))
        written = 0
        async with sinkgraph.run(queue) as live:

            async def once(n: int) -> float:
                nonlocal written
                payloads = singles(n)
                began = perf_counter()
                for payload in payloads:
                    await live.write(payload)
                await settle(live, tree)
                took = perf_counter() - began
                written += n
                verify(live, tree, written)
                got = (await receiver.ask())["events"]
                if got != written:
                    raise EventsLost(f"the receiver counted {got} of {written} events")
                return took

            step = 1 if wire == "json" else NDJSON_LINES
            fitting = Effort(effort.budget_s, effort.repeats, effort.most, step * 10)
            return await measure(once, fitting, step=step)


_Measured = Callable[[Effort], Awaitable[Figure]]

_SUBJECTS: tuple[tuple[str, str, str, _Measured], ...] = (
    (
        "in",
        "POST → queue → blackhole",
        "an event a request",
        lambda effort: _intake(effort, 1),
    ),
    (
        "in",
        "POST → queue → blackhole",
        f"ndjson of {NDJSON_LINES}",
        lambda effort: _intake(effort, NDJSON_LINES),
    ),
    (
        "out",
        "queue → http, 1 at a time",
        "an event a request",
        lambda effort: _outgo(effort, "json", 1),
    ),
    (
        "out",
        f"queue → http, {_CONNECTIONS} at a time",
        "an event a request",
        lambda effort: _outgo(effort, "json", _CONNECTIONS),
    ),
    (
        "out",
        "queue → http, 1 at a time",
        f"ndjson of {NDJSON_LINES}",
        lambda effort: _outgo(effort, "ndjson", 1),
    ),
)


async def _measured(effort: Effort, wanted: Callable[[str], bool]) -> list[Row]:
    rows: list[Row] = []
    for name, label, how, measured in _SUBJECTS:
        if wanted(name):
            rows.append(Row(name, label, how, await measured(effort)))
    return rows


HTTP = Table(
    "http",
    "HTTP over loopback",
    ("in", "out"),
    (
        f"In: {_CONNECTIONS} kept connections, one request in flight on each, 256 bytes an event.",
        "Out: small events, written one by one.",
        "The other end is a Python process that parses little; on few cores it shares them.",
    ),
    _measured,
)
