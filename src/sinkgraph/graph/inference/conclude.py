"""Draws every conclusion about a graph. Nothing is guessed: what decides each one is named."""

from __future__ import annotations

from sinkgraph.graph.inference.accepted import accepted, accepted_on_ways
from sinkgraph.graph.inference.bound import bounds
from sinkgraph.graph.inference.conclusions import DELIVERY, Inference, Way
from sinkgraph.graph.inference.delivery import Found, delivery
from sinkgraph.graph.inference.isolation import isolation
from sinkgraph.graph.inference.order import order
from sinkgraph.graph.inference.roads import terminals
from sinkgraph.graph.inference.single import single_points
from sinkgraph.graph.model import Graph

__all__ = ["conclude", "ways_of"]


def conclude(graph: Graph, *, state: bool = True) -> Inference:
    """Return what is known of a graph; `state`: it runs with a state dir."""
    sources = graph.sources
    return Inference(
        accepted=tuple(accepted(graph, source, state=state) for source in sources),
        ways=tuple(way for source in sources for way in ways_of(graph, source)),
        stalls=tuple(stall for source in sources for stall in isolation(graph, source)),
        bounds=tuple(bounds(graph)),
        singles=tuple(one for source in sources for one in single_points(graph, source)),
    )


def ways_of(graph: Graph, source: str) -> list[Way]:
    """Return what holds from a source to each end it reaches."""
    arrives, kept = delivery(graph, source), order(graph, source)
    worth = accepted_on_ways(graph, source)
    return [
        Way(
            source,
            name,
            *worth[name],
            DELIVERY[arrives[name].loss is None],
            arrives[name].loss,
            arrives[name].durable_from,
            kept[name].word,
            kept[name].because,
            _path(arrives, name),
        )
        for name in terminals(graph, source)
    ]


def _path(arrives: dict[str, Found], name: str) -> tuple[str, ...]:
    path: list[str] = []
    at: str | None = name
    while at is not None:
        path.append(at)
        at = arrives[at].before
    return tuple(reversed(path))
