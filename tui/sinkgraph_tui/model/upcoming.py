"""NEXT: what will happen by itself, when, and what can be done now, with the command that does it.

It foresees from declared policies and slopes; it does nothing and promises nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sinkgraph.api.models import NodeView, SnapshotView
from sinkgraph_tui.model.blast import blast_of, told
from sinkgraph_tui.model.causes import Trouble
from sinkgraph_tui.model.commands import command
from sinkgraph_tui.model.figures import short
from sinkgraph_tui.model.reasons import trouble_at
from sinkgraph_tui.model.shape import Shape
from sinkgraph_tui.model.signs import Kind, Sign
from sinkgraph_tui.model.text import Line, Tone, said
from sinkgraph_tui.model.timeline import Timeline

__all__ = ["Step", "next_steps"]


@dataclass(frozen=True, slots=True)
class Step:
    """Is one thing to come at Unix time `at`, or to be done now with `command`."""

    line: Line
    at: float | None = None
    command: str | None = None

    def told(self, now: float) -> Line:
        """Return it in one line: `in 3s hooks probes`, `try now: sinkgraph breaker probe hooks`."""
        if self.command is not None:
            return said(self.line, ": ", (self.command, "strong"))
        if self.at is None:
            return self.line
        if self.at <= now:
            return said(("now ", "strong"), self.line)
        return said((f"in {short(max(0.0, self.at - now))} ", "strong"), self.line)


def next_steps(
    name: str,
    snapshot: SnapshotView,
    shape: Shape,
    timeline: Timeline,
    troubles: Sequence[Trouble],
    *,
    address: str | None = None,
) -> tuple[Step, ...]:
    """Return what comes next for a node, soonest first, then what can be done."""
    trouble = trouble_at(name, troubles, shape)
    if trouble is None:
        return (*_draining(name, snapshot, timeline), *_reached(name, shape, troubles))
    ahead = _Ahead(snapshot, shape, timeline, trouble)
    comes = sorted(ahead.comes(), key=lambda one: math.inf if one.at is None else one.at)
    return (*comes, *ahead.can_be_done(address))


def _draining(name: str, snapshot: SnapshotView, timeline: Timeline) -> Iterator[Step]:
    node = snapshot.nodes.get(name)
    if node is None or node.kind != "queue":
        return
    left = timeline.trend(name, snapshot.at).reaches_s(node.depth, 0.0)
    if left is not None and node.depth:
        yield Step(said(f"{name} is empty"), snapshot.at + left)


def _reached(name: str, shape: Shape, troubles: Sequence[Trouble]) -> Iterator[Step]:
    """Yield what troubles elsewhere will do to a node that is well."""
    for sign in (sign for one in troubles for sign in one.due if sign.kind is Kind.FILLING):
        blast = blast_of(shape, sign.node, full=True)
        if name in blast.hit and blast.harm in ("waits", "refused"):
            tone: Tone = "bad" if sign.level <= 2 else "warn"
            line = said((f"{sign.node} is full", tone), ", then ", told(shape, blast))
            yield Step(line, sign.impact_at)


class _Ahead:
    """Looks ahead from one trouble."""

    def __init__(
        self, snapshot: SnapshotView, shape: Shape, timeline: Timeline, trouble: Trouble
    ) -> None:
        self._snapshot, self._shape, self._timeline = snapshot, shape, timeline
        self._trouble, self._cause, self._at = trouble, trouble.cause, snapshot.at

    def comes(self) -> Iterator[Step]:
        """Yield what will happen by itself."""
        cause, ends = self._cause, self._cause.ends_at
        match cause.kind:
            case Kind.OPEN:
                yield Step(said(f"{cause.node} probes", self._if_it_works()), ends)
            case Kind.PROBING:
                line = said(f"a probe of {cause.node} is under way", self._if_it_works())
                yield Step(line, self._at)
            case Kind.TRIPPED if ends is not None:
                line = said(f"{cause.node} is reset by itself", self._drains("then"))
                yield Step(line, ends)
            case Kind.PAUSED if ends is not None:
                line = said(f"{cause.node} is resumed by itself", self._drains("then"))
                yield Step(line, ends)
        for sign in self._trouble.due:
            if sign.kind in (Kind.FILLING, Kind.FULL):
                yield self._full(sign)
            elif sign.kind is Kind.LETTERS and sign.impact_at is not None:
                yield Step(
                    said((f"{sign.node} is full", "bad"), ": what dies is held where it is"),
                    sign.impact_at,
                )

    def _full(self, sign: Sign) -> Step:
        blast = blast_of(self._shape, sign.node, full=True)
        tone: Tone = "bad" if sign.level <= 2 else "warn"
        if sign.kind is Kind.FULL:
            line = said((f"{sign.node} is full", tone), ": ", told(self._shape, blast))
            return Step(line, self._at)
        return Step(
            said((f"{sign.node} is full", tone), ", then ", told(self._shape, blast)),
            sign.impact_at,
        )

    def _queue(self) -> NodeView | None:
        """Return the queue that holds what cannot be delivered."""
        cause, shape = self._cause.node, self._shape
        names = (cause,) if shape.is_queue(cause) else shape.queues_above(cause)
        held = [node for one in names if (node := self._snapshot.nodes.get(one)) is not None]
        return max(held, key=lambda one: one.depth, default=None)

    def _if_it_works(self) -> Line:
        """Return what follows when an attempt is successful."""
        return self._drains("if that works,")

    def _drains(self, when: str) -> Line:
        """Return that the backlog drains, and how long that takes."""
        queue = self._queue()
        if queue is None or not queue.depth:
            return said()
        text = f"; {when} {queue.name} drains"
        best = self._best(queue.name)
        spare = best - queue.in_per_s
        if spare > 0 and best > 0:
            text += f" in about {short(queue.depth / spare)}"
        return said((text, "dim"))

    def _best(self, name: str) -> float:
        """Return the most a queue was ever seen to deliver a second."""
        rates = [value for _, value in self._timeline.series(name, "out_per_s", until=self._at)]
        return max(rates, default=0.0)

    def can_be_done(self, address: str | None) -> Iterator[Step]:
        """Yield what an operator can do, the mildest first."""
        cause = self._cause
        node = cause.node
        match cause.kind:
            case Kind.OPEN:
                yield self._do("probe", node, "try now", address)
            case Kind.TRIPPED:
                yield self._do("reset", node, "let events through again", address)
            case Kind.PAUSED:
                yield self._do("resume", node, "let it go on", address)
            case Kind.FAILING | Kind.SLOW | Kind.DEGRADED | Kind.FAILED | Kind.PROBING:
                yield self._do("tap", node, "look at what passes", address)
            case Kind.FILLING | Kind.FULL | Kind.BLOCKED:
                yield self._do("tap", node, "look at what comes", address)
            case Kind.DYING | Kind.LETTERS:
                chosen = node if cause.kind is Kind.DYING else None
                text = command("letters", chosen)
                yield Step(said("look at the dead letters"), command=text)
        sources = [one for one in self._fed_by() if self._pausable(one)]
        if cause.kind in (Kind.FILLING, Kind.OPEN) and self._trouble.level <= 2 and sources:
            yield self._do("pause", sources[0], "take nothing more in", address, lasting="5m")

    def _fed_by(self) -> tuple[str, ...]:
        queue = self._queue()
        above = self._shape.above(queue.name) if queue is not None else ()
        return tuple(one for one in above if self._shape.is_source(one))

    def _pausable(self, name: str) -> bool:
        node = self._snapshot.nodes.get(name)
        return node is not None and not node.paused and node.kind != "inlet"

    def _do(
        self, verb: str, node: str, what: str, address: str | None, lasting: str | None = None
    ) -> Step:
        text = command(verb, node, address=address, lasting=lasting)
        return Step(said(what), command=text)
