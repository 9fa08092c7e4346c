"""Somebody outside the graph who writes numbered events to it, and remembers what was answered.

A producer outlives the process it writes to: when that dies, it waits for the next one. It judges
nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from sinkgraph.clock import Random
from sinkgraph.errors import Overloaded, PartialWrite, SinkClosed, SinkgraphError
from sinkgraph.event import Event
from sinkgraph.simulation.destination import Latency, drawn
from sinkgraph.simulation.process import Died

if TYPE_CHECKING:
    from sinkgraph.runtime.live import Live
    from sinkgraph.simulation.world import World

__all__ = ["Letter", "Producer"]

Outcome = Literal["under way", "accepted", "refused", "unknown"]


@dataclass(slots=True)
class Letter:
    """Is one write: its events' numbers, when it began and was answered, and what was answered.

    `refused`: nothing of it was stored. `unknown`: the process died meanwhile, or only a part was
    taken. `life`: which process it was written to.
    """

    numbers: range
    life: int
    began: float
    ended: float | None = None
    outcome: Outcome = "under way"
    error: str = ""
    sizes: list[int] = field(default_factory=list)


class Producer:
    """Writes `count` events, `batch` at a time, one write `every` so many virtual seconds.

    Events are numbered over the whole world: `make` gives the payload of a number, by default
    `{"n": number}`; the event's id is `name-number`. `timeout` bounds each write in seconds.
    """

    def __init__(
        self,
        world: World,
        name: str,
        *,
        count: int,
        every: Latency = 0.1,
        batch: tuple[int, int] = (1, 1),
        to: str | None = None,
        timeout: float | None = None,
        make: Callable[[int], Any] | None = None,
    ) -> None:
        self.world = world
        self.name = name
        self.letters: list[Letter] = []
        self._count = count
        self._every = every
        self._batch = batch
        self._to = to
        self._timeout = timeout
        self._make = make if make is not None else _plain
        self._random: Random = world.chance(f"producer {name}")
        self.task: asyncio.Task[None] | None = None

    def start(self) -> Producer:
        """Begin to write; the world ends it with itself."""
        self.task = self.world.spawn(self._produce(), f"producer {self.name}")
        return self

    async def wait(self) -> None:
        """Wait until it has written everything."""
        assert self.task is not None, "the producer was started"
        await asyncio.wait([self.task])
        if not self.task.cancelled():
            self.task.result()

    @property
    def accepted(self) -> list[int]:
        """The numbers of what was accepted, in order."""
        return [n for one in self.letters if one.outcome == "accepted" for n in one.numbers]

    @property
    def refused(self) -> list[int]:
        """The numbers of what was refused."""
        return [n for one in self.letters if one.outcome == "refused" for n in one.numbers]

    async def _produce(self) -> None:
        left = self._count
        while left > 0:
            await asyncio.sleep(drawn(self._every, self._random))
            low, high = self._batch
            size = min(left, low + int(self._random.random() * (high - low + 1)))
            left -= size
            process = await self.world.up()
            numbers = self.world.number(size)
            letter = Letter(numbers, process.number, self.world.now)
            self.letters.append(letter)
            await self._write(letter)

    async def _write(self, letter: Letter) -> None:
        process = self.world.process
        assert process is not None, "a process is up"
        try:
            await process.do(self._put(process.live, letter.numbers))
            letter.outcome = "accepted"
        except (Died, PartialWrite, SinkClosed) as error:
            letter.outcome, letter.error = "unknown", repr(error)
        except Overloaded as error:
            letter.outcome, letter.error = "refused", repr(error)
        except SinkgraphError as error:
            letter.outcome, letter.error = "unknown", repr(error)
        letter.ended = self.world.now
        self.world.trace.note(
            "wrote",
            by=self.name,
            first=letter.numbers.start,
            n=len(letter.numbers),
            outcome=letter.outcome,
        )

    async def _put(self, live: Live, numbers: range) -> None:
        values = [self._event(n) for n in numbers]
        if len(values) == 1:
            await live.write(values[0], to=self._to, timeout=self._timeout)
        else:
            await live.write_many(values, to=self._to, timeout=self._timeout)

    def _event(self, n: int) -> Event:
        return Event(id=f"{self.name}-{n}", time=self.world.clock.wall(), data=self._make(n))


def _plain(n: int) -> dict[str, int]:
    return {"n": n}
