"""What a reload does with each node, why, and with what is pending there."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from sinkgraph.graph.diff import FieldChange, NodeChange, Plan, diff
from sinkgraph.graph.load import load
from sinkgraph.graph.model import Graph

Sinks = dict[str, dict[str, Any]]
OUT: dict[str, Any] = {"kind": "blackhole"}
HTTP: dict[str, Any] = {"kind": "http", "url": "http://127.0.0.1:9/"}


def graph(sinks: Sinks, **more: Any) -> Graph:
    first = next(iter(sinks))
    source = more.pop("source", {"kind": "inlet"})
    head = {"sinkgraph": 1, "name": "t", "sources": {"in": {"to": first, **source}}}
    return load({**head, "sinks": sinks, **more})


def queue(**fields: Any) -> Sinks:
    return {"q": {"kind": "queue", "to": "out", **fields}, "out": OUT}


def only(plan: Plan) -> NodeChange:
    """Return the one node that does not stay as it is."""
    (found,) = [one for one in plan.changes if one.action != "keep"]
    return found


def told(change: NodeChange) -> list[tuple[str, str, str]]:
    return [(one.field, one.before, one.after) for one in change.changes]


def actions(plan: Plan) -> dict[str, str]:
    return {one.name: one.action for one in plan.changes}


def test_a_graph_against_itself_changes_nothing() -> None:
    one = graph(queue())
    plan = diff(one, one)
    assert not plan
    assert plan.same
    assert set(actions(plan).values()) == {"keep"}
    assert all(not change.changes and not change.fate for change in plan.changes)
    assert (plan.before, plan.after, plan.refused) == (one.digest, one.digest, ())


def test_nodes_come_in_the_order_of_the_new_document_and_removed_ones_last() -> None:
    old = graph({"b": {"kind": "broadcast", "to": ["x", "y", "z"]}, "x": OUT, "y": OUT, "z": OUT})
    new = graph({"b": {"kind": "broadcast", "to": ["w", "z"]}, "z": OUT, "w": OUT})
    plan = diff(old, new)
    assert [one.name for one in plan.changes] == ["in", "b", "z", "w", "dead-letters", "x", "y"]
    assert plan.by_action()["remove"] == plan.changes[-2:]
    assert told(plan.of("b")) == [
        ("to", "none", "w"),
        ("to", "x", "none"),
        ("to", "y", "none"),
    ]


def test_a_field_of_a_queue_is_retuned_and_its_events_stay() -> None:
    change = only(diff(graph(queue(capacity=500)), graph(queue(capacity=20_000, linger="1s"))))
    assert (change.name, change.kind, change.action) == ("q", "queue", "retune")
    assert told(change) == [("capacity", "500", "20,000"), ("linger", "0s", "1s")]
    assert all(one.tunable for one in change.changes)
    assert (change.events, change.fate) == ("stay", "")


def test_what_a_queue_holds_goes_on_to_its_new_target() -> None:
    old = graph({**queue(), "b": OUT})
    new = graph({**queue(to="b"), "b": OUT})
    change = only(diff(old, new))
    assert told(change) == [("to", "out", "b")]
    assert change.events == "go on to `b`"


@pytest.mark.parametrize(
    ("before", "after", "where"), [("memory", "disk", "on disk"), ("disk", "memory", "in memory")]
)
def test_another_store_replaces_a_queue_and_its_backlog_goes_first(
    before: str, after: str, where: str
) -> None:
    change = only(diff(graph(queue(store=before)), graph(queue(store=after))))
    assert change.action == "replace"
    assert change.events == f"go first, in order; those that come from now on are kept {where}"
    assert [one.field for one in change.changes if not one.tunable] == ["store"]


def test_nested_fields_are_told_one_by_one() -> None:
    def retry(**breaker: Any) -> Graph:
        return graph({"r": {"kind": "retry", "to": "out", "breaker": breaker}, "out": OUT})

    change = only(diff(retry(open_for="1s"), retry(open_for="2s", failure_threshold=9)))
    assert told(change) == [
        ("breaker.failure_threshold", "5", "9"),
        ("breaker.open_for", "1s", "2s"),
    ]
    assert (change.action, change.forgets) == ("retune", ())


def test_a_section_that_came_says_what_is_not_by_default() -> None:
    def retry(**fields: Any) -> Graph:
        return graph({"r": {"kind": "retry", "to": "out", **fields}, "out": OUT})

    with_breaker = retry(breaker={"open_for": "1s", "probes": 1})
    assert told(only(diff(retry(), with_breaker))) == [("breaker", "none", "{open_for: 1s}")]
    assert told(only(diff(retry(breaker={}), retry()))) == [("breaker", "{}", "none")]


def test_another_kind_replaces_and_the_old_queue_follows_its_fate() -> None:
    old = graph({"f": {"kind": "filter", "where": "true", "to": "q"}, **queue()})
    new = graph(
        {
            "f": {"kind": "filter", "where": "true", "to": "q"},
            "q": {"kind": "timeout", "after": "1s", "to": "out"},
            "out": OUT,
        }
    )
    change = only(diff(old, new))
    assert (change.action, change.fate) == ("replace", "drain")
    assert told(change) == [("kind", "queue", "timeout")]
    assert change.events.startswith("drain in the background to `out`")
    assert only(diff(new, old)).fate == ""


def test_a_stated_rename_keeps_node_and_events_and_what_writes_to_it_is_the_same() -> None:
    old = graph({"b": {"kind": "broadcast", "to": ["q", "out"]}, **queue()})
    new = graph(
        {
            "b": {"kind": "broadcast", "to": ["r", "out"]},
            "r": {"kind": "queue", "was": "q", "to": "out"},
            "out": OUT,
        }
    )
    change = only(diff(old, new))
    assert (change.name, change.action, change.was) == ("r", "rename", "q")
    assert (change.reason, change.events) == ("it was `q`", "stay, under the new name")


def test_a_rename_that_is_long_done_is_none() -> None:
    old = graph({"r": {"kind": "queue", "to": "out"}, "out": OUT})
    new = graph({"r": {"kind": "queue", "was": "q", "to": "out"}, "out": OUT})
    assert not diff(old, new)


def test_a_name_that_both_have_is_the_same_node_whatever_was_says() -> None:
    both = {"b": {"kind": "broadcast", "to": ["q", "r"]}}
    old = graph({**both, **queue(), "r": {"kind": "queue", "to": "out"}})
    new = graph(
        {"b": {"kind": "broadcast", "to": ["r"]}, "r": {**queue()["q"], "was": "q"}, "out": OUT}
    )
    plan = diff(old, new)
    assert actions(plan)["r"] == "keep"
    assert plan.of("q").action == "remove"


def test_two_nodes_never_go_on_as_one() -> None:
    """The check of documents refuses such renames (SG219); a graph may be made without it."""
    old = graph({"b": {"kind": "broadcast", "to": ["q", "r"]}, **queue(), "r": queue()["q"]})
    for names in (("q", "new"), ("new", "other")):
        sinks = {"b": {"kind": "broadcast", "to": list(names)}, "out": OUT}
        made = graph({**sinks, **dict.fromkeys(names, queue()["q"])})
        nodes = {
            name: structs.replace(node, spec=node.spec.model_copy(update={"was": "q"}))
            if name in ("new", "other")
            else node
            for name, node in made.nodes.items()
        }
        plan = diff(old, Graph(made.spec, nodes, made.edges, made.order, made.base))
        former = [one.was or one.name for one in plan.changes if one.action != "add"]
        assert sorted(former) == sorted(old.nodes)


def test_a_renamed_node_that_needs_a_new_one_is_replaced_and_says_its_old_name() -> None:
    new = graph({"r": {"kind": "queue", "was": "q", "store": "disk", "to": "out"}, "out": OUT})
    plan = diff(graph(queue()), new)
    change = plan.of("r")
    assert (change.action, change.was) == ("replace", "q")
    assert change.reason == "it was `q`; its events are kept in another place"
    assert plan.of("q") is change


def test_the_nodes_of_a_renamed_endpoint_are_renamed_with_it() -> None:
    def endpoint(name: str, **more: Any) -> Graph:
        return graph({name: {"kind": "endpoint", "url": "http://127.0.0.1:9/", **more}})

    plan = diff(endpoint("a"), endpoint("b", was="a"))
    assert {one.name: one.was for one in plan.by_action()["rename"]} == {
        "b": "a",
        "b.retry": "a.retry",
        "b.http": "a.http",
    }
    assert not plan.by_action()["add"]


def test_a_dead_letter_sink_of_another_name_is_another_and_letters_stay() -> None:
    def letters(name: str, **more: Any) -> Graph:
        return graph({**queue(dead_letter=name), name: {"kind": "dead_letter", **more}})

    plan = diff(letters("lost"), letters("gone", was="lost"))
    assert actions(plan)["gone"] == "add"
    removed = plan.of("lost")
    assert (removed.action, removed.fate) == ("remove", "keep")
    assert removed.events == "its letters stay in the state dir"


def test_other_keys_cost_what_was_known_of_the_former_ones() -> None:
    def keyed(kind: str, **fields: Any) -> Graph:
        return graph({"n": {"kind": kind, "to": "out", **fields}, "out": OUT})

    dedupe = only(diff(keyed("dedupe"), keyed("dedupe", by="data.id")))
    assert (dedupe.action, dedupe.forgets) == ("retune", ("window",))
    assert only(diff(keyed("dedupe"), keyed("dedupe", window="1m"))).forgets == ()
    limits = [keyed("rate_limit", rate="5/s", by=by) for by in ("data.a", "data.b")]
    limit = only(diff(*limits))
    assert (limit.action, limit.forgets) == ("retune", ("tokens",))
    assert limit.reason == "it follows in place; its rates begin anew"


def test_a_description_changes_the_drawing_only() -> None:
    plan = diff(graph(queue()), graph(queue(description="what waits", group="x")))
    change = plan.of("q")
    assert not plan
    assert not plan.same
    assert (change.action, change.reason) == ("keep", "only what describes it differs")
    assert [(one.field, one.drawing) for one in change.changes] == [
        ("description", True),
        ("group", True),
    ]


def test_another_var_is_a_change_of_what_reads_it() -> None:
    def filtered(limit: int, where: str) -> Graph:
        return graph(
            {"f": {"kind": "filter", "where": where, "to": "out"}, "out": OUT},
            vars={"limit": {"default": limit}, "other": {"default": 1}},
        )

    reads = "data.n > vars.limit"
    assert told(only(diff(filtered(3, reads), filtered(4, reads)))) == [
        ("where", "vars.limit = 3", "vars.limit = 4")
    ]
    for text in ("data.n > vars.other", 'data.n == "vars.limit"', "data.vars.limit > 1"):
        assert not diff(filtered(3, text), filtered(4, text))


def test_another_var_is_a_change_of_the_rule_that_reads_it() -> None:
    def routed(limit: int) -> Graph:
        rules = [{"when": "data.b", "to": "out"}, {"when": "data.n > vars.limit", "to": "out"}]
        return graph(
            {"r": {"kind": "route", "routes": rules}, "out": OUT},
            vars={"limit": {"default": limit}},
        )

    change = only(diff(routed(3), routed(4)))
    assert told(change) == [("routes.1.when", "vars.limit = 3", "vars.limit = 4")]


def test_an_expression_that_reads_vars_by_a_name_it_makes_reads_all() -> None:
    def filtered(limit: int) -> Graph:
        node = {"kind": "filter", "where": "data.n > vars[data.which]", "to": "out"}
        head = {"limit": {"default": limit}, "other": {"default": 1}}
        return graph({"f": node, "out": OUT}, vars=head)

    change = only(diff(filtered(3), filtered(4)))
    assert told(change) == [("where", "vars.limit = 3", "vars.limit = 4")]


def test_a_secret_var_that_differs_is_told_and_not_shown() -> None:
    def filtered(key: str) -> Graph:
        node = {"kind": "filter", "where": "data.key == vars.key", "to": "out"}
        return graph({"f": node, "out": OUT}, vars={"key": {"default": key, "secret": True}})

    (change,) = only(diff(filtered("c4n4ry-1"), filtered("c4n4ry-2"))).changes
    assert (change.before, change.told) == ("vars.key = ***", "another value")


def test_a_secret_that_differs_is_told_and_not_shown() -> None:
    def hook(token: str) -> Graph:
        fields = {"url": f"http://127.0.0.1:9/?k={token}"}
        return graph({"h": {"kind": "http", "headers": {"Authorization": token}, **fields}})

    change = only(diff(hook("c4n4ry-1"), hook("c4n4ry-2")))
    assert [one.told for one in change.changes] == ["another value", "another value"]
    assert "c4n4ry" not in repr(change.as_dict())


def hooks(url: str, **more: Any) -> Graph:
    return graph({"hooks": {"kind": "endpoint", "url": url, "breaker": {}, **more}})


def test_another_origin_replaces_an_http_sink_and_its_breaker_begins_closed() -> None:
    plan = diff(hooks("http://127.0.0.1:9/a"), hooks("http://127.0.0.1:10/a"))
    http, retry = plan.of("hooks.http"), plan.of("hooks.retry")
    assert (http.action, http.forgets) == ("replace", ("concurrency",))
    assert http.events == "those of `hooks` go on to the new URL"
    assert (retry.action, retry.forgets, retry.changes) == ("retune", ("breaker",), ())
    assert actions(plan)["hooks"] == "keep"


def test_the_queues_above_a_new_address_are_named() -> None:
    def fed(url: str) -> Graph:
        q = {"kind": "queue", "to": "r"}
        full = {"kind": "queue", "to": "out", "when_full": "overflow", "overflow": "h"}
        sinks: Sinks = {
            "all": {"kind": "broadcast", "to": ["a", "b", "c", "d"]},
            "a": q,
            "b": q,
            "c": full,
        }
        dead = {"kind": "queue", "to": "out", "dead_letter": "h"}
        retry = {"kind": "retry", "to": "h"}
        return graph({**sinks, "d": dead, "r": retry, "h": {**HTTP, "url": url}, "out": OUT})

    change = only(diff(fed("http://127.0.0.1:9/"), fed("http://127.0.0.1:9/x")))
    assert change.events == "those of `a` and `b` go on to the new URL"


def test_an_address_without_a_queue_above_has_attempts_only() -> None:
    change = only(diff(graph({"h": HTTP}), graph({"h": {**HTTP, "url": "http://127.0.0.1:9/x"}})))
    assert change.events == "attempts under way end at the old URL, the next go to the new one"


def test_a_breaker_stays_when_only_what_is_behind_a_queue_goes_elsewhere() -> None:
    def retry(url: str) -> Graph:
        sinks: Sinks = {
            "r": {"kind": "retry", "breaker": {}, "to": "q"},
            "q": {"kind": "queue", "to": "h"},
        }
        return graph({**sinks, "h": {"kind": "http", "url": url}})

    change = only(diff(retry("http://127.0.0.1:9/"), retry("http://127.0.0.1:10/")))
    assert change.name == "h"


def test_a_breaker_that_judged_no_origin_so_far_stays() -> None:
    def retry(end: dict[str, Any]) -> Graph:
        return graph({"b": {"kind": "breaker", "to": "end"}, "end": end})

    plan = diff(retry({"kind": "call", "target": "json:dumps"}), hooked := retry(HTTP))
    assert plan.of("b").forgets == ()
    other = retry({"kind": "http", "url": "http://127.0.0.2:9/"})
    assert diff(hooked, other).of("b").forgets == ("breaker",)


def test_another_path_of_one_origin_is_retuned_and_the_breaker_stays() -> None:
    plan = diff(hooks("http://127.0.0.1:9/a"), hooks("http://127.0.0.1:9/b"))
    http = only(plan)
    assert (http.name, http.action, http.forgets) == ("hooks.http", "retune", ())
    assert http.events == "those of `hooks` go on to the new URL"


def test_a_dead_letter_port_that_names_what_is_implied_is_no_change() -> None:
    sinks = {**queue(dead_letter="dead-letters"), "dead-letters": {"kind": "dead_letter"}}
    assert not diff(graph(queue()), graph(sinks))
    other = {**queue(dead_letter="lost"), "lost": OUT}
    change = diff(graph(queue()), graph(other)).of("q")
    assert told(change) == [("dead_letter", "dead-letters", "lost")]


def test_dead_letters_that_follow_from_another_field_are_not_told_beside_it() -> None:
    def filtered(on_error: str) -> Graph:
        node = {"kind": "filter", "where": "data.a", "to": "out", "on_error": on_error}
        return graph({"f": node, "out": OUT})

    change = only(diff(filtered("dead_letter"), filtered("drop")))
    assert told(change) == [("on_error", "dead_letter", "drop")]


def test_a_target_that_is_waited_for_no_more_is_told() -> None:
    def two(*, required: bool) -> Graph:
        to = ["a", {"node": "b", "required": required}]
        return graph({"f": {"kind": "broadcast", "to": to}, "a": OUT, "b": OUT})

    change = only(diff(two(required=True), two(required=False)))
    assert told(change) == [("to.1.required", "true", "false")]


def test_a_target_that_was_disabled_is_gone_from_its_list() -> None:
    def two(*, enabled: bool) -> Graph:
        ends = {"x": OUT, "y": {**OUT, "enabled": enabled}}
        return graph({"b": {"kind": "broadcast", "to": ["x", "y"]}, **ends})

    plan = diff(two(enabled=True), two(enabled=False))
    assert actions(plan) == {
        "in": "keep",
        "b": "retune",
        "x": "keep",
        "dead-letters": "keep",
        "y": "remove",
    }
    assert plan.of("y").reason == "`enabled: false` takes it out"


def test_all_nodes_of_a_disabled_endpoint_say_so() -> None:
    def hooked(*, enabled: bool) -> Graph:
        ends = {"x": OUT, "h": {"kind": "endpoint", "url": HTTP["url"], "enabled": enabled}}
        return graph({"b": {"kind": "broadcast", "to": ["x", "h"]}, **ends})

    gone = diff(hooked(enabled=True), hooked(enabled=False)).by_action()["remove"]
    assert [one.name for one in gone] == ["h", "h.retry", "h.http"]
    assert {one.reason for one in gone} == {"`enabled: false` takes it out"}


def test_a_rule_put_before_others_is_one_change() -> None:
    def routes(*whens: str) -> Graph:
        rules = [{"when": when, "to": "out"} for when in whens]
        return graph({"r": {"kind": "route", "routes": rules}, "out": OUT})

    def changes(a: Graph, b: Graph) -> list[tuple[str, str, str]]:
        return told(only(diff(a, b)))

    two = routes("data.a", "data.b")
    assert changes(two, routes("data.new", "data.a", "data.b")) == [
        ("routes.0", "none", "{when: data.new, to: out}")
    ]
    assert changes(two, routes("data.b")) == [("routes.0", "{when: data.a, to: out}", "none")]
    assert changes(two, routes("data.a", "data.c")) == [("routes.1.when", "data.b", "data.c")]


def test_the_order_of_a_fallback_counts_and_that_of_a_broadcast_does_not() -> None:
    def ends(kind: str, *to: str) -> Graph:
        return graph({"f": {"kind": kind, "to": list(to)}, "a": OUT, "b": OUT})

    assert not diff(ends("broadcast", "a", "b"), ends("broadcast", "b", "a"))
    turned = only(diff(ends("fallback", "a", "b"), ends("fallback", "b", "a")))
    assert told(turned) == [("to", "[a, b]", "[b, a]")]


def test_a_file_sink_is_replaced_for_its_path_alone() -> None:
    def file(**fields: Any) -> Graph:
        return graph({"f": {"kind": "file", "path": "a.jsonl", **fields}})

    assert only(diff(file(), file(path="b.jsonl"))).action == "replace"
    change = only(diff(file(), file(rotate={"max_size": "1MB"}, sync="each")))
    assert change.action == "retune"
    assert told(change) == [("rotate", "none", "{max_size: 1MB}"), ("sync", "batch", "each")]


@pytest.mark.parametrize(
    ("before", "after", "action"), [(5, 9, "retune"), (9, 5, "retune"), (5, 0, "replace")]
)
def test_a_channel_follows_another_capacity_unless_it_is_0(
    before: int, after: int, action: str
) -> None:
    def channel(capacity: int) -> Graph:
        return graph({"c": {"kind": "channel", "capacity": capacity}})

    assert only(diff(channel(before), channel(after))).action == action


def test_a_listener_stays_while_its_address_is_the_same() -> None:
    def listening(**fields: Any) -> Graph:
        source = {"kind": "http", "listen": "127.0.0.1:8700", **fields}
        return graph({"out": OUT}, source=source)

    assert only(diff(listening(), listening(max_wait="5s", token="t"))).action == "retune"
    assert only(diff(listening(), listening(listen="127.0.0.1:8701"))).action == "replace"


def test_a_source_and_a_sink_of_one_kind_are_not_the_same_kind(tmp_path: Path) -> None:
    old = graph({"out": OUT}, source={"kind": "inlet"})
    new = copy.deepcopy({"in": {"kind": "file", "path": "x.jsonl"}})
    made = load(
        {"sinkgraph": 1, "name": "t", "sources": {"s": {"kind": "inlet", "to": "in"}}, "sinks": new}
    )
    change = diff(old, made).of("in")
    assert (change.action, told(change)) == ("replace", [("kind", "inlet", "file")])


def test_the_places_are_those_of_the_fields(tmp_path: Path) -> None:
    text = "sinkgraph: 1\nname: t\nsources: {in: {kind: stdin, to: q}}\nsinks:\n"
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(f"{text}  q: {{kind: queue, max_wait: 1s, to: out}}\n  out: {{kind: stdout}}\n")
    new.write_text(
        f"{text}  q:\n    kind: queue\n    capacity: 5\n    to: out\n  out: {{kind: stdout}}\n"
    )
    change = diff(load(old), load(new)).of("q")
    assert {one.field: str(one.span) for one in change.changes} == {
        "capacity": f"{new}:7:15",
        "max_wait": f"{old}:5:30",
    }
    assert str(change.span) == f"{new}:5:3"


def test_an_entry_that_was_taken_away_has_its_old_place(tmp_path: Path) -> None:
    text = "sinkgraph: 1\nname: t\nsources: {in: {kind: stdin, to: h}}\nsinks:\n"
    text += '  h: {kind: http, url: "http://127.0.0.1:9/", headers: {X-A: a, X-B: b}}\n'
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(text)
    new.write_text(text.replace(", X-B: b", ""))
    (change,) = only(diff(load(old), load(new))).changes
    assert (change.field, change.after) == ("headers.X-B", "none")
    assert str(change.span) == f"{old}:5:70"


def test_a_field_that_is_read_from_elsewhere_differs_although_nothing_is_known_of_it() -> None:
    def hook(name: str) -> Graph:
        return graph({"h": {"kind": "http", "url": f"${{env:{name}}}"}})

    change = only(diff(hook("UNSET_ONE"), hook("UNSET_TWO")))
    assert told(change) == [("url", "${env:UNSET_ONE}", "${env:UNSET_TWO}")]


def test_a_change_tells_both_values_or_that_there_is_another() -> None:
    assert FieldChange("x", "1", "2").told == "1 → 2"
    assert FieldChange("x", "***", "***").told == "another value"


def test_a_name_of_neither_graph_is_a_key_error() -> None:
    one = graph(queue())
    with pytest.raises(KeyError, match="nobody"):
        diff(one, one).of("nobody")


def test_the_name_of_a_graph_is_told() -> None:
    old, new = graph(queue()), graph(queue(), name="u", description="d")
    assert not diff(old, new).same
    assert [(one.field, one.told) for one in diff(old, new).document] == [
        ("name", "t → u"),
        ("description", "none → d"),
    ]


def test_the_same_path_beside_another_document_is_another_file(tmp_path: Path) -> None:
    schema = '{"type": "object"}'
    text = (
        "sinkgraph: 1\nname: t\nsources:\n  in:\n    kind: file\n    paths: [x.jsonl, /y.jsonl]\n"
        "    schemas: {event: ./s.json}\n    to: out\n"
        "sinks: {out: {kind: stdout}}\n"
    )
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "s.json").write_text(schema)
        (tmp_path / name / "g.yaml").write_text(text)
        made.append(load(tmp_path / name / "g.yaml"))
    old, new = (str(tmp_path / name) for name in ("one", "two"))
    change = only(diff(*made))
    assert (change.name, change.action) == ("in", "replace")
    assert told(change) == [
        ("schemas.event", f"{old}/s.json", f"{new}/s.json"),
        ("paths", f"[{old}/x.jsonl, /y.jsonl]", f"[{new}/x.jsonl, /y.jsonl]"),
    ]


def test_a_schema_file_that_was_rewritten_is_a_change_of_the_sources_that_name_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "s.json").write_text('{"type": "object"}')
    document = tmp_path / "g.yaml"
    document.write_text(
        "sinkgraph: 1\nname: t\nsources:\n  a: {kind: stdin, schema: ./s.json, to: out}\n"
        "  b: {kind: http, listen: 127.0.0.1:8700, schemas: {event: ./s.json}, to: out}\n"
        "  c: {kind: generate, count: 1, to: out}\nsinks: {out: {kind: stdout}}\n"
    )
    one = load(document)
    plan = diff(one, load(document), rewritten={str(tmp_path / "s.json")})
    found = {name: [(c.field, c.told) for c in plan.of(name).changes] for name in "abc"}
    assert found == {
        "a": [("schema", "another value")],
        "b": [("schemas.event", "another value")],
        "c": [],
    }
    assert [one.name for one in plan.by_action()["retune"]] == ["a", "b"]
    assert not diff(one, load(document), rewritten={str(tmp_path / "other.json")})
