"""SG305: nobody waits for a retry: a queue stands between it and who writes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.facts import Facts, named
from sinkgraph.graph.model import GraphEdge
from sinkgraph.spec.units import format_duration

__all__ = ["check"]

_ANSWERED = frozenset({"http", "inlet"})
"""Sources at which somebody waits for each write; the others read on when the graph is ready."""
_NAMED = 4  # branches beside a way: one more than are shown

_At: TypeAlias = tuple[str, bool]
"""A node that a write reaches without a queue, and whether anybody waits for it there."""


@dataclass(frozen=True, slots=True)
class _Came:
    """Is how a write got there: from which source, over which edge, past which branches."""

    source: str
    last: GraphEdge | None
    steps: int
    beside: tuple[str, ...]


def check(facts: Facts) -> Iterator[Diagnostic]:
    """Yield each retry that a source reaches without a queue, and who waits for it.

    At a source that reads at its own pace nobody waits, unless other branches stand beside the
    retry. Where something slow holds up a broadcast, SG301 says so; where a document promises
    `accepted: delivered`, waiting is what it wants.
    """
    nodes = facts.graph.nodes
    promised = (one.spec for one in facts.view.spec.promises)
    wanted = {one.from_ for one in promised if one.accepted == "delivered"}
    sources = [one for one in facts.graph.sources if one not in wanted]
    came = {(one, nodes[one].kind in _ANSWERED): _Came(one, None, 0, ()) for one in sources}
    todo = deque(came)
    while todo:
        at = todo.popleft()
        name, waits = at
        if nodes[name].kind == "retry":
            if waits and facts.roads[name]:
                yield from _held(facts, name, came[at])
            continue
        targets = list(facts.spread(name))
        for edge in facts.roads[name]:
            if not edge.required or nodes[edge.target].kind == "queue":
                continue
            if targets and nodes[name].kind == "broadcast" and edge.target in facts.slow:
                continue
            there = (edge.target, waits or bool(targets))
            if there not in came:
                came[there] = _onward(came[at], edge, targets)
                todo.append(there)


def _onward(here: _Came, edge: GraphEdge, targets: list[str]) -> _Came:
    others = [one for one in targets[: _NAMED + 1] if one != edge.target]
    return _Came(here.source, edge, here.steps + 1, (*here.beside, *others)[:_NAMED])


def _held(facts: Facts, name: str, came: _Came) -> Iterator[Diagnostic]:
    last, node = came.last, facts.graph.nodes[name]
    if last is None:
        return
    place = last.span or node.declared_at  # what is implied stands nowhere
    side = "sources" if came.steps == 1 else "sinks"
    notes = (*_how_long(facts, name), *_beside(came))
    yield Diagnostic(
        "SG305",
        f"a write of `{came.source}` waits until the retry `{name}` is done",
        "warning",
        place,
        f"no queue between `{came.source}` and this retry",
        f"{side}.{last.source}.{last.port}",
        () if place == node.declared_at else facts.label("this retry", node),
        (*notes, *facts.reach_note(name)) if came.steps > 1 else notes,
        ("put a `kind: queue` in front of it",),
    )


def _how_long(facts: Facts, name: str) -> Iterator[str]:
    seconds, because = facts.worst[name]
    if seconds is None:
        yield "nothing bounds how long one event takes"
    else:
        yield f"one event may take up to {format_duration(seconds)}"
    if because is not None:
        at = because.node if because.field is None else f"{because.node}.{because.field}"
        yield f"`{at}` decides it: {because.why}"


def _beside(came: _Came) -> Iterator[str]:
    if came.beside:
        yield f"what goes to {named(list(came.beside))} waits with it"
