"""Graphs and snapshots for the tests of the model: built by hand, or recorded from a real run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from sinkgraph.api.messages import JournalEntry
from sinkgraph.api.models import (
    BreakerView,
    EdgeView,
    GraphNodeView,
    GraphView,
    LatencyView,
    LedgerTerms,
    NodeView,
    SnapshotView,
)

AT = 1_795_491_000.0
ROLES = {
    "generate": "source", "http_in": "source", "broadcast": "fan", "filter": "fan",
    "route": "choose", "fallback": "choose", "queue": "reliability", "retry": "reliability",
    "breaker": "reliability", "dead_letter": "reliability", "http": "terminal",
    "file": "terminal",
}  # fmt: skip


def graph(nodes: Mapping[str, str], edges: Iterable[str], **fields: Mapping[str, Any]) -> GraphView:
    """Return a graph of names with kinds, and edges `a b`, `a:port b` or `a b?` (optional)."""
    made = [
        GraphNodeView(
            name=name,
            kind=kind.removesuffix("_in"),
            role=ROLES[kind],
            group=name.rpartition("/")[0] or None,
            origin=name.partition(".")[0] if "." in name else None,
            implied=False,
            durable=False,
            description=None,
            fields=dict(fields.get(name.replace(".", "_").replace("/", "_"), {})),
        )
        for name, kind in nodes.items()
    ]
    joined = []
    for edge in edges:
        source, target = edge.split()
        source, _, port = source.partition(":")
        joined.append(
            EdgeView(
                source=source,
                port=port or "to",
                target=target.removesuffix("?"),
                required=not target.endswith("?"),
                index=0,
            )
        )
    return GraphView(
        name="orders", description=None, generation=1, digest="d", drift=None,
        nodes=made, edges=joined,
    )  # fmt: skip


def terms(**counts: Any) -> LedgerTerms:
    held: dict[str, Any] = {
        "entered": 0, "recovered": 0, "replayed_in": 0, "delivered": 0, "filtered": {},
        "dropped": {}, "dead_lettered": 0, "returned": 0, "pending": 0, "residue": 0,
    }  # fmt: skip
    return LedgerTerms(**(held | counts))


def breaker(state: Any, **fields: Any) -> BreakerView:
    held: dict[str, Any] = {
        "failures": 5, "failure_threshold": 5, "opens": 1, "retry_in_s": None,
        "reverts_in_s": None,
    }  # fmt: skip
    return BreakerView(state=state, **(held | fields))


def took(p99_s: float | None) -> LatencyView:
    return LatencyView(p50_s=p99_s, p99_s=p99_s, recent_p50_s=p99_s, recent_p99_s=p99_s, writes=9)


def node(name: str, kind: str, **fields: Any) -> NodeView:
    held: dict[str, Any] = {
        "group": None, "origin": name.partition(".")[0] if "." in name else None, "status": "ok",
        "paused": False, "resumes_in_s": None, "depth": 0, "waiting": 0, "in_flight": None,
        "capacity": None, "bytes": None, "max_bytes": None, "oldest_s": None, "in_per_s": 0.0,
        "out_per_s": 0.0, "attempts": None, "breaker": None, "latency": None,
        "last_error": None, "ledger": terms(), "facts": {},
    }  # fmt: skip
    return NodeView(name=name, kind=kind.removesuffix("_in"), role=ROLES[kind], **(held | fields))


def snapshot(nodes: Iterable[NodeView], at: float = AT, **fields: Any) -> SnapshotView:
    held: dict[str, Any] = {
        "name": "orders", "run_id": "r", "status": "ok", "generation": 1, "digest": "d",
        "uptime_s": 3_600.0, "pending": 0, "residue": 0, "loop_lag_s": 0.0, "removed": {},
    }  # fmt: skip
    return SnapshotView(at=at, nodes={one.name: one for one in nodes}, **(held | fields))


# the graph most tests are about: shop → fanout → hooks (an endpoint) and audit (a file)

SHOP = {
    "shop": "generate", "fanout": "broadcast", "audit": "queue", "audit.file": "file",
    "hooks": "queue", "hooks.retry": "retry", "hooks.http": "http", "dead-letters": "dead_letter",
}  # fmt: skip
SHOP_EDGES = (
    "shop fanout", "fanout audit", "fanout hooks", "audit audit.file", "hooks hooks.retry",
    "hooks.retry hooks.http", "hooks:dead_letter dead-letters",
    "hooks.retry:dead_letter dead-letters",
)  # fmt: skip
ERROR = "DeliveryFailed: http://billing.example/hook answered 503"


def shop(**policies: str) -> GraphView:
    """Return the graph; `hooks="reject"` for another `when_full` of a queue."""
    fields = {name: {"when_full": policies.get(name, "block")} for name in ("audit", "hooks")}
    return graph(
        SHOP, SHOP_EDGES, hooks_http={"url": "http://billing.example/hook"}, **fields
    )  # fmt: skip


def shop_nodes(**changed: Mapping[str, Any]) -> list[NodeView]:
    """Return its nodes while all is well, some of them changed: `hooks_retry={…}`."""
    base: dict[str, dict[str, Any]] = {
        "audit": {"capacity": 1000, "facts": {"when_full": "block"}},
        "hooks": {"capacity": 1000, "facts": {"when_full": "block"}},
        "hooks.retry": {"breaker": breaker("closed", failures=0, opens=0), "attempts": 0},
        "dead-letters": {"capacity": 100_000},
    }
    return [
        node(name, kind, **(base.get(name, {}) | dict(changed.get(_key(name), {}))))
        for name, kind in SHOP.items()
    ]


def _key(name: str) -> str:
    return name.replace(".", "_").replace("-", "_")


# a real run


@cache
def recording(
    name: str = "outage",
) -> tuple[GraphView, tuple[SnapshotView, ...], tuple[JournalEntry, ...]]:
    """Return what `record` kept: the graph, a snapshot a second, the journal."""
    path = Path(__file__).parent / "recordings" / f"{name}.json"
    held = json.loads(path.read_text(encoding="utf-8"))
    top: dict[str, Any] = {}
    nodes: dict[str, dict[str, Any]] = {}
    snapshots = []
    for thin in held["snapshots"]:
        for key, changed in thin["nodes"].items():
            nodes[key] = {**nodes.get(key, {}), **changed}
        top |= {key: value for key, value in thin.items() if key != "nodes"}
        snapshots.append(SnapshotView.model_validate({**top, "nodes": nodes}))
    entries = tuple(JournalEntry.model_validate(one) for one in held["entries"])
    return GraphView.model_validate(held["graph"]), tuple(snapshots), entries
