"""One attempt of a retry: what is owed after it, what has fallen, and what is remembered of it.

Order within a branch is kept: nothing goes ahead of an event that failed before it. When to try
again and when to give up is the retry's business.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sinkgraph.clock import Random
from sinkgraph.errors import BreakerOpen, Owed, PartialWrite, Rejected, SinkClosed
from sinkgraph.event import Batch, as_batch
from sinkgraph.log.owed import Part, Write
from sinkgraph.log.receipts import Told, among, listen, unheard
from sinkgraph.log.receipts import branches as split
from sinkgraph.sinks.backoff import FLOOR_S, Backoff, ExponentialBackoff, retry_after_wait
from sinkgraph.sinks.base import Node
from sinkgraph.sinks.breaker_sink import counts
from sinkgraph.sinks.burial import MAX_ERRORS, dead_batch
from sinkgraph.sinks.history import Tried, and_one, tried

__all__ = ["Fallen", "History", "Write", "error_text", "next_wait", "pay", "upcoming"]

_UNCOUNTED = ExponentialBackoff()

After = dict[Write, set[Write]]
"""Says of a write which others have to owe nothing before it goes on."""


@dataclass(slots=True)
class History:
    """Is what has happened to the events of one write so far."""

    attempts: int = 0
    first_at: float = 0.0  # monotonic seconds
    first_wall: float = 0.0
    waited: float = 0.0
    errors: list[str] = field(default_factory=list)
    tried: list[Tried] = field(default_factory=list)
    final: bool = False  # past its limits: each event gets one more attempt by itself
    after: After = field(default_factory=dict)
    told: Told | None = None

    def note(self, errors: Sequence[BaseException], at: float) -> None:
        """Keep what an attempt failed with, at a Unix time: the first ever and the most recent.

        One that a breaker refused is no attempt.
        """
        for error in errors:
            self.errors = self.with_(error)
        if self.attempts > (self.tried[-1]["attempt"] if self.tried else 0):
            self.tried = and_one(self.tried, tried(self.attempts, at, _together(errors)))

    def with_(self, error: BaseException | None) -> list[str]:
        """Return the errors and one more: the first ever and the most recent ones."""
        errors = self.errors if error is None else [*self.errors, error_text(error)]
        return errors if len(errors) <= MAX_ERRORS else [errors[0], *errors[1 - MAX_ERRORS :]]

    def letter(self, node: Node, fallen: Fallen, *, noted: bool) -> Batch:
        """Return the dead letter of an event that fell now; `noted`: its last error is kept."""
        at, attempts, tries = node.bound.clock.wall(), self.attempts, self.tried
        if not noted and attempts:
            tries = and_one(tries, tried(attempts, at, error_text(fallen.error)))
        return dead_batch(
            node,
            fallen.part[1],
            fallen.reason,
            self.with_(None if noted else fallen.error),
            attempts=attempts,
            first_at=self.first_wall,
            history=tries,
        )


@dataclass(frozen=True, slots=True)
class Fallen:
    """Is one event nobody will try again: `rejected`, or `gave_up`. `error` is its last."""

    part: Part
    reason: str
    error: BaseException


async def pay(
    parts: Sequence[Part],
    *,
    apart: bool,
    after: After | None = None,
    told: Told | None = None,
) -> tuple[list[Owed], list[Fallen]]:
    """Write every part once, branches side by side; return what is owed after it, and the fallen.

    A rejected batch is split until what is at fault stands alone. With `apart` a batch that
    fails in any other way is split too, and an event that fails by itself has fallen. `after` is
    remembered from one attempt to the next: what came behind a part that was taken in part waits
    until nobody owes anything of that. `told` is told what is owed as it goes.
    """
    after = {} if after is None else after
    branches: dict[Write, list[Part]] = {}
    for part in parts:
        branches.setdefault(part[0], []).append(part)
    if len(branches) == 1:
        return await _pay_branch(parts, apart, after, told)
    unheard()
    behind = [write for write in branches if not after.get(write, set()).isdisjoint(branches)]
    first = [own for write, own in branches.items() if write not in behind]
    hear: Sequence[Told | None] = [None] * len(branches)
    if told is not None:
        todo = [*first, *(branches[write] for write in behind)]
        hear = split(told, [[batch for _, batch in own] for own in todo])
    work = [_pay_branch(own, apart, after, one) for own, one in zip(first, hear, strict=False)]
    several = await asyncio.gather(*work)
    owed = [part for left, _ in several for part in left]
    fallen = [one for _, buried in several for one in buried]
    for write, one in zip(behind, hear[len(first) :], strict=True):
        held = next((part for part in owed if part.write in after[write]), None)
        if held is not None:
            owed += [Owed(write, batch, held.error) for _, batch in branches[write]]
            continue
        more, buried = await _pay_branch(branches[write], apart, after, one)
        owed += more
        fallen += buried
    return owed, fallen


async def _pay_branch(
    parts: Sequence[Part], apart: bool, after: After, told: Told | None = None
) -> tuple[list[Owed], list[Fallen]]:
    owed: list[Owed] = []
    fallen: list[Fallen] = []
    todo = deque(parts)

    def others() -> list[Batch]:
        return [*(one for _, one in todo), *(one.part[1] for one in fallen)]

    while todo:
        pieces: list[Part] = []
        write, batch = todo.popleft()
        ear = _Ear(batch, others, told) if len(batch) > 1 else None
        left = await _write(write, batch, ear)
        if told is not None and sum(len(part.events) for part in left) < len(batch):
            told([*(as_batch(part.events) for part in left), *others()])
        for part in left:
            batch = as_batch(part.events)
            refused = isinstance(part.error, Rejected)
            if not refused and not (apart and _worth_splitting(part.error)):
                owed.append(part)
            elif len(batch) == 1:
                reason = "rejected" if refused else "gave_up"
                fallen.append(Fallen((part.write, batch), reason, part.error))
            else:
                half = len(batch) // 2
                pieces += [(part.write, batch[:half]), (part.write, batch[half:])]
        todo.extendleft(reversed(pieces))
        if owed:
            ahead = {part.write for part in owed}
            for write, _ in todo:
                after.setdefault(write, set()).update(ahead - {write})
            owed += [Owed(write, batch, owed[-1].error) for write, batch in todo]
            break
    return owed, fallen


def next_wait(
    history: History,
    errors: Sequence[BaseException],
    backoff: Backoff | None,
    retry_after_cap: float,
    random: Random,
) -> float:
    """Return how long to wait before the next attempt, in seconds; `history` remembers it.

    Without a `backoff` a breaker makes it wait, but for errors that do not count there.
    """
    wait = FLOOR_S
    if backoff is None and not any(counts(error) for error in errors):
        backoff = _UNCOUNTED
    if backoff is not None:
        wait = backoff.wait(max(1, history.attempts), history.waited, random)
        history.waited = wait
    asked = [
        after for error in errors if (after := getattr(error, "retry_after_s", None)) is not None
    ]
    if asked:
        wait = retry_after_wait(wait, max(asked), retry_after_cap, random)
    return wait


class _Ear:
    """Listens to the write of one part of an attempt; `others` gives what is owed beside it."""

    __slots__ = ("left", "others", "told")

    def __init__(self, batch: Batch, others: Callable[[], list[Batch]], told: Told | None) -> None:
        self.left = batch
        self.others = others
        self.told = told
        listen(batch, self.hear)

    def hear(self, owed: Sequence[Batch]) -> None:
        """Take note of what is still owed of the part; the write's end says that nothing is."""
        left = among(self.left, owed)
        if not len(left):
            return
        self.left = left
        if self.told is not None:
            self.told([self.left, *self.others()])


def _worth_splitting(error: BaseException) -> bool:
    """Whether a smaller attempt may end otherwise; one that was not made says nothing."""
    return not isinstance(error, SinkClosed | BreakerOpen)


async def _write(write: Write, batch: Batch, ear: _Ear | None) -> list[Owed]:
    """Write once; return what is owed after it."""
    try:
        await write(batch)
    except PartialWrite as error:
        return [part for part in error.owed if len(part.events)]
    except asyncio.CancelledError:
        raise
    except Exception as error:
        return [Owed(write, ear.left if ear is not None else batch, error)]
    return []


def _together(errors: Sequence[BaseException]) -> str:
    """Return several errors of one attempt as one text."""
    texts = list(dict.fromkeys(map(error_text, errors)))
    more = f" (and {len(texts) - 1} other errors)" if len(texts) > 2 else " (and another error)"
    return texts[0] + (more if len(texts) > 1 else "") if texts else ""


def error_text(error: BaseException) -> str:
    """Return an error as it is kept and shown: its type and what it says."""
    return f"{type(error).__name__}: {error}"


def upcoming(tried: int, due_at: float | None) -> dict[str, Any]:
    """Return the number of the next attempt at what failed last, and the seconds until it.

    `due_at` in the loop's time, None while nothing waits: then both are None.
    """
    if due_at is None:
        return {"next_attempt": None, "next_attempt_in_s": None}
    left = max(0.0, due_at - asyncio.get_running_loop().time())
    return {"next_attempt": tried + 1, "next_attempt_in_s": round(left, 3)}
