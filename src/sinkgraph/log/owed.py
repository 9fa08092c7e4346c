"""How many events a set of owed parts stands for: one that several branches owe counts once.

It counts and nothing else; who pays the parts, and in what order, is not its business.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence

from sinkgraph.errors import PartialWrite
from sinkgraph.event import Batch, Event, as_batch

__all__ = ["Claim", "Part", "Write", "distinct", "owed_count"]

Write = Callable[[Sequence[Event]], Awaitable[None]]
Part = tuple[Write, Batch]


def distinct(parts: Sequence[Part]) -> int:
    """Return how many events the parts hold, each counted once.

    Parts with the same write belong to one branch, and hold different events even where the ids
    are equal; parts of different branches hold the same events where the ids are.
    """
    if len(parts) < 2:
        return sum(len(batch) for _, batch in parts)
    ids = [one for _, batch in parts for one in batch.ids]
    if len(set(ids)) == len(ids):
        return len(ids)
    branches: dict[Write, Counter[str]] = {}
    for write, batch in parts:
        branches.setdefault(write, Counter()).update(batch.ids)
    most: Counter[str] = Counter()
    for one in branches.values():
        most |= one
    return most.total()


def owed_count(error: BaseException, total: int) -> int:
    """Return how many of `total` events a failed write still owes its caller."""
    if not isinstance(error, PartialWrite):
        return total
    return min(total, distinct([(part.write, as_batch(part.events)) for part in error.owed]))


class Claim:
    """Is what one delivery still owes, over all its branches; it says what each step settles.

    `n` events of `size` bytes at first. Parts come and go with `replace`.
    """

    __slots__ = ("_apart", "_parts", "left", "size")

    def __init__(self, part: Part, size: int = 0) -> None:
        self._parts: list[Part] = [part]
        self._apart = True  # no event is in two parts
        self.left = len(part[1])
        self.size = size

    def split(self, part: Part, pieces: Iterable[Part]) -> None:
        """Put a part's pieces in its place; nothing is settled by that."""
        at = next(k for k, one in enumerate(self._parts) if one is part)
        self._parts[at : at + 1] = pieces

    def replace(
        self, part: Part, by: Iterable[Part], weigh: Callable[[Batch], int] | None = None
    ) -> tuple[int, int]:
        """Put what a part still owes in its place; return the events and bytes settled by it."""
        fresh = list(by)
        self.split(part, fresh)
        return self._settled(len(part[1]), fresh, weigh)

    def end(
        self, parts: Sequence[Part], weigh: Callable[[Batch], int] | None = None
    ) -> tuple[int, int]:
        """Take off parts that owe nothing any more; return the events and bytes settled by it."""
        gone = set(map(id, parts))
        self._parts = [one for one in self._parts if id(one) not in gone]
        return self._settled(sum(len(batch) for _, batch in parts), (), weigh)

    def _settled(
        self, n: int, fresh: Sequence[Part], weigh: Callable[[Batch], int] | None
    ) -> tuple[int, int]:
        """Count what is left after n owed events gave way to `fresh`."""
        left, size = self.left, self.size
        if not self._parts:
            self.left = self.size = 0
            return left, size
        if self._apart and distinct(fresh) == sum(len(batch) for _, batch in fresh):
            self.left -= n - sum(len(batch) for _, batch in fresh)
        else:
            self._apart = False
            self.left = min(left, distinct(self._parts))
        if weigh is not None:
            self.size = min(size, sum(weigh(batch) for _, batch in self._parts))
        return left - self.left, size - self.size

    def settled_of(self, whole: Batch) -> list[int]:
        """Return the places of the events of `whole`, the first part, that nobody owes any more."""
        places = whole.places
        if places is None:
            return []
        if not self._parts:
            return list(places)
        owed = {own for _, batch in self._parts for own in batch.ids}
        return [place for own, place in zip(whole.ids, places, strict=True) if own not in owed]
