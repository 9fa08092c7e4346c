"""One HTTP/1.1 connection from a client: requests read within limits, answers written in order.

It knows bytes, sizes and deadlines. What a path means and what becomes of a body is told to it
by its `Desk`. The parser (httptools) is imported when the first connection is made.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from sinkgraph.sources.http_answer import Answer

__all__ = ["Answer", "Connection", "Desk", "Head", "Timing"]

HEAD_BYTES = 32 * 1024
SMALL_BODY = 64 * 1024
LINGER_BYTES = 256 * 1024
UNREAD_BYTES = 64 * 1024
OVERHEAD_BYTES = 64 * 1024
PIECE_BYTES = 32 * 1024
_ONCE = frozenset(
    {"host", "content-type", "content-length", "content-encoding", "transfer-encoding",
     "authorization", "expect"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Timing:
    """Bounds what a client may take, in seconds, from the first byte of a request on."""

    header_s: float = 5.0
    request_s: float = 10.0
    idle_s: float = 9.0
    linger_s: float = 1.0
    grain_s: float = 0.25


@dataclass(slots=True)
class Head:
    """Is a request without its body; header names are lower-case."""

    method: str = ""
    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    chunked: bool = False


_HEAD_TOO_LARGE = Answer.error(431, "the head of the request is too large")


class Desk(Protocol):
    """Decides about requests; `Connection` asks it and writes what it says."""

    timing: Timing

    def now(self) -> float:
        """Return monotonic seconds."""
        ...

    def enter(self, connection: Connection) -> bool:
        """Take a new connection in; False when there are too many."""
        ...

    def leave(self, connection: Connection) -> None:
        """Forget a connection."""
        ...

    def judge(self, head: Head) -> Answer | int:
        """Return why a request is refused, or how many bytes its body may have."""
        ...

    def take(self, head: Head, body: bytes) -> Answer | Awaitable[Answer]:
        """Return the answer to a whole request, at once or later. Must not raise."""
        ...


@dataclass(slots=True)
class _Exchange:
    """Is one request on its way: its head, its body so far, or why it is refused."""

    head: Head
    began: float
    limit: int = 0
    parts: list[bytes] = field(default_factory=list)
    size: int = 0
    refusal: Answer | None = None
    keep: bool = True
    headed: bool = False
    head_size: int = 0
    complete: bool = False


class Connection(asyncio.Protocol):
    """Reads requests one after the other and answers them in that order.

    `deadline` is when the desk should call `expire`: too slow, idle too long, or lingering.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.deadline = desk.now() + desk.timing.header_s
        self.transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._parser: Any = None
        self._now: _Exchange | None = None  # what is being read
        self._ready: deque[_Exchange] = deque()  # read, to be answered in order
        self._work: asyncio.Future[Answer] | None = None  # what is being answered
        self.held = False  # nothing is answered yet
        self._full = False  # the client does not read its answers
        self._unread = bytearray()  # what came while an answer could not be given
        self._raw = 0  # bytes since the last complete request
        self._ending = False  # no further request is read
        self._lingered = 0

    # the transport calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection, or tell it that there are too many."""
        import httptools

        self.transport = cast(asyncio.Transport, transport)
        if not self.desk.enter(self):
            if not self._ending:
                busy = Answer.error(503, "too many connections", ("retry-after", "1"))
                self.transport.write(busy.encode(close=True))
                self._end(linger=True)
            return
        self._parser = httptools.HttpRequestParser(self)

    def connection_lost(self, _error: Exception | None) -> None:
        """Stop what is still waiting for this client; a commit that has begun is finished."""
        self._ending = True
        self._ready.clear()
        self._now = None
        if self._work is not None:
            self._work.cancel()
        self.desk.leave(self)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, within bounds; keep what comes while an answer is waited for."""
        if self._ending:
            self._lingered += len(data)
            if self._lingered > LINGER_BYTES:
                self.transport.abort()
            return
        if self._unread or self._waits or len(data) > PIECE_BYTES:
            self._unread += data
            self._feed_unread()
            if len(self._unread) > UNREAD_BYTES:  # until then a client that leaves is noticed
                self.transport.pause_reading()
            return
        self._feed(data)

    def pause_writing(self) -> None:
        """Answer nothing more until the client has read; one that never does is dropped."""
        self._full = True
        self.deadline = min(self.deadline, self.desk.now() + self.desk.timing.request_s)

    def resume_writing(self) -> None:
        """Go on where `pause_writing` stopped."""
        self._full = False
        self.read_on()

    def _feed(self, data: bytes) -> None:
        import httptools

        self._raw += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse(Answer.error(400, "no other protocol is spoken here"))
        except httptools.HttpParserError as error:
            self._refuse(Answer.error(400, f"not a request: {_plain(error)}"))
        else:
            self._check_sizes()
        self._answer_next()

    # the parser calls these

    def on_message_begin(self) -> None:
        """Begin a request."""
        now = self.desk.now()
        self._now = _Exchange(Head(), now)
        self.deadline = now + self.desk.timing.header_s

    def on_url(self, url: bytes) -> None:
        """Collect the target."""
        if self._now is not None:
            self._now.head.path += url.decode("latin-1")
            self._now.head_size += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header; one that must be given once is refused when it comes again."""
        now = self._now
        if now is None or now.headed:
            return  # a trailer
        key = name.decode("latin-1").lower()
        headers = now.head.headers
        if key in headers and (key in _ONCE or key.startswith("ce-")):
            now.refusal = Answer.error(400, f"header {key} is given twice")
        headers[key] = value.decode("latin-1")
        now.head_size += len(name) + len(value) + 4

    def on_headers_complete(self) -> None:
        """Ask the desk about the request before its body is read."""
        now = self._now
        if now is None:
            return
        head = now.head
        head.method = self._parser.get_method().decode("latin-1")
        head.path = head.path.partition("?")[0]
        head.chunked = "transfer-encoding" in head.headers
        length = head.headers.get("content-length")
        head.length = int(length) if length is not None else None
        now.keep = self._parser.should_keep_alive() and self._parser.get_http_version() == "1.1"
        now.headed = True
        self.deadline = now.began + self.desk.timing.request_s
        if head.headers.get("transfer-encoding", "chunked").strip().lower() != "chunked":
            now.refusal = Answer.error(400, "the transfer encoding must be chunked")
        elif "host" not in head.headers and self._parser.get_http_version() == "1.1":
            now.refusal = Answer.error(400, "the request names no host")
        if now.head_size > HEAD_BYTES:
            now.refusal = _HEAD_TOO_LARGE
        if now.refusal is None:
            verdict = self.desk.judge(head)
            if isinstance(verdict, Answer):
                now.refusal = verdict
            else:
                now.limit = verdict
                if (head.length or 0) > verdict:
                    now.refusal = _too_large(verdict)
        if now.refusal is not None:
            now.limit = SMALL_BODY  # a small body is read over, so that the connection stays
            if (head.length or 0) > SMALL_BODY or "expect" in head.headers:
                self._refuse(now.refusal)
        elif head.headers.get("expect", "").lower() == "100-continue":
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        """Collect a piece of the body."""
        now = self._now
        if now is None or self._ending:
            return
        now.size += len(data)
        if now.size > now.limit:
            self._refuse(now.refusal or _too_large(now.limit))
        elif now.refusal is None:
            now.parts.append(data)

    def on_message_complete(self) -> None:
        """Put the request in line to be answered."""
        now = self._now
        if now is None or self._ending:
            return
        now.complete = True
        self._now = None
        self._raw = 0
        self._ready.append(now)

    # reading ends, answers go out

    def _check_sizes(self) -> None:
        now = self._now
        if now is None or self._ending:
            return
        if not now.headed and self._raw > HEAD_BYTES:
            self._refuse(_HEAD_TOO_LARGE)
        elif now.headed and self._raw > 2 * now.limit + OVERHEAD_BYTES:
            self._refuse(Answer.error(400, "the body is mostly chunk overhead"))

    def _refuse(self, answer: Answer) -> None:
        """Read no further request: this answer is the last one."""
        if self._ending:
            return
        self._ending = True
        now = self._now or _Exchange(Head(), 0.0)
        now.refusal, now.keep = answer, False
        now.parts.clear()
        self._now = None
        self._ready.append(now)

    @property
    def _waits(self) -> bool:
        """Whether no further request may be read or answered now."""
        return self.held or self._full or self._work is not None

    def _answer_next(self) -> None:
        """Answer what is ready, in order; stop where an answer has to be waited for."""
        answered = False
        while self._ready and not self._waits:
            answered = True
            one = self._ready.popleft()
            if one.refusal is not None:
                self._write(one, one.refusal)
                continue
            body = one.parts[0] if len(one.parts) == 1 else b"".join(one.parts)
            result = self.desk.take(one.head, body)
            if isinstance(result, Answer):
                self._write(one, result)
                continue
            self.deadline = float("inf")
            self._work = asyncio.ensure_future(result)
            self._work.add_done_callback(lambda work, one=one: self._answered(one, work))  # type: ignore[misc]
        if answered and self._now is None and not (self._waits or self._ending):
            self.deadline = self.desk.now() + self.desk.timing.idle_s

    def _answered(self, one: _Exchange, work: asyncio.Future[Answer]) -> None:
        self._work = None
        if work.cancelled():
            if not self.transport.is_closing():
                self.transport.abort()
            return
        self._write(one, work.result())
        self.read_on()

    def _feed_unread(self) -> None:
        """Feed what came while an answer was waited for, as far as answers can be given."""
        while self._unread and not (self._waits or self._ending):
            piece = bytes(self._unread[:PIECE_BYTES])
            del self._unread[:PIECE_BYTES]
            self._feed(piece)

    def _write(self, one: _Exchange, answer: Answer) -> None:
        if self.transport.is_closing():
            return
        close = not one.keep or answer.close
        self.transport.write(answer.encode(body=one.head.method != "HEAD", close=close))
        if close:
            self._end(linger=not one.complete)

    def _end(self, *, linger: bool) -> None:
        """Close; a client that is still sending gets time to read why."""
        self._ending = True
        self._ready.clear()
        self.deadline = self.desk.now() + self.desk.timing.linger_s
        if linger and self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    # the desk calls these

    def read_on(self) -> None:
        """Answer and read what had to wait, unless something else still stands in the way."""
        if self._waits or self.transport.is_closing():
            return
        if not self._ending:
            timing = self.desk.timing
            self.deadline = self.desk.now() + (timing.request_s if self._now else timing.idle_s)
        self._answer_next()
        if not self.transport.is_closing():
            self.transport.resume_reading()
            self._feed_unread()

    def expire(self) -> None:
        """Close a connection whose deadline has passed."""
        if self._ending or self._full:
            self.transport.abort()
        elif self._now is not None:
            self._refuse(Answer.error(408, "the request took too long"))
            self._answer_next()
        else:
            self._end(linger=False)

    def shut(self) -> None:
        """Close without waiting for anything."""
        self._ending = True
        self.transport.abort()


def _too_large(limit: int) -> Answer:
    return Answer.error(413, f"the body is larger than {limit} bytes")


def _plain(error: BaseException) -> str:
    text = str(error)[:100]
    return "".join(one if one.isprintable() else " " for one in text) or type(error).__name__
