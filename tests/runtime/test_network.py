"""HTTP over real loopback sockets: what was sent, what came back, what was certainly not sent."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from unittest.mock import Mock

import pytest
from aiohttp import ClientConnectorCertificateError

from sinkgraph.clock import Request
from sinkgraph.errors import DeliveryFailed, SinkClosed
from sinkgraph.runtime.network import HttpNetwork, _failed
from tests.support.http_peer import Peer, Seen, Writer, reply, reset


@pytest.fixture
async def network() -> AsyncIterator[HttpNetwork]:
    network = HttpNetwork()
    yield network
    await network.close()


def post(url: str, timeout_s: float = 5.0) -> Request:
    return Request("POST", url, {"Content-Type": "application/json"}, b"{}", timeout_s)


async def failure(network: HttpNetwork, request: Request) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as caught:
        await network.send(request)
    return caught.value


async def test_an_answer_comes_back_with_lower_cased_headers(network: HttpNetwork) -> None:
    async def script(_seen: Seen, _writer: Writer) -> bytes:
        return reply(202, b"done", Retry_After="7", X_Two="a") + b""

    async with Peer(script) as peer:
        answer = await network.send(post(peer.url("/a?b=c")))
    assert (answer.status, answer.body) == (202, b"done")
    assert answer.headers["retry-after"] == "7"
    (seen,) = peer.seen
    assert (seen.method, seen.path, seen.body) == ("POST", "/a?b=c", b"{}")
    assert seen.headers["content-type"] == "application/json"
    assert not seen.headers.keys() & {"accept-encoding", "cookie", "user-agent"}


async def test_connections_are_kept(network: HttpNetwork) -> None:
    async with Peer() as peer:
        for _ in range(3):
            await network.send(post(peer.url()))
    assert peer.connections == 1


async def test_repeated_headers_are_joined(network: HttpNetwork) -> None:
    async def script(_seen: Seen, _writer: Writer) -> bytes:
        return b"HTTP/1.1 503 x\r\nretry-after: 1\r\nRetry-After: 9\r\ncontent-length: 0\r\n\r\n"

    async with Peer(script) as peer:
        answer = await network.send(post(peer.url()))
    assert answer.headers["retry-after"] == "1, 9"


async def test_redirects_are_not_followed(network: HttpNetwork) -> None:
    async def script(_seen: Seen, _writer: Writer) -> bytes:
        return reply(307, Location="http://169.254.169.254/")

    async with Peer(script) as peer:
        assert (await network.send(post(peer.url()))).status == 307
    assert len(peer.seen) == 1


async def test_a_long_answer_is_cut_and_its_connection_dropped(network: HttpNetwork) -> None:
    async def script(_seen: Seen, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 x\r\ncontent-length: 99999999999\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x" * 65_536)
            await writer.drain()

    async with Peer(script) as peer:
        answer = await network.send(post(peer.url()))
        assert answer.status == 200
        assert len(answer.body) == 65_536


async def test_nobody_listening_is_unsent(network: HttpNetwork) -> None:
    async with Peer() as peer:
        url = peer.url("/x?token=secret")
    error = await failure(network, post(url.replace("http://", "http://u:secret@")))
    assert error.unsent
    assert "secret" not in str(error)
    assert "cannot connect to http://127.0.0.1:" in str(error)


async def test_link_local_addresses_are_refused_unsent(network: HttpNetwork) -> None:
    error = await failure(network, post("http://169.254.169.254/latest/meta-data"))
    assert error.unsent
    assert "link-local" in str(error)


async def test_a_name_that_does_not_exist_is_unsent(network: HttpNetwork) -> None:
    assert (await failure(network, post("http://nowhere.invalid/"))).unsent


async def test_silence_after_sending_is_not_unsent(network: HttpNetwork) -> None:
    async def script(_seen: Seen, _writer: Writer) -> None:
        await asyncio.Event().wait()

    async with Peer(script) as peer:
        error = await failure(network, post(peer.url(), 0.2))
    assert not error.unsent
    assert "no complete answer" in str(error)
    assert len(peer.seen) == 1


async def test_the_timeout_covers_a_trickling_answer(network: HttpNetwork) -> None:
    async def script(_seen: Seen, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 x\r\ncontent-length: 100\r\n\r\nx")
        await asyncio.Event().wait()

    async with Peer(script) as peer:
        assert not (await failure(network, post(peer.url(), 0.2))).unsent


async def test_a_handshake_that_never_ends_is_unsent(network: HttpNetwork) -> None:
    async def silent(reader: asyncio.StreamReader, writer: Writer) -> None:
        await reader.read(-1)
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        error = await failure(network, post(f"https://127.0.0.1:{port}/", 0.2))
    finally:
        server.close()
    assert error.unsent
    assert "no connection" in str(error)


async def test_a_reset_on_a_new_connection_is_not_unsent(network: HttpNetwork) -> None:
    async def script(_seen: Seen, writer: Writer) -> None:
        reset(writer)

    async with Peer(script) as peer:
        error = await failure(network, post(peer.url()))
    assert not error.unsent
    assert len(peer.seen) == 1


@pytest.mark.parametrize("with_reset", [False, True])
async def test_a_kept_connection_closed_under_us_is_tried_once_afresh(
    network: HttpNetwork, with_reset: bool
) -> None:
    async def script(seen: Seen, writer: Writer) -> bytes | None:
        if seen.connection == 1 and len(peer.seen) > 1:
            if with_reset:
                reset(writer)
            else:
                writer.close()
            return None
        return reply()

    async with Peer(script) as peer:
        await network.send(post(peer.url()))
        assert (await network.send(post(peer.url()))).status == 200
    assert [seen.connection for seen in peer.seen] == [1, 1, 2]


async def test_the_fresh_try_is_the_last(network: HttpNetwork) -> None:
    async def script(_seen: Seen, writer: Writer) -> bytes | None:
        if len(peer.seen) == 1:
            return reply()
        writer.close()
        return None

    async with Peer(script) as peer:
        await network.send(post(peer.url()))
        error = await failure(network, post(peer.url()))
    assert not error.unsent
    assert len(peer.seen) == 3


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 x\r\nx: " + b"y" * 1_000_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 x\r\ncontent-length: 5\r\n\r\nab",
    ],
)
async def test_garbage_is_a_failure_that_may_have_arrived(
    network: HttpNetwork, answer: bytes
) -> None:
    async def script(_seen: Seen, writer: Writer) -> None:
        writer.write(answer)
        writer.close()

    async with Peer(script) as peer:
        error = await failure(network, post(peer.url()))
    assert not error.unsent
    assert str(error).isprintable()


async def test_a_compressed_bomb_is_not_inflated(network: HttpNetwork) -> None:
    import gzip

    bomb = gzip.compress(bytes(10_000_000))

    async def script(_seen: Seen, _writer: Writer) -> bytes:
        return reply(200, bomb, Content_Encoding="gzip")

    async with Peer(script) as peer:
        assert (await network.send(post(peer.url()))).body == bomb


async def test_cancelling_closes_the_connection(network: HttpNetwork) -> None:
    arrived, gone = asyncio.Event(), asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        arrived.set()
        await reader.read(-1)  # ends when the other side closes
        gone.set()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    task = asyncio.ensure_future(network.send(post(f"http://127.0.0.1:{port}/")))
    await arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(gone.wait(), 10)
    server.close()


async def test_a_closed_network_sends_nothing() -> None:
    network = HttpNetwork()
    await network.close()
    await network.close()
    with pytest.raises(SinkClosed):
        await network.send(post("http://127.0.0.1:1/"))


def test_the_client_library_is_imported_on_first_use_only() -> None:
    code = "import sys, sinkgraph.runtime.network; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("version", ["1.1", "1.0"])
async def test_a_body_that_must_not_be_there_costs_the_connection_only(
    network: HttpNetwork, status: int, version: str
) -> None:
    async def script(_seen: Seen, _writer: Writer) -> bytes:
        return f"HTTP/{version} {status} Said\r\nContent-Length: 5\r\n\r\nhello".encode()

    async with Peer(script) as peer:
        for _ in range(2):
            answer = await network.send(post(peer.url()))
            assert (answer.status, answer.body) == (status, b"")
    assert peer.connections == 2


def test_a_certificate_nobody_vouches_for_is_named_as_the_reason() -> None:
    refused = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED]")
    refused.verify_message = "self-signed certificate"
    key = Mock(host="there", port=443, ssl=True)
    error = _failed("cannot", ClientConnectorCertificateError(key, refused), unsent=True)
    assert str(error) == "cannot: self-signed certificate"


async def test_a_server_without_tls_is_named_as_the_reason(network: HttpNetwork) -> None:
    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        error = await failure(network, post(f"https://127.0.0.1:{port}/"))
    assert error.unsent
    assert str(error).endswith(("wrong version number", "record layer failure"))
