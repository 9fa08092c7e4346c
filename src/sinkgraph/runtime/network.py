"""The real network behind the engine's one door: HTTP over aiohttp, imported on first use.

It sends one request and says truthfully whether the destination may have seen it. It does not
retry (but for a kept connection the server had closed), follow redirects, keep cookies, decode
bodies or judge statuses.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from sinkgraph.clock import Request, Response
from sinkgraph.errors import DeliveryFailed, SinkClosed
from sinkgraph.formats.url import shown_url
from sinkgraph.runtime.egress import egress_refusal

if TYPE_CHECKING:
    import aiohttp
    from aiohttp.client_proto import ResponseHandler

__all__ = ["HttpNetwork"]


@dataclass(slots=True)
class _Trace:
    """Holds what is known of one exchange when it fails."""

    reused: bool = False
    sent: bool = False


class _StaleConnection(Exception):
    """Says that a kept connection turned out to be closed before any answer."""


class HttpNetwork:
    """Sends requests over pooled connections; implements `sinkgraph.clock.Network`.

    How many are in flight is the caller's to bound.
    """

    def __init__(self, *, keep_alive_s: float = 15.0) -> None:
        self.keep_alive_s = keep_alive_s
        self._pooled: aiohttp.ClientSession | None = None
        self._fresh: aiohttp.ClientSession | None = None
        self._closed = False

    async def send(self, request: Request) -> Response:
        """Return the response, cut to `max_response` bytes of body.

        Raises `DeliveryFailed`: `unsent` is True when no byte of the request was handed to a
        connection. Cancelling closes the connection that was used.
        """
        if self._closed:
            raise SinkClosed("the network is closed")
        trace = _Trace()
        try:
            async with asyncio.timeout(request.timeout_s):
                try:
                    return await self._exchange(self._session(pooled=True), request, trace)
                except _StaleConnection:
                    trace = _Trace()
                    return await self._exchange(self._session(pooled=False), request, trace)
        except TimeoutError:
            stage = "no complete answer" if trace.sent else "no connection"
            raise DeliveryFailed(
                f"{stage} from {shown_url(request.url)} within {request.timeout_s:g} s",
                unsent=not trace.sent,
                timed_out=True,
            ) from None

    async def close(self) -> None:
        """Close every connection; idempotent."""
        self._closed = True
        sessions = [one for one in (self._pooled, self._fresh) if one is not None]
        self._pooled = self._fresh = None
        for session in sessions:
            await session.close()
        if sessions:
            await asyncio.sleep(0)  # lets the closed transports tell their protocols

    async def _exchange(
        self, session: aiohttp.ClientSession, request: Request, trace: _Trace
    ) -> Response:
        import aiohttp

        try:
            async with session.request(
                request.method,
                request.url,
                data=request.body,
                headers=request.headers,
                allow_redirects=False,
                ssl=request.verify,
                trace_request_ctx=trace,
            ) as answer:
                body = await _read(answer, request.max_response)
                return Response(answer.status, _headers(answer), body)
        except (aiohttp.ClientConnectorError, aiohttp.ClientSSLError) as error:
            raise _failed(
                f"cannot connect to {shown_url(request.url)}", error, unsent=True
            ) from None
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            if trace.reused:
                raise _StaleConnection from None
            raise _failed(
                f"{shown_url(request.url)} broke off", error, unsent=not trace.sent
            ) from None
        except (aiohttp.InvalidURL, ValueError) as error:
            raise DeliveryFailed(
                f"{shown_url(request.url)} cannot be requested: {type(error).__name__}",
                unsent=not trace.sent,
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise _failed(
                f"{shown_url(request.url)} did not answer as HTTP", error, unsent=not trace.sent
            ) from None

    def _session(self, *, pooled: bool) -> aiohttp.ClientSession:
        session = self._pooled if pooled else self._fresh
        if session is None:
            session = _open_session(None if not pooled else self.keep_alive_s)
            if pooled:
                self._pooled = session
            else:
                self._fresh = session
        return session


def _open_session(keep_alive_s: float | None) -> aiohttp.ClientSession:
    """Return a session; without `keep_alive_s` every request gets a connection of its own."""
    import aiohttp

    from sinkgraph.runtime.http_protocol import AnswerReader

    kept: dict[str, Any] = {} if keep_alive_s is None else {"keepalive_timeout": keep_alive_s}
    connector = aiohttp.TCPConnector(
        limit=0, force_close=keep_alive_s is None, socket_factory=_guarded_socket, **kept
    )
    reader = partial(AnswerReader, loop=asyncio.get_running_loop())
    connector._factory = cast("partial[ResponseHandler]", reader)  # aiohttp has no door for it
    watch = aiohttp.TraceConfig()
    watch.on_connection_reuseconn.append(_note_reused)
    watch.on_request_headers_sent.append(_note_sent)
    return aiohttp.ClientSession(
        connector=connector,
        trace_configs=[watch],
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
    )


async def _note_reused(_session: Any, context: Any, _params: Any) -> None:
    context.trace_request_ctx.reused = True


async def _note_sent(_session: Any, context: Any, _params: Any) -> None:
    context.trace_request_ctx.sent = True


def _guarded_socket(address: tuple[Any, ...]) -> socket.socket:
    """Make the socket for one resolved address; the last point before a connection is tried."""
    family, kind, protocol, _, where = address
    refusal = egress_refusal(where[0])
    if refusal is not None:
        raise OSError(f"refused: {refusal}")
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    return made


async def _read(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    """Read at most `limit` bytes; an answer that has more loses its connection."""
    chunks: list[bytes] = []
    left = limit
    while left > 0:
        chunk = await answer.content.read(left)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)
        left -= len(chunk)
    if not answer.content.at_eof():
        answer.close()
    return b"".join(chunks)


def _headers(answer: aiohttp.ClientResponse) -> dict[str, str]:
    """Return headers by lower-case name; repeated ones joined by commas, as RFC 9110 says."""
    joined: dict[str, str] = {}
    for name, value in answer.headers.items():
        key = name.lower()
        joined[key] = f"{joined[key]}, {value}" if key in joined else value
    return joined


def _failed(what: str, error: BaseException, *, unsent: bool) -> DeliveryFailed:
    """Return the failure with a short reason that holds no part of the URL's secrets."""
    cause = getattr(error, "certificate_error", None) or getattr(error, "os_error", None)
    if cause is None and isinstance(error, OSError) and error.errno is not None:
        cause = error
    reason = str(getattr(cause, "strerror", None) or cause or type(error).__name__)
    if isinstance(cause, ssl.SSLError):
        said = getattr(cause, "verify_message", "") or getattr(cause, "reason", "") or "TLS failed"
        reason = str(said).replace("_", " ").lower()
    elif isinstance(cause, OSError) and (cause.errno or 0) > 0:
        reason = os.strerror(cause.errno or 0).lower()  # asyncio puts the address in there again
    shown = "".join(one if one.isprintable() else " " for one in reason[:200])
    return DeliveryFailed(f"{what}: {shown}", unsent=unsent)
