"""A small HTTP server for one page: this machine only, reading only, a deadline on everything.

It speaks as much HTTP/1.1 as browsers need to load a page and to hear that it changed
(server-sent events, WHATWG HTML § 9.2); each connection answers one request.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import TracebackType
from urllib.parse import parse_qs, urlsplit

from sinkgraph.render.output import OutputTheme
from sinkgraph.render.serve.board import Board
from sinkgraph.render.serve.watch import Watched

__all__ = ["Server"]

HOST = "127.0.0.1"
LOOK_S = 0.2
HEAD_S = 5.0
SEND_S = 5.0
STILL_HERE_S = 10.0
MAX_HEAD = 16 * 1024
MAX_CONNECTIONS = 64

_PAGES = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}
_THEMES: Mapping[str, OutputTheme] = {"auto": "auto", "light": "light", "dark": "dark"}
_GUARDS = (
    "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\nX-Frame-Options: DENY\r\n"
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'"
    " 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'\r\n"
)
_REASONS = {200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found"}
_REASONS |= {405: "Method Not Allowed", 421: "Misdirected Request", 503: "Service Unavailable"}


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    kind: str
    body: bytes


class Server:
    """Serves a board and renews it when a watched file has changed, until it is left.

    `port` 0 takes a free one; `renewed` is called with the new state each time.
    """

    def __init__(
        self,
        board: Board,
        watched: Watched,
        *,
        port: int = 0,
        renewed: Callable[[dict[str, object]], None] = lambda _: None,
    ) -> None:
        self._board = board
        self._watched = watched
        self._wanted = port
        self._renewed = renewed
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._watcher: asyncio.Task[None] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{HOST}:{self.port}/"

    async def __aenter__(self) -> Server:
        self._server = await asyncio.start_server(
            self._connected, HOST, self._wanted, limit=MAX_HEAD
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._watcher = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
        ending = [*self._tasks, *([self._watcher] if self._watcher is not None else [])]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def until(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set; raise what ended the watching of files, if anything did."""
        waiting = asyncio.create_task(stop.wait())
        try:
            watcher = self._watcher
            if watcher is not None:
                await asyncio.wait({waiting, watcher}, return_when=asyncio.FIRST_COMPLETED)
                if watcher.done():
                    watcher.result()
        finally:
            waiting.cancel()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            if await asyncio.to_thread(self._watched.changed):
                state = await asyncio.to_thread(self._board.renew)
                self._renewed(state)
                news, self._news = self._news, asyncio.Event()
                news.set()

    # --- one connection ------------------------------------------------------------------------

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if len(self._tasks) <= 2 * MAX_CONNECTIONS:
                await self._answer(reader, writer)
        except (OSError, TimeoutError, EOFError, asyncio.LimitOverrunError):
            pass  # it left, or it does not speak HTTP in time
        finally:
            writer.close()
            try:
                async with asyncio.timeout(SEND_S):
                    await writer.wait_closed()
            except (OSError, TimeoutError):
                writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(HEAD_S):
            head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        words = lines[0].split(" ")
        fields = {
            name.strip().lower(): value.strip()
            for name, colon, value in (line.partition(":") for line in lines[1:])
            if colon
        }
        refused = self._refused(words, fields)
        if refused is not None:
            await _send(writer, refused)
            return
        target = urlsplit(words[1])
        if target.path == "/events":
            await self._events(writer)
            return
        answer = await asyncio.to_thread(self._page, target.path, parse_qs(target.query))
        await _send(writer, answer, body=words[0] == "GET")

    def _refused(self, words: list[str], fields: Mapping[str, str]) -> _Answer | None:
        """Return why a request gets no answer: it is no GET, or another site's page asks."""
        if len(self._tasks) > MAX_CONNECTIONS:
            return _Answer(503, "text/plain", b"too many pages are open\n")
        if len(words) != 3 or not words[2].startswith("HTTP/1.") or not words[1].startswith("/"):
            return _Answer(400, "text/plain", b"this is not a request\n")
        if words[0] not in ("GET", "HEAD"):
            return _Answer(405, "text/plain", b"it can only be read\n")
        names = {f"{host}:{self.port}" for host in (HOST, "localhost")}
        if fields.get("host") not in names:
            return _Answer(421, "text/plain", b"it is known by another name\n")
        if fields.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return _Answer(403, "text/plain", b"other sites may not read it\n")
        return None

    def _page(self, path: str, query: Mapping[str, list[str]]) -> _Answer:
        if path in _PAGES:
            name, kind = _PAGES[path]
            return _Answer(200, kind, files(__package__).joinpath("page", name).read_bytes())
        if path == "/state":
            text = json.dumps(self._board.state(), ensure_ascii=True)
            return _Answer(200, "application/json", text.encode())
        if path == "/drawing.svg":
            theme = _THEMES.get(query.get("theme", ["auto"])[-1], "auto")
            drawn = self._board.picture(theme)
            if drawn is not None:
                return _Answer(200, "image/svg+xml", drawn)
        return _Answer(404, "text/plain", b"there is no such page\n")

    async def _events(self, writer: asyncio.StreamWriter) -> None:
        """Tell a page each new version, and now and then that this server is still here."""
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{_GUARDS}\r\n"
        await _write(writer, head.encode() + b"retry: 1000\n\n")
        told = -1
        while True:
            news = self._news
            if told != self._board.version:
                told = self._board.version
                await _write(writer, f"data: {told}\n\n".encode())
            try:
                async with asyncio.timeout(STILL_HERE_S):
                    await news.wait()
            except TimeoutError:
                await _write(writer, b": still here\n\n")


async def _send(writer: asyncio.StreamWriter, answer: _Answer, *, body: bool = True) -> None:
    head = (
        f"HTTP/1.1 {answer.status} {_REASONS[answer.status]}\r\nContent-Type: {answer.kind}\r\n"
        f"Content-Length: {len(answer.body)}\r\nConnection: close\r\n{_GUARDS}\r\n"
    )
    await _write(writer, head.encode() + (answer.body if body else b""))


async def _write(writer: asyncio.StreamWriter, content: bytes) -> None:
    writer.write(content)
    async with asyncio.timeout(SEND_S):
        await writer.drain()
