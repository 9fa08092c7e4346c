"""The http source over real sockets: statuses, all or nothing, limits, slow clients."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from sinkgraph.errors import DeliveryFailed, Overloaded, Owed, PartialWrite, Rejected, SinkClosed
from sinkgraph.event import Batch
from sinkgraph.sinks.base import Context
from sinkgraph.sources.http import HttpSource
from sinkgraph.sources.http_listener import Listener, Listeners
from sinkgraph.sources.http_wire import Connection, Timing
from sinkgraph.spec.secret import Secret
from tests.support.contexts import Journal, Recorder, make_context

REAL = Path(__file__).parents[2] / "graphs" / "data" / "registry-envelopes.ndjson"
DOCKER = "application/vnd.docker.distribution.events.v1+json"


@asynccontextmanager
async def serving(
    sink: Any, *, name: str = "in", context: Context | None = None, **options: Any
) -> AsyncIterator[HttpSource]:
    source = HttpSource(sink, **{"port": 0, "path": "/events", **options})
    source.name = name
    source.bind(context or make_context())
    await source.open()
    running = asyncio.ensure_future(source.run(source.to))
    try:
        yield source
    finally:
        source.stop()
        await asyncio.wait_for(running, 10)
        await source.close()


class Client:
    """Is a raw connection to a source."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, raw: bytes) -> tuple[int, dict[str, str], Any]:
        self.writer.write(raw)
        return await self.answer()

    async def answer(self) -> tuple[int, dict[str, str], Any]:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return int(head[0].split()[1]), headers, json.loads(body) if body else None

    async def ended(self) -> bytes:
        try:
            return await asyncio.wait_for(self.reader.read(-1), 10)
        except ConnectionError:
            return b""


@asynccontextmanager
async def connected(source: HttpSource) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection(*source.address)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        try:
            await writer.wait_closed()
        except ConnectionError:
            pass


def post(
    body: bytes | str = b'{"a":1}',
    path: str = "/events",
    method: str = "POST",
    content_type: str = "application/json",
    **headers: str | None,
) -> bytes:
    """Return a request; a header that is None is left out, `x_y` is written `x-y`."""
    raw = body.encode() if isinstance(body, str) else body
    given: dict[str, str | None] = {
        "host": "here", "content_type": content_type, "content_length": str(len(raw)), **headers
    }  # fmt: skip
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in given.items() if value]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + raw


async def one(sink: Any, raw: bytes, **options: Any) -> tuple[int, dict[str, str], Any]:
    async with serving(sink, **options) as source, connected(source) as client:
        return await client.send(raw)


async def test_an_object_is_accepted() -> None:
    sink = Recorder()
    status, headers, content = await one(sink, post('{"a": 1}'))
    assert status == 202
    assert content == {"accepted": 1, "worth": "memory"}
    assert headers["content-type"] == "application/json"
    assert sink.data == [{"a": 1}]
    assert sink.events[0].source == "in"


async def test_a_delivered_event_is_answered_200() -> None:
    status, _, content = await one(Recorder(), post(), worth="delivered")
    assert (status, content["worth"]) == (200, "delivered")


async def test_an_array_and_lines_are_one_write() -> None:
    sink = Recorder()
    async with serving(sink) as source, connected(source) as client:
        assert (await client.send(post("[1,2,3]")))[2]["accepted"] == 3
        lines = post("4\n5\n", content_type="application/x-ndjson")
        assert (await client.send(lines))[2]["accepted"] == 2
        assert (await client.send(post("[]")))[2]["accepted"] == 0
    assert sink.data == [1, 2, 3, 4, 5]
    assert sink.sizes == [3, 2]
    assert len({event.id for event in sink.events}) == 5


async def test_every_real_registry_notification_arrives() -> None:
    sink = Recorder()
    async with serving(sink) as source, connected(source) as client:
        for line in REAL.read_bytes().splitlines():
            raw = post(line, content_type=DOCKER)
            assert (await client.send(raw))[2]["accepted"] == 1
        assert source.account().residue == 0
        assert source.ledger.delivered == 350
    assert len(sink.events) == 350
    assert {event.type for event in sink.events} == {
        f"docker.registry.{action}" for action in ("push", "pull", "mount", "delete")
    }


async def test_a_bad_item_is_named_and_nothing_is_stored() -> None:
    sink = Recorder()
    status, _, content = await one(sink, post('[{"a":1},null,1e999]'))
    assert status == 400
    assert content["items"] == [
        {"index": 1, "reason": "null is not an event"},
        {"index": 2, "reason": "number out of range"},
    ]
    assert sink.events == []


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (post(""), 400),
        (post("{"), 400),
        (post("NaN"), 400),
        (post('"\\ud800"'), 400),
        (post("[" * 200_000), 400),
        (post("1" * 5000), 400),
        (post('{"events":[],"events":[]}', content_type=DOCKER), 400),
        (post(b"", content_length=None), 411),
        (post(b"x" * (1024 * 1024 + 1)), 413),
        (post(gzip.compress(bytes(3_000_000), mtime=0), content_encoding="gzip"), 413),
        (post(gzip.compress(b"{}")[:-3], content_encoding="gzip"), 415),
        (post(b"{}", content_encoding="gzip, gzip"), 415),
        (post(b"{}", content_encoding="br"), 415),
        (post(content_type="text/plain"), 415),
        (post(content_type=""), 415),
        (post(content_type="application/json; charset=utf-16"), 415),
        (post(path="/"), 404),
        (post(path="//events"), 404),
        (post(path="/events/"), 404),
        (post(path="/events%00"), 404),
        (post(path="/%2e%2e/events"), 404),
        (post(path="http://other/events"), 404),
        (post(method="GET"), 405),
        (post(method="PUT"), 405),
        (post(method="OPTIONS"), 405),
        (post(host=""), 400),
        (post(method="FOO"), 400),
        (post(path="/ev ents"), 400),
        (b"\x16\x03\x01\x02\x00\x01\x00", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (post(content_length="2", transfer_encoding="chunked"), 400),
        (post(content_length="-1"), 400),
        (post(content_length="99999999999999999999999"), 400),
        (post(transfer_encoding="gzip, chunked", content_length=None), 400),
        (post(b"zz\r\n", transfer_encoding="chunked", content_length=None), 400),
        (post(Content_Type="application/json"), 400),
        (post(X="y" * 40_000), 431),
        (post(upgrade="websocket", connection="upgrade"), 400),
    ],
)
async def test_bad_requests_are_refused_and_nothing_is_stored(raw: bytes, status: int) -> None:
    sink = Recorder()
    got, _, content = await one(sink, raw)
    assert got == status
    assert content["error"]
    assert sink.events == []


async def test_a_gzipped_body_and_a_chunked_one_are_read() -> None:
    sink = Recorder()
    async with serving(sink) as source, connected(source) as client:
        await client.send(post(gzip.compress(b'"zipped"'), content_encoding="gzip"))
        chunks = b'4\r\n"chu\r\n3;x=y\r\nnk"\r\n0\r\nTrailer: z\r\n\r\n'
        status, _, _ = await client.send(
            post(chunks, transfer_encoding="chunked", content_length=None)
        )
        assert status == 202
    assert sink.data == ["zipped", "chunk"]


async def test_continue_is_said_before_the_body_is_sent() -> None:
    sink = Recorder()
    async with serving(sink) as source, connected(source) as client:
        client.writer.write(post(b"", expect="100-continue", content_length="3"))
        assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert (await client.send(b'"x"'))[0] == 202
        client.writer.write(post(b"", expect="100-continue", content_length="9999999"))
        assert (await client.answer())[0] == 413
        assert await client.ended() == b""
    assert sink.data == ["x"]


async def test_a_refused_small_request_keeps_the_connection() -> None:
    sink = Recorder()
    async with serving(sink) as source, connected(source) as client:
        assert (await client.send(post("x" * 1000, path="/no")))[0] == 404
        assert (await client.send(post("{")))[0] == 400
        assert (await client.send(post()))[0] == 202


async def test_head_gets_no_body() -> None:
    async with serving(Recorder()) as source, connected(source) as client:
        client.writer.write(post(b"", method="HEAD", connection="close"))
        answer = await client.ended()
    assert answer.startswith(b"HTTP/1.1 405")
    assert answer.endswith(b"\r\n\r\n")


async def flood(writer: asyncio.StreamWriter) -> None:
    for _ in range(1000):
        writer.write(b"x" * 65_536)
        await writer.drain()


async def test_a_rejected_body_is_not_read_to_its_end() -> None:
    async with serving(Recorder()) as source, connected(source) as client:
        client.writer.write(post(b"", content_length=str(10**9)))
        assert (await client.answer())[0] == 413
        with pytest.raises(ConnectionError):
            await flood(client.writer)


async def test_chunk_overhead_is_bounded() -> None:
    async with serving(Recorder(), max_body=100_000) as source, connected(source) as client:
        flood = b"1;" + b"x" * 600_000 + b"\r\n"
        status, _, _ = await client.send(
            post(flood, transfer_encoding="chunked", content_length=None)
        )
        assert status == 400


async def test_a_token_is_asked_for() -> None:
    tokens = [Secret("one"), "two"]
    async with serving(Recorder(), tokens=tokens) as source:
        async with connected(source) as client:
            status, headers, _ = await client.send(post())
            assert (status, headers["www-authenticate"]) == (401, "Bearer")
            for wrong in ("Bearer no", "Basic one", "Bearer", "Bearer one two", "one", "Bearer on"):
                assert (await client.send(post(authorization=wrong)))[0] == 401
            assert (await client.send(post(path="/events?token=one")))[0] == 401
            assert (await client.send(post(authorization="Bearer one")))[0] == 202
            assert (await client.send(post(authorization="bearer two")))[0] == 202
        assert source.answers == {401: 8, 202: 2}


async def test_no_room_is_429_and_stores_nothing() -> None:
    sink = Recorder(Overloaded("queue q is full", retry_after_s=2.5))
    async with serving(sink) as source, connected(source) as client:
        status, headers, content = await client.send(post())
        assert (status, headers["retry-after"]) == (429, "3")
        assert content == {"error": "queue q is full"}
        assert source.ledger.returned == 1
        assert (await client.send(post()))[0] == 202
        assert source.account().residue == 0


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (SinkClosed("q is closed"), 503),
        (DeliveryFailed("down", retry_after_s=4), 503),
        (Rejected("no"), 422),
        (RuntimeError("a bug"), 500),
    ],
)
async def test_a_failed_write_is_answered(error: Exception, status: int) -> None:
    context = make_context()
    async with serving(Recorder(error), context=context) as source, connected(source) as client:
        got, headers, content = await client.send(post())
        assert got == status
        assert ("retry-after" in headers) == (status == 503)
        assert content["error"]
        assert source.account().residue == 0
        assert (await client.send(post()))[0] == 202
    journal = context.journal
    assert isinstance(journal, Journal)
    assert [kind for kind, _ in journal.facts] == (["request_failed"] if status == 500 else [])


async def test_a_partly_failed_write_says_which_part() -> None:
    sink = Recorder()
    part = Batch.from_payloads([1], "u", 0, source="s", type="t", time=0.0)
    sink.errors.append(PartialWrite([Owed(sink.write, part, DeliveryFailed("hook is down"))]))
    async with serving(sink) as source, connected(source) as client:
        status, _, content = await client.send(post("[1,2,3]"))
        assert status == 503
        assert content["failed"] == [{"events": 1, "error": "hook is down"}]
        assert source.ledger.delivered == 2
        assert source.ledger.returned == 1


async def test_a_stopping_source_answers_503_and_finishes_what_is_open() -> None:
    sink = Recorder()
    sink.gate.clear()
    async with serving(sink) as source, connected(source) as first, connected(source) as second:
        first.writer.write(post('"open"'))
        await sink.asked.wait()
        source.stop()
        status, headers, _ = await second.send(post('"late"'))
        assert (status, headers["retry-after"]) == (503, "1")
        sink.gate.set()
        assert (await first.answer())[0] == 202
    assert sink.data == ["open"]


async def test_a_client_that_left_while_waiting_is_forgotten() -> None:
    sink = Recorder()
    sink.gate.clear()
    async with serving(sink) as source:
        async with connected(source) as client:
            client.writer.write(post())
            await sink.asked.wait()
        await sink.dropped.wait()
        await asyncio.sleep(0)
        assert not source.open_requests
        assert source.ledger.returned == 1
        assert source.account().residue == 0
    assert sink.events == []


async def test_pipelined_requests_are_answered_in_order() -> None:
    sink = Recorder()
    async with serving(sink) as source, connected(source) as client:
        client.writer.write(post("1") + post("{") + post("2", path="/no") + post("3"))
        statuses = [(await client.answer())[0] for _ in range(4)]
    assert statuses == [202, 400, 404, 202]
    assert sink.data == [1, 3]


async def test_http_1_0_is_answered_and_closed() -> None:
    sink = Recorder()
    async with serving(sink) as source, connected(source) as client:
        raw = (
            b"POST /events HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length: 1\r\n\r\n7"
        )
        status, headers, _ = await client.send(raw)
        assert (status, headers["connection"]) == (202, "close")
        assert await client.ended() == b""


FAST = Timing(header_s=0.3, request_s=0.6, idle_s=0.5, linger_s=0.1, grain_s=0.02)


@pytest.mark.parametrize(
    ("begun", "answered"),
    [
        (b"", b""),
        (b"POST /ev", b"HTTP/1.1 408"),
        (post(b"", content_length="10") + b"[1,", b"HTTP/1.1 408"),
        (post(b"2\r\nab", transfer_encoding="chunked", content_length=None), b"HTTP/1.1 408"),
    ],
)
async def test_slow_clients_are_closed(begun: bytes, answered: bytes) -> None:
    listeners = Listeners(timing=FAST)
    async with serving(Recorder(), listeners=listeners) as source, connected(source) as client:
        client.writer.write(begun)
        assert (await client.ended())[:12] == answered


class Silent(asyncio.Transport):
    """Is a transport nobody listens to."""

    def pause_reading(self) -> None:
        """Do nothing."""

    def abort(self) -> None:
        """Do nothing."""


async def test_a_trickle_does_not_buy_time() -> None:
    listener = Listener("127.0.0.1", 0)
    await listener.bind()
    connection = Connection(listener)
    connection.connection_made(Silent())
    connection.data_received(b"POST /")
    first = connection.deadline
    for byte in b"events HTTP/1.1":
        connection.data_received(bytes([byte]))
    assert connection.deadline == first
    connection.data_received(b"\r\nhost: x\r\ncontent-length: 9\r\n")
    assert connection.deadline == first
    await listener.close()


async def test_an_idle_connection_is_closed_quietly() -> None:
    listeners = Listeners(timing=FAST)
    async with serving(Recorder(), listeners=listeners) as source, connected(source) as client:
        assert (await client.send(post()))[0] == 202
        assert await client.ended() == b""


async def test_connections_beyond_the_cap_are_turned_away() -> None:
    listeners = Listeners(timing=FAST, max_connections=2)
    async with (
        serving(Recorder(), listeners=listeners) as source,
        connected(source) as first,
        connected(source) as second,
    ):
        assert (await first.send(post()))[0] == 202
        assert (await second.send(post()))[0] == 202
        async with connected(source) as third:
            assert (await third.answer())[0] == 503
            assert await third.ended() == b""
        assert (await first.send(post()))[0] == 202


async def test_sources_share_an_address_by_path() -> None:
    listeners, a, b = Listeners(), Recorder(), Recorder()
    async with serving(a, path="/a", name="a", listeners=listeners) as first:
        async with serving(b, path="/b", name="b", listeners=listeners) as second:
            assert first.address == second.address
            async with connected(first) as client:
                assert (await client.send(post("1", path="/a")))[0] == 202
                assert (await client.send(post("2", path="/b")))[0] == 202
        async with connected(first) as client:
            assert (await client.send(post("3", path="/b")))[0] == 404
            assert (await client.send(post("4", path="/a")))[0] == 202
    assert (a.data, b.data) == ([1, 4], [2])


async def test_one_path_has_one_source() -> None:
    listeners = Listeners()
    async with serving(Recorder(), name="a", listeners=listeners):
        other = HttpSource(Recorder(), port=0, path="/events", listeners=listeners)
        other.name = "b"
        with pytest.raises(OSError, match="taken by source a"):
            await other.open()
        await other.close()


async def test_a_source_of_the_same_name_takes_its_path_over() -> None:
    listeners, old, new = Listeners(), Recorder(), Recorder()
    async with serving(old, listeners=listeners) as first, connected(first) as client:
        assert (await client.send(post("1")))[0] == 202
        async with serving(new, listeners=listeners):
            await asyncio.sleep(0)
            await first.close()
            assert (await client.send(post("2")))[0] == 202
    assert (old.data, new.data) == ([1], [2])


async def test_a_busy_port_is_named() -> None:
    async with serving(Recorder()) as source:
        other = HttpSource(Recorder(), port=source.address[1])
        with pytest.raises(OSError, match=rf"cannot listen on 127.0.0.1:{source.address[1]}"):
            await other.open()
        await other.close()


async def test_nothing_is_answered_before_the_start() -> None:
    sink = Recorder()
    source = HttpSource(sink, port=0)
    source.name = "in"
    source.bind(make_context())
    await source.open()
    async with connected(source) as client:
        client.writer.write(post(path="/"))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.reader.read(1), 0.05)
        running = asyncio.ensure_future(source.run(source.to))
        assert (await client.answer())[0] == 202
        source.stop()
        await running
    await source.close()
    await source.close()


async def test_facts_tell_the_address_and_the_answers() -> None:
    async with serving(Recorder()) as source, connected(source) as client:
        await client.send(post())
        facts = source.facts()
        listen = f"127.0.0.1:{source.address[1]}"
    assert facts["listen"] == listen
    assert facts["answers"] == {202: 1}
