"""One simulated trial: a random document under random faults, and the judgement of what came out.

Faults stop at `QUIET`; from then on every endpoint takes everything and the disk is well, so that
all that was accepted has to come to its end in bounded time.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sinkgraph.clock import Request
from sinkgraph.errors import StartFailed
from sinkgraph.simulation.destination import Latency
from sinkgraph.simulation.faults import draw_ending
from sinkgraph.testing import Destination, Died, Exchange, Producer, World
from tests.reliability.documents import BAD, MAX_WAIT_S, Spot, Stores, draw_plan

__all__ = ["QUIET", "Trial", "trial"]

QUIET = 30.0
"""The virtual second at which faults stop."""

LIMIT_S = 10 * MAX_WAIT_S
"""How long all that is pending may take from then on."""

_STEPS = (
    "503 x3",
    "500",
    "hang",
    "reset",
    "reset before",
    "reset after",
    "429 Retry-After 3",
    "200 in 1.5s",
    "401",
    "200 x20",
    "200 x5",
)


@dataclass(frozen=True)
class _Take:
    """Is one event as it was taken at a spot."""

    at: float
    told: bool
    n: int


class Trial:
    """Plays one seed's document in a world and holds it to the promises."""

    def __init__(self, world: World, *, stores: Stores, crashes: int = 0) -> None:
        self.world = world
        self.chance = world.chance("trial")
        self.plan = draw_plan(world.chance("document"), stores=stores)
        self.crashes = crashes
        self.hosts = [self._host(where) for where in self.plan.hosts]
        self.producers: list[Producer] = []
        self.dead: dict[str, Counter[int]] = {}
        world.check_every_s = self.chance.choice([0.1, 0.25, 1.0, 7.0])

    # the story

    async def play(self) -> None:
        """Run from start to judgement."""
        self._begin_to_write()
        self._plan_crashes()
        ended = False
        while not ended:
            ended = await self._live_on()
            await asyncio.sleep(self.chance.uniform(0.01, 2.0))
        self.judge()

    async def _live_on(self) -> bool:
        """Live one life; return whether it came to the end."""
        world = self.world
        try:
            async with world.run(self.plan.document, durable=self.plan.on_disk) as live:
                if not await world.survives(QUIET):
                    return False
                for host in self.hosts:
                    judge = host.judge
                    host.recover()
                    host.judge = judge
                world.faults.heal()
                async with asyncio.timeout(LIMIT_S):
                    for producer in self.producers:
                        await producer.wait()
                world.check()
                done = await live.drain(LIMIT_S)
                world.check()
                assert done, f"pending {LIMIT_S:g} s after the last fault: {self._pending()}"
                assert live.snapshot().pending == 0, self._pending()
                self.dead = self._dead_letters()
                for name, node in live.snapshot().nodes.items():
                    world.trace.note("ledger", node=name, ledger=str(node.ledger))
        except (Died, StartFailed):
            if world.now >= QUIET:
                raise
            return False
        return True

    def _begin_to_write(self) -> None:
        chance = self.chance
        for k in range(chance.randint(1, 3)):
            count = chance.randint(20, 200)
            low, high = chance.choice([(1, 1), (1, 5), (3, 20)])
            pause = 2 * chance.uniform(2, QUIET) * (low + high) / 2 / count
            self.producers.append(
                self.world.produce(
                    f"p{k}",
                    count=count,
                    every=(0.0, pause),
                    batch=(low, high),
                    timeout=chance.choice([None, None, 0.5, 5.0]),
                )
            )

    def _plan_crashes(self) -> None:
        chance = self.chance
        for _ in range(self.crashes):
            self.world.crash_at(chance.uniform(0.2, QUIET - 5), *draw_ending(chance))

    def _host(self, where: str) -> Destination:
        latencies: list[Latency] = [0.001, (0.001, 0.02), (0.005, 0.06)]
        latency = self.chance.choice(latencies)
        host = self.world.destination(where, latency=latency)
        if where in self.plan.judging:
            host.judge = _judge
        calm_s = self.chance.choice([1.0, 4.0, 15.0])
        _ = self.world.spawn(self._weather(host, calm_s), f"weather of {where}")
        return host

    async def _weather(self, host: Destination, calm_s: float) -> None:
        """Trouble a host every now and then, until faults stop."""
        chance = self.world.chance(f"weather of {host.where}")
        while self.world.now < QUIET:
            if chance.random() < 0.4:
                how = chance.choice(["refuse", "hang", "503", "unreachable", "reset after"])
                host.during(chance.uniform(0.2, 12), how)
            else:
                host.script(*(chance.choice(_STEPS) for _ in range(chance.randint(1, 4))))
            await asyncio.sleep(chance.uniform(0, 2 * calm_s))

    def _pending(self) -> dict[str, int]:
        return {n.name: n.depth for n in self.world.snapshot().nodes.values() if n.depth}

    def _dead_letters(self) -> dict[str, Counter[int]]:
        assert self.world.process is not None, "a graph runs"
        node: Any = self.world.process.live.nodes["dead-letters"]
        dead: dict[str, Counter[int]] = defaultdict(Counter)
        for event in node.events:
            dead[str(event.meta["node"])][event.data["n"]] += 1
        return dead

    # the judgement

    def judge(self) -> None:
        """Say of every event and every spot what became of it."""
        for spot in self.plan.spots:
            takes = self._takes(spot)
            self._judge_what_came(spot, takes)
            self._judge_losses(spot, {one.n for one in takes})
            self._judge_repeats(spot, takes)
            if spot.ordered:
                self._judge_order(spot, takes)

    def _takes(self, spot: Spot) -> list[_Take]:
        found = [
            _Take(one.at, one.told, n)
            for host in self.hosts
            for one in host.taken
            if one.request.url in spot.urls
            for n in _numbers(one)
        ]
        return sorted(found, key=lambda one: one.at)

    def _judge_what_came(self, spot: Spot, takes: list[_Take]) -> None:
        refused = {n for producer in self.producers for n in producer.refused}
        for take in takes:
            assert spot.wants(take.n), f"{take} does not belong to {spot.urls}"
            assert take.n not in refused, f"{take} arrived, and its write was refused"

    def _judge_losses(self, spot: Spot, arrived: set[int]) -> None:
        lives = len(self.world.crashes)
        buried = {n for name in spot.nodes for n in self.dead.get(name, ())}
        for n in buried & {n for n in buried if spot.wants(n)}:
            assert spot.gives_up or spot.refuses(n), f"{n} was buried on the way to {spot.urls}"
        for producer in self.producers:
            for letter in producer.letters:
                if letter.outcome != "accepted":
                    continue
                safe = spot.durable or letter.life > lives
                for n in letter.numbers:
                    if spot.wants(n) and safe and n not in arrived:
                        assert n in buried, f"{n} of {letter} never came to {spot.urls}"

    def _judge_repeats(self, spot: Spot, takes: list[_Take]) -> None:
        """An event comes twice only when nobody was told of the first time, or after a crash."""
        last: dict[int, _Take] = {}
        for take in takes:
            before = last.get(take.n)
            last[take.n] = take
            if before is None or not before.told:
                continue
            k = bisect_left(self.world.crashes, before.at)
            crashed = k < len(self.world.crashes) and self.world.crashes[k] <= take.at
            assert crashed, f"{take} came to {spot.urls} at {before.at:g} already"

    def _judge_order(self, spot: Spot, takes: list[_Take]) -> None:
        owner = {n: p for p in self.producers for one in p.letters for n in one.numbers}
        latest: dict[Producer, int] = {}
        seen: set[int] = set()
        for take in takes:
            if take.n in seen:
                continue
            seen.add(take.n)
            producer = owner[take.n]
            assert latest.get(producer, -1) < take.n, f"{take} came late to {spot.urls}"
            latest[producer] = take.n


def trial(stores: Stores, crashes: int = 0) -> Callable[[World], Awaitable[str]]:
    """Return a story: a trial that gives the digest of its trace."""

    async def story(world: World) -> str:
        await Trial(world, stores=stores, crashes=crashes).play()
        return world.trace.digest

    return story


def _judge(request: Request) -> int | None:
    """Refuse a request that holds a bad number."""
    probe = Exchange(0.0, request, None)  # type: ignore[arg-type]
    return 422 if any(n % BAD == 0 for n in _numbers(probe)) else None


def _numbers(exchange: Exchange) -> Iterator[int]:
    for payload in exchange.payloads:
        yield payload["n"]
