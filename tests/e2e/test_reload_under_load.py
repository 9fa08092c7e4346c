"""Real reloads under load: real time, real sockets, a real disk, receivers that fail (P9).

`SINKGRAPH_SOAK=50` makes a thousand reloads of the twenty.
"""

from __future__ import annotations

import asyncio
import copy
import json
import math
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import sinkgraph
from sinkgraph.errors import Overloaded
from sinkgraph.log.disk.chunk import decode
from sinkgraph.runtime.live import Live
from sinkgraph.sinks.burial import DeadLetters
from sinkgraph.telemetry.stats import LedgerView
from tests.reliability.documents import Plan, Spot
from tests.reliability.edits import Edited, draw_edit
from tests.support.http_peer import Seen, reply
from tests.support.scale import factor, rounds, seeded
from tests.support.webhook import Webhook

pytestmark = pytest.mark.timeout(120 * factor())

RATE = 500  # events a second
FAILING = 0.3


def first_plan(hosts: list[str]) -> Plan:
    """Return a graph of three ways: one ordered, one on disk, one by four lanes."""
    sinks: dict[str, Any] = {"fan": {"kind": "broadcast", "to": ["queue-1", "queue-2", "queue-3"]}}
    plan = Plan({"sinkgraph": 1, "name": "loaded"}, hosts, set())
    for k in (1, 2, 3):
        store = "disk" if k == 2 else "memory"
        lanes = 4 if k == 3 else 1
        queue, retry, http = f"queue-{k}", f"retry-{k}", f"http-{k}"
        sinks[queue] = {"kind": "queue", "to": retry, "store": store, "concurrency": lanes}
        sinks[retry] = {"kind": "retry", "to": http, "breaker": {"failure_threshold": 4}}
        url = f"{hosts[k % len(hosts)]}/{http}"
        batches = {"format": "ndjson", "max_batch": 50}
        sinks[http] = {"kind": "http", "url": url, **batches}
        plan.spots.append(
            Spot(
                urls=(url,),
                tests=(),
                nodes=("fan", queue, retry, http),
                durable=store == "disk",
                ordered=lanes == 1,
                gives_up=False,
                sheds=False,
                judged=False,
            )
        )
    plan.document |= {"sources": {"in": {"kind": "inlet", "to": "fan"}}, "sinks": sinks}
    return quick(plan)


def quick(plan: Plan) -> Plan:
    """Let nothing wait long, and no attempt be cut short: its outcome would be unknown."""
    for sink in plan.document["sinks"].values():
        if sink["kind"] == "http":
            sink["timeout"] = "30s"
        if sink["kind"] == "retry":
            sink["backoff"] = {"base": "10ms", "cap": "50ms"}
            for field in ("max_attempts", "give_up_after"):
                sink.pop(field, None)
        if "breaker" in sink:
            sink["breaker"] |= {"open_for": "50ms", "open_for_max": "100ms"}
        if sink["kind"] == "queue" and sink.get("capacity", 1_000) < 200:
            sink["capacity"] = 200
        if sink["kind"] == "queue":
            sink.pop("max_bytes", None)
    return plan


class Writer:
    """Writes numbered events, and remembers when each was accepted."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self.began: dict[int, float] = {}
        self.ended: dict[int, float] = {}
        self.stopped = False

    async def work(self) -> None:
        loop = asyncio.get_running_loop()
        n, since = 0, loop.time()
        while not self.stopped:
            self.began[n] = loop.time()
            try:
                await self._live.write({"n": n}, timeout=30)
                self.ended[n] = loop.time()
            except Overloaded:
                pass
            n += 1
            await asyncio.sleep(max(0.0, since + n / RATE - loop.time()) if n % 10 == 0 else 0)


async def dead_of(live: Live) -> dict[str, Counter[int]]:
    node = live.nodes["dead-letters"]
    assert isinstance(node, DeadLetters)
    dead: dict[str, Counter[int]] = {}
    after = 0
    while letters := await node.letters(after=after):
        after = letters[-1].number
        for letter in letters:
            assert letter.body is not None
            (event,) = decode(letter.body)
            dead.setdefault(letter.node, Counter())[event.data["n"]] += 1
    return dead


class Receivers:
    """Take most requests, and note what came where, in order."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.failing = FAILING
        self.taken: list[tuple[str, int]] = []
        self.answers: list[tuple[float, str, int, list[int]]] = []
        self.asked = 0

    def judge_of(self, hook: Webhook) -> Callable[[Seen], Awaitable[bytes]]:
        async def judge(seen: Seen) -> bytes:
            self.asked += 1
            url = f"http://127.0.0.1:{hook.port}{seen.path}"
            numbers = [json.loads(line)["n"] for line in seen.body.splitlines()]
            status = 503 if self.chance.random() < self.failing else 200
            self.answers.append((asyncio.get_running_loop().time(), url, status, numbers))
            if status == 200:
                self.taken += [(url, n) for n in numbers]
            return reply(status)

        return judge


@dataclass(frozen=True)
class Reloaded:
    """Is one reload that was asked for: when, what it changed, and whether it was carried out."""

    began: float
    ended: float
    what: list[str]
    fates: dict[str, str]
    document: dict[str, Any]
    said: str


@dataclass
class Happened:
    """Is all there is to say of one run when something is wrong with it."""

    plan: Plan
    writer: Writer
    receivers: Receivers
    dead: dict[str, Counter[int]]
    reloads: list[Reloaded] = field(default_factory=list)
    ledgers: dict[str, LedgerView] = field(default_factory=dict)

    def told(self, spot: Spot, n: int) -> str:
        """Return the spot, and what is known of one event: its write, reloads, requests, letters.

        Reloads are those from a second before its write until two after it.
        """
        began, ended = self.writer.began[n], self.writer.ended.get(n, math.inf)
        lines = [f"{n} at {spot}", f"written {began:.3f} to {ended:.3f}"]
        for one in self.reloads:
            if began - 1 < one.ended and one.began < began + 2:
                what = f"{one.what} {one.fates} {one.said}"
                lines.append(f"reload {one.began:.3f} to {one.ended:.3f}: {what}")
                lines.append(f"  {json.dumps(one.document)}")
        for at, url, status, numbers in self.receivers.answers:
            if n in numbers:
                lines.append(f"{at:.3f} {status} {url}, one of {len(numbers)}")
        lines += [f"dead letter of {name}" for name, numbers in self.dead.items() if n in numbers]
        for name, ledger in self.ledgers.items():
            lines.append(f"{name}: {ledger.as_dict()}")
        return "\n".join(lines)


def judge(happened: Happened) -> None:
    plan, writer, receivers = happened.plan, happened.writer, happened.receivers
    dead = happened.dead
    for spot in plan.spots:
        got = [n for url, n in receivers.taken if url in spot.urls]
        twice = {n: k for n, k in Counter(got).items() if k > 1}
        assert not twice, f"{twice} came more than once: {happened.told(spot, min(twice))}"
        if spot.ordered and not spot.sheds:
            late = [n for n, before in pairwise(got[::-1]) if n < before][-1:]
            assert not late, f"{late} was overtaken: {happened.told(spot, late[0])}"
        buried = {n for name in spot.nodes for n in dead.get(name, ())}
        assert spot.gives_up or not buried, f"{buried} were buried on the way to {spot.urls}"
        if spot.sheds:
            continue
        owed = {
            n for n, at in writer.ended.items() if writer.began[n] > spot.since and at < spot.until
        }
        missing = sorted(owed - {*got, *buried})
        assert not missing, f"{missing[:9]} never came: {happened.told(spot, missing[0])}"


def carried_out(edited: Edited, now: float) -> Plan:
    plan = edited.plan
    plan.spots[:] = [
        replace(spot, since=now) if spot.since == edited.at else spot for spot in plan.spots
    ]
    return plan


async def test_real_reloads_under_load_lose_repeat_and_reorder_nothing(tmp_path: Path) -> None:
    chance = seeded("real reloads")
    receivers, loop = Receivers(chance), asyncio.get_running_loop()
    wanted, applied, edits = rounds(20, most=1_000), 0, Counter[str]()
    reloads: list[Reloaded] = []
    async with Webhook() as one, Webhook() as two:
        for hook in (one, two):
            hook.judge = receivers.judge_of(hook)
        plan = first_plan([f"http://127.0.0.1:{hook.port}" for hook in (one, two)])
        async with sinkgraph.run(plan.document, state_dir=tmp_path, drain=60) as live:
            writer = Writer(live)
            writing = asyncio.ensure_future(writer.work())
            while applied < wanted:
                await asyncio.sleep(chance.uniform(0.02, 0.2))
                assert not writing.done(), writing
                edited = draw_edit(plan, chance, at=loop.time(), disk=True, count=applied * 10)
                quick(edited.plan)
                began = loop.time()
                result = await live.reload(edited.plan.document, fates=edited.fates, drain=60)
                document = copy.deepcopy(edited.plan.document)
                said = "" if result else f"refused: {result}"
                reloads.append(
                    Reloaded(began, loop.time(), edited.what, edited.fates, document, said)
                )
                if not result and "it can go back when that is done" in str(result):
                    continue
                assert result, (edited.what, result)
                plan = carried_out(edited, loop.time())
                edits.update(edited.what)
                applied += 1
            writer.stopped = True
            await writing
            receivers.failing = 0.0
            assert await live.drain(60), live.snapshot()
            dead = await dead_of(live)
            assert all(node.ledger.residue == 0 for node in live.snapshot().nodes.values())
    assert live.report is not None
    assert live.report.residue == 0
    nodes = live.report.snapshot.nodes
    removed = {f"{name} (removed)": one for name, one in live.topology.removed.items()}
    ledgers = {**{name: node.ledger for name, node in nodes.items()}, **removed}
    judge(Happened(plan, writer, receivers, dead, reloads, ledgers))
    assert len(edits) >= 10
    assert len(writer.ended) > 20 * wanted
    assert receivers.asked > len(writer.ended) // 50
