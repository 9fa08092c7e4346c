"""Clients that are slow, many, or wrong: each is ended in its time, others are served (P22).

Times are those of the control plane, made short; no test asserts how long something took.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from io import BytesIO

import pytest

from sinkgraph.control.wire import HEAD_BYTES, Door, Timing
from tests.support.control import Watched, watched
from tests.support.program import until

QUICK = {"timing": Timing(header_s=0.3, request_s=0.6, write_s=0.3, linger_s=0.1, grain_s=0.02)}
GET = b"GET /v1/snapshot HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /v1/write HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
STREAM = b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def connected(graph: Watched) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_unix_connection(graph.control.socket)


async def answer(reader: asyncio.StreamReader) -> bytes:
    """Return all that comes until the other end closes."""
    made = b""
    with suppress(ConnectionError):
        async with asyncio.timeout(10):
            while part := await reader.read(65_536):
                made += part
    return made


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET /v1/snap",
        b"GET /v1/snapshot HTTP/1.1\r\nHost: localhost\r\nX-A: ",
        POST + b"Content-Length: 100\r\n\r\n{",
        POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    ],
)
async def test_a_request_that_does_not_end_is_ended(begun: bytes) -> None:
    async with watched(tcp=False, listen=QUICK) as graph:
        reader, writer = await connected(graph)
        writer.write(begun)
        assert (await answer(reader)).startswith(b"HTTP/1.1 408 ")
        writer.close()
        assert (await graph.get("/livez"))["status"] == "ok"


async def test_a_trickle_does_not_buy_time() -> None:
    async with watched(tcp=False, listen=QUICK) as graph:
        reader, writer = await connected(graph)
        reading = asyncio.ensure_future(answer(reader))
        for byte in b"GET /v1/snapshot HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 500:
            if reading.done():
                break
            writer.write(bytes([byte]))
            await asyncio.sleep(0.01)
        assert (await reading).startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_a_head_without_end_is_refused_by_its_size() -> None:
    async with watched(tcp=False) as graph:
        reader, writer = await connected(graph)
        writer.write(b"GET / HTTP/1.1\r\n" + b"X-A: " + b"a" * 2 * HEAD_BYTES)
        assert (await answer(reader)).startswith(b"HTTP/1.1 431 ")
        writer.close()


async def test_a_reader_that_never_reads_is_dropped_and_others_are_served() -> None:
    async with watched(tcp=False, listen=QUICK) as graph:
        stuck = [await connected(graph) for _ in range(3)]
        for reader, writer in stuck:
            reader._transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(GET * 2_000)
        door = graph.control._doors[0]
        await until(lambda: len(door.state.connections) <= 1)
        assert (await graph.get("/livez"))["status"] == "ok"
        for _, writer in stuck:
            writer.transport.abort()


async def test_a_stream_nobody_reads_is_dropped_and_keeps_no_reader() -> None:
    async with watched(tcp=False, listen=QUICK) as graph:
        reader, writer = await connected(graph)
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(STREAM)
        sampler = graph.control.desk.sampler
        await until(lambda: sampler.hub.readers == 1)
        for _ in range(3_000):
            sampler.hub.publish("delta", {"filling": "x" * 2_000})
            await asyncio.sleep(0)
            if not sampler.hub.readers:
                break
        await until(lambda: not sampler.hub.readers)
        writer.transport.abort()


async def test_too_many_connections_are_turned_away() -> None:
    async with watched(tcp=False) as graph:
        graph.control._doors[0].most = 2
        both = [await connected(graph) for _ in range(2)]
        reader, writer = await connected(graph)
        assert (await answer(reader)).startswith(b"HTTP/1.1 503 ")
        for _, one in [*both, (reader, writer)]:
            one.close()


@pytest.mark.parametrize(
    "junk",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET  HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ],
)
async def test_what_is_no_request_is_answered_and_closed(junk: bytes) -> None:
    async with watched(tcp=False, listen=QUICK) as graph:
        reader, writer = await connected(graph)
        writer.write(junk)
        assert (await answer(reader)).startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 408 "))
        writer.close()
        assert (await graph.get("/livez"))["status"] == "ok"


async def test_a_body_that_is_too_large_is_refused_before_it_is_read() -> None:
    async with watched(tcp=False) as graph:
        reply = await graph.ask(
            "POST",
            "/v1/write",
            data=BytesIO(b" " * (1024**2 + 1)),
            headers={"Content-Type": "application/json"},
        )
        assert reply.status == 413


async def test_several_requests_on_one_connection_are_answered_in_order() -> None:
    async with watched(tcp=False) as graph:
        reader, writer = await connected(graph)
        writer.write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3)
        writer.write(b"GET /nope HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        made = await answer(reader)
        assert made.count(b"HTTP/1.1 200 ") == 3
        assert made.rindex(b"HTTP/1.1 404 ") > made.rindex(b"HTTP/1.1 200 ")
        writer.close()


async def test_closing_ends_streams_and_waits_for_no_client() -> None:
    async with watched(tcp=False) as graph:
        reader, writer = await connected(graph)
        writer.write(STREAM)
        assert b"text/event-stream" in await reader.readuntil(b"\r\n\r\n")
        await graph.control.close()
        await answer(reader)
        writer.close()


async def test_a_socket_somebody_listens_on_is_not_taken(tmp_path: object) -> None:
    async with watched(tcp=False) as graph:
        door = Door("unix", lambda *_: None)
        with pytest.raises(FileExistsError, match="another run listens there"):
            await door.open_unix(str(graph.control.socket))
        assert (await graph.get("/livez"))["status"] == "ok"
