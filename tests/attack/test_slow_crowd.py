"""A crowd of clients that send a byte now and then: all are ended, a good client is served (P22).

The deadlines are made short, so that a crowd that has come to its end says it in a second; nothing
here asserts how long something took. `SINKGRAPH_SOAK=5` makes the crowd one of 500.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from sinkgraph.control.wire import MOST_CONNECTIONS
from sinkgraph.control.wire import Timing as ControlTiming
from sinkgraph.sources.http import HttpSource
from sinkgraph.sources.http_listener import MAX_CONNECTIONS, MAX_TURNED_AWAY, Listeners
from sinkgraph.sources.http_wire import Timing
from tests.support.contexts import Recorder, make_context
from tests.support.control import watched
from tests.support.program import until
from tests.support.scale import rounds

pytestmark = pytest.mark.timeout(90)

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Awaitable[Streams]]

POST = b"POST %b HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
GOOD = POST % b"/events" + b'content-length: 7\r\n\r\n{"a":1}'
LIVE = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
CROWD = rounds(100, most=500)


class Crowd:
    """Is many connections, each of which sends one byte of an endless request at a time."""

    def __init__(self, path: bytes, connect: Connect, held: Callable[[], int]) -> None:
        self._head = POST % path
        self._connect = connect
        self._held = held
        self.most_held = 0
        self.statuses = Counter[bytes]()

    async def comes(self) -> None:
        """Let them come, and trickle until the other end has closed each of them."""
        async with asyncio.TaskGroup() as group:
            for k in range(CROWD):
                group.create_task(self._trickle(k))

    async def _trickle(self, k: int) -> None:
        # half of them never end their head, the others never end their body
        sent = self._head + (b"x-a: " if k % 2 else b"content-length: 9000\r\n\r\n")
        begun = len(sent) - 4
        reader, writer = await self._connect()
        answer = asyncio.ensure_future(reader.read(-1))
        writer.write(sent[:begun])
        while not answer.done():
            self.most_held = max(self.most_held, self._held())
            with suppress(OSError):
                writer.write(sent[begun : begun + 1] or b" ")
            begun += 1
            await asyncio.wait([answer], timeout=0.1)
        writer.close()
        failed = answer.exception()
        assert failed is None or isinstance(failed, OSError), failed
        self.statuses[b"" if failed else answer.result()[9:12]] += 1


async def served_meanwhile(crowd: Crowd, good: Streams, asks: bytes, answer: bytes) -> int:
    """Let the crowd come; return how often a good client was answered until it had gone."""
    reader, writer = good
    crowding = asyncio.ensure_future(crowd.comes())
    answered = 0
    while not crowding.done():
        writer.write(asks)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
        assert head.startswith(b"HTTP/1.1 " + answer), head
        length = next(
            int(line.partition(b":")[2])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length")
        )
        await reader.readexactly(length)
        answered += 1
        await asyncio.wait([crowding], timeout=0.02)
    await crowding
    return answered


@asynccontextmanager
async def source_of(sink: Recorder) -> AsyncIterator[HttpSource]:
    timing = Timing(header_s=1.0, request_s=1.5, idle_s=30.0, linger_s=0.2, grain_s=0.05)
    source = HttpSource(sink, port=0, path="/events", listeners=Listeners(timing=timing))
    source.name = "in"
    source.bind(make_context())
    await source.open()
    running = asyncio.ensure_future(source.run(source.to))
    try:
        yield source
    finally:
        source.stop()
        await asyncio.wait_for(running, 10)
        await source.close()


async def test_a_source_serves_a_good_client_and_ends_a_crowd_that_trickles() -> None:
    sink = Recorder()
    async with source_of(sink) as source:
        listener = source._listener
        assert listener is not None

        def connect() -> Awaitable[Streams]:
            return asyncio.open_connection(*source.address)

        crowd = Crowd(b"/events", connect, lambda: listener.connections)
        good = await connect()
        answered = await served_meanwhile(crowd, good, GOOD, b"202")
        assert sum(crowd.statuses.values()) == CROWD
        assert set(crowd.statuses) <= {b"408", b"503", b""}
        assert crowd.statuses[b"408"] >= min(CROWD, MAX_CONNECTIONS) - 1
        assert crowd.statuses[b""] <= max(0, CROWD - MAX_CONNECTIONS - MAX_TURNED_AWAY + 1)
        assert 1 < crowd.most_held <= MAX_CONNECTIONS
        await until(lambda: listener.connections == 1, "only the good client is left")
        good[1].close()
        reader, writer = await connect()
        writer.write(GOOD)
        assert (await reader.readline()).startswith(b"HTTP/1.1 202 ")
        writer.close()
    assert len(sink.events) == answered + 1


async def test_the_control_plane_serves_a_good_client_and_ends_a_crowd_that_trickles() -> None:
    quick = {"timing": ControlTiming(header_s=1.0, request_s=1.5, linger_s=0.2, grain_s=0.05)}
    async with watched(tcp=False, listen=quick) as graph:
        connections = graph.control._doors[0].state.connections

        def connect() -> Awaitable[Streams]:
            return asyncio.open_unix_connection(graph.control.socket)

        crowd = Crowd(b"/v1/write", connect, lambda: len(connections))
        good = await connect()
        await served_meanwhile(crowd, good, LIVE, b"200")
        assert sum(crowd.statuses.values()) == CROWD
        assert set(crowd.statuses) <= {b"408", b"503", b""}
        assert crowd.statuses[b"408"] >= min(CROWD, MOST_CONNECTIONS) - 1
        assert crowd.statuses[b""] <= max(0, CROWD - MOST_CONNECTIONS + 1)
        assert crowd.most_held <= MOST_CONNECTIONS
        good[1].close()
        assert (await graph.get("/livez"))["status"] == "ok"
