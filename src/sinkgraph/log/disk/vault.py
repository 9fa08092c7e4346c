"""What a depot keeps of dead letters: who keeps how many, and the one way to take them out.

It decides neither what is kept nor for how long; `dead` knows the table.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from sinkgraph.log.disk.draft import Entry, Pledge

if TYPE_CHECKING:
    from sinkgraph.log.disk.dead import DeadLetter
    from sinkgraph.log.disk.depot import Depot

__all__ = ["Keeper", "Tally", "Vault"]


_HANDED_OVER = "handed_over"


@dataclass(slots=True)
class Tally:
    """Is how many letters are kept, their bytes, counts by reason, and a time none is older than.

    Times are Unix seconds of the last failure.
    """

    count: int = 0
    size: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    since: float = math.inf
    came: float = math.inf  # the same, of what came since somebody began to look

    def add(self, reason: str, size: int, at: float, n: int = 1) -> None:
        """Count n letters of one reason, `size` bytes together, the oldest of time `at`."""
        self.count += n
        self.size += size
        self.reasons[reason] = self.reasons.get(reason, 0) + n
        self.since = min(self.since, at)
        self.came = min(self.came, at)

    def remove(self, reason: str, size: int) -> None:
        """Count one letter less."""
        self.count -= 1
        self.size -= size
        left = self.reasons.get(reason, 0) - 1
        if left > 0:
            self.reasons[reason] = left
        else:
            self.reasons.pop(reason, None)
            if not self.count:
                self.since = math.inf


class Keeper(Protocol):
    """Is who answers for the letters of some sinks, and is told when they leave."""

    def left(self, n: int, how: str) -> None:
        """Take note that n letters are gone: `expired`, `purged`, `replayed` or handed over."""
        ...

    def took_over(self, n: int) -> None:
        """Take note that it answers for n letters more, which somebody else has kept so far."""
        ...


class Vault:
    """Keeps count of the dead letters of one store, by the name of the sink that keeps them.

    Letters of a sink that nobody claims are in the care of the one who took the `rest`.
    """

    def __init__(self, depot: Depot) -> None:
        self.turn = asyncio.Lock()  # held by whoever chooses letters and takes them out
        self._depot = depot
        self._tallies: dict[str, Tally] = {}
        self._keepers: dict[str, Keeper] = {}
        self._rest: Keeper | None = None
        self._counted = False

    # whose they are

    def claim(self, sink: str, keeper: Keeper, *, rest: bool = False) -> None:
        """Let a keeper answer for a sink's letters; with `rest`, for those of nobody else too."""
        before = self._rest if self._counted else None
        self._keepers[sink] = keeper
        if rest:
            self._rest = keeper
        elif before is not None and (n := self.of(sink).count):
            before.left(n, _HANDED_OVER)

    def release(self, keeper: Keeper) -> None:
        """Let who has the rest answer for a keeper's letters from now on."""
        rest = self._rest
        if rest is None or keeper is rest:
            return
        own = self.sinks_of(keeper)
        for sink in own:
            del self._keepers[sink]
        n, _ = self.totals(own)
        if n:
            keeper.left(n, _HANDED_OVER)
            rest.took_over(n)

    def sinks_of(self, keeper: Keeper) -> tuple[str, ...]:
        """Return the sinks whose letters a keeper answers for."""
        own = [sink for sink, one in self._keepers.items() if one is keeper]
        if self._rest is keeper:
            own += [sink for sink in self._tallies if sink not in self._keepers]
        return tuple(own)

    # how many there are

    async def open(self) -> None:
        """Count what is stored; later calls find it done."""
        from sinkgraph.log.disk.dead import groups

        if self._counted:
            return
        for one in await self._depot.ask(groups):
            tally = self._tallies.setdefault(one.sink, Tally())
            tally.add(one.reason, one.size, one.first, one.count)
        self._counted = True

    def totals(self, sinks: Iterable[str]) -> tuple[int, int]:
        """Return how many letters these sinks keep together, and their bytes."""
        found = [self._tallies[sink] for sink in sinks if sink in self._tallies]
        return sum(one.count for one in found), sum(one.size for one in found)

    def reasons(self, sinks: Iterable[str]) -> dict[str, int]:
        """Return how many letters these sinks keep for each reason."""
        total: dict[str, int] = {}
        for sink in sinks:
            for reason, n in self.of(sink).reasons.items():
                total[reason] = total.get(reason, 0) + n
        return total

    def since(self, sinks: Iterable[str]) -> float:
        """Return a Unix time that no letter of these sinks is older than."""
        return min((self.of(sink).since for sink in sinks), default=math.inf)

    def of(self, sink: str) -> Tally:
        """Return the tally of one sink, to be changed by who keeps its letters."""
        return self._tallies.setdefault(sink, Tally())

    # taking them out

    async def expire(self, sinks: Sequence[str], before: float, most: int) -> bool:
        """Delete what failed last before a Unix time, at most `most`; whether there may be more.

        Raises StoreFull and StoreFailed.
        """
        from sinkgraph.log.disk.dead import DeadFilter, oldest

        chosen = DeadFilter(sinks=tuple(sinks))
        async with self.turn:
            for sink in sinks:
                self.of(sink).came = math.inf
            found = await self._depot.ask(lambda store: oldest(store, chosen, limit=most))
            old = [one for one in found if one.at < before]
            await self.remove(old, "expired")
            if found and len(old) == len(found):
                return True
            since = found[len(old)].at if found else math.inf
            for sink in sinks:
                self.of(sink).since = min(since, self.of(sink).came)
            return False

    async def remove(self, letters: Sequence[DeadLetter], how: str) -> None:
        """Delete letters; returns when that is on disk. Hold `turn` from choosing them on.

        Raises StoreFull and StoreFailed; then they are all there still.
        """
        if not letters:
            return
        depot = self._depot
        pledge = Pledge(loop=depot.loop)
        numbers = [one.number for one in letters]

        def apply() -> None:
            self.removed(letters, how)

        depot.add(Entry([], (), apply, _nothing, pledge, forget_dead=numbers))
        await pledge

    def removed(self, letters: Sequence[DeadLetter], how: str) -> None:
        """Take note that letters are gone: `expired`, `purged`, or `replayed` by somebody else.

        Nothing was counted, and nobody answers for them, where no graph runs.
        """
        if not self._counted:
            return
        gone: dict[str, int] = {}
        for one in letters:
            self.of(one.sink).remove(one.reason, one.size)
            gone[one.sink] = gone.get(one.sink, 0) + 1
        for sink, n in gone.items():
            keeper = self._keepers.get(sink, self._rest)
            if keeper is not None:
                keeper.left(n, how)


def _nothing() -> None:
    return None
