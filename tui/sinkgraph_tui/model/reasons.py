"""WHY a node stands as it does: the cause with its evidence, in sentences.

It explains what `causes` folded; what comes next, and what to do, is in `upcoming`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sinkgraph.api.models import NodeView, SnapshotView
from sinkgraph_tui.model.causes import Trouble
from sinkgraph_tui.model.figures import latency, of, per_s, share, short, signed
from sinkgraph_tui.model.headlines import Hand
from sinkgraph_tui.model.shape import Shape
from sinkgraph_tui.model.signs import Kind, Sign
from sinkgraph_tui.model.text import Line, listed, plural, said
from sinkgraph_tui.model.timeline import Timeline
from sinkgraph_tui.model.totals import rates_of

__all__ = ["trouble_at", "why"]

_NEAR = 0.15


def trouble_at(name: str, troubles: Sequence[Trouble], shape: Shape) -> Trouble | None:
    """Return the trouble a node has, or suffers from: its own first, then that of its lane."""
    for one in troubles:
        if one.cause.node == name:
            return one
    for one in troubles:
        if name in one.nodes:
            return one
    lane = shape.section(name) if shape.is_queue(name) else shape.queues_above(name)
    near = {name, *lane}
    for queue in lane:
        near |= set(shape.section(queue)) if shape.is_queue(queue) else set()
    return next((one for one in troubles if one.cause.node in near), None)


def why(
    name: str,
    snapshot: SnapshotView,
    shape: Shape,
    timeline: Timeline,
    troubles: Sequence[Trouble],
    hands: Mapping[str, Hand] | None = None,
) -> tuple[Line, ...]:
    """Return the sentences that say why a node stands as it does; at least one."""
    node = snapshot.nodes.get(name)
    if node is None:
        return (said(f"{name} is not in the graph that runs."),)
    trouble = trouble_at(name, troubles, shape)
    if trouble is None:
        return (_well(node, shape, timeline, snapshot.at),)
    teller = _Teller(snapshot, shape, timeline, hands or {})
    lines = [teller.cause(trouble.cause)]
    effect = next((one for one in trouble.effects if one.node == name), None)
    queues = [one for one in trouble.effects if one.kind in (Kind.FULL, Kind.FILLING)]
    for sign in dict.fromkeys([*([effect] if effect is not None else []), *queues]):
        lines.append(teller.effect(sign, trouble))
    inflow = teller.inflow(name, trouble)
    return tuple(line for line in (*lines, inflow) if line)


def _well(node: NodeView, shape: Shape, timeline: Timeline, at: float) -> Line:
    came, gone = rates_of(node, shape)
    if not node.ledger.entered and not node.depth:
        return said("All is well; nothing has come yet.")
    p99 = node.latency.recent_p99_s if node.latency is not None else None
    took = f", p99 {latency(p99)}" if p99 is not None else ""
    trend = timeline.trend(node.name, at)
    if node.kind == "queue" and trend.shrinks and node.depth:
        left = trend.reaches_s(node.depth, 0.0)
        until = f", empty in {short(left)}" if left is not None else ""
        return said(f"It drains: {plural(node.depth, 'event')} left, {signed(trend.per_s)}{until}.")
    return said(f"All is well: {per_s(came)} in, {per_s(gone)} out{took}.")


class _Teller:
    """Tells of signs of one snapshot."""

    def __init__(
        self, snapshot: SnapshotView, shape: Shape, timeline: Timeline, hands: Mapping[str, Hand]
    ) -> None:
        self._snapshot, self._shape, self._timeline = snapshot, shape, timeline
        self._hands, self._now = hands, snapshot.at

    def cause(self, sign: Sign) -> Line:
        """Return a sentence on a cause, with its evidence."""
        name, age = sign.node, self._age(sign)
        number = sign.number or 0.0
        host = self._shape.host(name) if name else None
        at = f" from {host}" if host else ""
        reason = f": {sign.reason}" if sign.reason else ""
        last = f", last: {sign.reason}{at}" if sign.reason else ""
        match sign.kind:
            case Kind.OPEN | Kind.PROBING:
                tries = f", {plural(round(number), 'probe')} failed" if number else ""
                if sign.kind is Kind.PROBING:
                    state = f"The breaker of {name} probes"
                    after = f"{age.replace(' for', ' after')} open" if age else ""
                    return said((state, "probing"), f"{after}{tries}{last}.")
                state = f"the breaker of {name} has been open" if age else f"{name} is open"
                return said("Nothing drains: ", (state, "bad"), f"{age}{tries}{last}.")
            case Kind.TRIPPED:
                return said(
                    (f"{name} was tripped", "manual"), self._hand(name), f"{self._ago(sign)}."
                )
            case Kind.PAUSED:
                state = "has been paused" if age else "is paused"
                return said((f"{name} {state}", "manual"), self._hand(name), f"{age}.")
            case Kind.FAILED:
                failed = f"{name} failed{self._ago(sign)}"
                return said((failed, "bad"), f"{reason}. It needs a person.")
            case Kind.DEGRADED:
                state = "has been degraded" if age else "is degraded"
                return said((f"{name} {state}", "warn"), f"{age}{reason}.")
            case Kind.SLOW:
                usual = f", usually {latency(sign.usual)}" if sign.usual is not None else ""
                return said((f"{name} is slow", "warn"), f": p99 {latency(number)}{at}{usual}.")
            case Kind.FAILING:
                return said((f"{share(number)} of the attempts of {name} fail", "warn"), f"{last}.")
            case Kind.DYING:
                letters = plural(round(number), "dead letter")
                return said((f"{letters} of {name} in the last minute", "warn"), f"{last}.")
        return self._by_itself(sign)

    def _by_itself(self, sign: Sign) -> Line:
        """Return a sentence on something for which no cause is known below."""
        name, number = sign.node, sign.number or 0.0
        match sign.kind:
            case Kind.FILLING | Kind.FULL:
                node = self._snapshot.nodes[name]
                rates = f"{per_s(node.in_per_s)} in, {per_s(node.out_per_s)} out"
                state = "is full" if sign.kind is Kind.FULL else f"grows {signed(number)}"
                more = "more comes than goes, " if node.in_per_s > node.out_per_s else ""
                return said((f"{name} {state}", "warn"), f": {more}{rates}.")
            case Kind.BLOCKED:
                return said((f"{name} has been made to wait", "warn"), f"{self._age(sign)}.")
            case Kind.DROPPING:
                return said((f"{name} loses {per_s(number)}", "bad"), f": {sign.reason}.")
            case Kind.LETTERS:
                return said((f"{name} is {share(number)} full", "warn"), " of dead letters.")
            case Kind.STALE:
                return said(("The connection is lost", "bad"), ": what is shown is old.")
            case Kind.LAGGING:
                return said((f"The engine is {latency(number)} late", "warn"), ".")
            case Kind.UNACCOUNTED:
                events = plural(round(abs(number)), "event")
                return said((f"{events} not accounted for", "bad"), ": a bug in sinkgraph.")
            case Kind.DRIFT:
                return said("What runs is not what the file says: ", sign.reason, ".")
            case Kind.DRAINING:
                return said(f"{name or 'The graph'} is leaving: what it holds is delivered.")
        return said(f"{name}: {sign.kind.value}.")

    def effect(self, sign: Sign, trouble: Trouble) -> Line:
        """Return a sentence on what follows from the cause."""
        node = self._snapshot.nodes.get(sign.node)
        match sign.kind:
            case Kind.FULL if node is not None:
                policy = "" if sign.reason == "block" else f" ({sign.reason})"
                held = of(node.depth, node.capacity)
                return said(
                    (f"{sign.node} is full", "bad"), f"{policy}, {held}{self._oldest(node)}."
                )
            case Kind.FILLING if node is not None:
                held = of(node.depth, node.capacity)
                grows = f"{sign.node} grows {signed(sign.number or 0.0)}"
                return said((grows, "warn"), f", {held}{self._oldest(node)}.")
            case Kind.BLOCKED:
                full = [one.node for one in trouble.signs if one.kind is Kind.FULL]
                behind = f" by {listed(full)}" if full else ""
                waits = f"{sign.node} has been made to wait"
                return said((waits, "bad"), f"{behind}{self._age(sign)}.")
        return self.cause(sign)

    def inflow(self, name: str, trouble: Trouble) -> Line:
        """Return whether more comes than usual: whether the cause is above after all."""
        queues = [one.node for one in trouble.signs if one.kind in (Kind.FULL, Kind.FILLING)]
        queue = name if name in queues else (queues or [""])[0]
        node = self._snapshot.nodes.get(queue)
        since = trouble.since
        if node is None or since is None:
            return said()
        usual = self._timeline.usual(queue, "in_per_s", before=since)
        if not usual or any(one.kind is Kind.FULL for one in trouble.signs):
            return said()
        now = node.in_per_s
        word = "normal"
        if abs(now - usual) > _NEAR * usual:
            word = f"{now / usual:.1f}× as much as usual" if now > usual else "less than usual"
        return said(f"Inflow is {word}: {per_s(now)}, usually {per_s(usual)}.")

    @staticmethod
    def _oldest(node: NodeView) -> str:
        return f", the oldest waits {short(node.oldest_s)}" if (node.oldest_s or 0) >= 1 else ""

    def _age(self, sign: Sign) -> str:
        return f" for {short(self._now - sign.since)}" if sign.since is not None else ""

    def _ago(self, sign: Sign) -> str:
        return f" {short(self._now - sign.since)} ago" if sign.since is not None else ""

    def _hand(self, name: str) -> str:
        hand = self._hands.get(name)
        if hand is None:
            return ""
        by = f" by {hand.by}" if hand.by else ""
        return by + (f" ({hand.why})" if hand.why else "")
