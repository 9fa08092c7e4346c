"""What queues hold at most, and how long an event may stay in one: the worst case of its fields.

Seconds of one delivery are summed over everything down to the next queue. Nothing is estimated:
where no field bounds a wait, there is no bound.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from sinkgraph.graph.inference.conclusions import Because, Bound
from sinkgraph.graph.inference.roads import roads
from sinkgraph.graph.model import Graph
from sinkgraph.spec.policies import ExponentialBackoff
from sinkgraph.spec.units import format_duration

__all__ = ["bounds", "worst_waits"]

_CAP_S = ExponentialBackoff().cap
_MOST_S = 100 * 365 * 86_400.0  # attempts below attempts multiply, beyond what a number holds
_ASKED_SPREAD = 1.1  # a wait that was asked for is spread by up to a tenth

Worst = tuple[float | None, Because | None]
"""Seconds, or None with what leaves them open."""


def bounds(graph: Graph) -> Iterator[Bound]:
    """Yield the bounds of every queue, in the order of the document."""
    worst = worst_waits(graph)
    for name, node in graph.nodes.items():
        if node.kind != "queue":
            continue
        spec: Any = node.spec
        event_s, because = _below(graph, name, worst)
        wait_s = None
        if event_s is not None:
            rounds = math.ceil(spec.capacity / spec.concurrency)
            wait_s = spec.linger + rounds * event_s
        yield Bound(name, spec.capacity, spec.max_bytes, event_s, wait_s, because)


def worst_waits(graph: Graph) -> dict[str, Worst]:
    """Return for every node how long a write of one event into it may take, in seconds."""
    worst: dict[str, Worst] = {}
    asked: set[str] = set()  # an endpoint below may say how long to wait
    for name in reversed(graph.order):
        node = graph.nodes[name]
        if node.role == "terminal":
            asking = node.kind == "http"
        else:
            asking = node.kind != "queue" and any(e.target in asked for e in roads(graph, name))
        if asking:
            asked.add(name)
        worst[name] = _of(graph, name, worst, asked=asking)
    return worst


def _below(graph: Graph, name: str, worst: dict[str, Worst]) -> Worst:
    """Return the longest of what a node writes to; side by side, so they do not add up."""
    longest: Worst = (0.0, None)
    for edge in roads(graph, name):
        if edge.port == "overflow":
            continue
        seconds, because = worst[edge.target]
        if seconds is None:
            return None, because
        if longest[0] is not None and seconds > longest[0]:
            longest = seconds, because
    return longest


def _of(graph: Graph, name: str, worst: dict[str, Worst], *, asked: bool) -> Worst:
    node = graph.nodes[name]
    spec: Any = node.spec
    below = _below(graph, name, worst)
    match node.kind:
        case "queue":
            return _queue(name, spec)
        case "http" if node.role == "terminal":
            return spec.timeout, Because(name, "timeout", "one request")
        case "timeout":
            if below[0] is not None and below[0] <= spec.after:
                return below
            return spec.after, Because(name, "after", "it ends a write that takes longer")
        case "retry":
            return _retry(name, spec, below, asked=asked)
        case "fallback":
            return _in_turn(graph, name, worst)
        case "rate_limit":
            wait_s = spec.max_wait if spec.max_wait is not None else 60.0
            return _and(below, wait_s, Because(name, "max_wait", "it may wait for a token"))
        case "batch":
            return _and(below, spec.max_wait, Because(name, "max_wait", "it gathers events"))
        case "call":
            return None, Because(name, "target", "nothing bounds how long the function takes")
        case "channel":
            return None, Because(name, None, "it waits for its readers as long as it takes")
        case _:
            return below


def _queue(name: str, spec: Any) -> Worst:
    if spec.when_full != "block":
        return 0.0, None
    if spec.max_wait is not None:
        return spec.max_wait, Because(name, "max_wait", "a write waits that long for room")
    return None, Because(name, "max_wait", "not given: a write waits for room as long as it takes")


def _retry(name: str, spec: Any, below: Worst, *, asked: bool) -> Worst:
    """It gives up when both limits have passed; the last attempt begins just before."""
    one_s = below[0]
    if one_s is None:
        return below
    pause_s, paused_by = _pause(spec, asked=asked)
    attempts_s = spec.max_attempts * (one_s + pause_s)
    tried_s = spec.give_up_after + pause_s + one_s
    if attempts_s > max(tried_s, _MOST_S):
        why = "its attempts, with those below, may take more than a hundred years"
        return None, Because(name, "max_attempts", why)
    if attempts_s > tried_s:
        why = f"{spec.max_attempts} attempts, each after {format_duration(pause_s)}"
        return attempts_s, Because(name, paused_by, why)
    return tried_s, Because(name, "give_up_after", "it tries for that long")


def _pause(spec: Any, *, asked: bool) -> tuple[float, str]:
    """Return the longest pause before an attempt, and the field that says it."""
    backoff, breaker = spec.backoff, spec.breaker
    waits: list[tuple[float, str]] = []
    if backoff is not None or breaker is None:
        waits.append((backoff.cap if backoff is not None else _CAP_S, "backoff"))
    if breaker is not None:
        waits.append((breaker.open_for_max * (1 + breaker.jitter), "breaker"))
    if asked:
        waits.append((spec.retry_after_cap * _ASKED_SPREAD, "retry_after_cap"))
    return max(waits)


def _in_turn(graph: Graph, name: str, worst: dict[str, Worst]) -> Worst:
    total = 0.0
    because: Because | None = None
    for edge in roads(graph, name):
        seconds, why = worst[edge.target]
        if seconds is None:
            return None, why
        total += seconds
        because = because or why
    return total, because


def _and(below: Worst, more_s: float, because: Because) -> Worst:
    seconds, why = below
    if seconds is None:
        return below
    return seconds + more_s, because if more_s > seconds else why or because
