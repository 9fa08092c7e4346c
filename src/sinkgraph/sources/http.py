"""Takes events from HTTP requests; a request is all or nothing.

It decides what a request is worth: who may send, what a body holds, what each outcome of the
write answers. Sockets, paths and slow clients are the listener's.
"""

from __future__ import annotations

import asyncio
import hmac
import math
from collections.abc import Awaitable, Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

from sinkgraph.errors import (
    DeliveryFailed,
    Overloaded,
    PartialWrite,
    Rejected,
    SinkClosed,
    TooLarge,
)
from sinkgraph.event import Batch
from sinkgraph.formats import cloudevents
from sinkgraph.formats.body import check_encoding, decode_body, inflate, media_type
from sinkgraph.formats.limits import MIB, BadBody, Limits
from sinkgraph.sinks.base import Link, Node, Sink
from sinkgraph.sources.base import SourceNode
from sinkgraph.sources.http_listener import Listener, Listeners
from sinkgraph.sources.http_wire import Answer, Head
from sinkgraph.sources.schema_gate import SchemaGate

__all__ = ["HttpSource"]

_LEAVE_S = 1.0  # how long an address that is left waits for answers, beyond `max_wait`
_CLOSING = Answer.error(503, "the source is closing", ("retry-after", "1"))
_PAUSED = Answer.error(503, "the source is paused", ("retry-after", "5"))


@runtime_checkable
class _Hidden(Protocol):
    def reveal(self) -> str: ...


class HttpSource(SourceNode):
    """Answers POST requests with JSON, NDJSON or registry notifications.

    `max_body` in bytes, `max_wait` in seconds: how long a request waits for room before 429.
    `tokens` are texts or secrets, any of which a request may carry as a bearer token.
    `cloud_events`: a request carries CloudEvents, and nothing else is taken.
    `worth` is what an accepted event is worth here: `memory`, `durable` or `delivered`.
    `gate` holds events against a schema; a request with one that it refuses is answered 400.
    """

    kind: ClassVar[str] = "http"
    settings = ("max_wait", "worth", "limits", "_tokens", "gate", "cloud_events")

    def __init__(
        self,
        to: Sink | Link,
        *,
        host: str = "127.0.0.1",
        port: int = 8700,
        path: str = "/",
        tokens: Sequence[Any] = (),
        max_body: int = MIB,
        max_wait: float = 2.0,
        limits: Limits | None = None,
        listeners: Listeners | None = None,
        worth: str = "memory",
        gate: SchemaGate | None = None,
        cloud_events: bool = False,
    ) -> None:
        super().__init__(to)
        self.gate = gate
        self.cloud_events = cloud_events
        self.host = host
        self.port = port
        self.mount = path
        self.max_wait = max_wait
        self.worth = worth
        self.limits = limits or Limits(max_body=max_body)
        self.answers: dict[int, int] = {}
        self.open_requests = 0
        self._tokens = [_reveal(token).encode() for token in tokens]
        self._listeners = listeners or Listeners()
        self._listener: Listener | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self.succeeds = False  # it takes over from what answers on its path now

    # its life

    async def open(self) -> None:
        """Bind the address, or join who has; raises OSError naming it."""
        listener = await self._listeners.acquire(self.host, self.port)
        try:
            if not self.succeeds:
                listener.claim(self.mount, self)
        except OSError:
            await self._listeners.release(listener)
            raise
        self._listener = listener

    def start(self) -> None:
        """Answer from now on."""
        if self._listener is not None:
            self._listener.serve(self.mount, self)

    async def approach(self, fresh: Node) -> None:
        """Bind the other address, where it is another; raises as `open`."""
        assert isinstance(fresh, HttpSource), "it becomes what is of its own kind"
        if (fresh.host, fresh.port, fresh.mount) != (self.host, self.port, self.mount):
            fresh.bind(self.bound)
            fresh.succeeds = True
            await fresh.open()

    def become(self, fresh: Node) -> None:
        """Answer where and as `fresh` would; what was asked at the old place is answered there."""
        assert isinstance(fresh, HttpSource), "it becomes what is of its own kind"
        super().become(fresh)
        if fresh._listener is None:
            return
        former, mount = self._listener, self.mount
        self._listener, fresh._listener = fresh._listener, None
        self.host, self.port, self.mount = fresh.host, fresh.port, fresh.mount
        self.start()
        if former is not None:
            former.release(mount, self)
            _ = self.bound.spawn(self._leave(former), f"leave {former.host}:{former.port}")

    async def _leave(self, listener: Listener) -> None:
        """Let go of an address when what was asked there is answered."""
        try:
            async with asyncio.timeout(self.max_wait + _LEAVE_S):
                await self._idle.wait()
        except TimeoutError:
            pass
        await self._listeners.release(listener)

    async def pump(self) -> None:
        """Wait until `stop`, then until the open requests are answered."""
        self.start()
        await self._stop.wait()
        await self._idle.wait()

    async def close(self) -> None:
        """Give the address back; what is still open is dropped with the last source of it."""
        if self.closed:
            return
        self.closed = True
        self.stop()
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.release(self.mount, self)
            await self._listeners.release(listener)

    @property
    def address(self) -> tuple[str, int]:
        """Return host and port it is bound to (the free port when it was asked for 0)."""
        port = self._listener.port if self._listener is not None else self.port
        return self.host, port

    # a request

    def judge(self, head: Head) -> Answer | int:
        """Return why a request is refused before its body is read, or how long that may be."""
        answer = self._refusal(head)
        if answer is not None:
            self._tally(answer)
            return answer
        return self.limits.max_body

    def _refusal(self, head: Head) -> Answer | None:
        if self.stopping or self.closed:
            return _CLOSING
        if self.paused.on:
            return _PAUSED
        if head.method != "POST":
            return Answer.error(405, "events are sent with POST", ("allow", "POST"))
        if self._tokens and not self._known(head.headers.get("authorization", "")):
            reason = (
                "a bearer token is needed"
                if "authorization" not in head.headers
                else ("the bearer token is not known")
            )
            return Answer.error(401, reason, ("www-authenticate", "Bearer"))
        try:
            if self.cloud_events:
                cloudevents.mode_of(head.headers)
            else:
                media_type(head.headers.get("content-type"))
            check_encoding(head.headers.get("content-encoding", ""))
        except BadBody as error:
            return Answer.error(error.status, error.reason)
        if head.length is None and not head.chunked:
            return Answer.error(411, "the request has no content length")
        return None

    def _known(self, header: str) -> bool:
        """Tell whether a header carries one of the tokens, in time that does not tell which."""
        scheme, _, token = header.partition(" ")
        given = token.strip().encode("latin-1", "replace")
        known = False
        for one in self._tokens:
            known |= hmac.compare_digest(one, given)
        return known and scheme.lower() == "bearer"

    def take(self, head: Head, body: bytes) -> Answer | Awaitable[Answer]:
        """Decode a request and hand its events on; all or nothing."""
        if self.stopping or self.closed or self.paused.on:
            return self._tally(_PAUSED if self.paused.on else _CLOSING)
        try:
            values = self._decode(head, body)
            if self.gate is not None and (bad := self.gate.refused(self, values)):
                reason = f"{len(bad)} of {len(values)} events are not valid under the schema"
                raise BadBody(reason, items=bad)
        except BadBody as error:
            return self._tally(_bad(error))
        batch = self.stamp(values)
        if not values or self.to.offer(batch):
            self.ledger.entered += len(batch)
            self.ledger.delivered += len(batch)
            return self._tally(self._accepted(len(batch)))
        self.open_requests += 1
        self._idle.clear()
        task = asyncio.ensure_future(self._write_answer(batch))
        task.add_done_callback(self._settled)
        return task

    def _decode(self, head: Head, body: bytes) -> list[Any]:
        """Return the payloads or events of a request, all or nothing; raises `BadBody`."""
        headers, received = head.headers, self.bound.clock.wall()
        text = inflate(body, headers.get("content-encoding", ""), self.limits)
        if self.cloud_events:
            return list(cloudevents.decode_request(text, headers, self.limits, received=received))
        media, host = media_type(headers.get("content-type")), headers.get("host", "")
        return decode_body(text, media, self.limits, received=received, host=host)

    def _settled(self, task: asyncio.Future[Answer]) -> None:
        self.open_requests -= 1
        if not self.open_requests:
            self._idle.set()
        if not task.cancelled() and task.exception() is None:
            self._tally(task.result())

    async def _write_answer(self, batch: Batch) -> Answer:
        """Hand a batch on and return what to answer; only cancellation is raised."""
        try:
            await self.put(batch, self.max_wait)
        except Overloaded as error:
            return Answer.error(429, str(error), _retry_after(error.retry_after_s))
        except SinkClosed as error:
            return Answer.error(503, str(error), _retry_after(None))
        except TooLarge as error:
            return Answer.error(413, str(error))
        except Rejected as error:
            return Answer.error(422, str(error))
        except PartialWrite as error:
            return _partly(error, len(batch))
        except DeliveryFailed as error:
            return Answer.error(503, str(error), _retry_after(error.retry_after_s))
        except Exception as error:
            self.last_error = f"{type(error).__name__}: {error}"
            self.bound.journal("request_failed", node=self.name, error=self.last_error)
            return Answer.error(500, f"the write failed: {type(error).__name__}")
        return self._accepted(len(batch))

    async def _write(self, batch: Batch, max_wait: float | None) -> None:
        """Write all of a request or nothing; one that can never fit is refused."""
        within = getattr(self.to.target, "write_within", None)
        if within is not None:
            await within(batch, max_wait, whole=True)
        else:
            await self.to.write(batch)

    def _accepted(self, n: int) -> Answer:
        return Answer(
            200 if self.worth == "delivered" else 202, {"accepted": n, "worth": self.worth}
        )

    def _tally(self, answer: Answer) -> Answer:
        self.answers[answer.status] = self.answers.get(answer.status, 0) + 1
        return answer

    def facts(self) -> dict[str, Any]:
        """Return the address and how requests were answered."""
        host, port = self.address
        return {
            **super().facts(),
            "listen": f"{host}:{port}",
            "mount": self.mount,
            "open_requests": self.open_requests,
            "answers": dict(sorted(self.answers.items())),
            **({} if self.gate is None else {"invalid": self.gate.invalid}),
        }


def _reveal(token: Any) -> str:
    return token.reveal() if isinstance(token, _Hidden) else str(token)


def _bad(error: BadBody) -> Answer:
    content: dict[str, Any] = {"error": error.reason}
    if error.items:
        content["items"] = [{"index": one.index, "reason": one.reason} for one in error.items]
    return Answer(error.status, content)


def _partly(error: PartialWrite, total: int) -> Answer:
    """Say which part of a write failed after other parts had taken it: a resend repeats those."""
    failed = [{"events": len(one.events), "error": str(one.error)} for one in error.owed]
    reason = f"some of the {total} events did not reach every branch; others took them"
    return Answer(503, {"error": reason, "failed": failed}, (_retry_after(None),))


def _retry_after(seconds: float | None) -> tuple[str, str]:
    return "retry-after", str(max(1, math.ceil(seconds or 1.0)))
