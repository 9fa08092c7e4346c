"""Situations of one small graph, each as the snapshots that lead to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sinkgraph.api.client import Seen
from sinkgraph.api.messages import JournalEntry
from sinkgraph.api.models import GraphView
from sinkgraph_tui.model.reading import Reading, View
from tests.tui.model.scenes import AT, ERROR, breaker, shop, shop_nodes, snapshot, terms, took

Changes = Mapping[str, Mapping[str, Any]]

Situation = Callable[[int], Changes]
"""What of the graph is otherwise at second k; the situation itself is second 0."""

CALM_S, LATER_S = 30, 20


def seen_at(situation: Situation, **graph: Any) -> View:
    """Return the view of a situation: half a minute of calm, then what leads to it."""
    reading = Reading()
    reading.take_graph(graph.pop("graph", None) or shop())
    entries: list[JournalEntry] = graph.pop("entries", [])
    top: Mapping[str, Any] = graph
    for k in range(-CALM_S - LATER_S, 1):
        changed = situation(k) if k > -LATER_S else {}
        fields = top if k > -LATER_S else {}
        now = snapshot(shop_nodes(**_flowing(changed)), AT + k, **fields)
        reading.take(Seen(now, True), 100.0 + k)
    for entry in entries:
        reading.take_entry(entry)
    return reading.view(100.0)


def _flowing(changed: Changes) -> dict[str, dict[str, Any]]:
    """Add the flow of every day to what is otherwise."""
    usual: dict[str, dict[str, Any]] = {
        name: {"in_per_s": 50.0, "out_per_s": 50.0}
        for name in ("shop", "hooks", "hooks_retry", "hooks_http", "audit", "audit_file")
    }
    usual["fanout"] = {"in_per_s": 100.0, "out_per_s": 100.0}
    usual["audit"] |= {"capacity": 1000, "facts": {"when_full": "block"}}
    usual["hooks"] |= {"capacity": 1000, "facts": {"when_full": "block"}}
    usual["hooks_retry"] |= {"breaker": breaker("closed", failures=0, opens=0)}
    usual["hooks_http"] |= {"latency": took(0.045)}
    for name in ("shop", "hooks", "hooks_http", "audit"):
        usual[name]["ledger"] = terms(entered=9_000, delivered=9_000)
    return {name: usual.get(name, {}) | dict(changed.get(name, {})) for name in {*usual, *changed}}


def outage(k: int, *, until: int = -2, depth: int | None = None) -> Changes:
    """A receiver that answers 503: the breaker is open, its queue grows by 50 a second."""
    opened = 5
    grown = depth if depth is not None else 50 * (k + 20)
    return {
        "hooks_retry": {
            "breaker": breaker("open", opens=opened, retry_in_s=float(3 - k % 3)),
            "status": "degraded",
            "last_error": ERROR,
            "out_per_s": 0.0,
        },
        "hooks": {
            "depth": grown,
            "waiting": grown,
            "capacity": 2_000,
            "out_per_s": 0.0,
            "oldest_s": float(k + 20),
            "facts": {"when_full": "block"},
            "ledger": terms(entered=9_000, delivered=8_000),
        },
        "hooks_http": {"in_per_s": 0.0, "out_per_s": 0.0, "latency": took(None)},
    }


def full(k: int) -> Changes:
    """The same, with the queue full and the source made to wait."""
    changed = {name: dict(one) for name, one in outage(k, depth=2_000).items()}
    changed["hooks"] |= {"facts": {"when_full": "block", "waiting_writers": 1}, "in_per_s": 0.0}
    changed["shop"] = {"waiting": 1, "depth": 1, "oldest_s": float(k + 20), "out_per_s": 0.0}
    return changed


def probing(k: int) -> Changes:
    changed = {name: dict(one) for name, one in outage(k, depth=700).items()}
    state = "half_open" if k > -2 else "open"
    changed["hooks_retry"]["breaker"] = breaker(state, opens=5)
    return changed


def tripped(k: int) -> Changes:
    held = breaker("isolated", reverts_in_s=float(360 - k))
    return {"hooks_retry": {"breaker": held, "out_per_s": 0.0}}


def paused(k: int) -> Changes:
    return {
        "hooks": {
            "paused": True,
            "resumes_in_s": float(180 - k),
            "depth": 20 * (k + 20),
            "waiting": 20 * (k + 20),
            "capacity": 100_000,
            "out_per_s": 0.0,
            "facts": {"when_full": "block"},
        }
    }


def slow(k: int) -> Changes:
    return {"hooks_http": {"latency": took(1.41)}}


def failing(k: int) -> Changes:
    tries = 10 * (k + 20)
    return {
        "hooks_retry": {
            "attempts": tries,
            "facts": {"failures": tries * 3 // 10},
            "last_error": "DeliveryFailed: webhook: no answer after 2s",
        }
    }


def dropping(k: int) -> Changes:
    lost = {"drop_oldest": 12 * (k + 20)}
    ledger = terms(entered=9_000, delivered=9_000, dropped=lost)
    return {
        "hooks": {"depth": 1_000, "facts": {"when_full": "drop_oldest"}, "ledger": ledger},
    }


def dying(k: int) -> Changes:
    dead = max(0, (k + 20) // 4)
    return {
        "hooks_retry": {
            "ledger": terms(entered=9_000, delivered=9_000 - dead, dead_lettered=dead),
            "last_error": "Rejected: http://billing.example/hook answered 422",
        },
        "dead_letters": {"depth": dead, "ledger": terms(entered=dead), "capacity": 100_000},
    }


def broken_disk(k: int) -> Changes:
    return {
        "audit_file": {"status": "failed", "last_error": "Rejected: audit.jsonl: Permission denied"}
    }


def overrun(k: int) -> Changes:
    grown = 10 * (k + 20)
    return {
        "audit": {
            "depth": grown,
            "capacity": 1_000,
            "in_per_s": 60.0,
            "out_per_s": 50.0,
            "facts": {"when_full": "block"},
        }
    }


def draining(k: int) -> Changes:
    left = 3_000 - 100 * (k + 20)
    return {"hooks": {"depth": left, "capacity": 100_000, "out_per_s": 150.0}}


def well(k: int) -> Changes:
    return {}


def by_ops(kind: str, node: str, why: str | None = None) -> list[JournalEntry]:
    facts = {"by": "ops@bastion", "why": why}
    return [JournalEntry(seq=1, at=AT - 19.0, kind=kind, node=node, facts=facts)]


def with_policy(policy: str) -> GraphView:
    return shop(hooks=policy)
