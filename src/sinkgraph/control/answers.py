"""How requests are read and answers are written: JSON within limits, and streams of events.

It decides nothing about a graph.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TypeVar

import msgspec
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sinkgraph.control.hub import Hub, Message, Reader
from sinkgraph.control.problems import Refusal
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.formats.limits import deeper_than

__all__ = ["EventStream", "asked", "json_response", "message_bytes", "reading"]

BODY_BYTES = 1024**2
HEARTBEAT_S = 10.0
_DEPTH = 64
_encode = msgspec.json.Encoder(enc_hook=str).encode
_Model = TypeVar("_Model", bound=BaseModel)


def json_response(value: object, status: int = 200) -> Response:
    """Return plain values as an answer nobody keeps a copy of."""
    kept = {"cache-control": "no-store"}
    return Response(_encode(value), status, kept, media_type="application/json")


async def asked(request: Request, model: type[_Model], most: int = BODY_BYTES) -> _Model:
    """Return the body of a request as a model; raise Refusal for what is none.

    No body at all stands for `{}`.
    """
    body = await _body(request, most)
    content = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and content != "application/json":
        raise Refusal(415, "not_acceptable", "send `content-type: application/json`")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refusal(415, "not_acceptable", "an encoded body is not read")
    if deeper_than(body, _DEPTH):
        raise Refusal(400, "bad_request", f"the body is nested deeper than {_DEPTH} levels")
    try:
        value = msgspec.json.decode(body or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        said = str(error).removeprefix("JSON is malformed: ")
        raise Refusal(400, "bad_request", f"the body is not JSON: {said}") from None
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise Refusal(400, "invalid", "the body is not valid", errors=_errors(error)) from None


def _errors(error: ValidationError) -> list[str]:
    """Return what is wrong, field by field, without the values that were given."""
    made = []
    for one in error.errors(include_url=False, include_input=False, include_context=False)[:20]:
        place = ".".join(str(part) for part in one["loc"]) or "the body"
        said = one["msg"][:1].lower() + one["msg"][1:]
        made.append(safe_text(f"{place}: {said}", 200))
    return made


async def _body(request: Request, most: int) -> bytes:
    given = request.headers.get("content-length", "")
    too_large = Refusal(413, "too_large", f"the body is larger than {most} bytes")
    if given.isdecimal() and int(given) > most:
        raise too_large
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise too_large
        parts.append(part)
    return b"".join(parts)


def message_bytes(message: Message, run_id: str = "") -> bytes:
    """Return one message of a stream; its id names the run too."""
    number = f"id: {run_id}.{message.seq}\n".encode() if run_id else b""
    return number + b"event: " + message.event.encode() + b"\ndata: " + message.data + b"\n\n"


class EventStream(Response):
    """Sends messages (server-sent events) until the client goes, or there are no more."""

    media_type = "text/event-stream"

    def __init__(self, messages: AsyncIterator[bytes]) -> None:
        self._messages = messages
        super().__init__(None, 200, {"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send; a client that is gone ends it, wherever it stands."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        gone = asyncio.ensure_future(_gone(receive))
        work = asyncio.ensure_future(self._send(send))
        try:
            await asyncio.wait([gone, work], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (gone, work):
                task.cancel()
            await asyncio.gather(gone, work, return_exceptions=True)
            close = getattr(self._messages, "aclose", None)
            if close is not None:
                await close()
        if work.done() and not work.cancelled():
            work.result()
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, send: Send) -> None:
        async for message in self._messages:
            await send({"type": "http.response.body", "body": message, "more_body": True})


async def _gone(receive: Receive) -> None:
    try:
        while (await receive())["type"] != "http.disconnect":
            pass
    except ClientDisconnect:
        pass


async def reading(hub: Hub, reader: Reader, *, whole_after_gap: bool) -> AsyncIterator[bytes]:
    """Yield a hub's messages for one reader; what it was too slow for is told, then made good.

    `whole_after_gap`: it begins anew then, for what follows builds on what was missed.
    """
    passed = -1
    try:
        yield b"retry: 1000\n\n"
        while True:
            message = await reader.next(HEARTBEAT_S)
            missed = reader.take_missed()
            if missed:
                yield b"event: gap\ndata: " + _encode({"missed": missed}) + b"\n\n"
                if whole_after_gap:
                    passed = hub.seq
                    for one in hub.whole():
                        yield message_bytes(one, hub.run_id)
            if message is not None and message.seq > passed:
                yield message_bytes(message, hub.run_id)
            elif message is None and reader.closed:
                return
            elif message is None:
                yield b": still here\n\n"
    finally:
        reader.close()
