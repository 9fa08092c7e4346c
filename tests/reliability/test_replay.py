"""Random graphs whose dead letters an operator replays at any moment: nothing is lost by it.

What was accepted arrives, or is a dead letter, whatever crashes in between; every ledger accounts
for what was replayed into its node.
"""

from __future__ import annotations

from typing import Any

import pytest

from sinkgraph.errors import SinkgraphError
from sinkgraph.log.disk.dead import DeadFilter
from sinkgraph.runtime.live import Live
from sinkgraph.testing import Died, World, simulate
from tests.reliability.narrow import narrowed
from tests.reliability.simulated import Trial
from tests.support.scale import rounds

_ATTEMPTS = 20


class Replaying(Trial):
    """Is a trial in which somebody replays dead letters now and then."""

    replayed = 0

    async def _operate(self, live: Live) -> None:
        process = self.world.process
        assert process is not None, "a graph runs"
        chance = self.world.chance(f"replays {process.number}")
        names = sorted(self.plan.document["sinks"])

        async def replay() -> None:
            chosen = chance.choice([None, DeadFilter(node=chance.choice(names)), range(1, 40)])
            rate = chance.choice([None, 5.0, 100.0])
            made = await live.topology.replays.replay(chosen, rate=rate)
            self.replayed += made.total

        while process.alive and await self._wait(process, chance.uniform(0.5, 6)):
            try:
                await process.do(replay())
            except (Died, SinkgraphError):
                continue  # it stops, its disk is full, or it is gone

    async def _before_the_end(self, live: Live) -> None:
        """Replay everything once more, now that all is well; what dies then stays dead."""
        replays = live.topology.replays
        self.replayed += (await self.world.do(replays.replay())).total
        for _ in range(_ATTEMPTS):
            await replays.ended()
            for one in replays.accounts:
                replays.resume(one.into)
        assert not replays.pending, [one.facts() for one in replays.accounts]

    def _judge_repeats(self, spot: Any, takes: Any) -> None:
        """A replay may bring an event a second time to a branch that had it."""

    def _judge_order(self, spot: Any, takes: Any) -> None:
        """What is replayed comes late."""


@pytest.mark.parametrize("crashes", [0, 3])
def test_replays_lose_nothing(crashes: int) -> None:
    moved = 0

    async def story(world: World) -> None:
        nonlocal moved
        with narrowed(world.chance("bounds")):
            trial = Replaying(world, stores="disk", crashes=crashes)
            await trial.play()
            moved += trial.replayed

    simulate(story, seeds=range(rounds(12, 2_000)))
    assert moved > 20, "there was something to replay"
