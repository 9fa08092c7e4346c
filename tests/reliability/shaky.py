"""A destination that fails a share of what it is asked, in every way that leaves its order clear.

It takes nothing, a prefix, or all of a batch; what it refuses for good is refused for good.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Hashable, Iterable
from itertools import pairwise
from typing import ClassVar

from sinkgraph.errors import DeliveryFailed, Overloaded, Owed, PartialWrite, Rejected
from sinkgraph.event import Batch, Event
from sinkgraph.sinks.base import Terminal

__all__ = ["Shaky", "inversions", "repeated"]


class Shaky(Terminal):
    """Fails `share` of its writes; keeps the numbers (`data["n"]`) of what it took, in order.

    A third of the failures comes after some of the batch was taken. Events whose number is
    divisible by `poison` are refused for good, and so is every batch that holds one. An answer
    takes up to `slowest` virtual seconds.
    """

    kind: ClassVar[str] = "shaky"

    def __init__(
        self,
        chance: random.Random,
        *,
        share: float = 0.1,
        poison: int = 0,
        slowest: float = 0.0,
        max_batch: int | None = None,
    ) -> None:
        super().__init__()
        self.chance = chance
        self.share = share
        self.poison = poison
        self.slowest = slowest
        self.max_batch = max_batch
        self.got: list[int] = []
        self.writes = 0  # that were not poisoned
        self.failed = 0

    async def deliver(self, batch: Batch) -> None:
        """Take the batch, or as much of it as chance says."""
        if self.slowest:
            await asyncio.sleep(self.chance.random() * self.slowest)
        if self.poison and any(event.data["n"] % self.poison == 0 for event in batch):
            raise Rejected("poison")
        self.writes += 1
        if self.chance.random() >= self.share:
            self._take(batch)
            return
        self.failed += 1
        how = self.chance.random()
        if how < 1 / 3 and len(batch) > 1:
            taken = self.chance.randrange(1, len(batch))
            self._take(batch[:taken])
            raise PartialWrite([Owed(self.write, batch[taken:], DeliveryFailed("the rest"))])
        if how < 2 / 3:
            raise Overloaded("busy", retry_after_s=0.05)
        raise DeliveryFailed("down")

    def _take(self, events: Iterable[Event]) -> None:
        self.got += [event.data["n"] for event in events]


def inversions(
    numbers: Iterable[int], key: Callable[[int], Hashable] = lambda _n: None
) -> list[tuple[int, int]]:
    """Return every pair of neighbours of one key that stand the wrong way round."""
    by_key: dict[Hashable, list[int]] = {}
    for n in numbers:
        by_key.setdefault(key(n), []).append(n)
    return [(a, b) for own in by_key.values() for a, b in pairwise(own) if a > b]


def repeated(numbers: Iterable[int]) -> dict[int, int]:
    """Return how often each number came that came more than once."""
    seen: set[int] = set()
    again: dict[int, int] = {}
    for n in numbers:
        if n in seen:
            again[n] = again.get(n, 1) + 1
        seen.add(n)
    return again
