"""A running graph as plain values: what the models of `sinkgraph.api` say, without building them.

It reads frozen snapshots and measures; it asks nothing of the engine.
"""

from __future__ import annotations

from typing import Any

from sinkgraph.control.measures import Measure
from sinkgraph.control.redact import Redactor
from sinkgraph.graph.model import Graph
from sinkgraph.telemetry.status import NodeStatus

__all__ = ["graph_view", "node_view"]

_SHOWN = frozenset({
    "depth", "capacity", "in_flight", "bytes", "max_bytes", "last_error", "attempts", "breaker",
    "latency_p50_s", "latency_p99_s", "writes", "targets",
})  # fmt: skip
_NUMBERS = (int, bool, type(None))


def node_view(
    node: NodeStatus,
    measure: Measure,
    redactor: Redactor,
    *,
    role: str,
    paused: bool = False,
    group: str | None = None,
    origin: str | None = None,
    resumes_in_s: float | None = None,
    reverts_in_s: float | None = None,
    pause: dict[str, Any] | None = None,
    isolated: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return one node as `NodeView` has it."""
    facts = node.facts
    error = facts.get("last_error")
    more = {key: value for key, value in facts.items() if key not in _SHOWN}
    return {
        "name": node.name,
        "kind": node.kind,
        "role": role,
        "group": group,
        "origin": origin,
        "status": node.status,
        "paused": paused,
        "resumes_in_s": _rounded(resumes_in_s) if paused else None,
        "depth": node.depth,
        "waiting": node.waiting,
        "in_flight": facts.get("in_flight"),
        "capacity": facts.get("capacity"),
        "bytes": facts.get("bytes"),
        "max_bytes": facts.get("max_bytes"),
        "oldest_s": _rounded(measure.oldest_s),
        "in_per_s": measure.in_per_s,
        "out_per_s": measure.out_per_s,
        "attempts": facts.get("attempts"),
        "breaker": _breaker(facts.get("breaker"), reverts_in_s, _told(isolated, redactor)),
        "latency": _latency(facts, measure),
        "last_error": redactor.shown(str(error)) if error else None,
        "ledger": node.ledger.as_dict(),
        "facts": {k: v if v.__class__ in _NUMBERS else redactor.value(v) for k, v in more.items()},
        "pause": _told(pause, redactor),
    }


def _told(held: dict[str, Any] | None, redactor: Redactor) -> dict[str, Any] | None:
    """Return who holds a node back as it is shown: what a person wrote may hold a secret."""
    if held is None:
        return None
    why = held["why"]
    return {
        "by": redactor.shown(held["by"]),
        "why": redactor.shown(why) if why else None,
        "since": round(held["since"], 3),
    }


def _breaker(
    held: Any, reverts_in_s: float | None, isolated: dict[str, Any] | None
) -> dict[str, Any] | None:
    if not isinstance(held, dict):
        return None
    return {
        "state": held["state"],
        "failures": held["failures"],
        "failure_threshold": held["failure_threshold"],
        "opens": held["opens"],
        "retry_in_s": _rounded(held["probe_in_s"]),
        "reverts_in_s": _rounded(reverts_in_s),
        "isolated": isolated,
        "since": _rounded(held.get("since")),
        "opens_last_hour": held.get("opens_last_hour"),
    }


def _latency(facts: dict[str, Any], measure: Measure) -> dict[str, Any] | None:
    if "writes" not in facts:
        return None
    return {
        "p50_s": facts["latency_p50_s"],
        "p99_s": facts["latency_p99_s"],
        "recent_p50_s": measure.recent_p50_s,
        "recent_p99_s": measure.recent_p99_s,
        "writes": facts["writes"],
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def graph_view(
    graph: Graph, redactor: Redactor, *, generation: int, digest: str, drift: str | None
) -> dict[str, Any]:
    """Return the graph as `GraphView` has it, but for edges no document wrote and nobody uses."""
    nodes = []
    for name in graph.order:
        node = graph.nodes[name]
        fields = node.spec.model_dump(mode="json", by_alias=True, exclude_none=True)
        for told in ("kind", "description", "group"):
            fields.pop(told, None)
        nodes.append(
            {
                "name": name,
                "kind": node.kind,
                "role": node.role,
                "group": node.group,
                "origin": node.origin,
                "implied": node.implied,
                "durable": node.on_disk,
                "description": node.spec.description,
                "fields": redactor.value(fields),
            }
        )
    edges = [
        {
            "source": edge.source,
            "port": edge.port,
            "target": edge.target,
            "required": edge.required,
            "index": edge.index,
        }
        for edge in graph.edges
    ]
    return {
        "name": graph.name,
        "description": graph.description,
        "generation": generation,
        "digest": digest,
        "drift": drift,
        "nodes": nodes,
        "edges": edges,
    }
