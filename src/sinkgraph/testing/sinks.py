"""Sinks for tests: one that remembers, and ones that fail, dawdle or stall by a script.

They are terminals of ours, so a graph accounts for them like for any other. Nothing here waits in
real time: use them on a virtual loop (`sinkgraph.testing.run`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from sinkgraph.errors import DeliveryFailed, Owed, PartialWrite
from sinkgraph.event import Batch, Event
from sinkgraph.sinks.base import Terminal

__all__ = ["FlakySink", "Outcome", "RecordingSink", "SlowSink", "StalledSink", "refusing"]

Judge = Callable[[Batch], BaseException | None]
"""Looks at a batch and returns the error to raise, or None to accept it."""

Outcome = int | float | BaseException | type[BaseException] | Judge | None
"""Is what one write of a script does.

`None` accepts; an int fails so many writes; a float takes so many seconds, then accepts; an error
(or its class) is raised; a function judges the batch and returns the error to raise, or None.
"""


class RecordingSink(Terminal):
    """Keeps every event it is given.

    With `instant` it takes batches at once, without a task switch, as a blackhole does.
    """

    kind: ClassVar[str] = "recording"

    def __init__(self, *, instant: bool = False, max_batch: int | None = None) -> None:
        super().__init__()
        self.takes_at_once = instant
        self.max_batch = max_batch
        self.batches: list[list[Event]] = []
        self.attempts: list[list[str]] = []  # the ids of every write, failed ones too
        self.closes = 0

    @property
    def instant(self) -> bool:
        """Whether it takes batches at once."""
        return self.takes_at_once

    @property
    def events(self) -> list[Event]:
        """Every event it accepted, in order."""
        return [event for batch in self.batches for event in batch]

    @property
    def ids(self) -> list[str]:
        """The ids of `events`."""
        return [event.id for event in self.events]

    @property
    def data(self) -> list[Any]:
        """The payloads of `events`."""
        return [event.data for event in self.events]

    def keep(self, batch: Batch) -> None:
        """Remember a batch as accepted."""
        if len(batch):
            self.batches.append(list(batch))

    def offer(self, batch: Batch) -> bool:
        """Take a batch at once, when it may."""
        if not self.takes_at_once or self.closed:
            return False
        self.attempts.append(batch.ids)
        self.ledger.entered += len(batch)
        self.ledger.delivered += len(batch)
        self.keep(batch)
        return True

    async def deliver(self, batch: Batch) -> None:
        """Remember a batch."""
        self.attempts.append(batch.ids)
        self.keep(batch)

    async def close(self) -> None:
        """Count how often it was closed."""
        self.closes += 1
        await super().close()


class FlakySink(RecordingSink):
    """Follows a script, one outcome a write; when that has ended it does `then` for ever.

    `FlakySink(3)` fails three writes with DeliveryFailed; `FlakySink([OSError("down"), None, 2])`
    raises, accepts, fails twice, and accepts from then on. An outcome that is a PartialWrite
    accepts what it does not owe.
    """

    kind: ClassVar[str] = "flaky"

    def __init__(self, script: Outcome | Iterable[Outcome] = (), *, then: Outcome = None) -> None:
        super().__init__()
        listed = list(script) if isinstance(script, Iterable) else [script]
        self.script: list[Outcome] = listed
        self.then = then

    def _next(self) -> Outcome:
        if not self.script:
            return self.then
        first = self.script[0]
        if isinstance(first, int) and not isinstance(first, bool):
            if first > 1:
                self.script[0] = first - 1
                return DeliveryFailed("scripted failure")
            self.script.pop(0)
            return DeliveryFailed("scripted failure") if first == 1 else self._next()
        return self.script.pop(0)

    async def deliver(self, batch: Batch) -> None:
        """Do the next outcome of the script."""
        self.attempts.append(batch.ids)
        outcome = self._next()
        if isinstance(outcome, float):
            await asyncio.sleep(outcome)
            outcome = None
        if callable(outcome):
            outcome = outcome() if isinstance(outcome, type) else outcome(batch)
        if outcome is None:
            self.keep(batch)
            return
        if not isinstance(outcome, BaseException):
            raise DeliveryFailed("scripted failure")  # an int as `then`: it never recovers
        if isinstance(outcome, PartialWrite):
            owed = {event.id for part in outcome.owed for event in part.events}
            self.keep(batch.pick(k for k, one in enumerate(batch.ids) if one not in owed))
        raise outcome


def refusing(
    bad: Callable[[Event], bool],
    error: Callable[[], Exception],
    sink: Callable[[], Terminal] | None = None,
) -> Judge:
    """Return an outcome that refuses the events for which `bad` is true.

    Without `sink` one bad event fails its whole batch, as many endpoints do. With it the others
    are accepted, and the bad ones are owed: to be written to `sink()` again.
    """

    def judge(batch: Batch) -> BaseException | None:
        chosen = [k for k, event in enumerate(batch) if bad(event)]
        if not chosen:
            return None
        if sink is None or len(batch) == 1:
            return error()
        return PartialWrite([Owed(sink().write, batch.pick(chosen), error())])

    return judge


class SlowSink(RecordingSink):
    """Takes `delay` seconds for every write."""

    kind: ClassVar[str] = "slow"

    def __init__(self, delay: float) -> None:
        super().__init__()
        self.delay = delay

    async def deliver(self, batch: Batch) -> None:
        """Wait, then remember a batch."""
        self.attempts.append(batch.ids)
        await asyncio.sleep(self.delay)
        self.keep(batch)


class StalledSink(RecordingSink):
    """Holds every write until `release` is called; `hold` stalls it again.

    `deaf` ignores cancellation too, as a sink that blocks in foreign code does.
    """

    kind: ClassVar[str] = "stalled"

    def __init__(self, *, deaf: bool = False) -> None:
        super().__init__()
        self.deaf = deaf
        self.inside = 0  # writes under way
        self.entered = asyncio.Event()  # set while a write is under way
        self._open = asyncio.Event()

    def release(self) -> None:
        """Let every write through, those that wait and those to come."""
        self._open.set()

    def hold(self) -> None:
        """Stall what comes from now on."""
        self._open.clear()

    async def deliver(self, batch: Batch) -> None:
        """Wait until released, then remember a batch."""
        self.attempts.append(batch.ids)
        self.inside += 1
        self.entered.set()
        try:
            while not self._open.is_set():
                try:
                    await self._open.wait()
                except asyncio.CancelledError:
                    if not self.deaf:
                        raise
        finally:
            self.inside -= 1
            if not self.inside:
                self.entered.clear()
        self.keep(batch)
