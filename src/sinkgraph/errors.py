"""Every error a caller of sinkgraph can meet, typed by what the caller can do about it.

Problems of a graph *document* are not errors but diagnostics (`sinkgraph.diagnostics`); only
`DocumentError`, which carries them, is raised.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sinkgraph.diagnostics.diagnostic import Diagnostic
    from sinkgraph.event import Event

__all__ = [
    "BreakerOpen",
    "DeliveryFailed",
    "DocumentError",
    "NotOwned",
    "Overloaded",
    "Owed",
    "PartialWrite",
    "Rejected",
    "SinkClosed",
    "SinkgraphError",
    "StartFailed",
    "StoreFailed",
    "StoreFull",
    "TooLarge",
]


class SinkgraphError(Exception):
    """Is the base of every error sinkgraph raises on purpose."""


class SinkClosed(SinkgraphError):
    """Say that a sink takes nothing more, now or later. Never retry; compare with isinstance."""


class Overloaded(SinkgraphError):
    """Say that there was no room within the time allowed: nothing was stored, write it later.

    `retry_after_s` is a hint in seconds, `missed` counts events a reader lost (subscribe scopes).
    """

    def __init__(
        self, message: str = "no room", *, retry_after_s: float | None = None, missed: int = 0
    ) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.missed = missed


class DeliveryFailed(SinkgraphError):
    """Say that an attempt failed and may be tried again.

    `retry_after_s`: what the destination asked for, in seconds. `status`: its HTTP status, if any.
    `unsent`: True when the destination certainly saw nothing of it. `counts`: False when the
    failure says nothing about the destination's health, so that a breaker ignores it. `timed_out`:
    True when there was no answer in time.
    """

    def __init__(
        self,
        message: str = "delivery failed",
        *,
        retry_after_s: float | None = None,
        status: int | None = None,
        unsent: bool = False,
        counts: bool = True,
        timed_out: bool = False,
    ) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.status = status
        self.unsent = unsent
        self.counts = counts
        self.timed_out = timed_out


class BreakerOpen(DeliveryFailed):
    """Say that a breaker refused the attempt without making it; `retry_after_s` until it may."""

    def __init__(self, message: str = "breaker is open", *, retry_after_s: float) -> None:
        super().__init__(message, retry_after_s=retry_after_s, unsent=True, counts=False)


class Rejected(SinkgraphError):
    """Say that the event itself is at fault: trying it again cannot help (dead letter).

    `isolate`: the destination asked to be left alone (HTTP 410).
    """

    def __init__(
        self, message: str = "rejected", *, status: int | None = None, isolate: bool = False
    ) -> None:
        super().__init__(message)
        self.status = status
        self.isolate = isolate


class TooLarge(Rejected):
    """Say that a write can never be stored whole in a queue below, however empty it is."""


@dataclass(frozen=True, slots=True)
class Owed:
    """Hold what one part of a write still owes: call `await write(events)` to pay it."""

    write: Callable[[Sequence[Event]], Awaitable[None]]
    events: Sequence[Event]
    error: BaseException


class PartialWrite(SinkgraphError):
    """Say that some of a write was taken and `owed` was not; whoever retries writes only that."""

    def __init__(self, owed: Sequence[Owed]) -> None:
        self.owed = tuple(owed)
        first = self.owed[0].error if self.owed else None
        total = sum(len(part.events) for part in self.owed)
        super().__init__(f"{total} events still owed: {first!r}")


class StoreFull(Overloaded):
    """Say that the disk has no room: nothing was stored. It recovers by itself once there is."""


class StoreFailed(DeliveryFailed):
    """Say that the disk failed: nothing more is stored until the graph is started again.

    What the failing write stored is unknown, as after a timeout.
    """


class NotOwned(SinkgraphError, RuntimeError):
    """Say that a queue (or anything else that needs a task) was written outside a topology."""


class StartFailed(SinkgraphError):
    """Say why a graph could not start; nothing of it runs. `reasons` has one line a problem."""

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("; ".join(self.reasons) or "the graph could not start")


class DocumentError(SinkgraphError, ValueError):
    """Carry every diagnostic of a document that cannot be used."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)
        super().__init__(self._text())

    def _text(self) -> str:
        lines = [_line(one) for one in self.diagnostics]
        return "\n".join(lines) or "the document has errors"


def _line(one: Any) -> str:
    where = f"{one.where}: " if getattr(one, "where", "") else ""
    return f"{where}{one.severity}[{one.code}] {one.headline}"
