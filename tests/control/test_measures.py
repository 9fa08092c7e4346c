"""Rates, ages and recent latencies, from two looks at plain counters."""

from __future__ import annotations

import math
from typing import Any

from sinkgraph.control.measures import Measures
from sinkgraph.telemetry.histogram import Histogram
from sinkgraph.telemetry.history import SERIES
from sinkgraph.telemetry.stats import LedgerView
from sinkgraph.telemetry.status import NodeStatus, Snapshot


def snapshot(**nodes: NodeStatus) -> Snapshot:
    return Snapshot("g", 1, 0.0, 0.0, nodes)


def node(ledger: LedgerView, **facts: Any) -> NodeStatus:
    return NodeStatus("q", "queue", "ok", ledger, facts)


def sampled(values: tuple[float, ...]) -> dict[str, float]:
    return {name: v for name, v in zip(SERIES, values, strict=True) if not math.isnan(v)}


def test_rates_are_differences_over_the_time_between_two_looks() -> None:
    measures = Measures()
    measures.look(snapshot(q=node(LedgerView())), {}, 10.0)
    later = LedgerView(
        entered=30, delivered=10, pending=8, filtered={"no": 4}, dropped={"full": 6, "old": 2}
    )
    told = measures.look(snapshot(q=node(later)), {}, 12.0)
    assert sampled(told["q"]) == {
        "depth": 8,
        "in_per_s": 15.0,
        "out_per_s": 5.0,
        "filtered_per_s": 2.0,
        "dropped_per_s": 4.0,
        "dead_per_s": 0.0,
        "failed_per_s": 0.0,
    }
    assert measures["q"].oldest_s == 2.0
    still = measures.look(snapshot(q=node(later)), {}, 13.0)
    assert sampled(still["q"])["in_per_s"] == 0.0


def test_a_look_at_once_after_another_keeps_the_rates() -> None:
    measures = Measures()
    measures.look(snapshot(q=node(LedgerView())), {}, 0.0)
    measures.look(snapshot(q=node(LedgerView(entered=10, delivered=10))), {}, 1.0)
    measures.look(snapshot(q=node(LedgerView(entered=11, delivered=11))), {}, 1.001)
    assert measures["q"].in_per_s == 10.0


def test_a_node_that_began_anew_has_no_negative_rate() -> None:
    measures = Measures()
    measures.look(snapshot(q=node(LedgerView(entered=50, delivered=50))), {}, 0.0)
    measures.look(snapshot(q=node(LedgerView(entered=1, delivered=1))), {}, 1.0)
    assert measures["q"].in_per_s == 0.0


def test_recent_latency_is_that_of_the_writes_since_the_last_look() -> None:
    measures, latency = Measures(), Histogram()
    latency.add(10.0, 100)
    quiet = snapshot(q=node(LedgerView()))
    measures.look(quiet, {"q": latency}, 0.0)
    latency.add(0.001, 5)
    measures.look(quiet, {"q": latency}, 1.0)
    assert measures["q"].recent_p99_s == 2.0**-9
    measures.look(quiet, {"q": latency}, 2.0)
    assert measures["q"].recent_p99_s is None


def test_the_state_of_a_breaker_is_a_number() -> None:
    measures = Measures()
    held = node(LedgerView(), breaker={"state": "open"}, attempts=3, failures=2)
    told = sampled(measures.look(snapshot(q=held), {}, 0.0)["q"])
    assert (told["breaker"], told["attempts_per_s"]) == (2.0, 0.0)


def test_a_node_that_left_is_forgotten() -> None:
    measures = Measures()
    measures.look(snapshot(q=node(LedgerView())), {}, 0.0)
    measures.look(snapshot(q=node(LedgerView(entered=10, pending=10))), {}, 1.0)
    assert measures.look(snapshot(), {}, 2.0) == {}
    assert (measures["q"].in_per_s, measures["q"].oldest_s) == (0.0, None)
