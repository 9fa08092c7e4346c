"""What is concluded from a graph, each with the node and the field that decide it."""

from __future__ import annotations

from typing import Any

import pytest

from sinkgraph.graph.inference.conclude import conclude
from sinkgraph.graph.inference.conclusions import Inference, Way
from sinkgraph.graph.load import load

HTTP = {"kind": "http", "url": "http://h.example/"}
FILE = {"kind": "file", "path": "out.ndjson"}


def of(sinks: dict[str, Any], to: str = "a", *, state: bool = True) -> Inference:
    source = {"kind": "http", "listen": "127.0.0.1:0", "to": to}
    document = {"sinkgraph": 1, "name": "x", "sources": {"in": source}, "sinks": sinks}
    return conclude(load(document), state=state)


def way(found: Inference, terminal: str) -> Way:
    (one,) = [one for one in found.ways if one.terminal == terminal]
    return one


def queue(to: Any, **fields: Any) -> dict[str, Any]:
    return {"kind": "queue", "to": to, **fields}


def test_without_a_queue_accepted_is_delivered() -> None:
    found = of({"a": HTTP})
    assert found.worth == {"in": "delivered"}
    assert found.accepted[0].because is None
    one = way(found, "a")
    assert (one.delivery, one.durable_from, one.order) == ("at_least_once", None, "kept")
    assert one.path == ("in", "a")


def test_a_queue_on_disk_makes_it_durable_and_one_in_memory_takes_it_away() -> None:
    found = of({"a": queue("b", store="disk"), "b": HTTP})
    assert found.worth == {"in": "durable"}
    assert str(found.accepted[0].because).startswith("a.store: it has the event on disk")
    assert way(found, "b").durable_from == "a"
    found = of({"a": queue("m", store="disk"), "m": queue("b"), "b": HTTP})
    assert found.worth == {"in": "memory"}
    one = way(found, "b")
    assert one.delivery == "at_most_once"
    assert str(one.delivery_because) == "m.store: `memory`: a kill loses what it holds"
    assert one.durable_from is None


def test_on_each_way_accepted_has_its_own_worth() -> None:
    sinks = {
        "a": {"kind": "broadcast", "to": ["disk", "memory", "t"]},
        "disk": queue({**FILE}, store="disk"),
        "memory": queue({"kind": "stdout"}),
        "t": HTTP,
    }
    found = of(sinks)
    assert found.worth == {"in": "memory"}
    worth = {one.terminal: one.accepted for one in found.ways}
    assert worth == {"t": "delivered", "disk.file": "durable", "memory.stdout": "memory"}


def test_behind_one_in_memory_it_is_safe_from_the_disk_on() -> None:
    one = way(of({"a": queue("d"), "d": queue("b", store="disk"), "b": HTTP}), "b")
    assert (one.delivery, one.durable_from) == ("at_most_once", "d")


@pytest.mark.parametrize(
    ("sinks", "because"),
    [
        ({"a": queue("t", when_full="drop_oldest", store="disk")}, "a.when_full"),
        ({"a": queue("t", when_full="drop_newest", store="disk")}, "a.when_full"),
        ({"a": {"kind": "filter", "where": "true", "on_error": "drop", "to": "t"}}, "a.on_error"),
        ({"a": {"kind": "broadcast", "to": [{"node": "t", "required": False}]}}, "a.to"),
    ],
)
def test_what_may_lose_an_event_is_named(sinks: dict[str, Any], because: str) -> None:
    one = way(of({**sinks, "t": HTTP}), "t")
    assert one.delivery == "at_most_once"
    assert str(one.delivery_because).startswith(because + ": ")


def test_the_weakest_of_several_ways_counts_and_is_shown() -> None:
    sinks = {
        "a": {"kind": "broadcast", "to": ["safe", "weak"]},
        "safe": queue("t", store="disk"),
        "weak": queue("t"),
        "t": HTTP,
    }
    one = way(of(sinks), "t")
    assert one.delivery == "at_most_once"
    assert one.path == ("in", "a", "weak", "t")


@pytest.mark.parametrize(
    ("fields", "word", "field"),
    [
        ({}, "kept", None),
        ({"concurrency": 4}, "not_kept", "concurrency"),
        ({"concurrency": 4, "order_by": "id"}, "per_key", "order_by"),
    ],
)
def test_lanes_lose_the_order(fields: dict[str, Any], word: str, field: str | None) -> None:
    one = way(of({"a": queue("t", **fields), "t": HTTP}), "t")
    assert one.order == word
    assert (one.order_because.field if one.order_because else None) == field


@pytest.mark.parametrize(
    ("hold", "word"), [("lane", "kept"), ("key", "per_key"), ("event", "not_kept")]
)
def test_a_retry_keeps_the_order_it_holds(hold: str, word: str) -> None:
    sinks = {"a": queue("r"), "r": {"kind": "retry", "hold": hold, "to": "t"}, "t": HTTP}
    assert way(of(sinks), "t").order == word


def test_where_ways_meet_the_order_is_lost_but_not_behind_a_fallback() -> None:
    sinks = {
        "a": {"kind": "broadcast", "to": ["q", "p"]},
        "q": queue("t"),
        "p": queue("t"),
        "t": HTTP,
    }
    one = way(of(sinks), "t")
    assert one.order == "not_kept"
    assert str(one.order_because) == "t: events come to it over several ways: `q`, `p`"
    filtered = {"a": {"kind": "filter", "where": "true", "to": "t", "otherwise": "t"}, "t": HTTP}
    assert way(of(filtered), "t").order == "not_kept"


def test_a_slow_terminal_stalls_a_source_at_once_or_when_a_queue_is_full() -> None:
    (stall,) = of({"a": HTTP}).stalls
    assert (stall.terminal, stall.source, stall.when, stall.through) == ("a", "in", "at_once", ())
    sinks = {
        "a": {"kind": "broadcast", "to": ["q", "files"]},
        "q": queue("t", capacity=50),
        "t": HTTP,
        "files": queue(FILE),
    }
    (stall,) = of(sinks).stalls
    assert (stall.terminal, stall.when, stall.through) == ("t", "when_full", ("q",))
    assert stall.siblings == ("files",)
    assert str(stall.because) == "q.capacity: writes wait while it is full: 50 events"


@pytest.mark.parametrize(
    ("fields", "when"),
    [
        ({"when_full": "reject"}, "refused"),
        ({"max_wait": "1s"}, "refused"),
        ({"when_full": "drop_oldest"}, None),
    ],
)
def test_a_queue_that_refuses_or_sheds_stalls_nobody(
    fields: dict[str, Any], when: str | None
) -> None:
    stalls = of({"a": queue("t", **fields), "t": HTTP}).stalls
    assert [one.when for one in stalls] == ([when] if when else [])


def test_an_optional_target_without_a_queue_is_waited_for_like_any_other() -> None:
    sinks = {"a": {"kind": "broadcast", "to": [{"node": "t", "required": False}, "f"]}}
    (stall,) = of({**sinks, "t": HTTP, "f": FILE}).stalls
    assert (stall.terminal, stall.when, stall.siblings) == ("t", "at_once", ("f",))


def test_an_optional_target_with_a_queue_stalls_nobody() -> None:
    sinks = {
        "a": {"kind": "broadcast", "to": [{"node": "q", "required": False}, "f"]},
        "q": queue("t"),
        "t": HTTP,
        "f": FILE,
    }
    assert of(sinks).stalls == ()


def test_a_queue_is_bounded_by_its_fields_and_what_is_below() -> None:
    sinks = {
        "a": queue("r", capacity=100, concurrency=4, max_bytes="1MiB", order_by="id"),
        "r": {"kind": "retry", "retry_after_cap": "20s", "max_attempts": 3, "to": "t"},
        "t": {**HTTP, "timeout": "5s"},
    }
    (bound,) = of(sinks).bounds
    assert (bound.events, bound.bytes) == (100, 1024**2)
    assert bound.event_s == 3600 + 30 + 5
    assert bound.wait_s == 25 * bound.event_s
    assert bound.because is not None
    assert (bound.because.node, bound.because.field) == ("r", "give_up_after")


def test_an_endpoint_that_asks_for_long_waits_is_the_worst_case() -> None:
    sinks = {"a": queue("r"), "r": {"kind": "retry", "max_attempts": 3, "to": "t"}, "t": HTTP}
    (bound,) = of(sinks).bounds
    assert bound.event_s == pytest.approx(3 * (10 + 3600 * 1.1))
    assert str(bound.because) == "r.retry_after_cap: 3 attempts, each after 1h6m"
    (bound,) = of({**sinks, "t": {"kind": "file", "path": "x"}}).bounds
    assert bound.event_s == 3600 + 30


def test_retries_below_retries_have_no_bound_that_a_number_could_say() -> None:
    sinks: dict[str, Any] = {f"r{n}": {"kind": "retry", "to": f"r{n + 1}"} for n in range(150)}
    (bound,) = of({"a": queue("r0"), **sinks, "r150": HTTP}).bounds
    assert (bound.event_s, bound.wait_s) == (None, None)
    assert str(bound.because).endswith(".max_attempts: its attempts, with those below, may take "
                                       "more than a hundred years")  # fmt: skip


def test_what_nothing_bounds_has_no_bound() -> None:
    found = of({"a": queue("b"), "b": queue({"kind": "call", "target": "os:getpid"})})
    first, second = found.bounds
    assert first.event_s is None
    assert str(first.because).startswith("b.max_wait: not given")
    assert second.event_s is None
    assert str(second.because).startswith("b.call.target: ")
    assert found.bytes is None
    assert found.events == 20_000


def test_single_points_stand_on_every_way() -> None:
    sinks = {
        "a": {"kind": "transform", "set": {"data.x": 1}, "to": "b"},
        "b": {"kind": "broadcast", "to": ["q", "p"]},
        "q": queue("meet"),
        "p": queue("meet"),
        "meet": HTTP,
    }
    assert [one.node for one in of(sinks).singles] == ["a", "b", "meet"]
    assert [one.node for one in of({"a": HTTP}).singles] == ["a"]


def test_conclusions_follow_the_order_of_the_document() -> None:
    sinks = {"a": {"kind": "broadcast", "to": ["z", "y"]}, "z": HTTP, "y": {**HTTP}}
    assert [one.terminal for one in of(sinks).ways] == ["z", "y"]
