"""What `sinkgraph run` says of nodes that fail and recover."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sinkgraph.cli.health import Health, Losses, held_events
from sinkgraph.sinks import Blackhole, Queue


@dataclass
class Node:
    name: str
    status: str = "ok"
    said: dict[str, Any] = field(default_factory=dict)
    kind: str = "http"

    def facts(self) -> dict[str, Any]:
        return self.said


def test_a_node_is_told_of_when_it_fails_and_when_it_recovers() -> None:
    health, node = Health(), Node("hooks")
    assert health.changes([node], 0.0) == []
    node.status, node.said = "degraded", {"last_error": "DeliveryFailed: 503"}
    assert health.changes([node], 1.0) == ["hooks: degraded; DeliveryFailed: 503"]
    assert health.changes([node], 2.0) == []
    node.status = "ok"
    assert health.changes([node], 40.0) == ["hooks: delivers again"]
    node.status, node.said = "failed", {}
    assert health.changes([node], 80.0) == ["hooks: failed"]


def test_a_node_that_flaps_is_told_of_twice_a_minute_at_most() -> None:
    health, node = Health(), Node("hooks")
    lines = []
    for second in range(120):
        node.status = "degraded" if second % 2 else "ok"
        lines += health.changes([node], float(second))
    assert 2 <= len(lines) <= 4
    node.status = "degraded"
    lines += health.changes([node], 500.0)
    node.status = "ok"
    lines += health.changes([node], 600.0)
    assert lines[-1] == "hooks: delivers again"


def test_what_a_name_or_error_holds_is_shown_inert() -> None:
    node = Node("a", "degraded", {"last_error": "x\x1b]52;c;aGk=\x07"})
    (line,) = Health().changes([node], 0.0)
    assert line.isprintable()


def test_a_breaker_is_told_of_by_the_journal_alone() -> None:
    nodes = [Node("hooks.breaker", "degraded", kind="breaker"), Node("hooks.http", "degraded")]
    assert Health().changes(nodes, 0.0) == ["hooks.http: degraded"]


def test_a_start_and_a_drain_are_no_failures() -> None:
    nodes = [Node("a", "starting"), Node("b", "draining")]
    assert Health().changes(nodes, 0.0) == []


def test_an_event_is_counted_where_it_is_kept_and_nowhere_else() -> None:
    queue, end = Queue(Blackhole()), Blackhole()
    end.ledger.held = 3
    source = Blackhole()
    source.ledger.held = 2
    assert held_events([source], [source, queue, end]) == 2


def test_losses_are_told_of_once_a_minute_for_each_reason() -> None:
    losses, queue = Losses(), Queue(Blackhole())
    queue.name = "hooks"
    assert losses.changes([queue], 0.0) == []
    said = []
    for second in range(1, 181):
        queue.ledger.drop("drop_oldest", 2)
        if second == 100:
            queue.ledger.drop("drop_newest", 1)
        said += [(second, fact) for fact in losses.changes([queue], float(second))]
    assert [(second, fact["reason"], fact["events"], fact["so_far"]) for second, fact in said] == [
        (1, "drop_oldest", 2, 2),
        (61, "drop_oldest", 120, 122),
        (100, "drop_newest", 1, 1),
        (121, "drop_oldest", 120, 242),
    ]
