"""What is not as it should be: one sign for each abnormal fact of a node, with its weight.

It looks at every node by itself; which sign is the cause of which is decided in `causes`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from sinkgraph.api.models import NodeView, SnapshotView
from sinkgraph_tui.model.shape import Shape
from sinkgraph_tui.model.text import gist
from sinkgraph_tui.model.timeline import Timeline

__all__ = ["Kind", "Sign", "is_full", "room_of", "signs_of"]

SOON_S = 300.0
_WAITS_S = 2.0
_RATE_S, _LETTERS_S = 10.0, 60.0
_STALLED_S, _LAGS_S = 1.0, 0.1
_FILLED = 0.8
_SLOW_FACTOR, _SLOW_LEAST_S = 3.0, 0.1
_FAILING_LEAST, _FAILING_SHARE = 3, 0.1


class Kind(StrEnum):
    """What a sign is about."""

    STALE = "stale"
    UNACCOUNTED = "unaccounted"
    LAGGING = "lagging"
    FAILED = "failed"
    DROPPING = "dropping"
    TRIPPED = "tripped"
    PAUSED = "paused"
    OPEN = "open"
    PROBING = "probing"
    SLOW = "slow"
    FAILING = "failing"
    DEGRADED = "degraded"
    DYING = "dying"
    FULL = "full"
    FILLING = "filling"
    LETTERS = "letters"
    BLOCKED = "blocked"
    DRAINING = "draining"
    DRIFT = "drift"


@dataclass(frozen=True, slots=True)
class Sign:
    """Is one abnormal fact. Times are Unix seconds of the server; `level` is 1 to 6, as P1 to P6.

    `impact_at` is when it gets worse, `ends_at` when it ends or is tried again by itself; `number`
    is a rate, share, count or time, as the kind has it, and `usual` what it is when all is well;
    `counter` is where the server's own count stands by which `number` grows.
    """

    kind: Kind
    node: str
    level: int
    since: float | None = None
    impact_at: float | None = None
    ends_at: float | None = None
    reason: str = ""
    number: float | None = None
    usual: float | None = None
    counter: float | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What it is the same by, from one snapshot to the next."""
        kind = {Kind.PROBING: Kind.OPEN, Kind.FULL: Kind.FILLING}.get(self.kind, self.kind)
        return kind.value, self.node


def signs_of(
    snapshot: SnapshotView, shape: Shape, timeline: Timeline | None = None
) -> tuple[Sign, ...]:
    """Return the signs of a snapshot, in the order of the graph; the timeline tells since when."""
    past = timeline if timeline is not None else _only(snapshot)
    found = list(_graph_signs(snapshot, shape))
    for name in shape.order(snapshot.nodes):
        found += _Look(snapshot, snapshot.nodes[name], shape, past).signs()
    return tuple(found)


def _only(snapshot: SnapshotView) -> Timeline:
    timeline = Timeline()
    timeline.add(snapshot)
    return timeline


def _graph_signs(snapshot: SnapshotView, shape: Shape) -> Iterator[Sign]:
    if snapshot.residue:
        yield Sign(Kind.UNACCOUNTED, "", 1, impact_at=snapshot.at, number=snapshot.residue)
    lag = snapshot.loop_lag_s
    if lag >= _STALLED_S:
        yield Sign(Kind.LAGGING, "", 1, impact_at=snapshot.at, number=lag)
    elif lag >= _LAGS_S:
        yield Sign(Kind.LAGGING, "", 4, number=lag)
    if shape.graph is not None and shape.graph.drift:
        yield Sign(Kind.DRIFT, "", 6, reason=shape.graph.drift)
    if snapshot.status == "draining":
        yield Sign(Kind.DRAINING, "", 6, number=snapshot.pending)


def is_full(node: NodeView) -> bool:
    """Whether there is no room in a node."""
    if node.facts.get("waiting_writers"):
        return True
    events = bool(node.capacity) and node.depth >= (node.capacity or 0)
    held = bool(node.max_bytes) and (node.bytes or 0) >= (node.max_bytes or 0)
    return events or held


def room_of(node: NodeView) -> float | None:
    """Return how full a node is, from 0 to 1, by events or bytes; None if it has no bound."""
    shares = []
    if node.capacity:
        shares.append(node.depth / node.capacity)
    if node.max_bytes and node.bytes is not None:
        shares.append(node.bytes / node.max_bytes)
    return min(1.0, max(shares)) if shares else None


class _Look:
    """Looks at one node of one snapshot."""

    def __init__(
        self, snapshot: SnapshotView, node: NodeView, shape: Shape, past: Timeline
    ) -> None:
        self.node, self.shape, self.past = node, shape, past
        self.at = snapshot.at
        self.name = node.name
        self.reason = gist(node.last_error)

    def signs(self) -> Iterator[Sign]:
        """Yield the signs of the node."""
        node = self.node
        yield from self._held()
        if node.kind == "queue":
            yield from self._queue()
        elif node.kind == "dead_letter":
            yield from self._letters()
        elif self.shape.is_source(self.name) or node.role == "source":
            yield from self._source()
        yield from self._losses()
        yield from self._attempts()
        if node.latency is not None and not node.paused:
            yield from self._latency()

    def _held(self) -> Iterator[Sign]:
        """Yield what holds it back: an operator, its breaker, its own failure."""
        node, breaker = self.node, self.node.breaker
        if node.paused:
            since = self.past.since(self.name, lambda one: one.paused, self.at)
            yield Sign(Kind.PAUSED, self.name, 5, since, ends_at=self._in(node.resumes_in_s))
        state = breaker.state if breaker is not None else "closed"
        if breaker is not None and state in ("open", "half_open", "isolated"):
            since = self.past.broken_since(self.name, self.at)
            ends = breaker.reverts_in_s if state == "isolated" else breaker.retry_in_s
            kind, level = {
                "open": (Kind.OPEN, 3),
                "half_open": (Kind.PROBING, 4),
                "isolated": (Kind.TRIPPED, 5),
            }[state]
            counts = state != "isolated"
            yield Sign(
                kind,
                self.name,
                level,
                since,
                ends_at=self._in(ends),
                reason=self.reason,
                number=self._opens() if counts else None,
                counter=float(breaker.opens) if counts else None,
            )
        elif node.status in ("failed", "degraded"):
            failed = node.status == "failed"
            since = self.past.since(self.name, lambda one: one.status == node.status, self.at)
            yield Sign(
                Kind.FAILED if failed else Kind.DEGRADED, self.name, 1 if failed else 4, since,
                impact_at=self.at if failed else None, reason=self.reason,
            )  # fmt: skip
        elif node.status == "draining":
            yield Sign(Kind.DRAINING, self.name, 6, number=node.depth)

    def _opens(self) -> float:
        """Return how many attempts to close it again have failed since it was closed last."""
        opens = self.node.breaker.opens if self.node.breaker is not None else 0
        tries = 0
        for one in reversed(self.past.snapshots(self.at)):
            then = one.nodes.get(self.name)
            if then is None or then.breaker is None:
                break
            tries = opens - then.breaker.opens
            if then.breaker.state in ("closed", "disabled"):
                return float(max(0, tries - 1))  # the first time it opened, no probe had failed
        return float(max(0, tries))

    def _queue(self) -> Iterator[Sign]:
        node = self.node
        policy = node.facts.get("when_full", "block")
        if is_full(node):
            since = self.past.since(self.name, is_full, self.at)
            level = 4 if policy == "overflow" else 2
            yield Sign(Kind.FULL, self.name, level, since, self.at, reason=str(policy), number=1.0)
            return
        full_s, per_s = self._full_s()
        if full_s is None:
            return
        level = 2 if full_s < SOON_S and policy != "overflow" else 4
        yield Sign(
            Kind.FILLING, self.name, level,
            impact_at=self.at + full_s, reason=str(policy), number=per_s,
        )  # fmt: skip

    def _full_s(self) -> tuple[float | None, float]:
        """Return in how many seconds it is full, by events or bytes, and how fast it grows."""
        node = self.node
        trend = self.past.trend(self.name, self.at)
        room = room_of(node)
        if not trend.grows or not room:
            return None, trend.per_s
        end = node.depth / room  # the bound that is nearer, in events of their size so far
        return trend.reaches_s(node.depth, end), trend.per_s

    def _letters(self) -> Iterator[Sign]:
        filled = room_of(self.node) or 0.0
        if is_full(self.node):
            since = self.past.since(self.name, is_full, self.at)
            yield Sign(Kind.LETTERS, self.name, 1, since, self.at, number=1.0)
            return
        full_s, _ = self._full_s()
        soon = full_s is not None and full_s < SOON_S
        if soon or filled >= _FILLED:
            impact = self.at + full_s if full_s is not None else None
            yield Sign(Kind.LETTERS, self.name, 2 if soon else 4, None, impact, number=filled)

    def _source(self) -> Iterator[Sign]:
        node = self.node
        if not node.paused and node.waiting and (node.oldest_s or 0.0) >= _WAITS_S:
            since = self.at - (node.oldest_s or 0.0)
            yield Sign(Kind.BLOCKED, self.name, 2, since, self.at, number=node.waiting)

    def _losses(self) -> Iterator[Sign]:
        ledger = self.node.ledger
        if ledger.dropped:
            lost, over = self.past.grown(self.name, _dropped, until=self.at, over_s=_RATE_S)
            if lost > 0 and over > 0:
                reasons = ", ".join(sorted(ledger.dropped))
                yield Sign(
                    Kind.DROPPING, self.name, 1,
                    impact_at=self.at, reason=reasons, number=lost / over,
                )  # fmt: skip
        if ledger.dead_lettered and self.node.kind != "dead_letter":
            dead, over = self.past.grown(self.name, _dead, until=self.at, over_s=_LETTERS_S)
            if dead > 0 and over > 0:
                yield Sign(Kind.DYING, self.name, 4, reason=self.reason, number=dead)

    def _attempts(self) -> Iterator[Sign]:
        """Yield attempts that fail while the breaker is closed, far more than is usual."""
        node = self.node
        broken = node.breaker is not None and node.breaker.state != "closed"
        if node.attempts is None or broken or "failures" not in node.facts:
            return
        failed, over = self.past.grown(self.name, _failures, until=self.at, over_s=_RATE_S)
        tried, _ = self.past.grown(self.name, _tried, until=self.at, over_s=_RATE_S)
        if over > 0 and failed >= _FAILING_LEAST and failed >= _FAILING_SHARE * tried:
            yield Sign(
                Kind.FAILING, self.name, 4,
                reason=self.reason, number=min(1.0, failed / max(tried, failed)),
            )  # fmt: skip

    def _latency(self) -> Iterator[Sign]:
        latency = self.node.latency
        now = latency.recent_p99_s if latency is not None else None
        if now is None or now < _SLOW_LEAST_S:
            return
        usual = self.past.usual(self.name, "latency_p99_s", before=self.at - 30.0)
        if usual is not None and now >= _SLOW_FACTOR * usual:
            yield Sign(Kind.SLOW, self.name, 4, number=now, usual=usual)

    def _in(self, seconds: float | None) -> float | None:
        return None if seconds is None else self.at + seconds


def _dropped(node: NodeView) -> float:
    return float(sum(node.ledger.dropped.values()))


def _dead(node: NodeView) -> float:
    return float(node.ledger.dead_lettered)


def _failures(node: NodeView) -> float:
    return float(node.facts.get("failures") or 0)


def _tried(node: NodeView) -> float:
    return float(node.attempts or 0)
