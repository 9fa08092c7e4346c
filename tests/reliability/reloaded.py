"""One simulated trial of reloads: a random document that is edited at random while it runs.

What every edit means for what has to arrive is `edits`' part; the judgement is `simulated`'s.
"""

from __future__ import annotations

import asyncio
import copy
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from sinkgraph.errors import SinkClosed, StartFailed
from sinkgraph.runtime.live import Live
from sinkgraph.runtime.outcome import Applied
from sinkgraph.simulation.process import Process
from sinkgraph.testing import Died, World
from tests.reliability.documents import Spot, Stores
from tests.reliability.edits import Edited, Sinks, draw_edit, targets_of
from tests.reliability.narrow import narrowed
from tests.reliability.simulated import QUIET, Trial, _Take
from tests.support.digests import state_digest

_UNCLAIMED = re.compile(r"holds [\d,]+ events? of queue (\S+), which")

__all__ = ["Reloading", "Tally", "reloads"]


class Tally:
    """Counts what reloads did, over many trials."""

    def __init__(self) -> None:
        self.applied = 0
        self.refused: list[str] = []
        self.edits: Counter[str] = Counter()
        self.actions: Counter[str] = Counter()


class Reloading(Trial):
    """Plays a document, and edits it every now and then. `busy`: seconds between two reloads."""

    def __init__(
        self, world: World, tally: Tally, *, stores: Stores, crashes: int = 0, busy: float = 2.0
    ) -> None:
        super().__init__(world, stores=stores, crashes=crashes)
        self.tally = tally
        self.busy = busy
        self.disk = self.on_disk
        self.count = 0
        self.unclaimed: list[str] = []
        self.known: Sinks = dict(self.plan.document["sinks"])  # also what is in the graph no more

    async def _operate(self, live: Live) -> None:
        process = self.world.process
        assert process is not None, "a graph runs"
        chance = self.world.chance(f"editor {process.number}")
        looking = self.world.spawn(super()._operate(live), "looks")
        try:
            while process.alive and await self._wait(process, chance.expovariate(1 / self.busy)):
                if self.world.now > QUIET:
                    return
                match chance.choice(["one"] * 6 + ["two", "broken", "same"]):
                    case "one":
                        await self.reload(process, live)
                    case "two":
                        await asyncio.gather(
                            self.reload(process, live), self._broken(process, live)
                        )
                    case "broken":
                        await self._broken(process, live)
                    case _:
                        result = await process.do(live.reload(self.plan.document))
                        assert isinstance(result, Applied), result
        except (Died, SinkClosed):
            pass
        finally:
            await asyncio.wait([looking])

    async def reload(self, process: Process, live: Live) -> None:
        """Reload to an edited document, and hold that nothing is wrong right after."""
        world = self.world
        self.count += 10
        chance = world.chance(f"edit {self.count}")
        edited = draw_edit(self.plan, chance, at=world.now, disk=self.disk, count=self.count)
        depths = {
            name: node.depth for name, node in live.snapshot().nodes.items() if node.kind == "queue"
        }
        generation = live.generation

        async def commit() -> Any:
            result = await live.reload(
                edited.plan.document, fates=edited.fates, drain=chance.choice([0.5, 5.0, 25.0])
            )
            if result:
                self._run_now(edited, depths)
            return result

        result = await process.do(commit())
        world.trace.note("reloaded", what=edited.what, result=type(result).__name__)
        if isinstance(result, Applied):
            assert result.generation == live.generation or live.generation > generation
            self.tally.applied += 1
            self.tally.edits.update(edited.what)
            self.tally.actions.update(
                {action: len(held) for action, held in result.plan.by_action().items()}
            )
        else:
            self.tally.refused.append(f"{edited.what}: {result}")
        world.check()

    def _run_now(self, edited: Edited, depths: dict[str, int]) -> None:
        self.world.allow(depths)
        renamed = {sink.get("was"): name for name, sink in edited.sinks.items()}
        self.world.allow({renamed[name]: n for name, n in depths.items() if name in renamed})
        for k, spot in enumerate(edited.plan.spots):  # what began before the commit may miss it
            if spot.since == edited.at:
                edited.plan.spots[k] = _since(spot, self.world.now)
        self.plan = edited.plan
        self.known.update(edited.sinks)

    async def _broken(self, process: Process, live: Live) -> None:
        """Try a document that cannot run; nothing differs after it."""
        document = {**self.plan.document, "sinks": {**self.plan.document["sinks"]}}
        document["sinks"]["broken"] = {"kind": "queue", "to": "nowhere"}

        async def refused() -> None:
            result = await live.reload(document)
            assert not result, result

        generation, before = live.generation, state_digest(live)
        await process.do(refused())
        if live.generation == generation:
            assert state_digest(live) == before

    async def _before_the_end(self, live: Live) -> None:
        """Let queues on disk that left with events come back, so that these arrive."""
        topology = live.topology
        while topology.retiring:
            await self.world.do(_ended(topology.retiring))
        self.world.check()
        depot = topology.ctx.depot
        names = {*live.nodes, *self.plan.document["sinks"]}
        gone = [] if depot is None else sorted(depot.unclaimed(list(names)))
        if not gone:
            return
        document = copy.deepcopy(self.plan.document)
        sinks = document["sinks"]
        while gone:
            name = gone.pop()
            sinks[name] = {key: value for key, value in self.known[name].items() if key != "was"}
            gone += [one for one in targets_of(sinks[name]) if one not in sinks]
        result = await self.world.do(live.reload(document))
        assert isinstance(result, Applied), result
        self.world.check()

    def _fates(self) -> dict[str, str]:
        fates, self.unclaimed = dict.fromkeys(self.unclaimed, "dead_letter"), []
        return fates

    def _goes_on(self, error: Died | StartFailed) -> bool:
        """Bury what queues held that had left, as an operator would who reads the refusal."""
        self.unclaimed = _UNCLAIMED.findall(str(error)) if isinstance(error, StartFailed) else []
        return bool(self.unclaimed)

    def _judge_repeats(self, spot: Spot, takes: list[_Take]) -> None:
        """Without a crash, an event comes twice only when nobody was told of the first time."""
        if self.world.crashes:
            return
        told: Counter[int] = Counter()
        for take in takes:
            assert told[take.n] < 1, f"{take} came to {spot.urls} once too often"
            told[take.n] += take.told_at is not None


async def _ended(tasks: dict[asyncio.Task[None], Any]) -> None:
    await asyncio.wait(list(tasks))


def _since(spot: Spot, now: float) -> Spot:
    return replace(spot, since=now)


def reloads(
    tally: Tally, stores: Stores, crashes: int = 0, busy: float = 2.0
) -> Callable[[World], Awaitable[str]]:
    """Return a story: a trial with reloads that gives the digest of its trace."""

    async def story(world: World) -> str:
        with narrowed(world.chance("bounds")):
            await Reloading(world, tally, stores=stores, crashes=crashes, busy=busy).play()
        return world.trace.digest

    return story
