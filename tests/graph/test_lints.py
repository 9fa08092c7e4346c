"""Each lint: what it tells, where, and the documents beside it that it says nothing of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.event import Event
from sinkgraph.expr.compile import compile_expression
from sinkgraph.expr.errors import ExpressionError
from sinkgraph.graph.load import check
from tests.graph.documents import SAMPLE, TOKEN, codes, of_nodes, read

GRAPHS = Path(__file__).parents[2] / "graphs"
HOOK = {"kind": "http", "url": "https://hooks.example/", "timeout": "2s"}
FILE = {"kind": "file", "path": "out.jsonl"}
ASKED = {"in": {"kind": "http", "listen": "127.0.0.1:8700", "to": "a"}}
PYTHON = {"in": {"kind": "inlet", "to": "a"}}
READ = {"in": {"kind": "stdin", "to": "a"}}


def found(sinks: dict[str, Any], sources: Any = READ, **more: Any) -> list[Diagnostic]:
    """Return the lints of a document in Python."""
    lints: list[Diagnostic] = of_nodes(sinks, sources, **more)[1]
    assert all(one.severity == "warning" for one in lints), lints
    return lints


def words(text: str, code: str) -> list[tuple[str, list[str]]]:
    """Return what stands at each finding of a code, and at its secondary labels."""
    return [
        (one.span.text, [label.span.text for label in one.secondary])
        for one in read(text)[1]
        if one.code == code and one.span is not None
    ]


def document(sinks: str, source: str = "{kind: stdin, to: a}") -> str:
    return f"sinkgraph: 1\nname: x\nsources:\n  in: {source}\nsinks:\n{sinks}"


SHIPPED = sorted(one for one in GRAPHS.glob("*.*") if not one.name.endswith(".schema.json"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_the_shipped_graphs_are_free_of_findings(path: Path) -> None:
    assert check(path, env={}) == []


def test_the_sample_of_the_design_has_no_lint() -> None:
    assert codes(read(SAMPLE, env=TOKEN)[1]) == ["SG151"]


# SG304 memory before disk


@pytest.mark.parametrize(
    ("above", "wanted"),
    [
        ({}, ["SG304"]),
        ({"when_full": "reject"}, ["SG304"]),
        ({"when_full": "drop_oldest"}, []),
        ({"when_full": "drop_newest"}, []),
        ({"store": "disk"}, []),
    ],
)
def test_a_queue_on_disk_below_one_in_memory_comes_too_late(above: Any, wanted: list[str]) -> None:
    sinks = {
        "a": {"kind": "queue", **above, "to": "f"},
        "f": {"kind": "transform", "set": {"data.x": 1}, "to": "d"},
        "d": {"kind": "queue", "store": "disk", "to": FILE},
    }
    assert codes(found(sinks)) == wanted


def test_a_queue_on_disk_that_takes_what_another_has_no_room_for_is_in_time() -> None:
    full = {"when_full": "overflow", "overflow": "d"}
    sinks = {
        "a": {"kind": "queue", **full, "to": FILE},
        "d": {"kind": "queue", "store": "disk", "to": {"kind": "blackhole"}},
    }
    assert found(sinks) == []


def test_a_queue_on_disk_on_a_branch_that_is_not_needed_is_no_claim() -> None:
    sinks = {
        "a": {"kind": "queue", "to": "b"},
        "b": {"kind": "broadcast", "to": ["c", {"node": "d", "required": False}]},
        "c": {"kind": "queue", "to": FILE},
        "d": {"kind": "queue", "store": "disk", "to": {"kind": "blackhole"}},
    }
    assert found(sinks) == []


def test_each_queue_in_memory_before_the_disk_is_told_at_its_store() -> None:
    text = document(
        "  a: {kind: queue, store: memory, to: b}\n"
        "  b: {kind: queue, to: c}\n"
        "  c: {kind: queue, store: disk, to: {kind: stdout}}\n"
    )
    assert words(text, "SG304") == [("memory", ["disk"]), ("b", ["disk"])]


# SG305 held by a retry

AGAIN = {"kind": "retry", "to": HOOK}


@pytest.mark.parametrize(
    ("sources", "wanted"), [(ASKED, ["SG305"]), (PYTHON, ["SG305"]), (READ, [])]
)
def test_who_asks_waits_for_a_retry_and_who_reads_does_not(sources: Any, wanted: Any) -> None:
    assert codes(found({"a": AGAIN}, sources)) == wanted
    assert found({"a": {"kind": "queue", "to": "r"}, "r": AGAIN}, sources) == []


def test_a_promise_that_accepted_is_delivered_wants_to_wait() -> None:
    promises = [{"from": "in", "to": "a.http", "accepted": "delivered"}]
    assert found({"a": AGAIN}, ASKED, promises=promises) == []
    promises = [{"from": "in", "to": "a.http", "accepted": "memory"}]
    assert codes(found({"a": AGAIN}, ASKED, promises=promises)) == ["SG305"]


def test_what_stands_beside_a_retry_waits_whoever_writes() -> None:
    routes = [{"when": "data.x", "to": "r"}]
    sinks = {"a": {"kind": "route", "routes": routes, "default": "f"}, "r": AGAIN, "f": FILE}
    (one,) = found(sinks)
    assert one.code == "SG305"
    assert "what goes to `f` waits with it" in one.notes


def test_a_broadcast_that_waits_for_something_slow_is_told_once() -> None:
    sinks = {"a": {"kind": "broadcast", "to": ["r", "f"]}, "r": AGAIN, "f": FILE}
    assert codes(found(sinks, ASKED)) == ["SG301"]


def test_a_fallback_has_no_branch_that_waits_beside_another() -> None:
    sinks = {"a": {"kind": "fallback", "to": ["f", "r"]}, "r": AGAIN, "f": FILE}
    assert found(sinks) == []


def test_a_retry_is_told_once_though_several_sources_lead_to_it() -> None:
    sources = {**ASKED, "other": {"kind": "inlet", "to": "b"}}
    sinks = {"a": {"kind": "dedupe", "to": "r"}, "b": {"kind": "dedupe", "to": "r"}, "r": AGAIN}
    assert codes(found(sinks, sources)) == ["SG305"]


def test_how_long_a_write_waits_is_said_with_what_decides_it() -> None:
    limits = {"max_attempts": 3, "give_up_after": "10s", "retry_after_cap": "1s"}
    backoff = {"base": "1s", "cap": "2s"}
    sinks = {"a": {"kind": "retry", **limits, "backoff": backoff, "to": HOOK}}
    (one,) = found(sinks, ASKED)
    assert one.notes == (
        "one event may take up to 14s",
        "`a.give_up_after` decides it: it tries for that long",
    )
    sinks = {"a": {"kind": "retry", "to": "c"}, "c": {"kind": "channel"}}
    (one,) = found(sinks, ASKED)
    assert one.notes[0] == "nothing bounds how long one event takes"


def test_an_edge_that_leads_nowhere_is_one_finding() -> None:
    sinks = {"a": {"kind": "retry", "to": "b"}}
    assert codes(of_nodes(sinks, ASKED)[1]) == ["SG204"]


# SG306 nested retries, SG307 a breaker above one, SG308 a timeout above one


def below(kind: str, **fields: Any) -> dict[str, Any]:
    retry = {"kind": "retry", "to": HOOK}
    return {"a": {"kind": "queue", "to": "b"}, "b": {"kind": kind, **fields, "to": "c"}, "c": retry}


def test_a_retry_below_another_is_told_at_the_upper_one() -> None:
    text = document(
        "  a: {kind: queue, to: b}\n"
        "  b: {kind: retry, to: c}\n"
        "  c: {kind: batch, to: d}\n"
        "  d: {kind: retry, to: {kind: stdout}}\n"
    )
    assert words(text, "SG306") == [("retry", ["retry"])]
    (one,) = read(text)[1]
    assert one.notes[0] == "what `d` gives up is gone from `b` too"


def test_with_a_timeout_between_them_their_attempts_multiply() -> None:
    sinks = {
        "a": {"kind": "queue", "to": "b"},
        "b": {"kind": "retry", "max_attempts": 5, "to": "t"},
        "t": {"kind": "timeout", "after": "5s", "to": "c"},
        "c": {"kind": "retry", "max_attempts": 7, "to": HOOK},
    }
    (one,) = found(sinks)
    assert one.code == "SG306"
    assert one.notes[0] == "attempts multiply: 5 × 7 = 35 by `max_attempts` alone"


@pytest.mark.parametrize("kind", ["retry", "breaker"])
def test_a_queue_between_them_makes_each_see_its_own(kind: str) -> None:
    assert codes(found(below(kind))) == ["SG306" if kind == "retry" else "SG307"]
    sinks = {**below(kind), "q": {"kind": "queue", "to": "c"}}
    sinks["b"] = {**sinks["b"], "to": "q"}
    assert found(sinks) == []


def test_three_retries_are_two_pairs() -> None:
    sinks = {**below("retry"), "c": {"kind": "retry", "to": "d"}, "d": AGAIN}
    assert codes(found(sinks)) == ["SG306", "SG306"]


def test_a_breaker_sees_what_a_timeout_below_it_ends() -> None:
    sinks = {**below("breaker"), "t": {"kind": "timeout", "after": "5s", "to": "c"}}
    sinks["b"] = {**sinks["b"], "to": "t"}
    assert found(sinks) == []


def test_a_breaker_is_told_at_its_kind() -> None:
    text = document("  a: {kind: breaker, to: b}\n  b: {kind: retry, to: {kind: stdout}}\n")
    assert words(text, "SG307") == [("breaker", ["retry"])]


@pytest.mark.parametrize(
    ("after", "backoff", "wanted"),
    [
        ("900ms", {}, "may end"),
        ("1s", {}, None),
        ("4s", {"base": "5s"}, "may end"),
        ("4s", {"base": "5s", "jitter": "none"}, "ends"),
        ("4s", {"base": "5s", "jitter": "decorrelated"}, "ends"),
        ("6s", {"base": "5s", "jitter": "none"}, None),
        ("6s", {"kind": "go_events", "base": "5s", "factor": "2s"}, "ends"),
        ("7s", {"kind": "go_events", "base": "5s", "factor": "2s"}, None),
    ],
)
def test_a_timeout_shorter_than_the_first_wait(after: str, backoff: Any, wanted: Any) -> None:
    sinks = below("timeout", after=after)
    sinks["c"] = {"kind": "retry", "backoff": backoff, "to": HOOK} if backoff else AGAIN
    lints = found(sinks)
    assert codes(lints) == (["SG308"] if wanted else [])
    if wanted:
        assert lints[0].headline == f"timeout `b` {wanted} before the retry `c` tries again"


def test_a_retry_with_only_a_breaker_waits_by_that() -> None:
    sinks = {**below("timeout", after="1ms"), "c": {"kind": "retry", "breaker": {}, "to": HOOK}}
    assert found(sinks) == []


def test_a_timeout_is_told_at_its_time() -> None:
    text = document(
        "  a: {kind: timeout, after: 1s, to: b}\n"
        "  b: {kind: retry, backoff: {base: 3s}, to: {kind: stdout}}\n"
    )
    assert words(text, "SG308") == [("1s", ["3s"])]


# SG309 constant conditions, SG310 rules that are not reached


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ("true", [("true", [])]),
        ("1 > 2", [("1 > 2", [])]),
        ("data.n > 9 && data.n < 5", [("5", ["9"])]),
        ("data.n && !data.n", [("data.n && !data.n", [])]),
        ("data.n > 5 && data.n < 9", []),
        ("vars.on", []),
    ],
)
def test_a_filter_that_tells_no_events_apart(where: str, wanted: Any) -> None:
    text = document(f'  a: {{kind: filter, where: "{where}", to: b}}\n  b: {{kind: stdout}}\n')
    text += "vars: {on: {default: true}}\n"
    assert [(span.strip('"'), labels) for span, labels in words(text, "SG309")] == wanted


def test_an_unquoted_true_is_a_condition_like_any_other() -> None:
    text = document("  a: {kind: filter, where: true, to: b}\n  b: {kind: stdout}\n")
    assert codes(read(text)[1]) == ["SG309"]


def routed(*conditions: str, default: bool = False) -> list[Diagnostic]:
    routes = [{"when": one, "to": f"t{n}"} for n, one in enumerate(conditions)]
    sinks: dict[str, Any] = {"a": {"kind": "route", "routes": routes}}
    for n in range(len(conditions)):
        sinks[f"t{n}"] = {"kind": "blackhole"}
    if default:
        sinks["a"]["default"] = "rest"
        sinks["rest"] = {"kind": "blackhole"}
    return found(sinks)


@pytest.mark.parametrize(
    ("conditions", "wanted"),
    [
        (["data.a", "data.b"], []),
        (["data.a", "data.b", "data.a"], ["routes[2].when"]),
        (["data.a", "data.a && data.b"], ["routes[1].when"]),
        (["data.a || data.b", "data.b"], ["routes[1].when"]),
        (["data.a || data.b", "data.c && data.a"], ["routes[1].when"]),
        (["data.a && data.b", "data.b && data.a"], ["routes[1].when"]),
        (["data.a && data.b", "data.a"], []),
        (["data.a", "data.a || data.b"], []),
        (["data.a == 1", "data.a == 1.0"], []),
        (["data.a", "data.a", "data.a"], ["routes[1].when", "routes[2].when"]),
        (["data.a", "true"], []),
        (["true", "data.a", "data.b"], ["routes[1].when"]),
        (["data.a", "true", "data.b"], ["routes[2].when"]),
    ],
)
def test_rules_that_no_event_gets_to(conditions: list[str], wanted: list[str]) -> None:
    lints = routed(*conditions)
    assert set(codes(lints)) <= {"SG310"}
    assert [one.path for one in lints] == [f"sinks.a.{path}" for path in wanted]


PARTS = st.sampled_from(["data.a", "data.b == 1", "data.c > 2", "type == 'x'", "!data.a", "true"])
ALL_OF = st.lists(PARTS, min_size=1, max_size=3).map(" && ".join)
ANY_OF = st.lists(PARTS, min_size=1, max_size=3).map(" || ".join)
VALUES = st.sampled_from([True, False, 1, 3, "x"])


@settings(max_examples=300, deadline=None)
@given(
    conditions=st.lists(st.one_of(ALL_OF, ANY_OF), min_size=2, max_size=5),
    payloads=st.lists(st.dictionaries(st.sampled_from("abc"), VALUES), max_size=8),
)
def test_no_event_is_taken_by_a_rule_that_is_told(conditions: Any, payloads: Any) -> None:
    lints = [one for one in routed(*conditions) if one.code == "SG310"]
    told = {int(one.path.partition("[")[2].partition("]")[0]) for one in lints}
    rules = [compile_expression(one, result="bool") for one in conditions]
    for data in payloads:
        for n, rule in enumerate(rules):
            try:
                holds = rule.evaluate(Event(type="x", data=data))
            except ExpressionError:
                break  # it goes to the dead letter
            if holds:
                assert n not in told
                break


def test_a_rule_that_takes_nothing_is_not_told_to_be_unreached_too() -> None:
    assert codes(routed("data.a", "data.a && false", "false")) == ["SG309", "SG309"]


def test_a_default_behind_a_rule_that_always_holds_gets_nothing() -> None:
    (one,) = routed("data.a", "true", default=True)
    assert (one.code, one.path) == ("SG310", "sinks.a.default")
    assert routed("data.a", default=True) == []
    (one,) = routed("true", "data.a", default=True)
    assert one.notes == ("nor to 1 more behind it",)


def test_a_condition_that_cannot_be_used_is_told_as_that_alone() -> None:
    routes = [{"when": "data.a ==", "to": "b"}, {"when": "data.a ==", "to": "b"}]
    sinks = {"a": {"kind": "route", "routes": routes}, "b": {"kind": "stdout"}}
    assert codes(of_nodes(sinks, READ)[1]) == ["SG402", "SG402"]


# SG311 a function without a bound

CALL = {"kind": "call", "target": "provided:f"}


@pytest.mark.parametrize(
    ("sinks", "wanted"),
    [
        ({"a": CALL}, []),
        ({"a": {"kind": "queue", "to": "c"}, "c": CALL}, []),
        ({"a": {"kind": "queue", "store": "disk", "to": "c"}, "c": CALL}, ["SG311"]),
        ({"a": {"kind": "retry", "to": "c"}, "c": CALL}, ["SG311"]),
        ({"a": {"kind": "retry", "to": "b"}, "b": {"kind": "sample", "every": 2, "to": "c"},
          "c": CALL}, ["SG311"]),
        ({"a": {"kind": "retry", "to": "b"}, "b": {"kind": "timeout", "after": "1s", "to": "c"},
          "c": CALL}, []),
        ({"a": {"kind": "timeout", "after": "1h", "to": "b"}, "b": {"kind": "retry", "to": "c"},
          "c": CALL}, ["SG311"]),
        ({"a": {"kind": "queue", "store": "disk", "to": "b"}, "b": {"kind": "queue", "to": "c"},
          "c": CALL}, []),
    ],
)  # fmt: skip
def test_a_function_below_what_promises_an_end(sinks: Any, wanted: list[str]) -> None:
    assert codes(found(sinks)) == wanted


# SG312 events that wait behind one for a full queue


@pytest.mark.parametrize(
    ("lane", "fan", "branch", "wanted"),
    [
        ({}, {"kind": "balance"}, {}, ["SG312"]),
        ({"concurrency": 2}, {"kind": "balance"}, {}, []),
        ({}, {"kind": "broadcast"}, {}, []),
        ({}, {"kind": "fallback"}, {}, ["SG302"]),
        ({}, {"kind": "balance"}, {"max_wait": "1s"}, []),
        ({}, {"kind": "balance"}, {"when_full": "drop_oldest"}, []),
        ({}, {"kind": "balance"}, {"when_full": "reject"}, []),
    ],
)
def test_a_choice_below_a_queue(lane: Any, fan: Any, branch: Any, wanted: list[str]) -> None:
    sinks = {"a": {"kind": "queue", **lane, "to": "b"}, "b": {**fan, "to": ["c", "d"]}}
    for name in ("c", "d"):
        sinks[name] = {"kind": "queue", **branch, "to": {"kind": "blackhole"}}
    lints = of_nodes(sinks, READ)[1]
    assert codes(lints) == wanted


def test_a_choice_without_a_queue_above_holds_nothing_up() -> None:
    sinks: dict[str, Any] = {"a": {"kind": "balance", "to": ["c", "d"]}}
    for name in ("c", "d"):
        sinks[name] = {"kind": "queue", "to": {"kind": "blackhole"}}
    assert found(sinks, ASKED) == []


def test_a_choice_is_told_once_with_what_waits() -> None:
    sinks = {"a": {"kind": "queue", "to": "b"}, "b": {"kind": "balance", "to": ["c", "d", "e"]}}
    for name in ("c", "d"):
        sinks[name] = {"kind": "queue", "to": {"kind": "blackhole"}}
    sinks["e"] = {"kind": "blackhole"}
    (one,) = found(sinks)
    assert one.label == "events for `d`, `e` wait behind one for this queue"
    assert one.help == ("write `when_full: overflow` in `c`, with an `overflow:`",)


# SG313 optional targets


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        (HOOK, ["SG313"]),
        (FILE, ["SG313"]),
        ({"kind": "blackhole"}, []),
        ({"kind": "queue", "to": "f"}, []),
        ({"kind": "endpoint", "url": "https://hooks.example/"}, []),
        ({"kind": "filter", "where": "data.a", "to": "q"}, []),
        ({"kind": "filter", "where": "data.a", "to": "f"}, ["SG313"]),
        ({"kind": "filter", "where": "data.a", "to": "q", "otherwise": "f"}, ["SG313"]),
    ],
)
def test_an_optional_target_without_a_queue(target: Any, wanted: list[str]) -> None:
    sinks = {
        "a": {"kind": "broadcast", "to": ["q", "f", {"node": "o", "required": False}]},
        "q": {"kind": "queue", "to": {"kind": "stdout"}},
        "f": {"kind": "file", "path": "other.jsonl"},
        "o": target,
    }
    assert codes(found(sinks)) == wanted


# SG314 order


@pytest.mark.parametrize(
    ("queue", "hold", "wanted"),
    [
        ({"order_by": "data.k", "concurrency": 2}, "event", ["SG314"]),
        ({"order_by": "data.k", "concurrency": 2}, "key", []),
        ({"order_by": "data.k", "concurrency": 2}, "lane", []),
        ({"order_by": "data.k"}, "event", ["SG314"]),
        ({"concurrency": 2}, "event", []),
        ({}, "event", []),
    ],
)
def test_a_retry_that_lets_others_pass(queue: Any, hold: str, wanted: list[str]) -> None:
    sinks = {"a": {"kind": "queue", **queue, "to": "r"}, "r": {**AGAIN, "hold": hold}}
    assert codes(found(sinks)) == wanted


def test_a_retry_that_no_queue_stands_above_parks_nothing() -> None:
    sinks = {
        "a": {"kind": "queue", "order_by": "data.k", "to": "b"},
        "b": {"kind": "sample", "every": 2, "to": "r"},
        "r": {**AGAIN, "hold": "event"},
    }
    assert found(sinks) == []


def test_several_lanes_above_the_order_that_is_asked_for() -> None:
    text = document(
        "  a: {kind: queue, concurrency: 4, to: b}\n"
        "  b: {kind: queue, order_by: data.k, concurrency: 2, to: {kind: stdout}}\n"
    )
    assert words(text, "SG314") == [("4", ["data.k"])]
    assert words(text.replace("order_by: data.k, ", ""), "SG314") == []


def test_an_endpoint_is_named_as_it_is_written() -> None:
    text = document(
        "  a: {kind: endpoint, url: 'https://h.example/', order_by: data.k, hold: event}\n"
    )
    assert words(text, "SG314") == [("event", ["data.k"])]
    (one,) = read(text)[1]
    assert one.help == ("write `hold: key` in `a`: it keeps the others of its key back",)


# beside errors


def test_lints_are_told_beside_errors_elsewhere() -> None:
    sinks = {**below("breaker"), "wrong": {"kind": "file"}}
    assert codes(of_nodes(sinks, READ)[1]) == ["SG307", "SG209", "SG121"]


def test_a_node_that_is_not_valid_is_no_way_for_a_lint() -> None:
    sinks = below("breaker", failure_threshold="many")
    assert codes(of_nodes(sinks, READ)[1]) == ["SG122"]


def test_a_cycle_elsewhere_hides_no_lint() -> None:
    sinks = {
        **below("breaker"),
        "x": {"kind": "timeout", "after": "1s", "to": "y"},
        "y": {"kind": "timeout", "after": "1s", "to": "x"},
    }
    assert codes(of_nodes(sinks, READ)[1]) == ["SG307", "SG210"]
