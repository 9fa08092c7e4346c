"""Which slow terminal can hold up which source, through which queues, and who waits with it.

A write waits for everything that no queue separates from it, and for a queue that blocks when it
is full; a queue that sheds or overflows holds up nobody, and so does one that is not required.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sinkgraph.graph.inference.conclusions import Because, Stall
from sinkgraph.graph.inference.roads import reached, roads
from sinkgraph.graph.model import Graph, GraphEdge
from sinkgraph.spec.kind import find_kind

__all__ = ["isolation"]

_When = Literal["at_once", "refused", "when_full"]
_WORST: tuple[_When, ...] = ("at_once", "when_full", "refused")
_SIBLINGS = 20  # named of one stall


@dataclass(frozen=True, slots=True)
class _Wait:
    """Is how a write of the source waits for a node: over which queues, beside which branches."""

    when: _When
    through: tuple[str, ...]
    siblings: tuple[str, ...]
    optional: bool = False  # the first queue on the way takes what it has room for, and ends it


def isolation(graph: Graph, source: str) -> Iterator[Stall]:
    """Yield the slow terminals that can hold up a source, in the order of the document."""
    found: dict[str, _Wait] = {source: _Wait("at_once", (), ())}
    for name in reached(graph, source):
        here = found.get(name)
        if here is None:
            continue
        here = _behind(graph, name, here)
        if here is None:
            continue
        for edge in roads(graph, name):
            there = _over(graph, edge, here)
            known = found.get(edge.target)
            if known is None or _is_worse(there, known):
                found[edge.target] = there
    for name, node in graph.nodes.items():
        wait = found.get(name)
        if wait is None or node.role == "source":
            continue
        kind = find_kind("sink", node.kind)
        if kind is not None and kind.slow and node.role == "terminal":
            because = _because(graph, source, name, wait)
            yield Stall(name, source, wait.when, wait.through, wait.siblings, because)


def _is_worse(one: _Wait, other: _Wait) -> bool:
    return (_WORST.index(one.when), one.optional) < (_WORST.index(other.when), other.optional)


def _behind(graph: Graph, name: str, here: _Wait) -> _Wait | None:
    """Return how the source waits for what lies behind a node; None: it never does."""
    node = graph.nodes[name]
    if node.kind != "queue":
        return here
    if here.optional:
        return None
    policy = getattr(node.spec, "when_full", "block")
    if policy in ("drop_oldest", "drop_newest", "overflow"):
        return None
    when: _When = here.when
    if when == "at_once":
        bounded = getattr(node.spec, "max_wait", None) is not None
        when = "refused" if policy == "reject" or bounded else "when_full"
    return _Wait(when, (*here.through, name), here.siblings)


def _over(graph: Graph, edge: GraphEdge, here: _Wait) -> _Wait:
    if edge.port == "overflow":
        return here
    siblings = here.siblings
    if graph.nodes[edge.source].kind == "broadcast":
        others = (
            one.target
            for one in graph.downstream(edge.source)
            if one.target != edge.target and one.target not in siblings
        )
        siblings = (*siblings, *others)[:_SIBLINGS]
    return _Wait(here.when, here.through, siblings, here.optional or not edge.required)


def _because(graph: Graph, source: str, name: str, wait: _Wait) -> Because:
    if not wait.through:
        return Because(name, None, f"no queue stands between it and `{source}`")
    first = wait.through[0]
    spec = graph.nodes[first].spec
    policy = getattr(spec, "when_full", "block")
    if policy == "reject":
        return Because(first, "when_full", "`reject`: writes are refused while it is full")
    if getattr(spec, "max_wait", None) is not None:
        return Because(first, "max_wait", "writes are refused when it has been full for that long")
    events = f"{getattr(spec, 'capacity', 0):,} events"
    return Because(first, "capacity", f"writes wait while it is full: {events}")
