"""One simulated trial: a random document under random faults, and the judgement of what came out.

Faults stop at `QUIET`; from then on every endpoint takes everything and the disk is well, so that
all that was accepted has to come to its end in bounded time.
"""

from __future__ import annotations

import asyncio
import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sinkgraph.clock import Request
from sinkgraph.errors import SinkgraphError, StartFailed
from sinkgraph.log.disk.chunk import decode
from sinkgraph.runtime.live import Live
from sinkgraph.simulation.destination import Latency
from sinkgraph.simulation.faults import Operation, draw_ending
from sinkgraph.simulation.process import Process
from sinkgraph.sinks.burial import DeadLetters
from sinkgraph.testing import Destination, Died, Exchange, Producer, World
from tests.reliability.documents import BAD, MAX_WAIT_S, Spot, Stores, draw_plan
from tests.reliability.narrow import narrowed

__all__ = ["QUIET", "Trial", "trial"]

QUIET = 30.0
"""The virtual second at which faults stop."""

LIMIT_S = 10 * MAX_WAIT_S
"""How long all that is pending may take from then on."""

NOTED_S = 0.05 + 4 * 0.08
"""How long it takes until a delivery is noted on disk: an ack waits 50 ms, a commit takes 80 ms."""

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


_BREAKS: tuple[Operation, ...] = ("write", "sync", "truncate", "read")


@dataclass(frozen=True)
class _Take:
    """Is one event as it was taken at a spot; `told_at`: when the sender knew, if ever."""

    at: float
    told_at: float | None
    n: int


class Trial:
    """Plays one seed's document in a world and holds it to the promises."""

    def __init__(self, world: World, *, stores: Stores, crashes: int = 0) -> None:
        self.world = world
        self.chance = world.chance("trial")
        self.plan = draw_plan(world.chance("document"), stores=stores)
        self.on_disk = self.plan.on_disk
        self.stops: list[float] = []
        self.troubles: list[tuple[float, float]] = []
        self.hosts = [self._host(where) for where in self.plan.hosts]
        self.producers: list[Producer] = []
        self.dead: dict[str, Counter[int]] = {}
        self._plan_endings(crashes)
        world.check_every_s = self.chance.choice([0.1, 0.25, 1.0, 7.0])

    # the story

    async def play(self) -> None:
        """Run from start to judgement."""
        self._begin_to_write()
        _ = self.world.spawn(self._heal(), "quiet")
        if self.on_disk:
            _ = self.world.spawn(self._trouble_disk(), "trouble with the disk")
        ended = False
        while not ended:
            ended = await self._live_on()
            await asyncio.sleep(self.chance.uniform(0.01, 2.0))
        self.judge()

    async def _live_on(self) -> bool:
        """Live one life; return whether it came to the end."""
        world = self.world
        stop_at = self.stops.pop(0) if self.stops else QUIET
        options: dict[str, Any] = {
            "durable": self.on_disk,
            "drain": self.chance.choice([0.0, 1.0, 25.0]),
            "fates": self._fates(),
        }
        try:
            async with world.run(self.plan.document, **options) as live:
                _ = world.spawn(self._operate(live), "operator")
                if not await world.survives(stop_at) or world.now < QUIET:
                    return False
                if self._disk_failed(world.process.number if world.process else 0):
                    await world.crash()  # a disk that failed needs somebody who starts it again
                    return False
                async with asyncio.timeout(4 * QUIET):
                    for producer in self.producers:
                        await producer.wait()
                world.check()
                await self._before_the_end(live)
                done = await live.drain(LIMIT_S)
                world.check()
                assert done, f"pending {LIMIT_S:g} s after the last fault: {self._pending()}"
                assert live.snapshot().pending == 0, self._pending()
                self.dead = await world.do(self._dead_letters())
                for name, node in live.snapshot().nodes.items():
                    world.trace.note("ledger", node=name, ledger=str(node.ledger))
        except (Died, StartFailed) as error:
            if not self._goes_on(error) and world.now >= QUIET + 5:
                raise
            return False
        return True

    def _fates(self) -> dict[str, str]:
        """Return what becomes of stored events whose queue is not in the graph any more."""
        return {}

    def _goes_on(self, error: Died | StartFailed) -> bool:
        """Whether another start will do better, however late it is."""
        return False

    async def _before_the_end(self, live: Live) -> None:
        """Do what has to be done once all is well, before all that is pending has to end."""

    async def _operate(self, live: Live) -> None:
        """Look into a node now and then, as long as the process lives."""
        process = self.world.process
        assert process is not None, "a graph runs"
        chance = self.world.chance(f"operator {process.number}")

        async def look() -> None:
            capacity = chance.choice([1, 1_000])
            when_full = chance.choice(["close", "drop_oldest", "drop_newest"])
            name = chance.choice(sorted(self.plan.document["sinks"]))
            async with live.subscribe(name, capacity=capacity, when_full=when_full):
                await asyncio.sleep(chance.uniform(0, 3))

        try:
            while process.alive and await self._wait(process, chance.uniform(0.5, 8)):
                await process.do(look())
        except (Died, SinkgraphError):
            pass

    @staticmethod
    async def _wait(process: Process, seconds: float) -> bool:
        await asyncio.wait([process.died], timeout=seconds)
        return process.alive

    def _disk_failed(self, life: int) -> bool:
        facts = self.world.trace.of("journal")
        return any(one["kind"] == "disk_failed" and one["life"] == life for one in facts)

    async def _heal(self) -> None:
        await self.world.until(QUIET)
        for host in self.hosts:
            judge = host.judge
            host.recover()
            host.judge = judge
        self.world.faults.heal()

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

    def _plan_endings(self, crashes: int) -> None:
        """Plan when processes end: by a crash; with a state dir, by a graceful stop too."""
        chance = self.chance
        for _ in range(crashes):
            self.world.crash_at(chance.uniform(0.2, QUIET - 5), *draw_ending(chance))
        if self.on_disk and crashes:
            stops = chance.choice([0, 0, 1, 2])
            self.stops = sorted(chance.uniform(1, QUIET - 3) for _ in range(stops))

    async def _trouble_disk(self) -> None:
        """Let the disk be slow, full, broken or cut short every now and then."""
        world = self.world
        chance = world.chance("trouble")
        latencies: list[Latency] = [0.0005, (0.0002, 0.005), (0.001, 0.08)]
        world.disk_latency = chance.choice(latencies)
        while True:
            await asyncio.sleep(chance.uniform(1, 15))
            if world.now >= QUIET - 8:
                return
            for_s = chance.uniform(0.1, 6)
            match chance.choice(["full", "full", "stall", "cut short", "broken"]):
                case "full":
                    world.faults.full(world.now, for_s)
                    self.troubles.append((world.now, world.now + for_s + 1.1))  # tried each second
                case "stall":
                    world.stall_disk(world.now, for_s)
                    self.troubles.append((world.now, world.now + for_s))
                case "cut short":
                    world.faults.die_after(chance.randrange(40))
                case "broken":
                    self.troubles.append((world.now, world.now + 4))
                    operation = chance.choice(_BREAKS)
                    world.faults.fail(operation, chance.randint(1, 9), times=chance.randint(1, 9))
                    await asyncio.sleep(chance.uniform(0.5, 4))
                    world.faults.heal()
                    await world.crash(*draw_ending(chance))

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

    async def _dead_letters(self) -> dict[str, Counter[int]]:
        """Return what is buried by now, in this life and, on disk, in those before."""
        assert self.world.process is not None, "a graph runs"
        node = self.world.process.live.nodes["dead-letters"]
        assert isinstance(node, DeadLetters)
        assert node.durable == self.on_disk
        dead: dict[str, Counter[int]] = defaultdict(Counter)
        after = 0
        while letters := await node.letters(after=after):
            after = letters[-1].number
            for letter in letters:
                assert letter.body is not None, f"{letter} is damaged"
                (event,) = decode(letter.body)
                dead[letter.node][event.data["n"]] += 1
        return dead

    # the judgement

    def judge(self) -> None:
        """Say of every event and every spot what became of it."""
        for spot in self.plan.spots:
            takes = self._takes(spot)
            self._judge_what_came(spot, takes)
            self._judge_losses(spot, {one.n for one in takes})
            self._judge_repeats(spot, takes)
            if spot.ordered and not (spot.judged or spot.sheds):
                self._judge_order(spot, takes)

    def _takes(self, spot: Spot) -> list[_Take]:
        found = [
            _Take(one.at, one.told_at, n)
            for host in self.hosts
            for one in host.taken
            if one.request.url in spot.urls
            for n in _numbers(one)
        ]
        return sorted(found, key=lambda one: one.at)

    def _judge_what_came(self, spot: Spot, takes: list[_Take]) -> None:
        refused = {n for producer in self.producers for n in producer.refused}
        for take in takes:
            assert spot.wants(take.n) or not spot.strict, f"{take} does not belong to {spot.urls}"
            assert take.n not in refused, f"{take} arrived, and its write was refused"

    def _judge_losses(self, spot: Spot, arrived: set[int]) -> None:
        buried = {n for name in spot.nodes for n in self.dead.get(name, ())}
        for n in buried & {n for n in buried if spot.wants(n)}:
            assert spot.gives_up or spot.refuses(n), f"{n} was buried on the way to {spot.urls}"
        if spot.sheds:
            return
        crashed = max([*self.world.crashes, *self._ends_without_notes()], default=-1.0)
        stopped = [fact["at"] for fact in self.world.trace.of("stopped")][:-1]
        ended = max([crashed, *stopped])
        for producer in self.producers:
            for letter in producer.letters:
                if letter.outcome != "accepted":
                    continue
                at = letter.ended or 0.0
                if letter.began <= spot.since or at >= spot.until:
                    continue
                for n in letter.numbers:
                    dies = not self.on_disk and (spot.gives_up or spot.refuses(n))
                    safe = at > ended or (not dies and (spot.durable or at > crashed))
                    if spot.wants(n) and safe and n not in arrived:
                        assert n in buried, f"{n} of {letter} never came to {spot.urls}"

    def _judge_repeats(self, spot: Spot, takes: list[_Take]) -> None:
        """An event comes twice only when nobody was told of the first time, or after a crash.

        After a crash every queue may hand on once more what it holds, also what it was handed
        twice: with q queues on the way that is C(l + q - 1, q - 1) times in the l-th life.
        """
        began = {n: one.began for p in self.producers for one in p.letters for n in one.numbers}
        queues = sum(name.startswith("queue") for name in spot.nodes)
        late: dict[float, list[float]] = defaultdict(list)
        ends = sorted([*self.world.crashes, *self._ends_without_notes()])
        told: Counter[int] = Counter()
        last: dict[int, _Take] = {}
        for take in takes:
            crashes = bisect_left(ends, take.at) - bisect_left(ends, began[take.n])
            may = math.comb(crashes + queues, queues)
            assert told[take.n] < may, f"{take} came to {spot.urls} once too often"
            told[take.n] += take.told_at is not None
            before = last.get(take.n)
            if queues == 1 and before is not None and before.told_at is not None:
                end = ends[bisect_left(ends, before.at)]
                if end - before.told_at > NOTED_S:
                    assert self._troubled(before.at, end), (
                        f"{take} was noted too late at {spot.urls}: {before}"
                    )
                    late[end].append(before.told_at)
            last[take.n] = take
        for end, told_at in late.items():
            first = min(told_at)
            after = sum(one > first + 0.05 for one in told_at)
            assert after <= self._most_unnoted(spot), (
                f"{after} were delivered before {end:g} s at {spot.urls}, and not noted"
            )

    def _troubled(self, since: float, end: float) -> bool:
        """Whether the disk was not well between an event and the end of its process."""
        ends = sorted([*self.world.crashes, *self._ends_without_notes()])
        for fact in self.world.trace.of("journal"):
            if fact["kind"] == "disk_failed" and ends[bisect_left(ends, fact["at"]) :][:1] == [end]:
                return True
        return any(begins <= end and since <= over for begins, over in self.troubles)

    def _most_unnoted(self, spot: Spot) -> int:
        """Return how many events may be delivered although the disk notes none for long.

        A lane that has seen 64 go begins no other batch; what it has begun may yet arrive.
        """
        sinks = self.plan.document["sinks"]
        queue = next(sinks[name] for name in spot.nodes if name.startswith("queue"))
        batch = max(
            (sinks[n].get("max_batch", 1) for n in spot.nodes if n[:4] == "http"), default=1
        )
        return int(queue["concurrency"]) * (64 + batch)

    def _ends_without_notes(self) -> list[float]:
        """Return when a process was stopped whose disk could not take its last notes."""
        state = {"disk_full": True, "disk_failed": True, "disk_has_room": False}
        troubled: dict[int, bool] = {}
        for fact in self.world.trace.of("journal"):
            if fact["kind"] in state:
                troubled[fact["life"]] = state[fact["kind"]]
        stopped = self.world.trace.of("stopped")
        return [fact["at"] for fact in stopped if troubled.get(fact["life"])]

    def _judge_order(self, spot: Spot, takes: list[_Take]) -> None:
        """First arrivals are in order.

        But what a refusal splits off comes when it can, and a drop that was not noted comes back.
        """
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
        with narrowed(world.chance("bounds")):
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
