"""Random documents, and what has to arrive at every terminal of them.

Whether an event passes a node depends on its number alone, so that a test can say where it has to
arrive. Every http sink has a URL of its own, on one of a few hosts; every one stands below a queue.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Plan", "Spot", "draw_plan"]

Test = Callable[[int], bool]
Stores = Literal["memory", "disk", "mixed"]

MAX_WAIT_S = 5.0
"""No wait between two attempts is longer in these documents, jitter left aside."""

BAD = 13
"""Numbers divisible by this are refused for good by hosts that judge."""


@dataclass(frozen=True)
class Spot:
    """Is a place where events arrive: one URL, or several of which each event reaches one.

    `durable`: every queue on the way is on disk. `ordered`: nothing on the way gives order up.
    `gives_up`: a retry on the way may bury an event. `sheds`: a queue on the way may drop one.
    `nodes` are the names on the way. Of writes that began before `since`, or ended after `until`,
    nothing has to arrive, but it may; where it is not `strict`, so may what it does not want.
    """

    urls: tuple[str, ...]
    tests: tuple[Test, ...]
    nodes: tuple[str, ...]
    durable: bool
    ordered: bool
    gives_up: bool
    sheds: bool
    judged: bool
    since: float = -math.inf
    until: float = math.inf
    strict: bool = True

    def wants(self, n: int) -> bool:
        """Whether the event of that number has to arrive here."""
        return all(test(n) for test in self.tests)

    def refuses(self, n: int) -> bool:
        """Whether the endpoint refuses that event for good."""
        return self.judged and n % BAD == 0


@dataclass
class Plan:
    """Is a document and its spots. `hosts` are origins; `judging` those that refuse bad numbers."""

    document: dict[str, Any]
    hosts: list[str]
    judging: set[str]
    spots: list[Spot] = field(default_factory=list)

    @property
    def on_disk(self) -> bool:
        """Whether any queue is on disk."""
        return any(node.get("store") == "disk" for node in self.document["sinks"].values())

    @property
    def queues(self) -> dict[str, dict[str, Any]]:
        """The queues by name."""
        return {k: v for k, v in self.document["sinks"].items() if v["kind"] == "queue"}


@dataclass(frozen=True)
class _Way:
    """Is what lies above a node that is about to be drawn."""

    tests: tuple[Test, ...] = ()
    nodes: tuple[str, ...] = ()
    durable: bool = True
    ordered: bool = True
    gives_up: bool = False
    sheds: bool = False
    queued: bool = False

    def through(self, name: str, *tests: Test, **changes: Any) -> _Way:
        known = {**self.__dict__, **changes}
        return _Way(**{**known, "tests": (*self.tests, *tests), "nodes": (*self.nodes, name)})


def draw_plan(chance: random.Random, *, stores: Stores = "memory", most: int = 30) -> Plan:
    """Draw a document of 5 to about `most` nodes, and the few that complete it."""
    hosts = [f"http://host-{k}.test" for k in range(chance.randint(1, 4))]
    judging = {host for host in hosts if chance.random() < 0.25}
    plan = Plan({"sinkgraph": 1, "name": "drawn"}, hosts, judging)
    drawing = _Drawing(plan, chance, stores, chance.randint(5, most))
    root = drawing.above(_Way(), 0)
    plan.document["sources"] = {"in": {"kind": "inlet", "to": root}}
    plan.document["sinks"] = drawing.sinks
    return plan


class _Drawing:
    """Draws nodes, targets first, until the budget is spent."""

    def __init__(self, plan: Plan, chance: random.Random, stores: Stores, budget: int) -> None:
        self.plan = plan
        self.chance = chance
        self.stores = stores
        self.budget = budget
        self.sinks: dict[str, dict[str, Any]] = {}
        self._count = 0

    def name(self, kind: str) -> str:
        self._count += 1
        self.budget -= 1
        return f"{kind}-{self._count}"

    def residue(self) -> tuple[str, Test]:
        """Draw an expression over `n`, and the same as a function."""
        k = self.chance.randint(2, 4)
        r = self.chance.randrange(k)
        return f"data.n % {k} == {r}", lambda n: n % k == r

    def below(self, way: _Way, depth: int) -> str:
        """Draw what stands below a fan-out or a choice."""
        if way.queued:
            return self.beneath(way, depth)
        return self.above(way, depth)

    def above(self, way: _Way, depth: int) -> str:
        """Draw a node that no queue stands above."""
        if self.budget < 5 or depth > 4:
            return self.queue(way, depth)
        kinds = ["broadcast"] * 5 + ["filter", "route", "transform", "queue"]
        match self.chance.choice(kinds if depth else ["broadcast", "broadcast", "filter"]):
            case "broadcast":
                return self.broadcast(way, depth)
            case "filter":
                return self.filter(way, depth)
            case "route":
                return self.route(way, depth)
            case "transform":
                return self.transform(way, depth)
            case _:
                return self.queue(way, depth)

    def beneath(self, way: _Way, depth: int) -> str:
        """Draw a node below a queue."""
        if self.budget < 4 or depth > 6:
            return self.retry(way)
        kinds = ["retry"] * 6 + ["filter", "transform", "batch", "rate_limit", "dedupe", "queue"]
        if depth < 4:
            kinds += ["broadcast"]
        match self.chance.choice(kinds):
            case "filter":
                return self.filter(way, depth)
            case "transform":
                return self.transform(way, depth)
            case "broadcast":
                return self.broadcast(way, depth, self.queue)
            case "queue":
                return self.queue(way, depth)
            case "retry":
                return self.retry(way)
            case kind:
                return self.single(kind, way, depth)

    # one kind each

    def broadcast(
        self, way: _Way, depth: int, make: Callable[[_Way, int], str] | None = None
    ) -> str:
        name = self.name("broadcast")
        wide = 2 + (self.chance.random() < 0.4) + 3 * (self.chance.random() < 0.15)
        make = make or self.below
        to: list[Any] = []
        for k in range(wide):
            optional = k > 0 and not way.queued and self.chance.random() < 0.1
            target = make(way.through(name, sheds=way.sheds or optional), depth + 1)
            to.append({"node": target, "required": False} if optional else target)
        self.sinks[name] = {"kind": "broadcast", "to": to}
        return name

    def filter(self, way: _Way, depth: int) -> str:
        name = self.name("filter")
        text, test = self.residue()
        sink: dict[str, Any] = {"kind": "filter", "where": text}
        sink["to"] = self.below(way.through(name, test), depth + 1)
        if self.budget > 4 and self.chance.random() < 0.4:
            sink["otherwise"] = self.below(way.through(name, lambda n: not test(n)), depth + 1)
        self.sinks[name] = sink
        return name

    def route(self, way: _Way, depth: int) -> str:
        name = self.name("route")
        first, one = self.residue()
        second, two = self.residue()
        self.sinks[name] = {
            "kind": "route",
            "routes": [
                {"when": first, "to": self.below(way.through(name, one), depth + 1)},
                {
                    "when": second,
                    "to": self.below(way.through(name, two, lambda n: not one(n)), depth + 1),
                },
            ],
        }
        if self.chance.random() < 0.5:
            rest = way.through(name, lambda n: not one(n) and not two(n))
            self.sinks[name]["default"] = self.below(rest, depth + 1)
        return name

    def transform(self, way: _Way, depth: int) -> str:
        name = self.name("transform")
        to = self.below(way.through(name), depth + 1)
        self.sinks[name] = {"kind": "transform", "set": {"seen": name}, "to": to}
        return name

    def single(self, kind: str, way: _Way, depth: int) -> str:
        name = self.name(kind)
        options: dict[str, dict[str, Any]] = {
            "batch": {"max_events": self.chance.randint(1, 20), "max_wait": "200ms"},
            "rate_limit": {"rate": "200/s", "burst": self.chance.randint(1, 50)},
            "dedupe": {"window": "1h"},
        }
        keeps = kind != "batch"  # a batch may be sent as requests side by side
        to = self.below(way.through(name, ordered=way.ordered and keeps), depth + 1)
        self.sinks[name] = {"kind": kind, **options[kind], "to": to}
        return name

    def queue(self, way: _Way, depth: int) -> str:
        name = self.name("queue")
        chance = self.chance
        store = self.stores
        if store == "mixed":
            store = chance.choice(["memory", "disk", "disk"])
        concurrency = chance.choice([1, 1, 1, 2, 4])
        sink: dict[str, Any] = {"kind": "queue", "store": store, "concurrency": concurrency}
        sink["capacity"] = chance.choice([20, 50, 200, 1000])
        if chance.random() < 0.2:
            sink["max_batch"] = chance.choice([1, 5, 50])
        if chance.random() < 0.1:
            sink["linger"] = "20ms"
        if chance.random() < 0.1:
            sink["max_bytes"] = chance.choice(["300B", "1000B"])
        sheds = False
        if chance.random() < 0.25:
            sink["capacity"] = chance.choice([1, 3, 10, 30])
            policies = ["block", "drop_oldest", "drop_newest"]
            if not way.queued:  # a lane that is refused waits for up to 30 s
                policies += ["reject"]
            sink["when_full"] = chance.choice(policies)
            sheds = sink["when_full"].startswith("drop")
        way = way.through(
            name,
            queued=True,
            durable=way.durable and store == "disk",
            sheds=way.sheds or sheds,
            ordered=way.ordered and concurrency == 1,
        )
        sink["to"] = self.beneath(way, depth + 1)
        self.sinks[name] = sink
        return name

    def retry(self, way: _Way) -> str:
        name = self.name("retry")
        chance = self.chance
        cap = chance.choice([1.0, 2.0, MAX_WAIT_S])
        base = chance.choice([0.05, 0.2, 1.0])
        jitter = chance.choice(["full", "equal", "decorrelated", "none"])
        backoff = {"base": f"{base}s", "cap": f"{cap}s", "jitter": jitter}
        sink: dict[str, Any] = {"kind": "retry", "backoff": backoff}
        if chance.random() < 0.5:
            sink["breaker"] = self.breaker()
        if gives_up := chance.random() < 0.2:
            sink |= {"max_attempts": chance.randint(1, 4), "give_up_after": "2s"}
        hold = chance.choice(["lane", "lane", "event"])
        sink["hold"] = hold
        way = way.through(
            name,
            gives_up=way.gives_up or gives_up,
            ordered=way.ordered and hold == "lane" and not gives_up,
        )
        sink["to"] = self.end(way)
        self.sinks[name] = sink
        return name

    def breaker(self) -> dict[str, Any]:
        chance = self.chance
        return {
            "failure_threshold": chance.randint(1, 5),
            "open_for": chance.choice(["500ms", "1s", "2s"]),
            "open_for_max": f"{MAX_WAIT_S:g}s",
        }

    def end(self, way: _Way) -> str:
        """Draw what stands below a retry: one http sink, or several of which one is reached."""
        match self.chance.choice(["http"] * 6 + ["timeout", "fallback", "balance"]):
            case "timeout":
                name = self.name("timeout")
                way = way.through(name)
                self.sinks[name] = {"kind": "timeout", "after": "3s", "to": self.http(way)}
            case "fallback" | "balance" as kind:
                name = self.name(kind)
                way = way.through(name, ordered=False)
                pair = [self.place() for _ in range(2)]
                self.spot(way, [url for _, url in pair])
                self.sinks[name] = {"kind": kind, "to": [one for one, _ in pair]}
            case _:
                name = self.http(way)
        return name

    def http(self, way: _Way) -> str:
        name, url = self.place()
        self.spot(way.through(name), [url])
        return name

    def place(self) -> tuple[str, str]:
        name = self.name("http")
        chance = self.chance
        url = f"{chance.choice(self.plan.hosts)}/{name}"
        sink: dict[str, Any] = {"kind": "http", "url": url, "timeout": chance.choice(["1s", "2s"])}
        if chance.random() < 0.4:
            sink |= {"format": "ndjson", "max_batch": chance.choice([2, 20, 100])}
        self.sinks[name] = sink
        return name, url

    def spot(self, way: _Way, urls: list[str]) -> None:
        judged = any(url.startswith(tuple(self.plan.judging)) for url in urls)
        self.plan.spots.append(
            Spot(
                urls=tuple(urls),
                tests=way.tests,
                nodes=way.nodes,
                durable=way.durable,
                ordered=way.ordered,
                gives_up=way.gives_up,
                sheds=way.sheds,
                judged=judged,
            )
        )
