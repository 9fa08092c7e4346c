"""SG305: nobody waits for a retry: a queue stands between it and who writes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TypeAlias

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.facts import Facts, named
from sinkgraph.graph.model import GraphEdge
from sinkgraph.spec.units import format_duration

__all__ = ["check"]

_ANSWERED = frozenset({"http", "inlet"})
"""Sources at which somebody waits for each write; the others read on when the graph is ready."""

_At: TypeAlias = tuple[str, bool]
"""A node that a write reaches without a queue, and whether anybody waits for it there."""
_Came: TypeAlias = dict[_At, tuple[GraphEdge, _At] | None]


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
    came: _Came = {(one, nodes[one].kind in _ANSWERED): None for one in sources}
    todo = deque(came)
    while todo:
        at = todo.popleft()
        name, waits = at
        if nodes[name].kind == "retry":
            if waits and facts.roads[name]:
                yield _held(facts, at, came)
            continue
        beside = any(facts.spread(name))
        for edge in facts.roads[name]:
            if not edge.required or nodes[edge.target].kind == "queue":
                continue
            if beside and nodes[name].kind == "broadcast" and edge.target in facts.slow:
                continue
            there = (edge.target, waits or beside)
            if there not in came:
                came[there] = edge, at
                todo.append(there)


def _held(facts: Facts, at: _At, came: _Came) -> Diagnostic:
    name = at[0]
    way: list[GraphEdge] = []
    while (step := came[at]) is not None:
        way.append(step[0])
        at = step[1]
    way.reverse()
    source, last, node = way[0].source, way[-1], facts.graph.nodes[name]
    side = "sources" if len(way) == 1 else "sinks"
    notes = (*_how_long(facts, name), *_beside(facts, way))
    return Diagnostic(
        "SG305",
        f"a write of `{source}` waits until the retry `{name}` is done",
        "warning",
        last.span,
        f"no queue between `{source}` and this retry",
        f"{side}.{last.source}.{last.port}",
        () if last.span == node.declared_at else facts.label("this retry", node),
        (*notes, *facts.reach_note(name)) if len(way) > 1 else notes,
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


def _beside(facts: Facts, way: list[GraphEdge]) -> Iterator[str]:
    others = [one for edge in way for one in facts.spread(edge.source) if one != edge.target]
    if others:
        yield f"what goes to {named(others)} waits with it"
