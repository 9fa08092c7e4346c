"""Random trees of sinks, as plain values that Hypothesis can shrink, and the sinks made of them.

Whether an event passes a node depends on its number alone, so that a test can say, for every
terminal, which events have to arrive there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from sinkgraph.errors import (
    DeliveryFailed,
    Overloaded,
    Owed,
    PartialWrite,
    Rejected,
    SinkClosed,
)
from sinkgraph.event import Batch, Event
from sinkgraph.sinks.backoff import ConstantBackoff
from sinkgraph.sinks.base import Node, Sink, Terminal
from sinkgraph.sinks.breaker_policy import Breaker
from sinkgraph.sinks.breaker_sink import BreakerSink
from sinkgraph.sinks.broadcast import Broadcast, Target
from sinkgraph.sinks.filter import Filter
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.retry import Retry
from sinkgraph.sinks.route import Route
from sinkgraph.sinks.sample import Sample
from sinkgraph.sinks.timeout import Timeout
from sinkgraph.sinks.transform import Transform
from sinkgraph.telemetry.stats import Ledger

__all__ = ["Forest", "Path", "Spec", "Spot", "narrow_trees", "queue_trees", "trees"]


@dataclass(frozen=True)
class Spec:
    """Is one node of a tree that is not built yet."""

    kind: str
    below: tuple[Spec, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        shown = ", ".join(f"{key}={value!r}" for key, value in self.options.items() if value)
        inside = ", ".join(map(repr, self.below))
        return f"{self.kind}({', '.join(one for one in (inside, shown) if one)})"


# terminals that follow a script


class Spot(Terminal):
    """Is a terminal that does what its script says, then accepts; it knows what it accepted.

    A step is a number of seconds, `fail`, `full`, `partly` (the odd events are owed), `closed`
    (from then on) or `ok`.
    Events whose number is divisible by `rejects` are refused for good.
    """

    kind = "spot"

    def __init__(
        self, script: Sequence[Any], *, instant: bool, rejects: int, max_batch: int | None
    ) -> None:
        super().__init__()
        self.script = list(script)
        self.at_once = instant
        self.rejects = rejects
        self.max_batch = max_batch
        self.events: list[Event] = []
        self.gone = False

    @property
    def got(self) -> list[int]:
        """The numbers of what it accepted, in order."""
        return numbers(self.events)

    @property
    def instant(self) -> bool:
        """Whether it may take a batch at once."""
        return self.at_once

    def offer(self, batch: Batch) -> bool:
        """Take a batch at once, unless its script says something else."""
        if not self.at_once or self.closed or self.gone:
            return False
        if self.script and self.script[0] != "ok":
            return False
        del self.script[:1]
        if self._bad(batch):
            return False
        self.ledger.entered += len(batch)
        self.ledger.delivered += len(batch)
        self.events += batch
        return True

    def _bad(self, batch: Sequence[Event]) -> bool:
        return self.rejects > 0 and any(n % self.rejects == 0 for n in numbers(batch))

    async def deliver(self, batch: Batch) -> None:
        """Do the next step."""
        step = self.script.pop(0) if self.script else "ok"
        self.gone = self.gone or step == "closed"
        if self.gone:
            raise SinkClosed("scripted")
        if isinstance(step, float):
            await asyncio.sleep(step)
        elif step == "fail":
            raise DeliveryFailed("scripted")
        elif step == "full":
            raise Overloaded("scripted", retry_after_s=1.0)
        if self._bad(batch):
            raise Rejected("a bad number")
        if step == "partly":
            odd = [k for k, n in enumerate(numbers(batch)) if n % 2]
            self.events += [event for event in batch if event.data["n"] % 2 == 0]
            if odd:
                raise PartialWrite([Owed(self.write, batch.pick(odd), DeliveryFailed("odd"))])
            return
        self.events += batch


class Stranger:
    """Is a sink of a third party in front of a spot: it knows only `write` and `close`."""

    def __init__(self, spot: Spot) -> None:
        self.spot = spot
        self.max_batch = spot.max_batch

    async def write(self, events: Sequence[Event]) -> None:
        """Hand on."""
        await self.spot.write(events)

    async def close(self) -> None:
        """Close the spot."""
        await self.spot.close()


def numbers(events: Sequence[Event]) -> list[int]:
    """Return the numbers of events."""
    return [event.data["n"] for event in events]


# what becomes of an event on the way to a terminal


@dataclass(frozen=True)
class Step:
    """Is one node on a path; `fate(n)` is `pass`, `filtered`, `dropped`, `dead` or `maybe`."""

    node: Node
    fate: Callable[[int], str]
    held: _Holder | None = None  # of the fan-out's target, where it is a fan-out


@dataclass
class Path:
    """Is the way to one terminal."""

    steps: tuple[Step, ...]
    spot: Spot
    since: int = 0  # when it was added and removed, on the world's count
    until: int | None = None

    def fate(self, n: int) -> str:
        """Return the first fate other than `pass`, or `pass`."""
        for step in self.steps:
            fate = step.fate(n)
            if fate != "pass":
                return fate
        return "pass"

    def drops(self) -> int:
        """Return how many events nodes on this path lost by policy, and said so."""
        lost = 0
        for step in self.steps:
            ledger = step.held.ledger if step.held is not None else step.node.ledger
            lost += sum(n for why, n in ledger.dropped.items() if why != "expression_error")
        return lost

    def runs_through(self, target: Target) -> bool:
        """Whether a fan-out's target is on this path."""
        return any(step.held is not None and step.held.target is target for step in self.steps)

    @property
    def waits_above_a_fan(self) -> bool:
        """Whether an event may wait above a fan-out on this path."""
        fans = [k for k, step in enumerate(self.steps) if step.held is not None]
        above = self.steps[: fans[-1]] if fans else ()
        return any(isinstance(step.node, Queue | Retry) for step in above)

    @property
    def has_a_queue(self) -> bool:
        """Whether a queue takes responsibility for what comes this way."""
        return any(isinstance(s.node, Queue) and s.node.overflow is None for s in self.steps)

    @property
    def cut(self) -> bool:
        """Whether a fan-out on this path let its target go."""
        return any(
            step.held is not None
            and isinstance(step.node, Broadcast)
            and step.held.target not in step.node.targets
            for step in self.steps
        )

    @property
    def nodes(self) -> list[Node]:
        """The nodes on this path, upstream first."""
        return [step.node for step in self.steps]

    @property
    def names(self) -> set[str]:
        """The names of the nodes on this path."""
        return {step.node.name for step in self.steps}

    @property
    def may_repeat(self) -> bool:
        """Whether an attempt can be cut short here, and its outcome so be unknown."""
        return any(isinstance(step.node, Timeout) for step in self.steps)

    def keeps_order(self) -> bool:
        """Whether events have to arrive here in the order they were written."""
        if "partly" in self.spot.script or self.may_repeat:
            return False
        for step in self.steps:
            node = step.node
            if isinstance(node, Queue) and node.lanes.concurrency > 1:
                return False
            if isinstance(node, Retry) and node.hold != "lane":
                return False
            if isinstance(node, Queue) and node.overflow is not None:
                return False
        return True


def _passes(_n: int) -> str:
    return "pass"


def _either(_n: int) -> str:
    return "maybe"


# building


class Forest:
    """Builds sinks of specs and keeps the way to every terminal."""

    def __init__(self, graveyard: Sequence[Any] = ()) -> None:
        self.paths: list[Path] = []
        self.queues: list[Queue] = []
        self.fans: list[Broadcast] = []
        self.graveyard = Spot(graveyard, instant=False, rejects=0, max_batch=None)
        self.graveyard.name = "graveyard"

    def build(self, spec: Spec, path: tuple[Step, ...] = ()) -> Sink:
        """Return the sink of a spec."""
        return getattr(self, f"_{spec.kind}")(spec, path)  # type: ignore[no-any-return]

    def _extend(
        self, spec: Spec, path: tuple[Step, ...], node: Node, fate: Callable[[int], str] = _passes
    ) -> Sink:
        return self.build(spec, (*path, Step(node, fate)))

    def _dead(self, spec: Spec) -> Sink | None:
        return self.graveyard if spec.options.get("buries") else None

    def _spot(self, spec: Spec, path: tuple[Step, ...]) -> Sink:
        options = dict(spec.options)
        foreign = options.pop("foreign", False)
        spot = Spot(**options)
        self.paths.append(Path(path, spot))
        return Stranger(spot) if foreign else spot

    def _queue(self, spec: Spec, path: tuple[Step, ...]) -> Sink:
        options = {k: v for k, v in spec.options.items() if k != "buries"}
        if options.pop("ordered", False):
            options["order_by"] = lambda event: event.data["k"]
        node = Queue.__new__(Queue)
        fate = _either if len(spec.below) > 1 else _passes
        to = self._extend(spec.below[0], path, node, fate)
        over = self._extend(spec.below[1], path, node, fate) if len(spec.below) > 1 else None
        node.__init__(to, overflow=over, dead_letter=self._dead(spec), **options)  # type: ignore[misc]
        self.queues.append(node)
        return node

    def _retry(self, spec: Spec, path: tuple[Step, ...]) -> Sink:
        options = {k: v for k, v in spec.options.items() if k not in ("buries", "threshold")}
        threshold = spec.options.get("threshold")
        if threshold:
            options["breaker"] = Breaker(failure_threshold=threshold, open_for=2.0)
        options["backoff"] = ConstantBackoff(options.pop("wait"))
        node = Retry.__new__(Retry)
        to = self._extend(spec.below[0], path, node)
        node.__init__(to, dead_letter=self._dead(spec), **options)  # type: ignore[misc]
        return node

    def _broadcast(self, spec: Spec, path: tuple[Step, ...]) -> Sink:
        node = Broadcast.__new__(Broadcast)
        required = spec.options["required"]
        held: list[_Holder] = [_Holder() for _ in spec.below]
        targets = [
            (self.build(one, (*path, Step(node, _passes, holder))), need)
            for one, holder, need in zip(spec.below, held, required, strict=False)
        ]
        node.__init__(targets, drop_closed=spec.options["drop"])  # type: ignore[misc]
        for holder, target in zip(held, node.targets, strict=False):
            holder.target = target
        self.fans.append(node)
        return node

    def _filter(self, spec: Spec, path: tuple[Step, ...]) -> Sink:
        by, on_error = spec.options["by"], spec.options["on_error"]
        node = Filter.__new__(Filter)

        def to_fate(n: int) -> str:
            return _error_fate(on_error) if _breaks(n) else "pass" if n % by else "filtered"

        def other_fate(n: int) -> str:
            if _breaks(n):
                return "filtered" if on_error == "pass" else _error_fate(on_error)
            return "filtered" if n % by else "pass"

        to = self._extend(spec.below[0], path, node, to_fate)
        other = None
        if len(spec.below) > 1:
            other = self._extend(spec.below[1], path, node, other_fate)
        node.__init__(  # type: ignore[misc]
            to, _judge(by), otherwise=other, on_error=on_error, dead_letter=self._dead(spec)
        )
        return node

    def _route(self, spec: Spec, path: tuple[Step, ...]) -> Sink:
        node = Route.__new__(Route)
        last = len(spec.below) - 1

        def fate(k: int) -> Callable[[int], str]:
            def of(n: int) -> str:
                if _breaks(n):  # the first condition fails on these
                    return "dead"
                claimed = next((i for i in range(last) if n % (i + 2) == 0), last)
                return "pass" if claimed == k else "filtered"

            return of

        sinks = [self._extend(one, path, node, fate(k)) for k, one in enumerate(spec.below)]
        routes = [(_divisible(k + 2), sink) for k, sink in enumerate(sinks[:-1])]
        node.__init__(routes, default=sinks[-1], dead_letter=self._dead(spec))  # type: ignore[misc]
        return node

    def _sample(self, spec: Spec, path: tuple[Step, ...]) -> Sink:
        node = Sample.__new__(Sample)
        to = self._extend(spec.below[0], path, node, _either)
        node.__init__(to, every=spec.options["every"])  # type: ignore[misc]
        return node

    def _transform(self, spec: Spec, path: tuple[Step, ...]) -> Sink:
        node = Transform.__new__(Transform)

        def fate(n: int) -> str:
            return "dead" if _breaks(n) else "pass" if n % 5 != 3 else "filtered"

        to = self._extend(spec.below[0], path, node, fate)
        node.__init__(to, python=_change, dead_letter=self._dead(spec))  # type: ignore[misc]
        return node

    def _timeout(self, spec: Spec, path: tuple[Step, ...]) -> Sink:
        node = Timeout.__new__(Timeout)
        to = self._extend(spec.below[0], path, node)
        node.__init__(to, after=2.0)  # type: ignore[misc]
        return node

    def _breaker(self, spec: Spec, path: tuple[Step, ...]) -> Sink:
        node = BreakerSink.__new__(BreakerSink)
        to = self._extend(spec.below[0], path, node)
        node.__init__(to, Breaker(failure_threshold=2, open_for=1.5))  # type: ignore[misc]
        return node


class _Holder:
    """Stands for a fan-out's target until the fan-out exists."""

    target: Target | None = None

    @property
    def ledger(self) -> Ledger:
        """The target's account."""
        assert self.target is not None
        return self.target.ledger


def _breaks(n: int) -> bool:
    return n % 13 == 12


def _error_fate(on_error: str) -> str:
    return {"dead_letter": "dead", "drop": "dropped", "pass": "pass"}[on_error]


def _judge(by: int) -> Callable[[Event], bool]:
    def judge(event: Event) -> bool:
        n: int = event.data["n"]
        if _breaks(n):
            raise KeyError("no such field")
        return bool(n % by)

    return judge


def _divisible(by: int) -> Callable[[Event], bool]:
    def judge(event: Event) -> bool:
        n: int = event.data["n"]
        if _breaks(n):
            raise KeyError("no such field")
        return n % by == 0

    return judge


def _change(event: Event) -> dict[str, Any] | None:
    n: int = event.data["n"]
    if _breaks(n):
        raise ValueError("cannot be changed")
    return None if n % 5 == 3 else {**event.data, "changed": True}


# strategies

_steps = st.one_of(st.sampled_from(["ok", "fail", "full", "partly"]), st.sampled_from([0.5, 3.0]))


@st.composite
def spots(draw: st.DrawFn, *, may_reject: bool = True) -> Spec:
    """Draw a terminal."""
    options: dict[str, Any] = {
        "script": draw(st.lists(_steps, max_size=6)),
        "instant": draw(st.booleans()),
        "rejects": draw(st.sampled_from([0, 4])) if may_reject else 0,
        "max_batch": draw(st.sampled_from([None, None, 2])),
        "foreign": draw(st.booleans()),
    }
    return Spec("spot", (), options)


@st.composite
def queues(draw: st.DrawFn, below: st.SearchStrategy[Spec], *, overflow: bool = True) -> Spec:
    """Draw a queue over something."""
    policies = ["block", "reject", "drop_oldest", "drop_newest"] + ["overflow"] * overflow
    policy = draw(st.sampled_from(policies))
    options: dict[str, Any] = {
        "capacity": draw(st.integers(1, 8)),
        "when_full": policy,
        "concurrency": draw(st.sampled_from([1, 1, 2])),
        "ordered": draw(st.booleans()),
        "max_batch": draw(st.sampled_from([1000, 1000, 2])),
        "linger": draw(st.sampled_from([0.0, 0.0, 1.0])),
        "max_wait": draw(st.sampled_from([None, None, 4.0])),
        "max_bytes": draw(st.sampled_from([None, None, 60])),
        "buries": draw(st.booleans()),
    }
    parts = [draw(below)]
    if policy == "overflow":
        parts.append(draw(below))
    return Spec("queue", tuple(parts), options)


@st.composite
def retries(draw: st.DrawFn, below: st.SearchStrategy[Spec]) -> Spec:
    """Draw a retry over something."""
    options: dict[str, Any] = {
        "wait": draw(st.sampled_from([0.1, 1.0])),
        "threshold": draw(st.sampled_from([0, 0, 2])),
        "max_attempts": draw(st.sampled_from([20, 20, 2])),
        "give_up_after": draw(st.sampled_from([3600.0, 0.0])),
        "hold": draw(st.sampled_from(["lane", "key", "event"])),
        "buries": draw(st.booleans()),
    }
    return Spec("retry", (draw(below),), options)


@st.composite
def broadcasts(draw: st.DrawFn, below: st.SearchStrategy[Spec]) -> Spec:
    """Draw a broadcast of up to three."""
    parts = draw(st.lists(below, min_size=1, max_size=3))
    required = [draw(st.sampled_from([True, True, False])) for _ in parts]
    options = {"required": required, "drop": draw(st.booleans())}
    return Spec("broadcast", tuple(parts), options)


@st.composite
def choices(draw: st.DrawFn, below: st.SearchStrategy[Spec]) -> Spec:
    """Draw a node that chooses or changes."""
    kind = draw(st.sampled_from(["filter", "route", "sample", "transform"]))
    buries = {"buries": draw(st.booleans())}
    if kind == "filter":
        options = {
            "by": draw(st.sampled_from([2, 3])),
            "on_error": draw(st.sampled_from(["dead_letter", "drop", "pass"])),
            **buries,
        }
        return Spec("filter", tuple(draw(st.lists(below, min_size=1, max_size=2))), options)
    if kind == "route":
        return Spec("route", tuple(draw(st.lists(below, min_size=2, max_size=3))), buries)
    if kind == "sample":
        return Spec("sample", (draw(below),), {"every": draw(st.sampled_from([1, 2, 3]))})
    return Spec("transform", (draw(below),), buries)


@st.composite
def passages(draw: st.DrawFn, below: st.SearchStrategy[Spec]) -> Spec:
    """Draw a node that stands between two others."""
    return Spec(draw(st.sampled_from(["timeout", "breaker"])), (draw(below),))


@st.composite
def trees(draw: st.DrawFn, depth: int = 4) -> Spec:
    """Draw a whole tree: something that chooses or fans out on top, up to a dozen nodes."""
    below = trees(depth - 1) if depth > 1 else spots()
    kinds = [spots(), queues(below), broadcasts(below), retries(below), choices(below)]
    fan = broadcasts(spots())
    usual = [queues(retries(spots())), queues(fan), queues(retries(fan))]
    drawn: Spec = draw(st.one_of(*kinds, passages(below), *usual))
    return drawn


@st.composite
def narrow_trees(draw: st.DrawFn) -> Spec:
    """Draw a fan-out over small queues that make their writers wait."""

    @st.composite
    def ends(draw: st.DrawFn) -> Spec:
        script = draw(st.lists(st.sampled_from([0.5, 3.0, "fail"]), min_size=2, max_size=8))
        spot = {"script": script, "instant": False, "rejects": 0, "max_batch": 1}
        capacity = {"capacity": draw(st.integers(1, 3))}
        queue = Spec("queue", (Spec("spot", (), spot),), capacity)
        by = {"by": draw(st.sampled_from([2, 3])), "on_error": "drop"}
        wrapped = [queue, Spec("filter", (queue,), by), Spec("spot", (), spot)]
        return wrapped[draw(st.sampled_from([0, 0, 1, 2]))]

    parts = tuple(draw(st.lists(ends(), min_size=1, max_size=3)))
    if len(parts) == 1 and draw(st.booleans()):
        return parts[0]
    options = {"required": [True] * len(parts), "drop": draw(st.booleans())}
    return Spec("broadcast", parts, options)


def queue_trees() -> st.SearchStrategy[Spec]:
    """Return a strategy of trees of synchronous nodes whose every end is a queue over a spot."""
    ends = queues(spots(may_reject=False), overflow=False)
    return st.recursive(
        ends, lambda below: st.one_of(broadcasts(below), choices(below)), max_leaves=5
    )
