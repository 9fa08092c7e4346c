"""`sinkgraph receive`: a webhook receiver for one's own machine, which can fail on request.

It prints what comes and keeps it if asked; it is no source of a graph and checks no payload.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from sinkgraph.cli.options import cannot_write, echo, many, seconds
from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from sinkgraph.sources.http_listener import Listener
    from sinkgraph.sources.http_wire import Answer, Head

__all__ = ["Faults", "Receiver", "command"]

_MAX_BODY = 8 * 1024 * 1024
_SHOWN = 100


@click.command(name="receive")
@click.option(
    "--listen",
    default="127.0.0.1:9000",
    show_default=True,
    metavar="ADDRESS",
    help="Where to listen; port 0 takes a free one.",
)
@click.option("--path", default=None, help="Take requests on this path only [any].")
@click.option(
    "--status",
    default=200,
    show_default=True,
    type=click.IntRange(200, 599),
    help="What to answer.",
)
@click.option(
    "--fail-rate",
    default=0.0,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="The share of requests answered 503, at random.",
)
@click.option("--delay", default="0s", metavar="TIME", help="Wait before each answer: `200ms`.")
@click.option(
    "--down-after",
    default="0s",
    metavar="TIME",
    help="When to go down, counted from the start.",
)
@click.option(
    "--down-for",
    default="0s",
    metavar="TIME",
    help="How long to be down: connections are refused [never down].",
)
@click.option(
    "--count",
    default=None,
    type=click.IntRange(1),
    metavar="N",
    help="End after N requests.",
)
@click.option(
    "--out", default=None, metavar="FILE",
    help="Append the bodies of what was answered below 400, a line each.",
)  # fmt: skip
def command(
    listen: str,
    path: str | None,
    status: int,
    fail_rate: float,
    delay: str,
    down_after: str,
    down_for: str,
    count: int | None,
    out: str | None,
) -> None:
    """Receive webhooks and print one line for each.

    With `--fail-rate`, `--delay` and `--down-for` it behaves as bad endpoints do.
    """
    from sinkgraph.spec.addresses import parse_address
    from sinkgraph.spec.refused import Refused

    try:
        address = parse_address(listen)
    except Refused as refused:
        raise click.UsageError(f"`--listen` {refused.message}; {refused.help}") from None
    if path is not None and not path.startswith("/"):
        raise click.UsageError(f"`--path {safe_text(path, 80)}` does not begin with `/`")
    faults = Faults(
        status=status,
        fail_rate=fail_rate,
        delay_s=seconds(delay, "--delay"),
        down_after_s=seconds(down_after, "--down-after"),
        down_for_s=seconds(down_for, "--down-for"),
    )
    receiver = Receiver(address.host, address.port, faults, path=path, count=count, out=out)
    asyncio.run(receiver.main())


@dataclass(frozen=True, slots=True)
class Faults:
    """Is how the receiver behaves; times in seconds."""

    status: int = 200
    fail_rate: float = 0.0
    delay_s: float = 0.0
    down_after_s: float = 0.0
    down_for_s: float = 0.0


@dataclass(slots=True)
class Receiver:
    """Answers requests until it was asked to end, or has answered `count`."""

    host: str
    port: int
    faults: Faults
    path: str | None = None
    count: int | None = None
    out: str | None = None
    name: str = "receive"
    answered: Counter[int] = field(default_factory=Counter)
    chance: random.Random = field(default_factory=random.Random)
    _ended: asyncio.Event = field(default_factory=asyncio.Event)
    _error: Exception | None = None
    _fd: int = -1

    async def main(self) -> None:
        """Run until the end; raises click errors for what cannot be opened."""
        if self.out is not None:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            try:
                self._fd = os.open(self.out, flags, 0o600)
            except OSError as error:
                raise cannot_write(self.out, error) from None
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._ended.set)
        try:
            await self._serve()
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
            if self._fd >= 0:
                os.close(self._fd)
        if self._error is not None:
            raise self._error
        told = ", ".join(f"{n} × {status}" for status, n in sorted(self.answered.items()))
        total = many(self.answered.total(), "request")
        echo(f"{total}{': ' if told else ''}{told}", err=True)

    async def _serve(self) -> None:
        """Listen, but for the time it is to be down."""
        faults = self.faults
        if faults.down_for_s:
            if faults.down_after_s and await self._up(faults.down_after_s):
                return
            echo(f"down for {faults.down_for_s:g} s", err=True)
            if await self._wait(faults.down_for_s):
                return
        await self._up(None)

    async def _up(self, for_s: float | None) -> bool:
        """Listen for so long, or to the end; return whether that came."""
        listener = _listener(self)
        try:
            await listener.bind()
        except OSError as error:
            raise click.ClickException(error.strerror or str(error)) from None
        self.port = listener.port
        listener.serve(self.path or "/", self)
        echo(f"listening on http://{self.host}:{self.port}{self.path or ''}", err=True)
        try:
            return await self._wait(for_s)
        finally:
            await listener.close()

    async def _wait(self, for_s: float | None) -> bool:
        try:
            async with asyncio.timeout(for_s):
                await self._ended.wait()
        except TimeoutError:
            return False
        return True

    # what the listener asks

    def judge(self, head: Head) -> Answer | int:
        """Take any body that is not too large."""
        return _MAX_BODY

    def take(self, head: Head, body: bytes) -> Answer | Awaitable[Answer]:
        """Answer a request, now or after the delay."""
        failing = self.chance.random() < self.faults.fail_rate
        status = 503 if failing else self.faults.status
        if self.faults.delay_s:
            return self._later(head, body, status)
        return self._answer(head, body, status)

    async def _later(self, head: Head, body: bytes, status: int) -> Answer:
        await asyncio.sleep(self.faults.delay_s)
        return self._answer(head, body, status)

    def _answer(self, head: Head, body: bytes, status: int) -> Answer:
        from sinkgraph.sources.http_wire import Answer

        self.answered[status] += 1
        number = self.answered.total()
        try:
            if status < 400 and self._fd >= 0:
                _write_all(self._fd, _as_lines(body))
            echo(_line(number, head, body, status))
        except OSError as error:
            # Raised where nobody listens: the main task ends with it instead.
            self._error = (
                error
                if isinstance(error, BrokenPipeError) or not self.out
                else (cannot_write(self.out, error))
            )
            self._ended.set()
            return Answer.error(500, "the receiver cannot keep what it gets")
        if number == self.count:
            self._ended.set()
        return Answer(status, {"received": number})


def _listener(receiver: Receiver) -> Listener:
    """Return a listener that asks the receiver about every path, or the one it is to take."""
    from sinkgraph.sources.http_listener import Listener

    class AnyPath(Listener):
        def judge(self, head: Head) -> Answer | int:
            return receiver.judge(head)

        def take(self, head: Head, body: bytes) -> Answer | Awaitable[Answer]:
            return receiver.take(head, body)

    made = Listener if receiver.path is not None else AnyPath
    return made(receiver.host, receiver.port)


def _line(number: int, head: Head, body: bytes, status: int) -> str:
    """Return the line that is printed of a request; nothing in it can steer a terminal."""
    now = datetime.now().astimezone()
    shown: list[Any] = [f"#{number}", f"{now:%H:%M:%S}.{now.microsecond // 1000:03}"]
    shown += [head.method, safe_text(head.path, _SHOWN), status, f"{len(body)} B"]
    for name in ("ce-type", "ce-id"):
        if name in head.headers:
            shown.append(safe_text(head.headers[name], _SHOWN))
    shown.append(safe_text(body[: 4 * _SHOWN].decode("utf-8", "replace"), _SHOWN))
    return " ".join(map(str, shown)).rstrip()


def _as_lines(body: bytes) -> bytes:
    """Return a body as lines of JSON: what is JSON as it came, NDJSON too, all else as text."""
    import msgspec

    from sinkgraph.formats.json_text import one_line

    decode = msgspec.json.Decoder(msgspec.Raw).decode
    try:
        return one_line(bytes(decode(body))) + b"\n"
    except (msgspec.MsgspecError, RecursionError):
        pass
    lines = [line for line in body.split(b"\n") if line.strip()]
    try:
        return b"".join([one_line(bytes(decode(line))) + b"\n" for line in lines])
    except (msgspec.MsgspecError, RecursionError):
        return msgspec.json.encode(body.decode("utf-8", "replace")) + b"\n"


def _write_all(fd: int, data: bytes) -> None:
    done = 0
    while done < len(data):
        done += os.write(fd, data[done:])
