"""Sends events to a URL: JSON one by one, or NDJSON or a registry envelope in batches.

It makes each attempt once (a refused batch in halves) and says what became of it. When to try
again, and whether to try at all, is decided by what stands above it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any, ClassVar, NoReturn, Protocol, runtime_checkable
from urllib.parse import quote, urlsplit

from sinkgraph.clock import Request
from sinkgraph.errors import DeliveryFailed, Owed, PartialWrite, Rejected, SinkgraphError
from sinkgraph.event import Batch, Event, as_batch
from sinkgraph.formats.encode import CONTENT_TYPE, WireFormat, encode_many
from sinkgraph.formats.times import write_rfc3339
from sinkgraph.formats.url import origin, shown_url
from sinkgraph.log.receipts import heard
from sinkgraph.sinks.base import Node, Terminal
from sinkgraph.sinks.http_outcome import Ok, Override, Reject, Retry, classify
from sinkgraph.sinks.ramp import Ramp, Slots

__all__ = ["HttpSink"]

BATCH_OF: dict[str, int] = {"json": 1, "ndjson": 100, "docker": 100}
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection"})
_CLASSES = {2: "ok", 4: "4xx", 5: "5xx"}  # of answers, by the first digit of a status
_SEEMS_DOWN = 2  # failures in a row; a single one may be a blip
_CE_SAFE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')


@runtime_checkable
class _Hidden(Protocol):
    def reveal(self) -> str: ...


class HttpSink(Terminal):
    """Delivers events by HTTP requests.

    `timeout` (seconds) bounds one request, connecting and reading the answer included.
    `concurrency` bounds requests in flight over all writers; after a failure of the endpoint it
    restarts at 1. `headers` values may be secrets (anything with `reveal()`). `on_status` maps
    `"404"` or `"4xx"` to `ok`, `retry`, `reject` or `dead_letter`. Raises ValueError for a URL
    or header that cannot be sent.
    """

    kind: ClassVar[str] = "http"
    settings = (
        *("url", "shown", "origin", "method", "timeout", "format", "max_batch", "on_status"),
        *("retry_after_cap", "verify", "_headers"),
    )

    def __init__(
        self,
        url: str,
        *,
        method: str = "POST",
        headers: Mapping[str, Any] | None = None,
        timeout: float = 10.0,
        format: WireFormat = "json",
        concurrency: int = 64,
        max_batch: int | None = None,
        on_status: Mapping[Any, Override] | None = None,
        retry_after_cap: float = 3600.0,
        verify: bool = True,
    ) -> None:
        super().__init__()
        _check_url(url)
        if format not in CONTENT_TYPE:
            raise ValueError(f"format must be one of {', '.join(CONTENT_TYPE)}, not {format!r}")
        if not timeout > 0:
            raise ValueError(f"timeout must be more than 0 s, not {timeout!r}")
        self.url = url
        self.shown = shown_url(url)
        self.origin = origin(url)
        self.method = method
        self.timeout = timeout
        self.format: WireFormat = format
        self.max_batch = 1 if format == "json" else (max_batch or BATCH_OF[format])
        self.slots = Slots(Ramp(concurrency))
        self.on_status = {str(key): value for key, value in (on_status or {}).items()}
        self.retry_after_cap = retry_after_cap
        self.verify = verify
        self.junk_retry_after = 0
        self.requests = 0
        self.refused = False
        self.last_status: int | None = None
        self.answers = dict.fromkeys(("ok", "4xx", "5xx", "other", "timeout", "refused"), 0)
        self._headers = _checked_headers(headers or {}, CONTENT_TYPE[format])

    def become(self, fresh: Node) -> None:
        """Send the next request as `fresh` would; what is known of an endpoint stays with it."""
        assert isinstance(fresh, HttpSink), "it becomes what is of its own kind"
        moved = fresh.origin != self.origin
        super().become(fresh)
        self.slots.retune(fresh.slots.ramp.most, anew=moved)
        if moved:
            self.refused, self.last_status, self.status = False, None, "ok"

    async def deliver(self, batch: Batch) -> None:
        """Send every event; raise for those the endpoint did not take."""
        size = self.max_batch or 1
        if len(batch) <= size:
            await self._send_in_turn(batch, [batch])
        elif self.format == "json":
            await self._send_each(batch)
        else:
            parts = [batch[at : at + size] for at in range(0, len(batch), size)]
            await self._send_in_turn(batch, parts)

    # one request

    async def _send(self, batch: Batch) -> None:
        """Make one attempt with one request; raise what its outcome means."""
        context = self.bound
        slots = self.slots
        await slots.take()
        try:
            request = self._request(batch)
            self.requests += 1
            answer = await context.network.send(request)
            self.last_status = answer.status
            self.answers[_CLASSES.get(answer.status // 100, "other")] += 1
            outcome = classify(
                answer.status,
                answer.headers,
                self.on_status,
                context.clock.wall(),
                cap_s=self.retry_after_cap,
            )
            if isinstance(outcome, Retry):
                self._failed(f"{self.shown} answered {answer.status}", outcome.retry_after_s)
            else:
                slots.ramp.succeeded()
        except DeliveryFailed as error:
            if error.status is None:
                kind = "timeout" if error.timed_out else "refused" if error.unsent else "other"
                self.answers[kind] += 1
            self._failed(str(error), error.retry_after_s)
            raise
        finally:
            slots.give_back()
        if not isinstance(outcome, Ok):
            self._refuse(outcome, answer.status)
        self.refused = False

    def _request(self, batch: Batch) -> Request:
        try:
            body = encode_many(batch, self.format)
        except Rejected as error:
            raise _Splittable(error) from None
        headers = self._headers
        if self.format == "json":
            headers = _Headers({**_ce_headers(batch[0]), **headers})
        return Request(self.method, self.url, headers, body, self.timeout, verify=self.verify)

    def _failed(self, said: str, retry_after_s: float | None) -> None:
        """Slow down; when the endpoint seems down, let nobody who waits for a turn find out too.

        They were let through by a breaker, if there is one, that knew nothing of it yet.
        """
        slots = self.slots
        slots.ramp.failed()
        if slots.ramp.failures >= _SEEMS_DOWN:
            slots.refuse(lambda: _not_made(said, retry_after_s))

    def _refuse(self, outcome: Retry | Reject, status: int) -> NoReturn:
        """Raise what an outcome other than Ok means."""
        said = f"{self.shown} answered {status}"
        if isinstance(outcome, Reject):
            error = Rejected(said, status=status, isolate=outcome.isolate)
            if outcome.split:
                raise _Splittable(error)
            raise error
        self.junk_retry_after += outcome.junk
        if outcome.refused and not self.refused:
            self.bound.journal("endpoint_refused", node=self.name, status=status, url=self.shown)
        self.refused = outcome.refused
        raise DeliveryFailed(said, status=status, retry_after_s=outcome.retry_after_s)

    # several requests

    async def _send_in_turn(self, batch: Batch, parts: list[Batch]) -> None:
        """Send parts in order, halving refused ones; after an endpoint failure send no more."""
        todo = parts[::-1]
        owed: list[Owed] = []
        told = heard(batch)
        while todo:
            part = todo.pop()
            try:
                await self._send(part)
                if told is not None and todo:
                    told([*todo, *(as_batch(one.events) for one in owed)])
            except _Splittable as error:
                if len(part) == 1:
                    owed.append(Owed(self.write, part, error.rejected))
                else:
                    half = (len(part) + 1) // 2
                    todo += [part[half:], part[:half]]
            except Rejected as error:
                owed.append(Owed(self.write, part, error))
            except SinkgraphError as error:
                owed.append(Owed(self.write, part, error))
                owed += [Owed(self.write, left, _not_tried(error)) for left in reversed(todo)]
                break
        _raise_owed(owed, len(batch))

    async def _send_each(self, batch: Batch) -> None:
        """Send one request an event, side by side; after an endpoint failure begin no more."""
        failures: dict[int, SinkgraphError] = {}
        indices = iter(range(len(batch)))
        down: list[SinkgraphError] = []

        async def work() -> None:
            for k in indices:
                if down:
                    failures[k] = _not_tried(down[0])
                    continue
                try:
                    await self._send(batch[k : k + 1])
                except _Splittable as error:
                    failures[k] = error.rejected
                except Rejected as error:
                    failures[k] = error
                except SinkgraphError as error:
                    failures[k] = error
                    down.append(error)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(len(batch), self.slots.ramp.most)):
                group.create_task(work())
        owed = [Owed(self.write, batch.pick([k]), failures[k]) for k in sorted(failures)]
        _raise_owed(owed, len(batch))

    def facts(self) -> dict[str, Any]:
        """Return what a snapshot shows of the endpoint."""
        return {
            **super().facts(),
            "url": self.shown,
            "requests": self.requests,
            "in_flight": self.slots.in_flight,
            "in_flight_limit": self.slots.ramp.limit,
            "waiting": self.slots.waiting,
            "last_status": self.last_status,
            "answers": dict(self.answers),
            "junk_retry_after": self.junk_retry_after,
            "refused": self.refused,
        }


class _Splittable(SinkgraphError):
    """Carries the refusal of a batch that may be taken in parts."""

    def __init__(self, rejected: Rejected) -> None:
        super().__init__(str(rejected))
        self.rejected = rejected


def _not_tried(error: SinkgraphError) -> SinkgraphError:
    """Return what is said of an event that was not sent because one before it failed."""
    if isinstance(error, DeliveryFailed):
        return _not_made(str(error), error.retry_after_s, error.status)
    return error


def _not_made(said: str, retry_after_s: float | None, status: int | None = None) -> DeliveryFailed:
    return DeliveryFailed(
        f"not tried after: {said}",
        retry_after_s=retry_after_s,
        status=status,
        unsent=True,
        counts=False,
    )


def _raise_owed(owed: list[Owed], total: int) -> None:
    """Raise what is owed: one bare error when it is true of every event."""
    if not owed:
        return
    if len(owed) == 1 and len(owed[0].events) == total:
        raise owed[0].error
    count = sum(len(part.events) for part in owed)
    if count == total and not any(isinstance(part.error, Rejected) for part in owed):
        raise next(part.error for part in owed if getattr(part.error, "counts", True))
    raise PartialWrite(owed)


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(f"{shown_url(url)} is not a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ValueError(f"{shown_url(url)} is not an http or https URL with a host")
    if any(one.isspace() or not one.isprintable() for one in url):
        raise ValueError(f"{shown_url(url)} holds a blank or a control character")


class _Headers(dict[str, str]):
    """Are headers that show only their names: values may be secrets."""

    def __repr__(self) -> str:
        return f"<headers {', '.join(self)}>"


def _checked_headers(given: Mapping[str, Any], content_type: str) -> _Headers:
    """Return the headers of every request; secrets are revealed here and shown nowhere."""
    headers = _Headers({"Content-Type": content_type, "User-Agent": "sinkgraph"})
    ours = {name.lower(): name for name in headers}
    for name, value in given.items():
        text = value.reveal() if isinstance(value, _Hidden) else str(value)
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"header name {name!r} holds a character that cannot be sent")
        if name.lower() in _OURS:
            raise ValueError(f"header {name} is set by the request itself")
        if any(not one.isprintable() and one != "\t" for one in text) or not _latin1(text):
            raise ValueError(f"the value of header {name} holds a character that cannot be sent")
        headers.pop(ours.get(name.lower(), ""), None)
        headers[name] = text
    return headers


def _latin1(text: str) -> bool:
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True


def _ce_headers(event: Event) -> dict[str, str]:
    """Return the envelope as CloudEvents headers (HTTP binding 1.0.2, §3.1.3)."""
    headers = {
        "ce-specversion": "1.0",
        "ce-id": _ce(event.id),
        "ce-type": _ce(event.type),
        "ce-source": _ce(event.source or "sinkgraph"),
    }
    when = write_rfc3339(event.time)
    if when is not None:
        headers["ce-time"] = when
    return headers


def _ce(text: str) -> str:
    """Percent-encode blanks, quotes, percent signs and what is not printable ASCII (§3.1.3.2)."""
    return quote(text, safe=_CE_SAFE, errors="replace")
