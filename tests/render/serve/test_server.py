"""The server answers its own page, on this machine, in time, and nobody else's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from sinkgraph.graph.load import load_graph
from sinkgraph.render.drawing import draw
from sinkgraph.render.serve import server as subject
from sinkgraph.render.serve.board import Board, Loaded
from sinkgraph.render.serve.server import Server
from sinkgraph.render.serve.watch import Watched
from sinkgraph.spec.document import read

GOOD = """
sinkgraph: 1
name: shown
sources: {in: {kind: generate, rate: 1/s, to: keep}}
sinks:
  keep: {kind: queue, to: {kind: blackhole}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "graph.yaml"
    made.write_text(GOOD, encoding="utf-8")
    return made


def save(file: Path, text: str) -> None:
    beside = file.with_suffix(".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(file)


@asynccontextmanager
async def serving(file: Path, told: list[dict[str, Any]] | None = None) -> AsyncIterator[Server]:
    def load() -> Loaded:
        graph, found = load_graph(file, env={})
        if graph is None:
            return Loaded(None, found, read(file)[0])
        return Loaded(graph, found, drawing=draw(graph))

    board = Board(file.name, load)
    watched = Watched([file])
    await asyncio.to_thread(board.renew)
    said: list[dict[str, Any]] = [] if told is None else told
    async with Server(board, watched, renewed=said.append) as server:
        yield server


async def ask(server: Server, request: str) -> tuple[int, str, bytes]:
    """Send a request as it is, and return status, head and body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(request.encode("latin-1"))
        async with asyncio.timeout(20):
            whole = await reader.read()
    except ConnectionError:
        whole = b""
    finally:
        await leave(writer)
    head, _, body = whole.partition(b"\r\n\r\n")
    status = int(head.split(b" ")[1]) if head else 0
    return status, head.decode(), body


async def get(server: Server, path: str, **fields: str) -> tuple[int, str, bytes]:
    lines = {"Host": f"127.0.0.1:{server.port}"} | fields
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
    return await ask(server, f"GET {path} HTTP/1.1\r\n{head}\r\n")


async def test_the_page_its_parts_and_the_drawing_are_there(file: Path) -> None:
    async with serving(file) as server:
        for path, kind in (
            ("/", "text/html"),
            ("/page.css", "text/css"),
            ("/page.js", "text/javascript"),
            ("/state", "application/json"),
            ("/drawing.svg?theme=dark", "image/svg+xml"),
        ):
            status, head, body = await get(server, path)
            assert (status, kind in head) == (200, True), path
            assert f"Content-Length: {len(body)}" in head
            assert "default-src 'none'" in head
        state = json.loads((await get(server, "/state"))[2])
        assert (state["name"], state["nodes"], state["findings"]) == ("shown", 3, [])
        assert "#0c0f14" in (await get(server, "/drawing.svg?theme=dark"))[2].decode()
        assert "prefers-color-scheme" in (await get(server, "/drawing.svg"))[2].decode()


async def test_the_page_asks_no_other_machine_for_anything(file: Path) -> None:
    async with serving(file) as server:
        for path in ("/", "/page.css", "/page.js"):
            text = (await get(server, path))[2].decode()
            text = text.replace("http://www.w3.org/2000/svg", "")
            assert "//" not in text.replace("// ", "").replace("https://", "//x")


@pytest.mark.parametrize(
    ("request_line", "fields", "status"),
    [
        ("GET /nothing HTTP/1.1", {}, 404),
        ("GET /../../etc/passwd HTTP/1.1", {}, 404),
        ("POST / HTTP/1.1", {}, 405),
        ("GET / HTTP/1.1", {"Host": "evil.test"}, 421),
        ("GET / HTTP/1.1", {"Host": "127.0.0.1.evil.test"}, 421),
        ("GET /state HTTP/1.1", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("GET http://evil.test/ HTTP/1.1", {}, 400),
        ("nonsense", {}, 400),
    ],
)
async def test_what_is_not_for_it_is_refused(
    file: Path, request_line: str, fields: dict[str, str], status: int
) -> None:
    async with serving(file) as server:
        lines = {"Host": f"127.0.0.1:{server.port}"} | fields
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        assert (await ask(server, f"{request_line}\r\n{head}\r\n"))[0] == status


async def test_a_head_that_is_too_long_or_never_ends_is_hung_up_on(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "HEAD_S", 0.05)
    async with serving(file) as server:
        assert await ask(server, "GET / HTTP/1.1\r\nX: " + "x" * 40_000) == (0, "", b"")
        assert await ask(server, "GET / HT") == (0, "", b"")


async def test_too_many_connections_are_refused(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "MAX_CONNECTIONS", 2)
    async with serving(file) as server:
        held = [await events(server) for _ in range(2)]
        assert (await get(server, "/"))[0] == 503
        for _, writer in held:
            await leave(writer)


async def test_a_page_hears_of_every_new_version(file: Path) -> None:
    told: list[dict[str, Any]] = []
    async with serving(file, told) as server:
        reader, writer = await events(server)
        assert await next_version(reader) == 1
        save(file, GOOD.replace("shown", "other"))
        assert await next_version(reader) == 2
        state = json.loads((await get(server, "/state"))[2])
        assert (state["name"], state["version"]) == ("other", 2)
        await leave(writer)
    assert [one["version"] for one in told] == [2]


async def test_a_document_with_errors_leaves_the_last_drawing(file: Path) -> None:
    async with serving(file) as server:
        reader, writer = await events(server)
        await next_version(reader)
        before = (await get(server, "/drawing.svg?theme=light"))[2]
        save(file, GOOD.replace("blackhole", "blackhol"))
        assert await next_version(reader) == 2
        state = json.loads((await get(server, "/state"))[2])
        assert (state["stale"], state["drawn"]) == (True, True)
        assert [(one["severity"], one["node"]) for one in state["findings"]] == [("error", "keep")]
        assert (await get(server, "/drawing.svg?theme=light"))[2] == before
        await leave(writer)


async def test_what_ends_the_watching_is_told(file: Path) -> None:
    def load() -> Loaded:
        raise RuntimeError("out of luck")

    async with Server(Board("graph.yaml", load), Watched([file])) as server:
        save(file, "changed")
        with pytest.raises(RuntimeError, match="out of luck"):
            async with asyncio.timeout(20):
                await server.until(asyncio.Event())


async def test_serving_ends_when_it_is_told_to(file: Path) -> None:
    stop = asyncio.Event()
    async with serving(file) as server:
        stop.set()
        async with asyncio.timeout(20):
            await server.until(stop)


async def test_a_broken_document_is_sketched_until_there_is_a_drawing(file: Path) -> None:
    broken = GOOD.replace("to: {kind: blackhole}", "to: nowhere")
    save(file, broken)
    async with serving(file) as server:
        reader, writer = await events(server)
        await next_version(reader)
        state = json.loads((await get(server, "/state"))[2])
        assert (state["sketched"], state["stale"], state["nodes"]) == (True, False, 3)
        assert [one["node"] for one in state["findings"]] == ["keep"]
        assert b"not declared" in (await get(server, "/drawing.svg"))[2]
        for text, sketched, stale in ((GOOD, False, False), (broken, False, True)):
            save(file, text)
            await next_version(reader)
            state = json.loads((await get(server, "/state"))[2])
            assert (state["sketched"], state["stale"]) == (sketched, stale)
        await leave(writer)


async def test_a_document_that_never_had_a_drawing_has_none(file: Path) -> None:
    save(file, "sinkgraph: 1\n")
    async with serving(file) as server:
        state = json.loads((await get(server, "/state"))[2])
        assert (state["stale"], state["drawn"]) == (True, False)
        assert (await get(server, "/drawing.svg"))[0] == 404


async def leave(writer: asyncio.StreamWriter) -> None:
    writer.close()
    try:
        await writer.wait_closed()
    except ConnectionError:
        pass  # the server hung up first


async def events(server: Server) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"GET /events HTTP/1.1\r\nHost: localhost:{server.port}\r\n\r\n".encode())
    async with asyncio.timeout(20):
        head = await reader.readuntil(b"\r\n\r\n")
    assert b"text/event-stream" in head
    return reader, writer


async def next_version(reader: asyncio.StreamReader) -> int:
    async with asyncio.timeout(20):
        while not (line := await reader.readline()).startswith(b"data: "):
            assert line, "it hung up"
    return int(line.removeprefix(b"data: "))
