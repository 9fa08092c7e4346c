"""The other end of the HTTP benchmarks, a process of its own: it receives requests, or sends them.

It imports nothing but the standard library, reads commands as lines on standard input and answers
with a JSON line each. It speaks only as much HTTP/1.1 as sinkgraph does: kept connections, bodies
with a length. `loopback.py receive` and `loopback.py send HOST PORT PATH CONNECTIONS`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

__all__: list[str] = []

_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


class Talk(asyncio.Protocol):
    """Cuts what arrives into messages: a head, and a body with a content length."""

    def __init__(self) -> None:
        self.left = b""
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Hand on every message that is complete."""
        left = self.left + data if self.left else data
        while True:
            end = left.find(b"\r\n\r\n")
            if end < 0:
                break
            head = left[:end].lower()
            at = head.find(b"\r\ncontent-length:")
            length = int(head[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            total = end + 4 + length
            if len(left) < total:
                break
            self.message(left[:end], left[end + 4 : total])
            left = left[total:]
        self.left = left

    def message(self, head: bytes, body: bytes) -> None:
        """Take one message."""
        raise NotImplementedError


class Tally:
    """Counts what a receiver was sent."""

    def __init__(self) -> None:
        self.requests = 0
        self.events = 0


class Receiving(Talk):
    """Answers every request with 200; a line of its body is an event."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self.tally = tally

    def message(self, head: bytes, body: bytes) -> None:
        """Count and answer."""
        self.tally.requests += 1
        self.tally.events += max(1, body.count(b"\n"))
        self.transport.write(_ANSWER)


class Job:
    """Is a number of equal requests to send; `done` is set when each was answered."""

    def __init__(self, request: bytes, requests: int) -> None:
        self.request = request
        self.unsent = requests
        self.unanswered = requests
        self.statuses: dict[str, int] = {}
        self.done = asyncio.get_running_loop().create_future()


class Sending(Talk):
    """Sends one request after another, each when the one before was answered."""

    job: Job | None = None

    def next(self) -> None:
        """Send another request, if there is one."""
        job = self.job
        assert job is not None
        if job.unsent:
            job.unsent -= 1
            self.transport.write(job.request)

    def message(self, head: bytes, body: bytes) -> None:
        """Note the answer."""
        job = self.job
        assert job is not None
        status = head[9:12].decode()
        job.statuses[status] = job.statuses.get(status, 0) + 1
        job.unanswered -= 1
        if job.unanswered:
            self.next()
        else:
            job.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the job up: an answer will not come."""
        job = self.job
        if job is not None and not job.done.done():
            job.done.set_exception(exc or ConnectionError("the server closed a connection"))


def _say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


async def _commands() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=2**22)
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    return reader


async def receive() -> None:
    """Listen on a free port; answer each command with what has been counted so far."""
    tally = Tally()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Receiving(tally), "127.0.0.1", 0)
    _say(port=server.sockets[0].getsockname()[1])
    commands = await _commands()
    while await commands.readline():
        _say(requests=tally.requests, events=tally.events)
    server.close()


async def send(host: str, port: int, path: str, connections: int) -> None:
    """Connect; for each command send its requests and say how they were answered."""
    loop = asyncio.get_running_loop()
    talks = [(await loop.create_connection(Sending, host, port))[1] for _ in range(connections)]
    _say(connections=len(talks))
    commands = await _commands()
    while line := await commands.readline():
        wanted = json.loads(line)
        body = wanted["body"].encode()
        head = (
            f"POST {path} HTTP/1.1\r\nhost: {host}:{port}\r\n"
            f"content-type: {wanted['type']}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        job = Job(head.encode() + body, wanted["requests"])
        for talk in talks:
            talk.job = job
            talk.next()
        await job.done
        _say(statuses=job.statuses)
    for talk in talks:
        talk.job = None
        talk.transport.close()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["receive"]:
            asyncio.run(receive())
        case ["send", host, port, path, connections]:
            asyncio.run(send(host, int(port), path, int(connections)))
        case _:
            sys.exit("usage: loopback.py receive | send HOST PORT PATH CONNECTIONS")
