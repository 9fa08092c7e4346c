"""One run of a random tree on virtual time, held to the conservation law after every step."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from sinkgraph.errors import Overloaded, Owed, PartialWrite, Rejected, SinkClosed
from sinkgraph.event import Event
from sinkgraph.sinks.base import Node
from sinkgraph.sinks.splice import beyond
from tests.reliability.trees import Forest, Path, Spec, Spot, Step, numbers
from tests.support.virtual import start

__all__ = ["Act", "World", "acts", "pressing"]

_PLAIN = {"script": ["fail", 0.5], "instant": False, "rejects": 0, "max_batch": None}


def _maybe(_n: int) -> str:
    return "maybe"


@dataclass(frozen=True)
class Act:
    """Is one thing a test does to a running tree."""

    what: str  # write, sleep, ticks, cancel
    size: int = 1
    timeout: float | None = None
    spawn: bool = False
    ids: str = "auto"
    seconds: float = 0.0


@dataclass
class Letter:
    """Is one write: which numbers, when, and how it ended."""

    numbers: list[int]
    began: int
    ended: int | None = None
    outcome: str = "open"  # taken, refused, cancelled, partial, unknown
    error: BaseException | None = None
    owed: set[int] = field(default_factory=set)
    abandoned: set[int] = field(default_factory=set)


@st.composite
def _writes(draw: st.DrawFn) -> Act:
    return Act(
        "write",
        size=draw(st.integers(1, 6)),
        timeout=draw(st.sampled_from([None, None, 1.0, 6.0])),
        spawn=draw(st.booleans()),
        ids=draw(st.sampled_from(["auto", "auto", "own", "same"])),
    )


_pick = st.integers(0, 7)  # which of those there are


def pressing() -> st.SearchStrategy[list[Act]]:
    """Return a strategy of programs that write faster than sinks take, and rewire meanwhile."""
    change = st.sampled_from(["subscribe", "leave", "remove", "add", "cancel"])
    one = st.one_of(
        st.builds(Act, st.just("write"), size=st.integers(1, 3), spawn=st.just(True)),
        st.builds(Act, st.just("write"), size=st.integers(1, 3), spawn=st.just(True)),
        st.builds(Act, change, size=_pick),
        st.builds(Act, st.just("sleep"), seconds=st.sampled_from([0.6, 3.1])),
        st.builds(Act, st.just("ticks"), size=st.integers(0, 3)),
    )
    return st.lists(one, min_size=4, max_size=14)


def acts() -> st.SearchStrategy[list[Act]]:
    """Return a strategy of programs."""
    one = st.one_of(
        _writes(),
        _writes(),
        st.builds(Act, st.just("sleep"), seconds=st.sampled_from([0.05, 1.0, 7.0])),
        st.builds(Act, st.just("ticks"), size=st.integers(1, 4)),
        st.builds(Act, st.just("cancel")),
        st.builds(Act, st.sampled_from(["add", "remove", "subscribe", "leave"]), size=_pick),
    )
    return st.lists(one, min_size=1, max_size=12)


class World:
    """Runs a program against a tree and judges what came out."""

    def __init__(self, spec: Spec, graveyard: Sequence[Any] = ()) -> None:
        self.forest = Forest(graveyard)
        self.root = self.forest.build(spec)
        self.fifo = [path for path in self.forest.paths if path.keeps_order()]
        self.letters: list[Letter] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.scopes: list[Any] = []
        self._count = 0
        self._clock = 0

    async def play(self, program: Sequence[Act]) -> None:
        """Do every act, then let everything come to rest, checking all the way."""
        async with start(self.root) as live:
            self.live = live
            for act in program:
                await self._do(act)
                self.check()
            for spot in self._spots():
                spot.script.clear()
            if self.tasks:
                await asyncio.wait(self.tasks)
            for scope in self.scopes:
                await scope.__aexit__(None, None, None)
            self.check()
            for task in self.tasks:
                assert task.cancelled() or task.exception() is None, task.exception()
            assert await live.drain(20_000), f"not at rest: {self._pending()}"
            self.check()
            assert live.snapshot().pending == 0, self._pending()
            self.judge()
        report = live.report
        assert report is not None
        assert (report.residue, report.lost) == (0, 0)

    async def abandon(self, program: Sequence[Act], drain_s: float) -> None:
        """Do every act, then stop at once, with everything under way; wait for the writers."""
        async with start(self.root, drain=drain_s) as live:
            self.live = live
            for act in program:
                await self._do(act)
        late = (await asyncio.wait(self.tasks, timeout=5))[1] if self.tasks else ()
        waits_for_queues = all(path.has_a_queue for path in self.forest.paths)
        assert not late or not waits_for_queues, f"{len(late)} writers wait after the stop"
        for task in late:  # they wait for a sink of the test, which nobody else can end
            task.cancel()
            await asyncio.wait([task])
        for scope in self.scopes:
            await scope.__aexit__(None, None, None)

    def judge_stopped(self, left: dict[str, int]) -> None:
        """Nothing came out twice, nothing refused came out, and what did not is counted."""
        for path in self.forest.paths:
            got = Counter(path.spot.got)
            twice = {n: k for n, k in got.items() if k > 1}
            assert not twice or path.may_repeat, f"delivered twice to {path.spot.name}: {twice}"
        if not left:
            self._judge_refused(set())

    def _spots(self) -> list[Spot]:
        return [*(path.spot for path in self.forest.paths), self.forest.graveyard]

    def _pending(self) -> dict[str, int]:
        return {n.name: n.depth for n in self.live.snapshot().nodes.values() if n.depth}

    # acts

    async def _do(self, act: Act) -> None:
        match act.what:
            case "write":
                task = asyncio.create_task(self._write(act))
                self.tasks.append(task)
                if not act.spawn:
                    await asyncio.wait([task])
            case "sleep":
                await asyncio.sleep(act.seconds)
            case "ticks":
                for _ in range(act.size):
                    await asyncio.sleep(0)
            case "add" | "remove" | "subscribe" | "leave":
                await self._rewire(act)
            case "cancel":
                running = [task for task in self.tasks if not task.done()]
                if running:
                    running[len(running) // 2].cancel()
                    await asyncio.sleep(0)

    async def _rewire(self, act: Act) -> None:
        fans = self.forest.fans
        if act.what == "add" and fans:
            fan = fans[act.size % len(fans)]
            spec = Spec("queue", (Spec("spot", (), dict(_PLAIN)),), {"capacity": 4})
            paths = [path for path in self.forest.paths if fan in path.nodes]
            if not paths:
                return
            above = paths[0].steps[: paths[0].nodes.index(fan)]
            sink = self.forest.build(spec, (*above, Step(fan, _maybe)))
            self.forest.paths[-1].since = self._tick()
            await self.live.add(fan, sink)
        elif act.what == "remove" and fans:
            fan = fans[act.size % len(fans)]
            if fan.targets:
                target = fan.targets[act.size % len(fan.targets)]
                for path in self.forest.paths:
                    if path.runs_through(target) and path.until is None:
                        path.until = self._tick()
                await self.live.remove(beyond(target.link.target), broadcast=fan)
        elif act.what == "subscribe":
            names = list(self.live.nodes)
            scope = self.live.subscribe(names[act.size % len(names)])
            await scope.__aenter__()
            self.scopes.append(scope)
        elif act.what == "leave" and self.scopes:
            scope = self.scopes.pop(act.size % len(self.scopes))
            await scope.__aexit__(None, None, None)

    async def _write(self, act: Act) -> None:
        ns = list(range(self._count, self._count + act.size))
        self._count += act.size
        letter = Letter(ns, self._tick())
        self.letters.append(letter)
        values: list[Any] = [{"n": n, "k": n % 3} for n in ns]
        if act.ids != "auto":
            values = [
                Event(id=f"own-{n if act.ids == 'own' else 0}", data=value)
                for n, value in zip(ns, values, strict=True)
            ]
        try:
            if act.size == 1:
                await self.live.write(values[0], timeout=act.timeout)
            else:
                await self.live.write_many(values, timeout=act.timeout)
            letter.outcome = "taken"
        except PartialWrite as error:
            letter.outcome, letter.error = "partial", error
            letter.owed = {n for part in error.owed for n in numbers(part.events)}
            letter.abandoned = set(letter.owed)
            await self._pay(letter, list(error.owed))
        except asyncio.CancelledError:
            letter.outcome = "cancelled"
        except (Exception, BaseExceptionGroup) as error:
            letter.outcome = "unknown" if _cut_short(error) else "refused"
            letter.error = error
        letter.ended = self._tick()

    async def _pay(self, letter: Letter, parts: list[Owed]) -> None:
        """Write what is owed until it is taken; what cannot be is abandoned."""
        letter.abandoned = set()
        try:
            for _ in range(60):
                left: list[Owed] = []
                for part in parts:
                    left += await self._pay_one(letter, part)
                if not left:
                    return
                parts = left
                await asyncio.sleep(1.0)
            raise AssertionError(f"never paid: {parts}")
        except asyncio.CancelledError:
            letter.abandoned |= {n for part in parts for n in numbers(part.events)}

    async def _pay_one(self, letter: Letter, part: Owed) -> list[Owed]:
        if isinstance(part.error, Rejected | SinkClosed):
            if isinstance(part.error, Rejected) and len(part.events) > 1:
                half = len(part.events) // 2
                return [
                    Owed(part.write, piece, Overloaded("halved"))
                    for piece in (part.events[:half], part.events[half:])
                ]
            letter.abandoned |= set(numbers(part.events))
            return []
        if _cut_short(part.error):  # written again, it may arrive twice
            letter.abandoned |= set(numbers(part.events))
            return []
        try:
            await part.write(part.events)
        except PartialWrite as error:
            return list(error.owed)
        except Exception as error:
            return [Owed(part.write, part.events, error)]
        return []

    def _tick(self) -> int:
        self._clock += 1
        return self._clock

    # checks

    def check(self) -> None:
        """Hold every node to the law, and every queue to its bounds."""
        snapshot = self.live.snapshot()
        for name, node in snapshot.nodes.items():
            assert node.ledger.residue == 0, (name, node.ledger)
            assert node.ledger.pending >= 0, (name, node.ledger)
            for target, view in node.facts.get("targets", {}).items():
                assert view.residue == 0, (name, target, view)
                assert view.pending >= 0, (name, target, view)
            if node.kind == "queue":
                assert node.facts["depth"] <= node.facts["capacity"], (name, node.facts)
                assert node.facts["in_flight"] >= 0, (name, node.facts)
                if node.facts["max_bytes"] is not None:
                    assert node.facts["bytes"] >= 0, (name, node.facts)
                    assert node.facts["depth"] or not node.facts["bytes"], (name, node.facts)
        for live_node in self.live.nodes.values():
            assert live_node.ledger.held >= 0, live_node

    def judge(self) -> None:
        """Say of every event and every terminal what became of it."""
        nodes = self.live.nodes
        dead: dict[str, Counter[int]] = {}
        buried = [*_kept(nodes["dead-letters"]), *self.forest.graveyard.events]
        for event in buried:
            dead.setdefault(event.meta["node"], Counter())[event.data["n"]] += 1
        for path in self.forest.paths:
            self._judge_path(path, dead)
        self._judge_dead(dead)
        self._judge_refused({n for counter in dead.values() for n in counter})
        self._judge_order()

    def _judge_path(self, path: Path, dead: dict[str, Counter[int]]) -> None:
        got = Counter(path.spot.got)
        twice = {n: k for n, k in got.items() if k > 1}
        assert not twice or path.may_repeat, f"delivered twice to {path.spot.name}: {twice}"
        lost = 0
        for letter in self.letters:
            for n in letter.numbers:
                fate = path.fate(n)
                arrived = got[n]
                died = sum(dead.get(name, Counter())[n] for name in path.names)
                assert fate in ("pass", "maybe") or not arrived, (n, fate, path.spot.name)
                if fate == "pass" and not arrived and not died:
                    sure = letter.outcome in ("taken", "partial")
                    if path.until is not None and path.waits_above_a_fan:
                        sure = False  # it may not have come as far as the fan-out in time
                    elif path.until is not None:
                        sure = sure and letter.ended is not None and letter.ended < path.until
                    if sure and n not in letter.abandoned and not (path.cut and path.until is None):
                        lost += 1
        assert lost <= path.drops(), f"{lost} lost on the way to {path.spot.name}, {path.drops()}"

    def _judge_dead(self, dead: dict[str, Counter[int]]) -> None:
        """No node buries an event more often than there are branches below it."""
        for name, counter in dead.items():
            paths = [path for path in self.forest.paths if name in path.names]
            if not any(path.may_repeat for path in paths):
                twice = {n: k for n, k in counter.items() if k > len(paths)}
                assert not twice, f"{name} buried too often: {twice}"

    def _judge_refused(self, dead: set[int]) -> None:
        arrived = {n for path in self.forest.paths for n in path.spot.got}
        unsure = any(path.may_repeat for path in self.forest.paths)
        for letter in self.letters:
            if unsure and isinstance(letter.error, SinkClosed):
                continue  # an earlier attempt of it may have been cut short
            if letter.outcome == "refused":
                stored = (arrived | dead) & set(letter.numbers)
                assert not stored, (letter.error, stored)

    def _judge_order(self) -> None:
        """A write that ended before another began is delivered before it, and a batch in order."""
        began: dict[int, int] = {}
        ended: dict[int, int] = {}
        for letter in self.letters:
            if letter.outcome == "taken" and letter.ended is not None:
                for n in letter.numbers:
                    began[n], ended[n] = letter.began, letter.ended
        place = {
            n: (letter.began, k) for letter in self.letters for k, n in enumerate(letter.numbers)
        }
        for path in self.fifo:
            seen = [n for n in path.spot.got if n in began]
            latest = -1
            last: dict[int, int] = {}
            for n in seen:
                assert ended[n] > latest, f"{path.spot.name}: {n} came after a later write: {seen}"
                latest = max(latest, began[n])
                first, k = place[n]
                assert last.get(first, -1) < k, f"{path.spot.name}: a batch out of order: {seen}"
                last[first] = k


def _kept(node: Node) -> list[Event]:
    return list(node.events)  # type: ignore[attr-defined]


def _cut_short(error: BaseException) -> bool:
    """Whether an attempt was ended by a timeout: what it did is not known."""
    return "did not take" in str(error) or "no answer after" in str(error)
